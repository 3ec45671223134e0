//! Instants (UTC microseconds) and calendar days, and how they are read from and written as text.

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub i64);

/// A calendar day without a zone, as days since 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i32);

/// One second in microseconds.
pub const SECOND: i64 = 1_000_000;
/// One minute in microseconds.
pub const MINUTE: i64 = 60 * SECOND;
/// One hour in microseconds.
pub const HOUR: i64 = 60 * MINUTE;
/// One day of 24 hours in microseconds.
pub const DAY: i64 = 24 * HOUR;

impl Micros {
    /// The earliest accepted instant, 1970-01-01T00:00:00Z.
    pub const MIN: Self = Self(0);
    /// The first instant that is no longer accepted, 2200-01-01T00:00:00Z.
    pub const END: Self = Self(7_258_118_400 * SECOND);

    /// Reads RFC 3339 with a zone. `None` when it is not one, whatever year it names otherwise.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<Timestamp>().ok().map(|t| Self(t.as_microsecond()))
    }

    /// RFC 3339 in UTC, microseconds only when there are any.
    pub fn to_rfc3339(self) -> String {
        Timestamp::from_microsecond(self.0).map_or_else(|_| format!("{}us", self.0), |t| t.to_string())
    }

    /// Is it inside 1970–2199?
    pub fn in_range(self) -> bool {
        Self::MIN <= self && self < Self::END
    }

    /// This instant moved by `micros`.
    pub fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Milliseconds from `earlier` to this instant, negative when it is later.
    pub fn millis_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).div_euclid(1_000)
    }

    /// The UTC day it falls on.
    pub fn utc_day(self) -> Day {
        Day(i32::try_from(self.0.div_euclid(DAY)).unwrap_or(i32::MAX))
    }

    /// The local day it falls on in `zone`.
    pub fn local_day(self, zone: &Zone) -> Day {
        Timestamp::from_microsecond(self.0).map_or(self.utc_day(), |t| Day::from_civil(zone.0.to_datetime(t).date()))
    }
}

impl Day {
    /// Reads `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 10 {
            return None;
        }
        text.parse::<civil::Date>().ok().map(Self::from_civil)
    }

    /// The day of a calendar date.
    pub fn from_civil(date: civil::Date) -> Self {
        let days = date.since(civil::date(1970, 1, 1)).map_or(0, |span| span.get_days());
        Self(days)
    }

    /// The calendar date of this day.
    pub fn to_civil(self) -> civil::Date {
        civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(self.0))
    }

    /// The instant at which this day begins in `zone`.
    pub fn start_in(self, zone: &Zone) -> Micros {
        zone.0
            .to_ambiguous_zoned(self.to_civil().to_datetime(civil::Time::midnight()))
            .compatible()
            .map_or(Micros(i64::from(self.0) * DAY), |zoned| Micros(zoned.timestamp().as_microsecond()))
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.to_civil())
    }
}

/// An IANA time zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(pub TimeZone);

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Looks a zone up by its IANA name.
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    /// Length of a point's bucket: an hour, or a quarter of one where the zone's days do not begin on UTC hours.
    pub fn bucket_micros(&self) -> i64 {
        let fits = |t: Timestamp| self.0.to_offset(t).seconds() % 3_600 == 0;
        // Offsets of zones have changed over time; a zone is fine-grained when it was so in any sampled year.
        let whole = (1970..2040).all(|year| {
            [1, 7]
                .into_iter()
                .all(|month| civil::date(year, month, 1).to_zoned(TimeZone::UTC).is_ok_and(|z| fits(z.timestamp())))
        });
        if whole { HOUR } else { 15 * MINUTE }
    }
}

//! Windows of a series: local hours, days, weeks and months of the company's zone, and how times are read from a query.

use crate::http::ReadError;
use cebe_catalog::{
    Micros,
    time::{Day, HOUR, MINUTE, Zone},
};
use jiff::{Timestamp, ToSpan};

/// Length of a series' windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interval {
    Hour,
    Day,
    Week,
    Month,
}

impl Interval {
    /// Reads its name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "hour" => Some(Self::Hour),
            "day" => Some(Self::Day),
            "week" => Some(Self::Week),
            "month" => Some(Self::Month),
            _ => None,
        }
    }

    /// Start of the window that holds an instant.
    pub(crate) fn start_of(self, at: Micros, zone: &Zone) -> Micros {
        let day = || at.local_day(zone).to_civil();
        match self {
            Self::Hour => hour_start(at, zone),
            Self::Day => at.local_day(zone).start_in(zone),
            Self::Week => {
                let day = day();
                let monday = i64::from(day.weekday().to_monday_zero_offset());
                Day::from_civil(day.saturating_sub(monday.days())).start_in(zone)
            }
            Self::Month => Day::from_civil(day().first_of_month()).start_in(zone),
        }
    }

    /// Start of the window after the one that begins at `start`.
    pub(crate) fn next(self, start: Micros, zone: &Zone) -> Micros {
        let day = start.local_day(zone).to_civil();
        let moved = match self {
            // An hour in which clocks change may be cut short.
            Self::Hour => {
                let quarters = (1..=8).map(|n| Micros(start.0 + n * 15 * MINUTE));
                let mut later = quarters.filter(|at| self.start_of(*at, zone) != start);
                return later.next().unwrap_or(Micros(start.0 + HOUR));
            }
            Self::Day => day.saturating_add(1.days()),
            Self::Week => day.saturating_add(7.days()),
            Self::Month => day.saturating_add(1.months()),
        };
        Day::from_civil(moved).start_in(zone)
    }
}

/// Start of the local hour; an hour in which clocks change by part of an hour is cut where they do.
fn hour_start(at: Micros, zone: &Zone) -> Micros {
    let offset = offset_micros(at, zone);
    let mut start = at.plus(-(at.0 + offset).rem_euclid(HOUR));
    while start < at && offset_micros(start, zone) != offset {
        start = start.plus(15 * MINUTE);
    }
    start
}

fn offset_micros(at: Micros, zone: &Zone) -> i64 {
    Timestamp::from_microsecond(at.0).map_or(0, |t| i64::from(zone.0.to_offset(t).seconds()) * 1_000_000)
}

/// Reads a date, as the start of that local day, or RFC 3339.
pub(crate) fn parse_time(name: &str, text: &str, zone: &Zone) -> Result<Micros, ReadError> {
    // A `+` of an offset that was not encoded arrives as a space.
    let text = text.replace(' ', "+");
    let read = Day::parse(&text).map(|day| day.start_in(zone)).or_else(|| Micros::parse(&text));
    read.filter(|at| at.in_range()).ok_or_else(|| {
        ReadError::invalid(
            "invalid_time",
            name,
            "not a time",
            "a date such as 2026-03-01 (the company's local day) or RFC 3339 with a zone, from 1970 to 2199",
        )
    })
}

/// The start of the bucket that holds an instant.
pub(crate) fn floor(at: Micros, bucket: i64) -> Micros {
    Micros(at.0.div_euclid(bucket) * bucket)
}

/// The first bucket edge at or after an instant.
pub(crate) fn ceil(at: Micros, bucket: i64) -> Micros {
    floor(Micros(at.0.saturating_add(bucket - 1)), bucket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Micros {
        Micros::parse(text).unwrap()
    }

    fn zone(name: &str) -> Zone {
        Zone::named(name).unwrap()
    }

    /// MET-ZONE: local days begin on quarter hours of UTC where the zone says so.
    #[test]
    fn windows_begin_with_the_local_clock() {
        let india = zone("Asia/Kolkata");
        assert_eq!(Interval::Day.start_of(at("2026-03-01T19:00:00Z"), &india), at("2026-03-01T18:30:00Z"));
        assert_eq!(Interval::Hour.start_of(at("2026-03-01T19:00:00Z"), &india), at("2026-03-01T18:30:00Z"));
        assert_eq!(Interval::Week.start_of(at("2026-03-01T12:00:00Z"), &zone("UTC")), at("2026-02-23T00:00:00Z"));
        assert_eq!(Interval::Month.next(at("2026-01-31T17:00:00Z"), &zone("Asia/Jakarta")), at("2026-02-28T17:00:00Z"));
    }

    /// MET-ZONE: a day on which clocks change has 23 or 25 hours.
    #[test]
    fn days_of_clock_changes_are_whole() {
        let berlin = zone("Europe/Berlin");
        let spring = Interval::Day.start_of(at("2026-03-29T12:00:00Z"), &berlin);
        assert_eq!(Interval::Day.next(spring, &berlin).0 - spring.0, 23 * HOUR);
        let autumn = Interval::Day.start_of(at("2026-10-25T12:00:00Z"), &berlin);
        assert_eq!(Interval::Day.next(autumn, &berlin).0 - autumn.0, 25 * HOUR);
    }

    #[test]
    fn windows_touch_in_every_zone() {
        for name in ["Asia/Kolkata", "Australia/Lord_Howe", "America/New_York", "Asia/Kathmandu", "UTC"] {
            let zone = zone(name);
            for interval in [Interval::Hour, Interval::Day, Interval::Week, Interval::Month] {
                let mut start = interval.start_of(at("2026-03-25T00:00:00Z"), &zone);
                for _ in 0..500 {
                    let next = interval.next(start, &zone);
                    assert!(next > start, "{name} {interval:?}");
                    assert_eq!(interval.start_of(next, &zone), next, "{name} {interval:?}");
                    assert_eq!(interval.start_of(Micros(next.0 - 1), &zone), start, "{name} {interval:?}");
                    start = next;
                }
            }
        }
    }
}

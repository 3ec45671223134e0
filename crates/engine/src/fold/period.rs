//! Periods of spend rows: a day, days from–to inclusive, or an hour; and the calendar months they touch, under which
//! the rows of one ad meet.

use alloc::{format, vec::Vec};
use cebe_catalog::{
    Micros, Value,
    time::{Day, HOUR, Zone},
};
use smol_str::SmolStr;

/// Most months one period may touch; days beyond them are not counted.
const MONTHS_MAX: usize = 36;

/// What a spend row covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// One hour of a day, 0..23.
    Hour(Day, u8),
    /// Days, both included.
    Days(Day, Day),
}

impl Period {
    /// Reads `YYYY-MM-DD`, `YYYY-MM-DD/YYYY-MM-DD` or `YYYY-MM-DDTHH`.
    pub fn parse(value: &Value) -> Option<Self> {
        let text = match value {
            Value::Date(day) => return Some(Self::Days(*day, *day)),
            Value::Text(text) => text.as_str(),
            _ => return None,
        };
        if let Some((first, last)) = text.split_once('/') {
            let (first, last) = (Day::parse(first)?, Day::parse(last)?);
            return (first <= last).then_some(Self::Days(first, last));
        }
        if let Some((day, hour)) = text.split_once('T') {
            let hour = hour.parse().ok().filter(|hour| *hour < 24)?;
            return Some(Self::Hour(Day::parse(day)?, hour));
        }
        Day::parse(text).map(|day| Self::Days(day, day))
    }

    /// First and last day.
    pub fn days(self) -> (Day, Day) {
        match self {
            Self::Hour(day, _) => (day, day),
            Self::Days(first, last) => (first, last),
        }
    }

    /// How many days it covers; 0 for an hour: finer is less.
    pub fn length(self) -> i64 {
        match self {
            Self::Hour(..) => 0,
            Self::Days(first, last) => i64::from(last.0) - i64::from(first.0) + 1,
        }
    }

    /// Does it cover a day, or a part of it?
    pub fn covers(self, day: Day) -> bool {
        let (first, last) = self.days();
        first <= day && day <= last
    }

    /// Where its part of a day begins.
    pub fn starts(self, day: Day, zone: &Zone) -> Micros {
        let start = day.start_in(zone);
        match self {
            Self::Hour(_, hour) => start.plus(i64::from(hour) * HOUR),
            Self::Days(..) => start,
        }
    }

    /// Its part of an amount for one of its days: an even share, the remainder on the first day.
    pub fn share(self, amount: i64, day: Day) -> i64 {
        let length = self.length().max(1);
        let (first, _) = self.days();
        amount / length + if day == first { amount % length } else { 0 }
    }
}

/// The month of a day as `YYYY-MM`.
pub fn month(day: Day) -> SmolStr {
    let date = day.to_civil();
    format!("{:04}-{:02}", date.year(), date.month()).into()
}

/// The calendar months that a `period` attribute touches, as `YYYY-MM` in order; none when it is not a period.
pub fn months(value: &Value) -> Vec<SmolStr> {
    let mut months = Vec::new();
    let Some((first, last)) = Period::parse(value).map(Period::days) else { return months };
    let mut day = first;
    while day <= last && months.len() < MONTHS_MAX {
        months.push(month(day));
        let days = i32::from(day.to_civil().days_in_month()) - i32::from(day.to_civil().day());
        day = Day(day.0 + days + 1);
    }
    months
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_days_ranges_or_hours() {
        let text = |text: &str| Value::Text(text.into());
        for (period, touched) in [
            ("2026-08-01", &["2026-08"][..]),
            ("2026-08-31T23", &["2026-08"]),
            ("2026-12-30/2027-01-02", &["2026-12", "2027-01"]),
            ("2026-01-31/2026-03-01", &["2026-01", "2026-02", "2026-03"]),
            ("2026-08-02/2026-08-01", &[]),
            ("2026-08-01T24", &[]),
            ("2026-8-1", &[]),
        ] {
            assert_eq!(months(&text(period)), touched, "{period}");
        }
        assert_eq!(months(&text("1970-01-01/2199-12-31")).len(), MONTHS_MAX);
        assert_eq!(months(&Value::Int(5)), Vec::<SmolStr>::new());
    }

    #[test]
    fn shares_add_up() {
        let period = Period::Days(Day(0), Day(6));
        let shares: Vec<i64> = (0..7).map(|day| period.share(100, Day(day))).collect();
        assert_eq!(shares, [16, 14, 14, 14, 14, 14, 14]);
    }
}

//! What is asked of a metric: window, interval, zone, dimensions to group and filter by. What cannot be asked is refused
//! with the list of what can.

use super::{
    dimension,
    gather::too_many_rows,
    window::{Interval, ceil, floor, parse_time},
};
use crate::{
    company::Company,
    http::{Read, ReadError},
};
use cebe_catalog::{Micros, definition::MetricDefinition, limits, time::Zone};
use smol_str::SmolStr;

/// A question to a metric.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) zone: Zone,
    /// Length of the company's buckets: windows are taken to whole ones.
    pub(crate) bucket: i64,
    /// The zone is another one than the company's.
    pub(crate) foreign_zone: bool,
    pub(crate) from: Option<Micros>,
    pub(crate) to: Option<Micros>,
    pub(crate) at: Option<Micros>,
    pub(crate) interval: Option<Interval>,
    pub(crate) group_by: Vec<SmolStr>,
    pub(crate) filters: Vec<(SmolStr, SmolStr)>,
    /// Known customers only, where people divide.
    pub(crate) resolved: bool,
    pub(crate) now: Micros,
}

pub(super) const PARAMETERS: &str = "from, to, interval, group_by, at, time_zone, resolved, company_id";

impl Ask {
    /// Reads the query.
    pub(crate) fn parse(read: &mut Read, company: &Company, metric: &MetricDefinition) -> Result<Self, ReadError> {
        let bucket = company.zone.bucket_micros();
        let zone = zone(read, company, bucket)?;
        let mut time = |name: &str| -> Result<Option<Micros>, ReadError> {
            read.parameters.take(name)?.map(|text| parse_time(name, &text, &zone)).transpose()
        };
        let (from, to, at) = (time("from")?, time("to")?, time("at")?);
        let interval = read.parameters.take("interval")?.map(|text| parse_interval(&text)).transpose()?;
        let allowed = dimension::allowed(company, metric);
        let group_by = group_by(read.parameters.take("group_by")?, &allowed)?;
        let resolved = read.parameters.flag("resolved")?;
        let filters = filters(read.parameters.rest(), &allowed)?;
        let foreign_zone = zone != company.zone;
        let (from, to) = (from.map(|at| floor(at, bucket)), to.map(|at| ceil(at, bucket)));
        let at = at.map(|at| ceil(at, bucket));
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(ReadError::invalid("invalid_time", "to", "the window ends before it begins", "from before to"));
        }
        let ask =
            Self { zone, bucket, foreign_zone, from, to, at, interval, group_by, filters, resolved, now: read.now };
        dimension::check_staff(read, company, metric, &ask)?;
        Ok(ask)
    }

    /// First instant that is in; everything when nothing was said.
    pub(crate) fn start(&self) -> Micros {
        self.from.unwrap_or(Micros::MIN)
    }

    /// First instant that is out.
    pub(crate) fn end(&self) -> Micros {
        self.to.unwrap_or(Micros::END)
    }

    /// Where a level is read: `at`, else the end of the window, else now.
    pub(crate) fn level_at(&self) -> Micros {
        self.at.or(self.to).unwrap_or_else(|| ceil(self.now.plus(1), self.bucket))
    }

    /// Widens the window to whole local days, for what is kept by day.
    pub(crate) fn widen_to_days(&mut self) {
        let day = |at: Micros| Interval::Day.start_of(at, &self.zone);
        self.from = self.from.map(day);
        self.to = self.to.map(|to| {
            let start = day(to);
            if start == to { to } else { Interval::Day.next(start, &self.zone) }
        });
    }

    /// Starts of the windows of a series, gaps included; where no end was asked, data decides.
    pub(crate) fn windows(&self, first: Option<Micros>, last: Option<Micros>) -> Result<Vec<Micros>, ReadError> {
        let Some(interval) = self.interval else { return Ok(Vec::new()) };
        let (Some(start), Some(end)) = (self.from.or(first), self.to.or(last.map(|at| at.plus(1)))) else {
            return Ok(Vec::new());
        };
        let mut windows = Vec::new();
        let mut window = interval.start_of(start, &self.zone);
        while window < end {
            if windows.len() >= limits::METRIC_ROWS_MAX {
                return Err(too_many_rows());
            }
            windows.push(window);
            window = interval.next(window, &self.zone);
        }
        Ok(windows)
    }
}

fn zone(read: &mut Read, company: &Company, bucket: i64) -> Result<Zone, ReadError> {
    let Some(name) = read.parameters.take("time_zone")? else { return Ok(company.zone.clone()) };
    let unknown =
        || ReadError::invalid("invalid_zone", "time_zone", "no such zone", "an IANA name such as Asia/Jakarta");
    let zone = Zone::named(&name).ok_or_else(unknown)?;
    if zone.bucket_micros() < bucket {
        return Err(ReadError::invalid(
            "zone_too_fine",
            "time_zone",
            "this company's numbers are kept by the hour, which does not fit that zone",
            "a zone whose days begin on UTC hours",
        ));
    }
    Ok(zone)
}

fn parse_interval(text: &str) -> Result<Interval, ReadError> {
    Interval::parse(text).ok_or_else(|| {
        ReadError::invalid("invalid_parameter", "interval", "no such interval", "hour, day, week or month")
    })
}

fn group_by(text: Option<String>, allowed: &[SmolStr]) -> Result<Vec<SmolStr>, ReadError> {
    let mut names: Vec<SmolStr> = Vec::new();
    for name in text.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|name| !name.is_empty()) {
        if !allowed.iter().any(|dimension| dimension == name) {
            return Err(unknown("group_by", allowed));
        }
        if !names.iter().any(|known| known == name) {
            names.push(name.into());
        }
    }
    Ok(names)
}

fn filters(rest: Vec<(String, String)>, allowed: &[SmolStr]) -> Result<Vec<(SmolStr, SmolStr)>, ReadError> {
    let mut filters = Vec::new();
    for (name, value) in rest {
        if !allowed.iter().any(|dimension| *dimension == name) {
            return Err(unknown(&name.chars().take(64).collect::<String>(), allowed));
        }
        let value = if value == "null" { SmolStr::default() } else { SmolStr::new(value) };
        filters.push((SmolStr::new(name), value));
    }
    Ok(filters)
}

fn unknown(path: &str, allowed: &[SmolStr]) -> ReadError {
    let dimensions = if allowed.is_empty() { "none".into() } else { allowed.join(", ") };
    ReadError::invalid(
        "unknown_dimension",
        path,
        "this metric has no such dimension or parameter",
        format!("dimensions: {dimensions}; parameters: {PARAMETERS}"),
    )
}

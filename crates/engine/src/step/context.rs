//! What a step knows beside the rows: definitions and each company's settings. The worker keeps it; it changes only
//! between steps.

use alloc::collections::BTreeMap;
use cebe_catalog::{
    CompanyId, CompanySettings, Definitions,
    time::{HOUR, Zone},
};

/// Definitions and settings in force for a step.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The catalog.
    pub definitions: &'a Definitions,
    /// Settings by company.
    pub companies: &'a BTreeMap<CompanyId, CompanyContext>,
}

/// One company's settings, ready for use.
#[derive(Clone, Debug)]
pub struct CompanyContext {
    /// As stored.
    pub settings: CompanySettings,
    /// The zone they name.
    pub zone: Zone,
    /// Length of a point's bucket in this zone.
    pub bucket_micros: i64,
}

impl CompanyContext {
    /// Prepares settings for use.
    pub fn new(settings: CompanySettings) -> Self {
        let zone = settings.zone();
        let bucket_micros = zone.bucket_micros();
        Self { settings, zone, bucket_micros }
    }

    /// Length in microseconds of the periods into which a window fact is cut: at least as long as it looks back.
    pub fn window_micros(&self, window: Option<&str>) -> i64 {
        let hours = match window {
            Some("repeat_issue_days") => self.settings.repeat_issue_days.saturating_mul(24),
            Some("acquisition_days") => self.settings.acquisition_days.saturating_mul(24),
            _ => self.settings.attribution_touch_hours.max(self.settings.attribution_send_hours),
        };
        i64::from(hours.max(1)) * HOUR
    }
}

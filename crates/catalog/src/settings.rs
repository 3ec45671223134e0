//! A company's settings: zone, region, currency, scales, windows, identity limits, retention.

use crate::{node::IdentifierKind, time::Zone};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// Everything a company can set. Absent fields keep their value when settings are changed over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompanySettings {
    /// What people call it.
    pub name: SmolStr,
    /// The `company_sso_id` its events must carry.
    pub sso_id: SmolStr,
    /// IANA zone in which days begin.
    pub time_zone: SmolStr,
    /// Region of phone numbers without a country code (ISO 3166-1 alpha-2).
    pub phone_region: SmolStr,
    /// Currency of amounts that name none (ISO 4217).
    pub currency: SmolStr,
    /// How long events are kept; 0 keeps everything.
    pub retention_months: u32,
    /// Lowest CSAT score.
    pub csat_min: i32,
    /// Highest CSAT score.
    pub csat_max: i32,
    /// A click or reply is credited with payments this long after it.
    pub attribution_touch_hours: u32,
    /// A delivered broadcast is credited with payments this long after it, when nothing was clicked or replied to.
    pub attribution_send_hours: u32,
    /// Won deals count as attributed revenue.
    pub attribute_deals: bool,
    /// Won deals count in a customer's lifetime value.
    pub ltv_deals: bool,
    /// Two tickets of one category within this time are a repeat issue.
    pub repeat_issue_days: u32,
    /// An ad touch this long before creation names the acquisition source.
    pub acquisition_days: u32,
    /// To how many customers a value of a kind may be linked; kinds that are not named keep their default.
    pub identity_limits: BTreeMap<IdentifierKind, u32>,
    /// Most values of one kind a customer may have.
    pub customer_values_max: u32,
}

impl Default for CompanySettings {
    fn default() -> Self {
        Self {
            name: SmolStr::default(),
            sso_id: SmolStr::default(),
            time_zone: "UTC".into(),
            phone_region: "US".into(),
            currency: "USD".into(),
            retention_months: 24,
            csat_min: 1,
            csat_max: 5,
            attribution_touch_hours: 7 * 24,
            attribution_send_hours: 24,
            attribute_deals: false,
            ltv_deals: true,
            repeat_issue_days: 30,
            acquisition_days: 7,
            identity_limits: BTreeMap::new(),
            customer_values_max: u32::try_from(crate::limits::CUSTOMER_VALUES_MAX).unwrap_or(20),
        }
    }
}

impl CompanySettings {
    /// The zone; UTC when the name is not known (the door checks names).
    pub fn zone(&self) -> Zone {
        Zone::named(&self.time_zone).unwrap_or_else(Zone::utc)
    }

    /// How many customers a value of `kind` may be linked to.
    pub fn identity_limit(&self, kind: IdentifierKind) -> u32 {
        self.identity_limits.get(&kind).copied().unwrap_or_else(|| kind.limit_default())
    }

    /// Must history be recomputed when settings change from `self` to `new`? Region, currency, name and retention
    /// apply to what comes after only.
    pub fn needs_rebuild(&self, new: &Self) -> bool {
        let comparable = |s: &Self| Self {
            name: SmolStr::default(),
            sso_id: SmolStr::default(),
            phone_region: SmolStr::default(),
            currency: SmolStr::default(),
            retention_months: 0,
            ..s.clone()
        };
        comparable(self) != comparable(new)
    }
}

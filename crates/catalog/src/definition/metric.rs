//! What a metric is: a formula over components, its unit, where it is answered and in which dimensions.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// A metric of the catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricDefinition {
    /// API name.
    pub name: SmolStr,
    /// Module that lists it; filled in from the file.
    #[serde(default)]
    pub module: SmolStr,
    /// Name in the product documents.
    pub title: SmolStr,
    /// `count`, `ratio`, `seconds`, `money`, `score`, `points`, `list`, `status`, `distribution`, `history`, `flag`.
    pub unit: SmolStr,
    /// How it is computed.
    pub formula: Formula,
    /// Answered for a company.
    #[serde(default = "yes")]
    pub company: bool,
    /// Answered for a customer.
    #[serde(default = "yes")]
    pub customer: bool,
    /// Dimensions it may be grouped and filtered by. A component that lacks one is taken whole (the spend of a CPA by
    /// conversion type), so all components of a ratio share it unless the definition says why not.
    #[serde(default)]
    pub dimensions: Vec<SmolStr>,
    /// Numbers shown beside it: name to component or metric.
    #[serde(default)]
    pub beside: BTreeMap<SmolStr, SmolStr>,
    /// Component pair (joined, all) that tells for how much of the data the joining id was there.
    #[serde(default)]
    pub joined: Option<(SmolStr, SmolStr)>,
    /// The definition in words: numerator, denominator, time, edge cases.
    pub about: String,
}

fn yes() -> bool {
    true
}

/// Kinds of formulas. A new metric of an existing kind touches no Rust.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Formula {
    /// Number of marks.
    Count {
        /// Component.
        of: SmolStr,
    },
    /// Sum of a number or of milliseconds.
    Sum {
        /// Component.
        of: SmolStr,
    },
    /// Sum of money, by currency.
    MoneySum {
        /// Components, added.
        of: Vec<SmolStr>,
    },
    /// Count over count, 0..1.
    Ratio {
        /// Component of the numerator.
        numerator: SmolStr,
        /// Components of the denominator, added.
        denominator: Vec<SmolStr>,
        /// For a dimension of which one case may have several values (a ticket breached in two ways): the component
        /// that is the numerator when that dimension is asked for.
        #[serde(default)]
        numerator_by: BTreeMap<SmolStr, SmolStr>,
    },
    /// Sum over count of one component (scores, seconds).
    Average {
        /// Component.
        of: SmolStr,
        /// Further components whose marks belong to the same average.
        #[serde(default)]
        plus: Vec<SmolStr>,
    },
    /// Sum over count of money, by currency.
    MoneyAverage {
        /// Component.
        of: SmolStr,
    },
    /// Money over a count (CPL, CPA), by currency.
    MoneyPerCount {
        /// Component with the money.
        money: SmolStr,
        /// Component that is counted.
        count: SmolStr,
    },
    /// Money over money of the same currency (ROAS).
    MoneyRatio {
        /// Component of the numerator.
        numerator: SmolStr,
        /// Component of the denominator.
        denominator: SmolStr,
    },
    /// −100..100: share of promoters minus share of detractors.
    NetScore {
        /// Component of 9–10.
        promoters: SmolStr,
        /// Component of 0–6.
        detractors: SmolStr,
        /// Component of all.
        all: SmolStr,
        /// Further triples (promoters, detractors, all) that belong to the same score.
        #[serde(default)]
        plus: Vec<[SmolStr; 3]>,
    },
    /// (this period − previous equal period) / previous.
    Growth {
        /// Component.
        of: SmolStr,
    },
    /// A level at a time: the running sum of +1 and −1, or of changes of a sum.
    Level {
        /// Component with `level`.
        of: SmolStr,
        /// The sum instead of the count.
        #[serde(default)]
        sum: bool,
    },
    /// A level over a level.
    LevelRatio {
        /// Component of the numerator.
        numerator: SmolStr,
        /// Component of the denominator.
        denominator: SmolStr,
    },
    /// A level per value of a dimension (tier distribution, consent), with shares.
    LevelDistribution {
        /// Component with `level`.
        of: SmolStr,
        /// Dimension whose values are listed.
        by: SmolStr,
    },
    /// Count per value of a dimension; a customer's answer is the most frequent one, tie to the latest.
    Distribution {
        /// Component.
        of: SmolStr,
        /// Dimension whose values are listed.
        by: SmolStr,
    },
    /// Distinct people of a component with activity rows.
    Distinct {
        /// Component.
        of: SmolStr,
    },
    /// Count over distinct people (company), count per 30 days (customer): purchase frequency.
    Frequency {
        /// Component.
        of: SmolStr,
    },
    /// Mean seconds per stage (company), ordered history (customer).
    StageHistory {
        /// Component with one mark per finished stay in a stage, milliseconds as sum, dimension `stage`.
        of: SmolStr,
        /// Component with one mark per stay, finished or not, with the same dimensions.
        entries: SmolStr,
    },
    /// How many values of a dimension occur at all.
    DistinctValues {
        /// Component.
        of: SmolStr,
        /// Dimension whose values are counted.
        by: SmolStr,
    },
    /// Something only a customer's own facts give: the engine's `view` of this name.
    View {
        /// Name of the view.
        view: SmolStr,
        /// The company's answer, when there is one: a component that is counted (or a level when it is one).
        #[serde(default)]
        company: Option<SmolStr>,
        /// Further components that are counted with it.
        #[serde(default)]
        plus: Vec<SmolStr>,
        /// Dimension whose values the company's answer lists.
        #[serde(default)]
        by: Option<SmolStr>,
    },
    /// Money sums of several components, de-duplicated by the engine per customer (lifetime value).
    Lifetime {
        /// Components whose money is added.
        of: Vec<SmolStr>,
        /// Component whose distinct people divide the company's mean.
        people: SmolStr,
    },
    /// Known customers over all people with marks of some components: distinct people, told apart when the question is
    /// asked, so that a link that arrives later counts for the past too.
    Resolution {
        /// What people do, and the dimension values that go with it.
        parts: Vec<ResolutionPart>,
    },
    /// What became of received events, counted by hour of receipt.
    OutcomeCount {
        /// Outcomes, added.
        outcomes: Vec<Outcome>,
    },
    /// Outcomes over outcomes, 0..1.
    OutcomeRatio {
        /// Above the line, added.
        outcomes: Vec<Outcome>,
        /// Below the line, added.
        of_outcomes: Vec<Outcome>,
    },
    /// The 99th percentile of the time from the first of these starts to the commit; beside it, for each of them, further
    /// percentiles, the events measured, and the share that kept the promise.
    Latency {
        /// Where time begins.
        starts: Vec<LatencyStart>,
    },
    /// Modules with an applied event over all modules; by module, event names seen over those of the catalog.
    Coverage {
        /// How far back a module counts when no window is asked.
        hours: u16,
    },
    /// Something that the answering process knows of itself.
    Process {
        /// What.
        measure: ProcessMeasure,
    },
}

/// People of one kind of activity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolutionPart {
    /// Components with activity.
    pub of: Vec<SmolStr>,
    /// Dimension values of these people; a dimension that is not named has none.
    pub dimensions: BTreeMap<SmolStr, SmolStr>,
}

/// What can become of a received event, as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every received event.
    Received,
    /// Applied.
    Applied,
    /// Same key, same content.
    Duplicate,
    /// Of the duplicates, those with a derived id.
    DuplicateDerived,
    /// Same key, other content.
    Conflict,
    /// Source switched off.
    Ignored,
    /// Refused.
    Quarantined,
    /// Of the applied, those that name nobody although they should.
    NoIdentity,
    /// Remarks of the catalog.
    Warnings,
}

/// Where the time to a commit begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LatencyStart {
    /// When the publisher sent it: the promise.
    Emission,
    /// When the door took it: ours.
    Receipt,
}

/// What a process knows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessMeasure {
    /// How far the store is behind the queue.
    Staleness,
    /// How long company metrics took to compute.
    Compute,
}

impl Formula {
    /// Is it about the engine itself, over all sources, and not a formula over the sums of components?
    pub fn is_own(&self) -> bool {
        matches!(
            self,
            Self::Resolution { .. }
                | Self::OutcomeCount { .. }
                | Self::OutcomeRatio { .. }
                | Self::Latency { .. }
                | Self::Coverage { .. }
                | Self::Process { .. }
        )
    }
}

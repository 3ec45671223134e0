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
}

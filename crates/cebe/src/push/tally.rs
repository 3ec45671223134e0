//! What became of pushed events, summed over all answers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Refused events of one code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusal {
    /// How many.
    pub(crate) count: u64,
    /// Path and message of the first.
    pub(crate) example: String,
}

/// Counts by outcome.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Durable, and not known to be applied.
    pub(crate) accepted: u64,
    /// Durable and applied.
    pub(crate) applied: u64,
    /// Known already.
    pub(crate) duplicate: u64,
    /// Known with other content.
    pub(crate) conflict: u64,
    /// The source is switched off.
    pub(crate) ignored: u64,
    /// Refused and kept.
    pub(crate) quarantined: u64,
    /// Refused, by code.
    pub(crate) refusals: BTreeMap<String, Refusal>,
    /// Requests that were sent more than once.
    pub(crate) retries: u64,
}

impl Tally {
    /// Adds one answer.
    pub(crate) fn count(&mut self, answer: &Value) {
        for (name, count) in self.outcomes_mut() {
            *count += answer[name].as_u64().unwrap_or_default();
        }
        for result in answer["results"].as_array().into_iter().flatten() {
            if let Some(code) = result["code"].as_str() {
                let refusal = self.refusals.entry(code.to_owned()).or_default();
                refusal.count += 1;
                if refusal.example.is_empty() {
                    refusal.example = example_of(result);
                }
            }
        }
    }

    /// Adds another tally.
    pub(crate) fn add(&mut self, other: Self) {
        for ((_, count), (_, more)) in self.outcomes_mut().into_iter().zip(other.outcomes()) {
            *count += more;
        }
        self.retries += other.retries;
        for (code, more) in other.refusals {
            let refusal = self.refusals.entry(code).or_default();
            refusal.count += more.count;
            if refusal.example.is_empty() {
                refusal.example = more.example;
            }
        }
    }

    /// Outcomes by name.
    pub(crate) fn outcomes(&self) -> [(&'static str, u64); 6] {
        [
            ("accepted", self.accepted),
            ("applied", self.applied),
            ("duplicate", self.duplicate),
            ("conflict", self.conflict),
            ("ignored", self.ignored),
            ("quarantined", self.quarantined),
        ]
    }

    fn outcomes_mut(&mut self) -> [(&'static str, &mut u64); 6] {
        [
            ("accepted", &mut self.accepted),
            ("applied", &mut self.applied),
            ("duplicate", &mut self.duplicate),
            ("conflict", &mut self.conflict),
            ("ignored", &mut self.ignored),
            ("quarantined", &mut self.quarantined),
        ]
    }

    /// The summary for scripts.
    pub(crate) fn to_json(&self) -> Value {
        let codes: BTreeMap<&str, Value> = self
            .refusals
            .iter()
            .map(|(code, refusal)| (code.as_str(), json!({"count": refusal.count, "example": refusal.example})))
            .collect();
        let mut summary: serde_json::Map<String, Value> =
            self.outcomes().into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect();
        summary.insert("codes".to_owned(), json!(codes));
        summary.insert("retries".to_owned(), self.retries.into());
        Value::Object(summary)
    }
}

fn example_of(result: &Value) -> String {
    let part = |name: &str| result[name].as_str().unwrap_or_default();
    [part("path"), part("message")].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_add_up_and_keep_one_example_a_code() {
        let answer = json!({"accepted": 2, "quarantined": 1, "results": [
            {"index": 1, "status": "quarantined", "code": "invalid_enum", "path": "channel", "message": "not one of them"}
        ]});
        let (mut one, mut two) = (Tally::default(), Tally::default());
        one.count(&answer);
        two.count(&answer);
        one.add(two);
        assert_eq!((one.accepted, one.quarantined), (4, 2));
        assert_eq!(one.refusals["invalid_enum"].count, 2);
        assert_eq!(one.to_json()["codes"]["invalid_enum"]["example"], "channel: not one of them");
    }
}

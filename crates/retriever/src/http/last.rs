//! The last answers of company metrics, shown with `stale` when a read does not end in time. Nothing about one customer
//! is ever kept here.

use serde_json::Value as Json;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Largest answer that is remembered, in JSON characters.
const ANSWER_CHARS_MAX: usize = 256 * 1024;

/// A bounded memory: the least recently computed answer goes first.
#[derive(Debug)]
pub(crate) struct LastAnswers {
    kept_max: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    turn: u64,
    answers: BTreeMap<String, (u64, Json)>,
    turns: BTreeMap<u64, String>,
}

impl LastAnswers {
    /// Remembers at most `kept_max` answers.
    pub(crate) fn new(kept_max: usize) -> Self {
        Self { kept_max, kept: Mutex::default() }
    }

    /// Remembers an answer under a name.
    pub(crate) fn put(&self, name: String, answer: &Json) {
        if answer.to_string().len() > ANSWER_CHARS_MAX {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.turn += 1;
        let turn = kept.turn;
        if let Some((before, _)) = kept.answers.insert(name.clone(), (turn, answer.clone())) {
            kept.turns.remove(&before);
        }
        kept.turns.insert(turn, name);
        while kept.answers.len() > self.kept_max {
            let Some((_, oldest)) = kept.turns.pop_first() else { break };
            kept.answers.remove(&oldest);
        }
    }

    /// The answer under a name, labelled stale.
    pub(crate) fn stale(&self, name: &str) -> Option<Json> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answer = kept.answers.get(name)?.1.clone();
        answer["freshness"]["stale"] = Json::Bool(true);
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keeps_the_newest_and_labels_them() {
        let last = LastAnswers::new(2);
        for name in ["a", "b", "a", "c"] {
            last.put(name.into(), &json!({ "name": name, "freshness": { "stale": false } }));
        }
        assert_eq!(last.stale("a"), Some(json!({ "name": "a", "freshness": { "stale": true } })));
        assert_eq!(last.stale("b"), None);
        assert!(last.stale("c").is_some());
    }
}

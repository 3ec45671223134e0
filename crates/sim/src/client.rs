//! Whoever calls: publishers that send a batch again until it is acknowledged, and the operator who changes settings.

use crate::{Broken, dice::Dice, traffic::Sent};
use cebe_engine::rows::SeenKey;
use serde_json::Value;
use smol_str::SmolStr;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// Steps after which a call that was not answered is made again.
const PATIENCE_STEPS: usize = 80;

/// One call, as often as it is made.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: String,
    /// One event a line.
    pub(crate) lines: bool,
    /// The events of the body, in order.
    pub(crate) events: Vec<Sent>,
    /// Steps before which it is not made.
    pub(crate) not_before: u64,
}

impl Call {
    /// A change of settings.
    pub(crate) fn change(method: &'static str, path: impl Into<String>, body: &Value, not_before: u64) -> Self {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        Self { method, path: path.into(), body, lines: false, events: Vec::new(), not_before }
    }

    /// A batch of events; lines when one of them is not JSON, because an array would end there.
    pub(crate) fn events(events: Vec<Sent>, lines: bool, wait: bool, not_before: u64) -> Self {
        let texts: Vec<&str> = events.iter().map(|event| event.text.as_str()).collect();
        let lines = lines || texts.iter().any(|text| !text.ends_with('}'));
        let body = if lines { texts.join("\n") } else { format!("[{}]", texts.join(",")) };
        let path = format!("/v1/events?verbose=true{}", if wait { "&wait=true" } else { "" });
        Self { method: "POST", path, body, lines, events, not_before }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: bool,
    pub(crate) body: Value,
}

/// What a client was told, and may rely on.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Events that were taken.
    pub(crate) taken: Vec<SeenKey>,
    /// Refused events: receipt and code.
    pub(crate) refused: Vec<(SmolStr, String)>,
    /// Events that were ignored.
    pub(crate) ignored: u64,
    /// The last answer's body.
    pub(crate) last: Value,
}

/// One client.
pub(crate) struct Client {
    pub(crate) key: String,
    /// Its events are history: they go by the backfill lane.
    pub(crate) is_history: bool,
    pub(crate) todo: VecDeque<Call>,
    /// Calls on their way, by number: when they are made again.
    open: BTreeMap<u64, u64>,
    /// Every call ever made: an answer may come late.
    calls: Vec<Arc<Call>>,
    open_max: usize,
    pub(crate) told: Told,
}

impl Client {
    pub(crate) fn new(key: String, is_history: bool, open_max: usize) -> Self {
        let (todo, open, calls, told) = (VecDeque::new(), BTreeMap::new(), Vec::new(), Told::default());
        Self { key, is_history, todo, open, calls, open_max, told }
    }

    /// Has every call been answered?
    pub(crate) fn is_done(&self) -> bool {
        self.todo.is_empty() && self.open.is_empty()
    }

    /// The call to make at this step, if there is one.
    pub(crate) fn next(&mut self, step: u64, dice: &mut Dice) -> Option<(u64, Arc<Call>)> {
        let again = step + 20 + dice.roll(PATIENCE_STEPS) as u64;
        if let Some((number, due)) = self.open.iter_mut().find(|(_, due)| **due <= step) {
            *due = again;
            return Some((*number, Arc::clone(&self.calls[usize::try_from(*number).unwrap_or(0)])));
        }
        if self.open.len() >= self.open_max || self.todo.front().is_none_or(|call| call.not_before > step) {
            return None;
        }
        let (call, number) = (Arc::new(self.todo.pop_front()?), self.calls.len() as u64);
        self.calls.push(Arc::clone(&call));
        self.open.insert(number, again);
        Some((number, call))
    }

    /// Takes an answer in. Anything but success or an early, explicit "later" is a broken promise.
    pub(crate) fn hear(&mut self, number: u64, answer: &Answer) -> Result<(), Broken> {
        let call = Arc::clone(&self.calls[usize::try_from(number).unwrap_or(0)]);
        let about = || format!("{} {} was answered {}: {}", call.method, call.path, answer.status, answer.body);
        match answer.status {
            503 if answer.retry_after => Ok(()),
            // Nobody was there to be erased yet.
            404 if call.method == "DELETE" => self.done(number),
            // Not one of them was JSON.
            400 if call.events.iter().all(|event| !event.text.ends_with('}')) && !call.events.is_empty() => {
                self.done(number)
            }
            200 | 202 => {
                self.take(&call, answer).map_err(|what| Broken::new(2, format!("{what}: {}", about())))?;
                self.told.last = answer.body.clone();
                self.done(number)
            }
            503 => Err(Broken::new(8, format!("no Retry-After: {}", about()))),
            _ => Err(Broken::new(8, about())),
        }
    }

    fn done(&mut self, number: u64) -> Result<(), Broken> {
        self.open.remove(&number);
        Ok(())
    }

    fn take(&mut self, call: &Call, answer: &Answer) -> Result<(), &'static str> {
        if call.events.is_empty() {
            return Ok(());
        }
        let results = answer.body["results"].as_array().ok_or("there are no results")?;
        if results.len() != call.events.len() {
            return Err("not every event has a result");
        }
        for (result, sent) in results.iter().zip(&call.events) {
            let text = |name: &str| result[name].as_str().unwrap_or_default();
            match text("status") {
                "accepted" | "applied" | "duplicate" | "conflict" => self.told.taken.push(SeenKey {
                    company: sent.company.as_str().into(),
                    module: sent.module.as_str().into(),
                    name: sent.name.as_str().into(),
                    id: text("event_id").into(),
                }),
                "quarantined" => self.told.refused.push((text("receipt").into(), text("code").to_owned())),
                "ignored" => self.told.ignored += 1,
                _ => return Err("an event has no outcome"),
            }
        }
        Ok(())
    }
}

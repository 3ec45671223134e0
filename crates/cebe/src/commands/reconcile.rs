//! `cebe reconcile`: what a source sent, as events or as counts, against what a server has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cebe_catalog::{Micros, time::HOUR};
use cebe_engine::rows::id_digest;
use clap::Args;
use serde_json::{Map, Value, json};

use super::{Context, list_of};
use crate::failure::Failure;
use crate::{output, push};

/// Ids sent one by one; beyond it every hour is told by its count and digest.
const IDS_MAX: usize = 50_000;

/// Compare what a source sent with what a server has: exit code 1 when anything is missing, extra or altered
#[derive(Debug, Args)]
pub(crate) struct Reconcile {
    /// Events as they were sent, or a claim of counts, ids or digests as POST /v1/reconciliations takes it. Without it:
    /// list reconciliations
    file: Option<PathBuf>,
    /// Module of events that name none
    #[arg(long)]
    module: Option<String>,
}

impl Reconcile {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client();
        let Some(file) = &self.file else {
            let answer = client.get("/v1/reconciliations", &[])?;
            let columns = ["id", "source_module", "from", "to", "matches", "missing", "extra", "altered", "ignored"];
            context.show(&answer, |answer| output::rows(list_of(answer), &columns));
            return Ok(());
        };
        let mut answers = Vec::new();
        for claim in claims(file, self.module.as_deref())? {
            answers.push(client.write("POST", "/v1/reconciliations", &claim)?);
        }
        let differs = answers.iter().filter(|answer| answer["matches"] != true).count();
        context
            .show(&Value::Array(answers), |answers| list_of(answers).iter().map(view).collect::<Vec<_>>().join("\n\n"));
        if differs == 0 { Ok(()) } else { Err(Failure::No("what was sent and what is there differ".into())) }
    }
}

fn view(answer: &Value) -> String {
    let mut head = answer.clone();
    let fields = head.as_object_mut();
    fields.map(|fields| ["names", "quarantined", "received"].map(|name| fields.remove(name)));
    let rows = answer["names"].as_object().into_iter().flatten().map(|(name, found)| {
        let mut row = found.clone();
        row["event_name"] = name.as_str().into();
        row
    });
    let columns =
        ["event_name", "sent", "found", "missing", "extra", "altered", "quarantined", "missing_ids", "extra_ids"];
    format!("{}\n\n{}", output::sheet(&head), output::rows(&rows.collect::<Vec<_>>(), &columns))
}

/// What the file says, one claim a module.
fn claims(path: &Path, module: Option<&str>) -> Result<Vec<Value>, Failure> {
    let mut sent = Sent::default();
    for (number, line) in push::open(path)?.enumerate() {
        let fault = |what: &str| Failure::Usage(format!("{} line {}: {what}", path.display(), number + 1));
        let line = line.map_err(|error| fault(&error.to_string()))?;
        let event: Value = serde_json::from_slice(&line).map_err(|_| fault("not one JSON value"))?;
        if number == 0 && ["counts", "ids", "digests"].iter().any(|name| event.get(name).is_some()) {
            return Ok(vec![event]);
        }
        sent.take(&event, module).map_err(|what| fault(&what))?;
    }
    sent.claims()
}

/// Events by module, name and id.
#[derive(Default)]
struct Sent(BTreeMap<String, BTreeMap<String, Events>>);

#[derive(Default)]
struct Events {
    ids: BTreeMap<String, Micros>,
    /// Times of events without an id.
    nameless: Vec<Micros>,
}

impl Sent {
    fn take(&mut self, event: &Value, module: Option<&str>) -> Result<(), String> {
        let text = |name: &str| event[name].as_str().map(|text| text.trim().to_owned());
        let module = text("source_module").or(module.map(str::to_owned)).ok_or("no source_module (--module)")?;
        let name = text("event_name").ok_or("no event_name")?;
        let at = match &event["event_timestamp"] {
            Value::String(text) => Micros::parse(text),
            Value::Number(number) => number.as_i64().map(|ms| Micros(ms.saturating_mul(1_000))),
            _ => None,
        };
        let at = at.ok_or("no event_timestamp that can be read")?;
        let events = self.0.entry(module.to_lowercase()).or_default().entry(name).or_default();
        match &event["event_id"] {
            Value::String(id) => drop(events.ids.insert(id.trim().to_owned(), at)),
            Value::Number(id) => drop(events.ids.insert(id.to_string(), at)),
            _ => events.nameless.push(at),
        }
        Ok(())
    }

    fn claims(self) -> Result<Vec<Value>, Failure> {
        if self.0.is_empty() {
            return Err(Failure::Usage("the file holds no events".into()));
        }
        Ok(self.0.into_iter().map(|(module, names)| claim(&module, &names)).collect())
    }
}

fn claim(module: &str, names: &BTreeMap<String, Events>) -> Value {
    let times = || names.values().flat_map(|events| events.ids.values().chain(&events.nameless));
    let hour = |at: Micros| Micros(at.0.div_euclid(HOUR) * HOUR);
    let from = times().min().copied().map_or(Micros(0), hour);
    let to = times().max().copied().map_or(Micros(0), hour).plus(HOUR);
    let counts: Map<String, Value> =
        names.iter().map(|(name, events)| (name.clone(), (events.ids.len() + events.nameless.len()).into())).collect();
    let mut claim =
        json!({"source_module": module, "from": from.to_rfc3339(), "to": to.to_rfc3339(), "counts": counts});
    // Without its ids a name can only be counted.
    let known = || names.iter().filter(|(_, events)| events.nameless.is_empty());
    if known().map(|(_, events)| events.ids.len()).sum::<usize>() <= IDS_MAX {
        claim["ids"] = known().map(|(name, events)| (name.clone(), ids(events))).collect::<Map<_, _>>().into();
    } else {
        claim["digests"] = known().flat_map(|(name, events)| digests(name, events)).collect();
    }
    claim
}

fn ids(events: &Events) -> Value {
    events.ids.iter().map(|(id, at)| json!({"id": id, "event_timestamp": at.to_rfc3339()})).collect()
}

fn digests(name: &str, events: &Events) -> Vec<Value> {
    let hours: BTreeSet<i64> = events.ids.values().map(|at| at.0.div_euclid(HOUR)).collect();
    let mut sums: BTreeMap<i64, (u64, u64)> = hours.into_iter().map(|hour| (hour, (0, 0))).collect();
    for (id, at) in &events.ids {
        if let Some((count, digest)) = sums.get_mut(&at.0.div_euclid(HOUR)) {
            (*count, *digest) = (*count + 1, digest.wrapping_add(id_digest(id)));
        }
    }
    let row = |(hour, (count, digest)): (i64, (u64, u64))| {
        json!({"event_name": name, "hour": Micros(hour * HOUR).to_rfc3339(), "count": count,
            "digest": format!("{digest:016x}")})
    };
    sums.into_iter().map(row).collect()
}

//! The life of one request: every raw event becomes exactly one record and one result. Gates in their order: JSON, company,
//! key, module, flag, limits, envelope, catalog. Nothing is written here; the records go to the queue in one append.

use crate::{
    check::{self, Work, ids},
    clock::DoorMark,
    content,
    envelope::Envelope,
    equal::EqualRows,
    fault::Fault,
    frame::Frame,
    json::{self, Json, Parsed},
    log::Log,
    reply::{Claim, EventResult, Source, Status},
    sequence,
    view::{CompanyView, ControlView},
};
use bytes::Bytes;
use cebe_catalog::{
    CompanyId, EventId, EventName, EventRecord, Lane, Micros, QuarantineCode, Record, SourceModule,
    control::{Change, ControlRecord},
    definition::{EventDefinition, nearest::unknown_event_hint as unknown_hint},
    limits::{EVENT_BYTES_MAX, REFUSED_BYTES_MAX},
    record::{Header, QuarantineRecord, Vault},
    sequence::SequenceSpan,
};
use cebe_central::engine_rows::SeenKey;
use cebe_privacy::{
    access::{Grant, Scope},
    keys::CompanyKeys,
    seal, token,
};
use smol_str::{SmolStr, format_smolstr};
use std::borrow::Cow;

/// Where events are counted whose module is not known.
pub(crate) const UNKNOWN_MODULE: &str = "unknown";
/// Company under which events are counted that belong to none, when their key serves all.
pub(crate) const NO_COMPANY: &str = "*";

/// What a request brings beside its events.
pub(crate) struct Sender<'r> {
    /// Says which company's records go where.
    pub(crate) log: &'r Log,
    /// Names the receipts of this door.
    pub(crate) mark: &'r DoorMark,
    pub(crate) view: &'r ControlView,
    pub(crate) grant: &'r Grant,
    /// Company for events that name none.
    pub(crate) company: Option<&'r str>,
    /// Module of events that name none; without it the only one of the key.
    pub(crate) module: Option<&'r str>,
    pub(crate) lane: Lane,
    /// Takes the place of an absent `event_id` (replay).
    pub(crate) event_id: Option<&'r str>,
}

/// Records, by the queue they are for, and what to answer.
#[derive(Default)]
pub(crate) struct Received {
    pub(crate) frames: Vec<Frame>,
    pub(crate) results: Vec<EventResult>,
    /// How many raw events were JSON at all.
    pub(crate) readable: usize,
}

/// Turns raw events into records. `first` is the receipt of the first, the others follow it.
pub(crate) fn receive(sender: &Sender<'_>, raws: &[&[u8]], first: Micros) -> Received {
    receive_more(sender, raws, first, &mut EqualRows::default())
}

/// As [`receive`], going on with the equal rows of what came before.
pub(crate) fn receive_more(sender: &Sender<'_>, raws: &[&[u8]], first: Micros, equal: &mut EqualRows) -> Received {
    let mut received = Received::default();
    received.results.reserve(raws.len());
    for (index, raw) in raws.iter().enumerate() {
        let received_at = first.plus(i64::try_from(index).unwrap_or(0));
        let mut one = One {
            sender,
            raw,
            received_at,
            module: SmolStr::new_static(UNKNOWN_MODULE),
            company: None,
            name: None,
            id: None,
            sequence: None,
            customer: None,
        };
        let parsed = json::read(raw);
        received.readable += usize::from(parsed.is_ok());
        let admitted = parsed.map_err(|_| Fault::new(QuarantineCode::MalformedJson));
        let admitted = admitted.and_then(|parsed| one.admit(&parsed, equal));
        let span = one.sequence.take();
        let source = Source { module: one.module.clone(), customer: one.customer.clone() };
        let (record, mut result) = one.finish(index, admitted);
        result.source = source;
        received.results.push(result);
        let header = record.header().expect("a received event has a header");
        let frame = Frame::of(&mut received.frames, sender.log.branch_of(Some(&header.company)));
        frame.push(header, record.to_bytes().into(), index);
        if let Some(span) = span {
            sequence::gather(&mut frame.spans, span);
        }
    }
    for frame in received.frames.iter_mut().filter(|frame| !frame.spans.is_empty()) {
        let spans = std::mem::take(&mut frame.spans);
        frame.records.push(numbers(sender, spans, first));
    }
    received
}

/// The record that holds the sequence numbers of a request, behind its events.
fn numbers(sender: &Sender<'_>, spans: Vec<SequenceSpan>, received_at: Micros) -> Bytes {
    let by = sender.grant.key_id.as_str().into();
    Record::Control(Box::new(ControlRecord { received_at, by, change: Change::Sequences(spans) })).to_bytes().into()
}

/// Counts equal rows again, as [`receive_more`] did when it took these events. Those with an id of their own count
/// nothing, and are only looked at.
pub(crate) fn recount(sender: &Sender<'_>, raws: &[&[u8]], first: Micros, equal: &mut EqualRows) {
    let nameless = |raw: &&&[u8]| json::read(raw).is_ok_and(|parsed| !has_id(&parsed.tree));
    let nameless: Vec<&[u8]> = raws.iter().filter(nameless).copied().collect();
    receive_more(sender, &nameless, first, equal);
}

fn has_id(tree: &Json<'_>) -> bool {
    tree.field("event_id").is_some_and(|id| !id.is_null())
}

/// One event on its way, and what is known of it for its record, whatever becomes of it.
struct One<'r> {
    sender: &'r Sender<'r>,
    raw: &'r [u8],
    received_at: Micros,
    module: SmolStr,
    company: Option<&'r CompanyView>,
    name: Option<EventName>,
    id: Option<SmolStr>,
    sequence: Option<SequenceSpan>,
    customer: Option<SmolStr>,
}

enum Admitted {
    Ignored,
    Event(Box<EventRecord>, Vault),
}

impl<'r> One<'r> {
    fn admit(&mut self, parsed: &Parsed<'_>, equal: &mut EqualRows) -> Result<Admitted, Fault> {
        let envelope = Envelope::of(&parsed.tree)?;
        self.note(&envelope);
        let company = self.find_company(&envelope)?;
        self.company = Some(company);
        self.find_module(&envelope, company)?;
        self.sequence = envelope.producer.and_then(|sent| sequence::read(sent, &company.id, &self.module));
        if !self.sender.view.is_on(&self.module, company.id.as_str()) {
            return Ok(Admitted::Ignored);
        }
        if self.raw.len() > EVENT_BYTES_MAX {
            return Err(QuarantineCode::TooLarge.into());
        }
        if let Some(fault) = &parsed.fault {
            return Err(fault.clone());
        }
        let event = self.find_event(&envelope, company)?;
        self.check(company, event, &envelope, equal)
    }

    /// Notes ids and name for the case of a refusal, where they are harmless.
    fn note(&mut self, envelope: &Envelope<'_>) {
        self.id = envelope.event_id.and_then(|id| ids::id(id).ok());
        self.customer = envelope.customer.and_then(|id| ids::id(id).ok()).filter(|id| !may_be_phone(id));
        let harmless = |name: &&str| {
            name.len() <= 64
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
                && name.bytes().filter(u8::is_ascii_digit).count() < 5
        };
        if let Some(Json::Text(name)) = envelope.event_name {
            self.name = Some(&**name).filter(harmless).map(EventName::new);
        }
    }

    fn find_company(&self, envelope: &Envelope<'_>) -> Result<&'r CompanyView, Fault> {
        let sender = self.sender;
        let named = match envelope.company_id {
            Some(id) => Some(ids::raw(id).map_err(|fault| fault.under("company_id"))?),
            None => sender.company.or_else(|| only(&sender.grant.companies)),
        };
        let named = named
            .filter(|name| !name.is_empty())
            .ok_or_else(|| Fault::at(QuarantineCode::CompanyRequired, "company_id"))?;
        let known = sender.view.companies.get(named);
        let company = known.ok_or_else(|| Fault::at(QuarantineCode::UnknownCompany, "company_id"))?;
        if sender.grant.allows_company(named) {
            Ok(company)
        } else {
            Err(Fault::at(QuarantineCode::CompanyNotAllowed, "company_id"))
        }
    }

    fn find_module(&mut self, envelope: &Envelope<'_>, company: &CompanyView) -> Result<(), Fault> {
        let path = |code| Fault::at(code, "source_module");
        let named: Cow<'_, str> = match envelope.source_module {
            Some(Json::Text(name)) => name.trim().to_lowercase().into(),
            Some(_) => return Err(path(QuarantineCode::InvalidType)),
            None => self
                .sender
                .module
                .or_else(|| only(&self.sender.grant.modules))
                .ok_or_else(|| path(QuarantineCode::MissingField))?
                .into(),
        };
        let module = self.sender.view.module(&named, Some(company)).ok_or_else(|| {
            let known: Vec<&str> = self.sender.view.definitions.modules.keys().map(SmolStr::as_str).collect();
            path(QuarantineCode::ModuleNotAllowed).with_hint(format!("modules are {}", known.join(", ")))
        })?;
        self.module = module;
        if self.sender.grant.allows_module(&self.module) { Ok(()) } else { Err(path(QuarantineCode::ModuleNotAllowed)) }
    }

    fn find_event(&mut self, envelope: &Envelope<'_>, company: &'r CompanyView) -> Result<&'r EventDefinition, Fault> {
        let at = |code| Fault::at(code, "event_name");
        let name = match envelope.event_name {
            Some(Json::Text(name)) => name,
            Some(_) => return Err(at(QuarantineCode::InvalidType)),
            None => return Err(at(QuarantineCode::MissingField)),
        };
        let view = self.sender.view;
        let Some(event) = view.event(company, name.trim()) else {
            return Err(at(QuarantineCode::UnknownEvent).with_hint(unknown_event_hint(view, company, name)));
        };
        self.name = Some(EventName(event.name.clone()));
        if event.module != self.module {
            let hint = format_smolstr!("{} belongs to the module {}", event.name, event.module);
            return Err(Fault::at(QuarantineCode::ModuleNotAllowed, "source_module").with_hint(hint));
        }
        Ok(event)
    }

    fn check(
        &mut self,
        company: &'r CompanyView,
        event: &EventDefinition,
        envelope: &Envelope<'_>,
        equal: &mut EqualRows,
    ) -> Result<Admitted, Fault> {
        check_sso(company, envelope)?;
        let id = envelope.id()?.or_else(|| self.sender.event_id.map(SmolStr::new));
        let (event_at, sent_at) = envelope.happened(self.received_at, company.settings.retention_months)?;
        envelope.check_version()?;
        let given = envelope.attribute_fields()?;
        let mut work = Work::new(company, &self.sender.view.definitions);
        work.take_customer(event, envelope.customer, given)?;
        let customer = work.identity.customer.clone();
        work.take_identifiers(envelope.identifiers, event, given)?;
        let actor = envelope.acted(&mut work.sealer)?;
        let (trigger_from, description) = (envelope.trigger()?, envelope.described()?);
        let attributes = check::attributes(&mut work, event, given).map_err(|fault| fault.under("event_attributes"))?;
        let (anchor, identifiers) = work.identity.settle(event.concerns)?;
        if envelope.unknown {
            work.warn("unknown_envelope_field".into());
        }
        if envelope.producer.is_some() && self.sequence.is_none() {
            work.warn("producer_unreadable".into());
        }
        let canonical = content::canonical(company.id.as_str(), event, envelope, event_at, customer.as_ref(), given);
        let content = token::content(&company.keys, &canonical);
        let derived = id.is_none();
        let id = id.unwrap_or_else(|| derive_id(company, content, equal));
        self.id = Some(id.clone());
        let Work { sealer, identity, warnings, .. } = work;
        let record = EventRecord {
            header: self.header(),
            name: EventName(event.name.clone()),
            id: EventId(id),
            derived,
            content,
            event_at,
            sent_at,
            anchor,
            identifiers,
            references: identity.references,
            actor,
            trigger_from,
            description,
            attributes,
            warnings,
        };
        Ok(Admitted::Event(Box::new(record), sealer.into_vault()))
    }

    fn header(&self) -> Header {
        let company = match self.company {
            Some(company) => company.id.clone(),
            None => CompanyId::new(home(self.sender)),
        };
        Header {
            company,
            module: SourceModule(self.module.clone()),
            received_at: self.received_at,
            lane: self.sender.lane,
        }
    }

    fn finish(self, index: usize, admitted: Result<Admitted, Fault>) -> (Record, EventResult) {
        match admitted {
            Ok(Admitted::Ignored) => {
                let header = self.header();
                (Record::Ignored(header), EventResult::plain(index, self.id, Status::Ignored))
            }
            Ok(Admitted::Event(event, vault)) => {
                let mut result = EventResult::plain(index, self.id, Status::Accepted);
                let Header { company, module, .. } = event.header.clone();
                let key = SeenKey { company, module, name: event.name.clone(), id: event.id.clone() };
                result.claim = Some(Claim { key, content: event.content });
                (Record::Event(event, vault), result)
            }
            Err(fault) => self.refuse(index, &fault),
        }
    }

    fn refuse(self, index: usize, fault: &Fault) -> (Record, EventResult) {
        let header = self.header();
        let receipt = self.sender.mark.receipt(self.received_at);
        let keys = self.company.map(|company| &company.keys);
        let keys = keys.or_else(|| self.sender.view.companies.get(&header.company.0).map(|company| &company.keys));
        let keys = keys.unwrap_or(&self.sender.view.installation);
        let result = EventResult::refused(index, self.id.clone(), fault, receipt.clone());
        let record = QuarantineRecord {
            header,
            name: self.name,
            id: self.id.map(EventId),
            code: fault.code,
            path: fault.path.clone(),
            hint: fault.hint_text(),
            body: seal_body(keys, &receipt, &self.raw[..self.raw.len().min(REFUSED_BYTES_MAX)]),
            receipt,
            key_id: self.sender.grant.key_id.as_str().into(),
        };
        (Record::Quarantined(Box::new(record)), result)
    }
}

/// A quarantined body is sealed with its receipt as associated data.
pub(crate) fn seal_body(keys: &CompanyKeys, receipt: &str, raw: &[u8]) -> Vec<u8> {
    seal::seal(keys, receipt.as_bytes(), raw)
}

fn check_sso(company: &CompanyView, envelope: &Envelope<'_>) -> Result<(), Fault> {
    let Some(sso) = envelope.company_sso_id else { return Ok(()) };
    let sso = ids::raw(sso).map_err(|fault| fault.under("company_sso_id"))?;
    let registered = company.settings.sso_id.as_str();
    if registered.is_empty() || registered == sso {
        return Ok(());
    }
    Err(Fault::at(QuarantineCode::CompanyMismatch, "company_sso_id"))
}

/// Equal rows of one request are told apart by how many came before.
fn derive_id(company: &CompanyView, content: [u8; 16], equal: &mut EqualRows) -> SmolStr {
    let id = token::derived_id(&company.keys, content, equal.before(content));
    id.into()
}

/// The one name of a scope that has just one.
fn only(scope: &Scope) -> Option<&str> {
    match scope {
        Scope::Only(names) if names.len() == 1 => names.first().map(String::as_str),
        _ => None,
    }
}

/// The home company of a key: the first it names, else the request's, else none.
fn home<'r>(sender: &Sender<'r>) -> &'r str {
    match &sender.grant.companies {
        Scope::Only(names) => names.first().map_or(NO_COMPANY, String::as_str),
        Scope::All => sender.company.filter(|name| sender.view.companies.contains_key(*name)).unwrap_or(NO_COMPANY),
    }
}

fn unknown_event_hint(view: &ControlView, company: &CompanyView, wanted: &str) -> String {
    let wanted: String = wanted.chars().take(64).collect();
    unknown_hint(&wanted, view.definitions.events.keys().chain(company.events.keys()))
}

/// Long numbers are kept out of log lines: an id they may be, but so may a phone that was sent as one.
fn may_be_phone(id: &str) -> bool {
    let digits = id.bytes().filter(u8::is_ascii_digit).count();
    digits > 7 && !id.bytes().any(|byte| byte.is_ascii_alphabetic())
}

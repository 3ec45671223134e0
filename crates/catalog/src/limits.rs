//! Every limit of the product in one place: unit last in the name.

/// Largest request body after inflation.
pub const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Most events in one request.
pub const BATCH_EVENTS_MAX: usize = 10_000;
/// Largest single event.
pub const EVENT_BYTES_MAX: usize = 64 * 1024;
/// What is kept of a refused event: enough to see that it is too large.
pub const REFUSED_BYTES_MAX: usize = 4 * EVENT_BYTES_MAX;
/// Most attributes of one event, nested ones included.
pub const ATTRIBUTES_MAX: usize = 256;
/// Deepest nesting of an event's attributes.
pub const NESTING_DEPTH_MAX: usize = 8;
/// Most items of one list.
pub const LIST_ITEMS_MAX: usize = 1_000;
/// Longest id.
pub const ID_CHARS_MAX: usize = 128;
/// Longest plain string without a limit of its own.
pub const STRING_CHARS_MAX: usize = 256;
/// Longest URL.
pub const URL_CHARS_MAX: usize = 2_048;
/// Longest event description.
pub const DESCRIPTION_CHARS_MAX: usize = 500;
/// Most customers one association may name.
pub const ASSOCIATION_ITEMS_MAX: usize = 100;
/// Most identifiers one event may carry.
pub const IDENTIFIERS_MAX: usize = 32;
/// How far ahead of the receiving clock an event may be, after skew correction.
pub const FUTURE_MINUTES_MAX: i64 = 10;
/// How much younger than the retention an event must be to be accepted.
pub const RETENTION_MARGIN_DAYS: i64 = 7;
/// How long a quarantined body is kept.
pub const QUARANTINE_DAYS: i64 = 30;
/// How long the losing copies of one key are kept as evidence.
pub const CONFLICT_DAYS: i64 = 90;
/// How long operating events can be looked up.
pub const OPERATION_DAYS: i64 = 90;
/// How long it can be looked up who revealed, erased or changed what.
pub const AUDIT_DAYS: i64 = 730;
/// Most entries one fact keeps; older ones are sealed.
pub const FACT_ENTRIES_MAX: usize = 1_000;
/// Most anchors of a group in which links may still join two known customers.
pub const GROUP_ANCHORS_MAX: usize = 200;
/// Most values of one kind a known customer may have before its links of that kind are inert.
pub const CUSTOMER_VALUES_MAX: usize = 20;
/// Largest number of events in one commit of the worker.
pub const COMMIT_EVENTS_MAX: usize = 20_000;
/// Memory for the rows that steps come back to, in bytes, of all workers of a process together.
pub const ROWS_BYTES_MAX: u64 = 128 << 20;
/// Propagation above this is a breach of the promise.
pub const PROPAGATION_SLO_MILLIS: i64 = 5_000;
/// Answers are `stale` when the store lags behind the queue by more than this.
pub const STALE_AFTER_MILLIS: i64 = 5_000;
/// When the oldest event that waits to be applied has waited for longer, whoever has most waiting is told to come back, so
/// that others stay in time.
pub const FAIR_AFTER_MILLIS: i64 = 2_000;
/// Events in one stored block of bodies.
pub const BLOCK_EVENTS_MAX: usize = 64;
/// Default and largest page of a timeline.
pub const TIMELINE_EVENTS_DEFAULT: usize = 50;
/// Largest page of any list.
pub const PAGE_ITEMS_MAX: usize = 1_000;
/// Most groups or series points one metric answer may hold.
pub const METRIC_ROWS_MAX: usize = 50_000;

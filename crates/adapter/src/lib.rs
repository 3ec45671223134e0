//! The front door. Requests come in; queue records and answers go out. It authenticates, gates, checks, tokenises and
//! masks every event and takes every change of settings; it never writes anything but the queue (and
//! files of history on their way there), and raw personal data
//! never leaves it in clear. Read `receive.rs` first (the life of one request), then `desk.rs` (what a running door holds).

mod auth;
mod backfill;
mod body;
mod check;
mod clock;
mod conceal;
mod content;
pub mod csv;
mod desk;
mod envelope;
mod equal;
mod fault;
mod frame;
mod http;
mod identity;
mod json;
mod log;
mod pace;
mod receive;
mod reconcile;
mod remembered;
mod reply;
mod room;
mod sequence;
mod settings;
mod share;
pub mod tag;
mod view;
mod wait;

pub use auth::AuthError;
pub use backfill::Backfills;
pub use desk::{Desk, Door, DoorError, DoorSettings, Random, system_random};
pub use http::{guard, openapi};
pub use log::{Branch, Landing, Log};
pub use reconcile::Reconciliations;
pub use view::{CompanyView, ControlView, FlagView, KeyView, installation_keys};

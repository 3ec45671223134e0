//! The edge to HTTP: how a request is taken apart, how a read runs, and how errors become replies.

mod asked;
mod error;
mod last;
mod paging;
mod parameters;
mod run;

pub(crate) use asked::Asked;
pub(crate) use error::{ErrorBody, ReadError};
pub(crate) use last::LastAnswers;
pub(crate) use paging::{limit, page};
pub(crate) use parameters::Parameters;
pub(crate) use run::{Read, read, read_remembered, run};

//! What happened, as a running hash: two runs of one seed that differ anywhere differ here. With `SIM_LOG` set the steps
//! are also printed, for whoever follows a failing seed.

use std::fmt::Arguments;

/// The hash of everything noted so far.
pub(crate) struct Trace {
    hash: blake3::Hasher,
    is_told: bool,
}

impl Trace {
    pub(crate) fn new() -> Self {
        Self { hash: blake3::Hasher::new(), is_told: std::env::var_os("SIM_LOG").is_some() }
    }

    /// Notes a step.
    pub(crate) fn note(&mut self, step: Arguments<'_>) {
        if self.is_told {
            eprintln!("{step}");
        }
        self.hash.update(step.to_string().as_bytes());
        self.hash.update(b"\n");
    }

    /// Notes bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
    }

    /// The hash as text.
    pub(crate) fn digest(&self) -> String {
        self.hash.finalize().to_hex().to_string()
    }
}

//! Reads definition files into checked, indexed definitions.

/// placeholder
#[derive(Debug)]
pub struct Sources;
/// placeholder
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct DefinitionError;

//! Crashes and power cuts.

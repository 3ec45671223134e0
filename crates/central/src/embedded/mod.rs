//! The embedded store: an LSM tree in a folder.

//! How much memory and disk the embedded store may use for speed.

const MIB: u64 = 1024 * 1024;

/// Settings of the embedded store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedSettings {
    /// Id shared with the queue: written at first open, compared ever after. `None` does not compare.
    pub store_id: Option<[u8; 16]>,
    /// Cache of table blocks read from disk.
    pub cache_bytes: u64,
    /// What all journals together may hold. Opening after a crash takes about 1.2 s per 100 MB; never below 64 MiB.
    pub journal_bytes_max: u64,
    /// What each of the three trees gathers in memory before it is written out.
    pub memtable_bytes: u64,
    /// Threads that write tables and merge them. One: of several, the first takes no merge, and while the others are busy
    /// it takes what waits out of the queue and puts it back, over and over, with a whole core.
    pub worker_threads: usize,
    /// How many points the writer remembers, so that adding to them reads nothing.
    pub points_cached: usize,
    /// How many unpacked blocks of the log are kept for timelines.
    pub blocks_cached: usize,
}

impl Default for EmbeddedSettings {
    fn default() -> Self {
        Self {
            store_id: None,
            cache_bytes: 64 * MIB,
            journal_bytes_max: 96 * MIB,
            memtable_bytes: 24 * MIB,
            worker_threads: 1,
            points_cached: 200_000,
            blocks_cached: 256,
        }
    }
}

//! How a seed goes about it: which faults it has, and how many of them.

use crate::{dice::Dice, network::Weather};

/// Chances of a seed. Those of a thousand are per step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Temper {
    pub(crate) weather: Weather,
    /// The process is killed, or the power goes, between two steps: of a thousand.
    pub(crate) crash: usize,
    /// The power goes between two acts of the disk: of a thousand.
    pub(crate) disk_cut: usize,
    /// The store stops between two commits: of a thousand.
    pub(crate) store_cut: usize,
    /// The disk runs full for a while: of a thousand.
    pub(crate) disk_full: usize,
    /// A flush fails: of a thousand.
    pub(crate) sync_failure: usize,
    /// The clock is put somewhere else: of a thousand.
    pub(crate) clock_jump: usize,
    /// Days pass, and what is old expires.
    pub(crate) days_pass: bool,
    /// People are erased.
    pub(crate) erases: bool,
    /// Batches of each publisher.
    pub(crate) batches: usize,
    /// Most records of one commit.
    pub(crate) commit_records_max: usize,
    /// Bytes of a queue segment.
    pub(crate) segment_bytes: u64,
}

impl Temper {
    /// The temper of a seed: every fault is there in some and absent in others, so that each is met alone and with the rest.
    pub(crate) fn of(dice: &mut Dice) -> Self {
        let some = |dice: &mut Dice, most: usize| if dice.percent(60) { 1 + dice.roll(most) } else { 0 };
        Self {
            weather: Weather { lost: some(dice, 15), twice: some(dice, 20), delay_max: some(dice, 40) },
            crash: some(dice, 12),
            disk_cut: some(dice, 12),
            store_cut: some(dice, 12),
            disk_full: some(dice, 8),
            sync_failure: some(dice, 4),
            clock_jump: some(dice, 8),
            days_pass: dice.percent(35),
            erases: dice.percent(35),
            batches: 3 + dice.roll(6),
            commit_records_max: *dice.pick(&[1, 3, 10, 40, 20_000]),
            segment_bytes: *dice.pick(&[4 << 10, 16 << 10, 64 << 10]),
        }
    }

    /// The same seed when nothing goes wrong any more.
    pub(crate) fn calm(mut self) -> Self {
        self.weather = Weather::default();
        (self.crash, self.disk_cut, self.store_cut, self.disk_full) = (0, 0, 0, 0);
        (self.sync_failure, self.clock_jump) = (0, 0);
        self
    }
}

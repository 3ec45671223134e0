//! Room for request bodies: bounded in all, and shared fairly. Nobody may hold more than is still free, so one company's
//! flood leaves room for the next one's first request: one alone gets half, two get a third each, and so on.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The bytes that may be worked on at one time.
#[derive(Clone)]
pub(crate) struct Room(Arc<Mutex<Held>>);

struct Held {
    free: usize,
    by: HashMap<String, usize>,
}

/// Bytes taken, given back when dropped.
pub(crate) struct Taken {
    room: Room,
    by: String,
    bytes: usize,
}

impl Room {
    /// Room for so many bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self(Arc::new(Mutex::new(Held { free: bytes_max, by: HashMap::new() })))
    }

    /// Takes bytes for somebody; `None` when there is no room for them. A first request only needs room to be there.
    pub(crate) fn take(&self, by: &str, bytes: usize) -> Option<Taken> {
        let mut taken = Taken { room: self.clone(), by: by.to_owned(), bytes: 0 };
        taken.grow(bytes).then_some(taken)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Held) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Taken {
    /// Takes more, up to `bytes` in all. Says whether there was room.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let (by, own) = (&self.by, self.bytes);
        let granted = self.room.with(|held| {
            let others = held.by.get(by).copied().unwrap_or(0).saturating_sub(own);
            let fair = others == 0 || others + own + more <= held.free.saturating_sub(more);
            let granted = more <= held.free && fair;
            if granted {
                held.free -= more;
                *held.by.entry(by.clone()).or_insert(0) += more;
            }
            granted
        });
        if granted {
            self.bytes += more;
        }
        granted
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let (by, bytes) = (&self.by, self.bytes);
        self.room.with(|held| {
            held.free += bytes;
            let left = held.by.get(by).copied().unwrap_or(0).saturating_sub(bytes);
            if left == 0 {
                held.by.remove(by);
            } else {
                held.by.insert(by.clone(), left);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flood(room: &Room, by: &str) -> Vec<Taken> {
        std::iter::from_fn(|| room.take(by, 1)).take(10_000).collect()
    }

    #[test]
    fn one_alone_gets_half_and_the_next_a_share_of_the_rest() {
        let room = Room::new(1_000);
        let loud = flood(&room, "loud");
        assert_eq!(loud.len(), 500);
        let next = flood(&room, "next");
        assert_eq!(next.len(), 250);
        assert!(!flood(&room, "third").is_empty(), "whoever comes finds room");
        drop(loud);
        assert!(flood(&room, "next").len() > 100, "what was given back is there for the others");
    }

    #[test]
    fn everything_comes_back() {
        let room = Room::new(1_000);
        drop((flood(&room, "a"), flood(&room, "b")));
        let held = room.with(|held| (held.free, held.by.len()));
        assert_eq!(held, (1_000, 0));
    }

    #[test]
    fn the_whole_is_never_exceeded() {
        let room = Room::new(1_000);
        assert!(room.take("a", 1_001).is_none());
        let mut first = room.take("a", 900).expect("a first request only needs room to be there");
        assert!(room.take("b", 101).is_none());
        assert!(!first.grow(1_001) && first.grow(1_000));
    }
}

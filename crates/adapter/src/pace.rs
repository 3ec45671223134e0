//! How many requests a key may make in a second. Off unless it is set; it protects everybody from one caller in a loop.
//! Pressure of the whole door is another matter: that is `503`, for everybody.

use cebe_catalog::Micros;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

const SECOND_MICROS: u64 = 1_000_000;

/// What each key has left.
pub(crate) struct Pace {
    /// Microseconds that one request uses up; `None` when there is no limit.
    price: Option<u64>,
    buckets: Mutex<HashMap<String, Bucket>>,
}

/// Holds at most one second; each request takes its price out of it.
struct Bucket {
    left: u64,
    at: Micros,
}

impl Pace {
    /// A limit of this many requests a second for each key; 0 for none.
    pub(crate) fn new(requests_per_s_max: u32) -> Self {
        let price = (requests_per_s_max > 0).then(|| SECOND_MICROS / u64::from(requests_per_s_max));
        Self { price: price.map(|price| price.max(1)), buckets: Mutex::default() }
    }

    /// Lets a request of a key in, or says when its next one will be. Keys are few and exist, so this stays small.
    pub(crate) fn admit(&self, key_id: &str, now: Micros) -> Result<(), Duration> {
        let Some(price) = self.price else { return Ok(()) };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if !buckets.contains_key(key_id) {
            buckets.insert(key_id.to_owned(), Bucket { left: SECOND_MICROS, at: now });
        }
        let bucket = buckets.get_mut(key_id).expect("it was put there when it was missing");
        let passed = u64::try_from(now.0.saturating_sub(bucket.at.0)).unwrap_or(0);
        bucket.left = bucket.left.saturating_add(passed).min(SECOND_MICROS);
        bucket.at = now;
        if bucket.left < price {
            return Err(Duration::from_micros(price - bucket.left));
        }
        bucket.left -= price;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Micros {
        Micros(ms * 1_000)
    }

    #[test]
    fn a_key_gets_its_second_and_then_its_pace() {
        let pace = Pace::new(10);
        let taken = (0..20).take_while(|_| pace.admit("a", at(0)).is_ok()).count();
        assert_eq!(taken, 10);
        assert_eq!(pace.admit("a", at(40)), Err(Duration::from_millis(60)));
        assert_eq!(pace.admit("a", at(100)), Ok(()));
        assert!(pace.admit("a", at(100)).is_err());
        assert_eq!(pace.admit("b", at(100)), Ok(()), "one key's haste is not another's");
    }

    #[test]
    fn a_rest_gives_no_more_than_a_second() {
        let pace = Pace::new(2);
        assert!(pace.admit("a", at(0)).is_ok());
        let taken = (0..9).take_while(|_| pace.admit("a", at(60_000)).is_ok()).count();
        assert_eq!(taken, 2);
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let pace = Pace::new(0);
        assert!((0..100_000).all(|_| pace.admit("a", at(0)).is_ok()));
        assert!(pace.buckets.lock().unwrap_or_else(PoisonError::into_inner).is_empty());
    }
}

//! Making what is committed durable, and letting the queue forget what lies below it: never anything above.

use crate::gather::queue_lane;
use cebe_central::{Central, StoreError};
use cebe_queue::{Position, Queue, TrimError};

/// Persists the store and trims the queue below the positions that are durable now. Gives what could not be trimmed:
/// that stays for now.
pub fn persist(central: &dyn Central, queue: &dyn Queue) -> Result<Vec<TrimError>, StoreError> {
    let durable = central.persist()?;
    let trimmed = durable.iter().map(|place| queue.trim(queue_lane(place.lane), Position(place.index)));
    Ok(trimmed.filter_map(Result::err).collect())
}

//! What only the store in PostgreSQL promises.

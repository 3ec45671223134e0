//! Metric points. Key: company, component, bucket, each dimension value. Value: the engine's `Point`.

use crate::{
    key::{KeyReader, KeyWriter},
    port::Table,
    row::{ReadBack, Stored},
};
use cebe_catalog::Micros;
use cebe_engine::rows::{Point, PointKey};

impl Stored for PointKey {
    const TABLE: Table = Table::Point;
    type Row = Point;

    fn to_key(&self) -> Vec<u8> {
        let start = KeyWriter::company(&self.company).text(&self.component).i64(self.bucket.0);
        self.dimensions.iter().fold(start, |key, value| key.text(value)).finish()
    }
}

impl ReadBack for PointKey {
    fn from_key(bytes: &[u8]) -> Option<Self> {
        let mut key = KeyReader::new(bytes);
        let (company, component, bucket) = (key.company()?, key.text()?, Micros(key.i64()?));
        let mut dimensions = Vec::new();
        while !key.is_empty() {
            dimensions.push(key.text()?);
        }
        Some(Self { company, component, bucket, dimensions })
    }
}

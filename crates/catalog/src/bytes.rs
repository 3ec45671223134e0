//! Values as stored bytes, behind whatever a buffer already holds. The library's own way over an iterator costs about
//! four times as much, and every stored row goes through here.

use postcard::{Result, ser_flavors::Flavor, serialize_with_flavor};
use serde::Serialize;

/// The end of a buffer.
struct End<'b>(&'b mut Vec<u8>);

impl Flavor for End<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> Result<()> {
        Ok(())
    }
}

/// Appends the bytes of a value, as `postcard` reads them. The value's types must be ones that `postcard` can write, as
/// all that are stored are (none needs to be asked what it is); of any other kind this panics.
pub fn append<T: Serialize + ?Sized>(value: &T, buffer: &mut Vec<u8>) {
    serialize_with_flavor(value, End(buffer)).expect("what is stored holds only types that postcard can write");
}

#[cfg(test)]
mod tests {
    use super::append;

    #[test]
    fn bytes_stand_behind_the_buffer_and_read_back() {
        let mut buffer = vec![7];
        append(&("abc", 300_u32, Some([1_u8; 16])), &mut buffer);
        let read: (&str, u32, Option<[u8; 16]>) = postcard::from_bytes(&buffer[1..]).expect("it reads");
        assert_eq!((buffer[0], read), (7, ("abc", 300, Some([1; 16]))));
    }
}

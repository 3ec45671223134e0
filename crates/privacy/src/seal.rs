//! Sealing of values: deterministic authenticated encryption (AES-256-SIV), so that the same value under the same key
//! is the same bytes and storing it twice is harmless.

use aes_siv::siv::Aes256Siv;
use aes_siv::{Key, KeyInit};
use thiserror::Error;

use crate::keys::{CompanyKeys, MasterKey, SealKey};

/// Layout of sealed bytes: this byte, the number of the key (big endian), then the SIV ciphertext.
const VERSION: u8 = 1;
/// Bytes before the ciphertext: version and key number.
const HEADER_BYTES: usize = 5;

/// Associated data of pieces of files, so that no other sealed value can pass for one.
const PIECE_PURPOSE: &[u8] = b"cebe file piece 1";

/// Where a piece of a file belongs.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// The file.
    pub file: &'a str,
    /// The pieces before it.
    pub number: u64,
    /// Nothing comes after it.
    pub is_last: bool,
}

/// Why sealed bytes could not be opened; never says anything about the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealError {
    /// Too short to hold a header and a tag.
    #[error("sealed value is cut short")]
    Truncated,
    /// Written in a layout this version does not know.
    #[error("sealed value has unknown version {0}")]
    UnknownVersion(u8),
    /// Sealed under a key that was not given.
    #[error("sealed value needs key {0}, which is not at hand")]
    UnknownKey(u32),
    /// Wrong key, wrong associated data, or damaged bytes.
    #[error("sealed value does not open under this key")]
    Refused,
    /// Opened, but what was inside is not what should be there.
    #[error("sealed value holds something else than expected")]
    Malformed,
}

/// Seals `plain` under the company's current key. `associated` binds it to its place (such as its token): the same
/// bytes must be given to open it.
pub fn seal(keys: &CompanyKeys, associated: &[u8], plain: &[u8]) -> Vec<u8> {
    seal_under(keys.seal_key(), associated, plain)
}

/// Opens what `seal` made, under the current key or one that was retired.
pub fn unseal(keys: &CompanyKeys, associated: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let number = key_number(sealed)?;
    let key = keys.seal_key_numbered(number).ok_or(SealError::UnknownKey(number))?;
    unseal_under(key, associated, sealed)
}

/// Whether sealed bytes lie under a retired key, so that a rotation still has to seal them again.
pub fn is_outdated(keys: &CompanyKeys, sealed: &[u8]) -> bool {
    key_number(sealed) != Ok(keys.seal_key().number())
}

/// Seals a piece of a file that belongs to no company yet, under the installation's key. It opens only as this piece.
pub fn seal_piece(master: &MasterKey, piece: &Piece<'_>, plain: &[u8]) -> Vec<u8> {
    seal_under(master.key(), &piece.associated(), plain)
}

/// Opens what `seal_piece` made, given the same piece.
pub fn unseal_piece(master: &MasterKey, piece: &Piece<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    match key_number(sealed)? {
        number if number == master.number() => unseal_under(master.key(), &piece.associated(), sealed),
        number => Err(SealError::UnknownKey(number)),
    }
}

impl Piece<'_> {
    fn associated(&self) -> Vec<u8> {
        [PIECE_PURPOSE, &self.number.to_be_bytes(), &[u8::from(self.is_last)], self.file.as_bytes()].concat()
    }
}

pub(crate) fn seal_under(key: &SealKey, associated: &[u8], plain: &[u8]) -> Vec<u8> {
    let header = header(key.number());
    let ciphertext = cipher(key)
        .encrypt([header.as_slice(), associated], plain)
        .expect("two headers are fewer than SIV allows and a vector grows");
    [header.as_slice(), &ciphertext].concat()
}

pub(crate) fn unseal_under(key: &SealKey, associated: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (header, ciphertext) = sealed.split_at_checked(HEADER_BYTES).ok_or(SealError::Truncated)?;
    cipher(key).decrypt([header, associated], ciphertext).map_err(|_| SealError::Refused)
}

/// The number of the key that sealed bytes lie under.
pub(crate) fn key_number(sealed: &[u8]) -> Result<u32, SealError> {
    match sealed {
        [VERSION, a, b, c, d, ..] => Ok(u32::from_be_bytes([*a, *b, *c, *d])),
        [VERSION, ..] | [] => Err(SealError::Truncated),
        [version, ..] => Err(SealError::UnknownVersion(*version)),
    }
}

fn header(number: u32) -> [u8; HEADER_BYTES] {
    let [a, b, c, d] = number.to_be_bytes();
    [VERSION, a, b, c, d]
}

fn cipher(key: &SealKey) -> Aes256Siv {
    Aes256Siv::new(&Key::<Aes256Siv>::from(*key.bytes()))
}

#[cfg(test)]
mod tests;

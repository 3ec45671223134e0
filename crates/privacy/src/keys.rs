//! Keys as values: the master key, a company's own secrets and how the first wraps the second, and the hash under
//! which API keys are kept. Nothing here makes, reads or keeps a key; callers hand over random bytes and hold the result.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use hmac::{Hmac, KeyInit};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::seal::{self, SealError};

/// Associated data of wrapped company keys, so that no other sealed value can pass for them.
const WRAP_PURPOSE: &[u8] = b"cebe company keys 1";
/// Bytes of the two secrets that are never rotated.
const FIXED_BYTES: usize = 64;
/// Bytes of one seal key with its number.
const NUMBERED_SEAL_KEY_BYTES: usize = 68;

pub(crate) type HmacSha256 = Hmac<Sha256>;

/// An AES-256-SIV key with the number that sealed bytes name it by.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey {
    number: u32,
    bytes: [u8; 64],
}

impl SealKey {
    /// A key from 64 random bytes; the number must be new among the keys of its owner.
    pub fn new(number: u32, bytes: [u8; 64]) -> Self {
        Self { number, bytes }
    }

    /// The number that sealed bytes carry.
    pub fn number(&self) -> u32 {
        self.number
    }

    pub(crate) fn bytes(&self) -> &[u8; 64] {
        &self.bytes
    }
}

/// The installation's key, which wraps the keys of every company.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey(SealKey);

impl MasterKey {
    /// The first master key of an installation, from 64 random bytes.
    pub fn new(bytes: [u8; 64]) -> Self {
        Self::numbered(1, bytes)
    }

    /// A later master key; `number` tells wrapped keys of an earlier one apart.
    pub fn numbered(number: u32, bytes: [u8; 64]) -> Self {
        Self(SealKey::new(number, bytes))
    }

    /// The number that wrapped keys carry.
    pub fn number(&self) -> u32 {
        self.0.number
    }

    pub(crate) fn key(&self) -> &SealKey {
        &self.0
    }
}

/// A company's secrets. Token and content secrets are for ever, because identity and dedup rest on them; the seal key
/// can be rotated, and retired ones still open what they sealed.
#[derive(Clone)]
pub struct CompanyKeys {
    token_key: [u8; 32],
    content_key: [u8; 32],
    /// Newest last; never empty.
    seal_keys: Vec<SealKey>,
    token_mac: HmacSha256,
    content_mac: HmacSha256,
}

impl CompanyKeys {
    /// A new company's secrets from random bytes: token key (32), seal key (64), content key (32).
    pub fn from_random(bytes: [u8; 128]) -> Self {
        let (token_key, rest) = bytes.split_first_chunk::<32>().expect("128 bytes hold 32");
        let (seal_key, rest) = rest.split_first_chunk::<64>().expect("96 bytes hold 64");
        let content_key = rest.first_chunk::<32>().expect("32 bytes hold 32");
        Self::assemble(*token_key, *content_key, vec![SealKey::new(1, *seal_key)])
    }

    fn assemble(token_key: [u8; 32], content_key: [u8; 32], seal_keys: Vec<SealKey>) -> Self {
        let (token_mac, content_mac) = (prepared_mac(&token_key), prepared_mac(&content_key));
        Self { token_key, content_key, seal_keys, token_mac, content_mac }
    }

    /// The same secrets with a new seal key in front; what is sealed from now on lies under it.
    #[must_use]
    pub fn with_rotated_seal_key(&self, bytes: [u8; 64]) -> Self {
        let mut rotated = self.clone();
        rotated.seal_keys.push(SealKey::new(self.seal_key().number + 1, bytes));
        rotated
    }

    /// The same secrets without retired seal keys, for when nothing lies under them any more.
    #[must_use]
    pub fn without_retired_seal_keys(&self) -> Self {
        Self { seal_keys: vec![self.seal_key().clone()], ..self.clone() }
    }

    /// These secrets sealed under the master key, fit for storing.
    pub fn wrap(&self, master: &MasterKey) -> Vec<u8> {
        let mut plain = [self.token_key, self.content_key].concat();
        for key in &self.seal_keys {
            plain.extend_from_slice(&key.number.to_be_bytes());
            plain.extend_from_slice(&key.bytes);
        }
        seal::seal_under(&master.0, WRAP_PURPOSE, &plain)
    }

    /// Opens what `wrap` made under the same master key.
    pub fn unwrap_with(master: &MasterKey, wrapped: &[u8]) -> Result<Self, SealError> {
        let number = seal::key_number(wrapped)?;
        if number != master.number() {
            return Err(SealError::UnknownKey(number));
        }
        let plain = seal::unseal_under(&master.0, WRAP_PURPOSE, wrapped)?;
        Self::from_plain(&plain).ok_or(SealError::Malformed)
    }

    fn from_plain(plain: &[u8]) -> Option<Self> {
        let (token_key, rest) = plain.split_first_chunk::<32>()?;
        let (content_key, rest) = rest.split_first_chunk::<32>()?;
        debug_assert_eq!(plain.len() - rest.len(), FIXED_BYTES);
        let (numbered, rest) = rest.as_chunks::<NUMBERED_SEAL_KEY_BYTES>();
        if numbered.is_empty() || !rest.is_empty() {
            return None;
        }
        let seal_keys = numbered.iter().map(read_seal_key).collect::<Option<Vec<_>>>()?;
        Some(Self::assemble(*token_key, *content_key, seal_keys))
    }

    pub(crate) fn seal_key(&self) -> &SealKey {
        self.seal_keys.last().expect("a company has a seal key from the start")
    }

    pub(crate) fn seal_key_numbered(&self, number: u32) -> Option<&SealKey> {
        self.seal_keys.iter().rev().find(|key| key.number == number)
    }

    /// A MAC that has already taken in the token key.
    pub(crate) fn token_mac(&self) -> HmacSha256 {
        self.token_mac.clone()
    }

    /// A MAC that has already taken in the content key.
    pub(crate) fn content_mac(&self) -> HmacSha256 {
        self.content_mac.clone()
    }
}

fn read_seal_key(bytes: &[u8; NUMBERED_SEAL_KEY_BYTES]) -> Option<SealKey> {
    let (number, bytes) = bytes.split_first_chunk::<4>()?;
    Some(SealKey::new(u32::from_be_bytes(*number), *bytes.first_chunk::<64>()?))
}

fn prepared_mac(key: &[u8; 32]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// The form in which an API key is stored.
pub fn api_key_hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// The hash of an API key, to look it up by. Compared in a time that does not tell how much of it is the same.
#[derive(Clone, Copy)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Of a key as it is presented.
    pub fn of(key: &str) -> Self {
        Self(api_key_hash(key))
    }
}

impl From<[u8; 32]> for KeyHash {
    fn from(stored: [u8; 32]) -> Self {
        Self(stored)
    }
}

impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyHash {}

impl Hash for KeyHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({}, ***)", self.number)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({}, ***)", self.number())
    }
}

impl fmt::Debug for CompanyKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CompanyKeys(***)")
    }
}

#[cfg(test)]
mod tests;

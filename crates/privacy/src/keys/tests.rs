//! Wrapping, rotation and API keys.

use proptest::prelude::*;

use super::*;
use crate::seal::{is_outdated, seal, unseal};
use crate::token::{content, token};

fn keys() -> CompanyKeys {
    CompanyKeys::from_random(std::array::from_fn(|index| index as u8))
}

/// PII-KEYS: a wrapped set of secrets opens to the same secrets.
#[test]
fn wrapped_keys_open_to_the_same_secrets() {
    let master = MasterKey::new([7; 64]);
    let keys = keys().with_rotated_seal_key([9; 64]);
    let opened = CompanyKeys::unwrap_with(&master, &keys.wrap(&master)).unwrap();
    assert_eq!(token(&opened, "phone", "+62"), token(&keys, "phone", "+62"));
    assert_eq!(content(&opened, b"{}"), content(&keys, b"{}"));
    assert_eq!(seal(&opened, b"a", b"b"), seal(&keys, b"a", b"b"));
    assert_eq!(opened.seal_keys, keys.seal_keys);
}

/// PII-KEYS: after a rotation old values still open, new ones lie under the new key, and tokens stay.
#[test]
fn rotation_changes_sealing_and_nothing_else() {
    let old = keys();
    let new = old.with_rotated_seal_key([9; 64]);
    let before = seal(&old, b"t", b"+62812345678");
    let after = seal(&new, b"t", b"+62812345678");
    assert_ne!(before, after);
    assert_eq!(unseal(&new, b"t", &before).unwrap(), b"+62812345678");
    assert!(is_outdated(&new, &before) && !is_outdated(&new, &after));
    assert_eq!(token(&new, "phone", "+62812345678"), token(&old, "phone", "+62812345678"));
    let cleared = new.without_retired_seal_keys();
    assert_eq!(unseal(&cleared, b"t", &before), Err(SealError::UnknownKey(1)));
    assert_eq!(unseal(&cleared, b"t", &after).unwrap(), b"+62812345678");
}

#[test]
fn another_master_key_is_refused() {
    let wrapped = keys().wrap(&MasterKey::new([7; 64]));
    let open = |master| CompanyKeys::unwrap_with(&master, &wrapped).unwrap_err();
    assert_eq!(open(MasterKey::new([8; 64])), SealError::Refused);
    assert_eq!(open(MasterKey::numbered(2, [7; 64])), SealError::UnknownKey(1));
    let master = MasterKey::new([7; 64]);
    assert_eq!(CompanyKeys::unwrap_with(&master, &[]).unwrap_err(), SealError::Truncated);
    let foreign = crate::seal::seal_under(&master.0, WRAP_PURPOSE, b"short");
    assert_eq!(CompanyKeys::unwrap_with(&master, &foreign).unwrap_err(), SealError::Malformed);
}

#[test]
fn debug_output_shows_no_key() {
    let shown = format!("{:?} {:?} {:?}", keys(), MasterKey::new([7; 64]), keys().seal_key());
    assert_eq!(shown, "CompanyKeys(***) MasterKey(1, ***) SealKey(1, ***)");
}

#[test]
fn api_keys_are_known_by_their_sha256() {
    let stored = api_key_hash("abc");
    assert_eq!(hex::encode(stored), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let stored = KeyHash::from(stored);
    assert!(stored == KeyHash::of("abc"));
    assert!(stored != KeyHash::of("abd") && stored != KeyHash::of(""));
    let (mut first, mut last) = (stored, stored);
    (first.0[0], last.0[31]) = (!first.0[0], !last.0[31]);
    assert!(stored != first && stored != last);
}

proptest! {
    #[test]
    fn damaged_wrapping_is_refused(at in 0usize..153, bit in 0u8..8) {
        let master = MasterKey::new([7; 64]);
        let mut wrapped = keys().wrap(&master);
        prop_assert_eq!(wrapped.len(), 153);
        wrapped[at] ^= 1 << bit;
        prop_assert!(CompanyKeys::unwrap_with(&master, &wrapped).is_err());
    }
}

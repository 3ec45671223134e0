//! Sealing: known answers, round trips and refusals.

use proptest::prelude::*;

use super::*;

fn keys(seed: u8) -> CompanyKeys {
    CompanyKeys::from_random(std::array::from_fn(|index| (index as u8).wrapping_mul(3).wrapping_add(seed)))
}

/// The cipher is AES-SIV of RFC 5297: `S2V` over header and associated data, the tag before the ciphertext.
#[test]
fn sealed_bytes_are_a_header_and_an_rfc_5297_ciphertext() {
    let sealed = seal(&keys(1), b"token", b"+62812345678");
    assert_eq!(sealed[..HEADER_BYTES], [1, 0, 0, 0, 1]);
    let by_hand = cipher(keys(1).seal_key()).encrypt([&[1, 0, 0, 0, 1][..], b"token"], b"+62812345678").unwrap();
    assert_eq!(sealed[HEADER_BYTES..], by_hand);
}

/// Stored values must open for ever, so the bytes may not change between versions.
#[test]
fn sealed_bytes_never_change() {
    assert_eq!(
        hex::encode(seal(&keys(1), b"token", b"+62812345678")),
        "01000000015efc0f401d0e86da5425b74be4ef4725ff8d2345ccb9fb86488c39b8"
    );
}

#[test]
fn what_is_cut_short_or_of_another_version_says_so() {
    let sealed = seal(&keys(1), b"", b"x");
    assert_eq!(unseal(&keys(1), b"", &[]), Err(SealError::Truncated));
    assert_eq!(unseal(&keys(1), b"", &sealed[..3]), Err(SealError::Truncated));
    assert_eq!(unseal(&keys(1), b"", &sealed[..9]), Err(SealError::Refused));
    assert_eq!(unseal(&keys(1), b"", &[2, 0, 0, 0, 1]), Err(SealError::UnknownVersion(2)));
    assert_eq!(unseal(&keys(1), b"", &[1, 0, 0, 0, 9, 0]), Err(SealError::UnknownKey(9)));
}

proptest! {
    /// ANCHOR-TP-7: what is sealed can be read back, by who has the key.
    #[test]
    fn sealing_round_trips_and_is_deterministic(associated: Vec<u8>, plain: Vec<u8>) {
        let sealed = seal(&keys(1), &associated, &plain);
        prop_assert_eq!(&sealed, &seal(&keys(1), &associated, &plain));
        prop_assert_eq!(unseal(&keys(1), &associated, &sealed), Ok(plain));
    }

    #[test]
    fn wrong_key_and_wrong_place_are_refused(associated: Vec<u8>, plain: Vec<u8>) {
        let sealed = seal(&keys(1), &associated, &plain);
        prop_assert_eq!(unseal(&keys(2), &associated, &sealed), Err(SealError::Refused));
        let elsewhere = [associated.as_slice(), b"x"].concat();
        prop_assert_eq!(unseal(&keys(1), &elsewhere, &sealed), Err(SealError::Refused));
    }

    #[test]
    fn a_flipped_bit_is_refused(plain: Vec<u8>, at: prop::sample::Index, bit in 0u8..8) {
        let mut sealed = seal(&keys(1), b"t", &plain);
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        prop_assert!(unseal(&keys(1), b"t", &sealed).is_err());
    }

    #[test]
    fn no_bytes_from_outside_break_it(bytes: Vec<u8>) {
        prop_assert!(unseal(&keys(1), b"t", &bytes).is_err());
    }
}

//! Tokens: known answers, and that kinds, values and companies are kept apart.

use proptest::prelude::*;

use super::*;

fn keys(seed: u8) -> CompanyKeys {
    CompanyKeys::from_random([seed; 128])
}

/// Computed apart from this code: HMAC-SHA-256 with 32 bytes of 0x0b over `phone`, 0x1f, the number.
#[test]
fn a_token_is_the_first_half_of_an_hmac() {
    assert_eq!(hex::encode(token(&keys(0x0b), "phone", "+62812345678")), "fdecab4b5aa99a994c9410a398f439c9");
}

#[test]
fn contents_and_derived_ids_never_change() {
    let content = content(&keys(0x0b), br#"{"a":1}"#);
    assert_eq!(hex::encode(content), "d8b083ab5860651735b064b416d063fa");
    assert_eq!(derived_id(&keys(0x0b), content, 0), "09d259e7b010c00a05064e79e4fef310");
    assert_eq!(derived_id(&keys(0x0b), content, 1), "6f212492e469660925fe25d80d2e126b");
}

/// ANCHOR-TP-3: two spellings of one phone have one token.
#[test]
fn spellings_of_one_phone_share_a_token() {
    let of = |text| token(&keys(1), "phone", &crate::normalise::phone(text, Some("ID")).unwrap());
    assert_eq!(of("0812-3456-7890"), of("+62 812 3456 7890"));
    assert_ne!(of("0812-3456-7890"), of("0812-3456-7891"));
}

#[test]
fn the_border_between_kind_and_value_counts() {
    assert_ne!(token(&keys(1), "room", "id1"), token(&keys(1), "roomid", "1"));
}

proptest! {
    #[test]
    fn tokens_differ_by_company_kind_and_value(a in "[a-z0-9]{1,20}", b in "[a-z0-9]{1,20}") {
        prop_assert_eq!(token(&keys(1), "phone", &a), token(&keys(1), "phone", &a));
        prop_assert_ne!(token(&keys(1), "phone", &a), token(&keys(2), "phone", &a));
        prop_assert_ne!(token(&keys(1), "phone", &a), token(&keys(1), "email", &a));
        prop_assert_eq!(a == b, token(&keys(1), "phone", &a) == token(&keys(1), "phone", &b));
    }

    #[test]
    fn derived_ids_are_32_hexadecimal_digits(mark: [u8; 16], n: u64) {
        let id = derived_id(&keys(1), mark, n);
        prop_assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        prop_assert_ne!(id, derived_id(&keys(1), mark, n.wrapping_add(1)));
    }
}

//! Spellings that must meet, spellings that must be refused, and idempotence.

use proptest::prelude::*;

use super::*;

/// ANCHOR-TP-3: every spelling of one number is one identifier.
#[test]
fn spellings_of_a_phone_meet() {
    let spellings = [
        "+6281234567890",
        " +62 812-3456-7890 ",
        "0812 3456 7890",
        "(0812) 3456.7890",
        "62 812 3456 7890",
        "tel:+62-812-3456-7890",
        "TEL:+6281234567890",
        "＋６２８１２３４５６７８９０",
        "\u{202a}+62 812\u{a0}3456\u{2011}7890\u{202c}",
        "٠٨١٢٣٤٥٦٧٨٩٠",
        "+62 (0) 812 3456 7890",
    ];
    for spelling in spellings {
        assert_eq!(phone(spelling, Some("ID")).as_deref(), Some("+6281234567890"), "{spelling}");
    }
}

#[test]
fn regions_are_read_in_any_case_and_na_is_namibia() {
    assert_eq!(phone("081 123 4567", Some("NA")).as_deref(), Some("+264811234567"));
    assert_eq!(phone("081 123 4567", Some("na")).as_deref(), Some("+264811234567"));
    for unknown in [None, Some(""), Some("ZZ"), Some("Indonesia"), Some("1!")] {
        assert_eq!(phone("081 123 4567", unknown), None, "{unknown:?}");
        assert_eq!(phone("+264811234567", unknown).as_deref(), Some("+264811234567"), "{unknown:?}");
    }
}

#[test]
fn what_is_no_phone_is_refused() {
    let long = "1".repeat(10_000);
    let texts =
        ["", " ", "+", "abc", "room 081234567890", "081234567890@mail.com", "12", "+62", "+999123456789", &long];
    for text in texts {
        assert_eq!(phone(text, Some("ID")), None, "{text}");
    }
    assert_eq!(phone("253-0000", Some("US")), None, "without its area code a number is several people's");
}

#[test]
fn spellings_of_an_address_meet() {
    for (text, expected) in [
        (" Budi.Santoso+promo@Mail.COM ", "budi.santoso+promo@mail.com"),
        ("Ｂｕｄｉ＠mail．com", "budi@mail.com"),
        ("budi@bücher.example", "budi@xn--bcher-kva.example"),
        ("BUDI@BÜCHER.example", "budi@xn--bcher-kva.example"),
        ("o'neil_x@a-b.co.id", "o'neil_x@a-b.co.id"),
    ] {
        assert_eq!(email(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn malformed_addresses_are_refused() {
    let local = "a".repeat(65) + "@mail.com";
    let whole = "a@".to_owned() + &"b.".repeat(130) + "com";
    let texts = [
        "",
        "@",
        "a@",
        "@mail.com",
        "a@mail",
        "a@@mail.com",
        "a@b@mail.com",
        "a b@mail.com",
        "a@ma il.com",
        ".a@mail.com",
        "a.@mail.com",
        "a..b@mail.com",
        "a@.com",
        "a@mail.",
        "a@mail..com",
        "a@-mail.com",
        "a@10.0.0.1",
        "a@mail.c",
        "a\u{0}@mail.com",
        "a\u{200b}@mail.com",
        "<a@mail.com>",
        "\"a\"@mail.com",
        &local,
        &whole,
    ];
    for text in texts {
        assert_eq!(email(text), None, "{text}");
    }
}

#[test]
fn opaque_ids_are_trimmed_and_bounded() {
    assert_eq!(opaque("  Ab-9 ").as_deref(), Some("Ab-9"));
    assert_eq!(opaque(&"é".repeat(128)).unwrap().chars().count(), 128);
    for text in ["", "   ", "a\nb", "a\u{0}", &"x".repeat(129)] {
        assert_eq!(opaque(text), None);
    }
}

#[test]
fn placeholders_are_known_in_any_dress() {
    for text in ["?", " None ", "UNKNOWN", "-", "0", "null", "Guest", "N/A", "undefined", "nil", "", "  "] {
        assert!(is_placeholder(text), "{text}");
    }
    for text in ["00", "guest1", "a", "+6281234567890", "--"] {
        assert!(!is_placeholder(text), "{text}");
    }
}

/// ANCHOR-TP-3
#[test]
fn each_kind_has_its_own_spelling() {
    assert_eq!(identifier("phone", "0812 3456 7890", Some("ID")).as_deref(), Some("+6281234567890"));
    assert_eq!(identifier("email", "Budi@Mail.com", None).as_deref(), Some("budi@mail.com"));
    assert_eq!(identifier("member_id", " Ab-9 ", None).as_deref(), Some("Ab-9"));
    assert_eq!(identifier("member_id", "Guest", None), None);
}

/// PII-OPEN: contact data given as an id is seen for what it is.
#[test]
fn contact_data_does_not_pass_for_an_id() {
    for id in [
        "budi@mail.com",
        " Budi@Mail.com ",
        "budi%40mail.com",
        "mailto:budi@mail.com",
        "628123456789@s.whatsapp.net",
        "+6281234567890",
        "+62 812-3456-7890",
        "(+62) 812 3456 7890",
        "%2B6281234567890",
        "whatsapp:+6281234567890",
        "＋６２８１２３４５６７８９０",
    ] {
        assert!(looks_like_contact(id), "{id}");
    }
    for id in
        ["6281234567890", "T-1234567890", "018f3e2a-1234-7abc-8def-0123456789ab", "a+b", "+1", "1+2345678", "room 1"]
    {
        assert!(!looks_like_contact(id), "{id}");
    }
}

proptest! {
    #[test]
    fn phones_normalise_to_themselves(text in r"(\+|00|0|)[0-9 ().-]{3,18}", region in "ID|US|NA|IT|AR|MX|BR|DE|CI") {
        if let Some(found) = phone(&text, Some(&region)) {
            prop_assert_eq!(phone(&found, Some(&region)), Some(found.clone()));
            prop_assert_eq!(phone(&found, None), Some(found));
        }
    }

    #[test]
    fn addresses_normalise_to_themselves(text in r"\PC{1,12}@\PC{1,8}\.[a-zA-Zäß]{2,5}") {
        if let Some(found) = email(&text) {
            prop_assert_eq!(email(&found), Some(found.clone()));
        }
    }

    #[test]
    fn ids_normalise_to_themselves(text: String) {
        if let Some(found) = opaque(&text) {
            prop_assert_eq!(opaque(&found), Some(found.clone()));
        }
    }

    #[test]
    fn no_text_breaks_them(text: String, region: String) {
        prop_assert!(phone(&text, Some(&region)).is_none_or(|found| found.starts_with('+')));
        prop_assert!(email(&text).is_none_or(|found| found.split('@').count() == 2));
        prop_assert!(!looks_like_contact(&text) || crate::detect::scrub(&text).found);
    }
}

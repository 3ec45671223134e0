//! The detector against people, machines and the malicious.

use proptest::prelude::*;

use super::*;

fn scrubbed(text: &str) -> String {
    scrub(text).text
}

/// PII-OPEN
#[test]
fn contact_data_in_prose_is_replaced() {
    for (text, expected) in [
        ("call +62 812-3456-7890 now", "call [phone] now"),
        ("call (021) 835 0123.", "call [phone]."),
        ("0812.3456.7890 or 0813-1111-2222, thanks", "[phone] or [phone], thanks"),
        ("mail budi+x@mail.co.id, please", "mail [email], please"),
        ("card 4111 1111 1111 1111!", "card [card]!"),
        ("nik 3174012345678901", "nik [phone]"),
        ("name (at) mail.com / name[at]mail[dot]com", "[email] / [email]"),
        ("name @ mail.com", "[email]"),
        ("a@b.com\tc@d.com", "[email]\t[email]"),
        (r#"say "john doe"@mail.com"#, "say [email]"),
        ("root@[192.168.0.1]", "[email]"),
        ("8123456", "[phone]"),
    ] {
        assert_eq!(scrubbed(text), expected, "{text}");
    }
}

/// PII-OPEN
#[test]
fn disguises_are_seen_through() {
    for text in [
        "０８１２３４５６７８９０",
        "٠٨١٢٣٤٥٦٧٨٩٠",
        "०८१२३४५६७८९०",
        "𝟎𝟖𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖",
        "①②③④⑤⑥⑦⑧",
        "0\u{fe0f}\u{20e3}8\u{fe0f}\u{20e3}1\u{fe0f}\u{20e3}2\u{fe0f}\u{20e3}3\u{fe0f}\u{20e3}4\u{fe0f}\u{20e3}5\u{fe0f}\u{20e3}",
        "0812\u{a0}345\u{2009}678",
        "0812\u{2011}345\u{2013}678",
        "0\u{200b}8\u{200c}1\u{200d}2\u{2060}3\u{feff}4\u{ad}5",
        "0812\n345\r\n678",
        "0812\\n345678",
        "0812%20345%20678",
        "0812&nbsp;345&nbsp;678",
        "0812+345+678",
        "%30%38%31%32%33%34%35",
    ] {
        assert_eq!(scrubbed(text), "[phone]", "{text:?}");
    }
    for text in [
        "budi%40mail.com",
        "budi%2540mail.com",
        "budi\\u0040mail.com",
        "budi\\\\u0040mail.com",
        "budi&#64;mail.com",
        "budi&#x40;mail.com",
        "budi＠mail．com",
        "bu\u{200b}di@ma\u{ad}il.com",
        "budi@bücher.example",
        "用户@例子.广告",
    ] {
        assert_eq!(scrubbed(text), "[email]", "{text:?}");
    }
}

/// PII-OPEN: what stands before contact data must not be read together with it and so hide a part.
#[test]
fn a_sign_before_contact_data_does_not_swallow_it() {
    assert_eq!(scrubbed("%3a%40aa.com"), "[email]");
    assert_eq!(scrubbed("%62800%2000%2000"), "%[phone]");
    assert_eq!(scrubbed("&#62800%2000%2000"), "&#[phone]");
    assert_eq!(scrubbed("%8123456"), "%[phone]");
    assert_eq!(scrubbed("\\u62812%20345"), "\\u[phone]");
    assert_eq!(scrubbed("812 345 6789@mail.com"), "[email]");
}

/// PII-OPEN
#[test]
fn json_like_text_keeps_its_shape() {
    let text = r#"{"phone":"+6281234567890","n":81234567,"mail":"budi@mail.com","items":[1,2,3,4,5,6,7,8]}"#;
    let expected = r#"{"phone":"[phone]","n":[phone],"mail":"[email]","items":[1,2,3,4,5,6,7,8]}"#;
    assert_eq!(scrubbed(text), expected);
    assert_eq!(scrubbed(r#"{\"m\":\"budi@mail.com\"}"#), r#"{\"m\":\"[email]\"}"#);
}

#[test]
fn harmless_text_is_left_alone() {
    for text in [
        "",
        "order 123456 of 2 items, Rp 150.000",
        "due 2024-05-10, moved to 2024-06-11T10:20:30.123456Z",
        "2024-05-10 10:20:30 started",
        "2024-05-10T10:20:30+07:00",
        "thanks @siti and @budi_99",
        "50% off & free (limited)",
        "+62•••••789 and a•••@mail.com",
        "[phone] [email] [card]",
        "5 @ 10",
        "Ünïcödé 測試 🙂",
    ] {
        assert_eq!(scrub(text), Scrubbed { text: text.to_owned(), found: false });
    }
}

#[test]
fn a_date_is_no_hiding_place() {
    for text in
        ["2024-05-10 812 345 678", "2024-05-10-812345678", "+2024-05-10", "2024-13-45", "12 2024-05-10", "2024-05-109"]
    {
        assert!(scrub(text).found, "{text}");
    }
    assert_eq!(scrubbed("2024-05-10T10:20:30.8123456"), "[phone]T10:20:[phone]");
}

#[test]
fn whole_values_are_classified() {
    for (text, kind) in [
        ("+62 812 3456 7890", Some(Kind::Phone)),
        (" 081234567890. ", Some(Kind::Phone)),
        ("tel:081234567890", Some(Kind::Phone)),
        ("<budi@mail.com>", Some(Kind::Email)),
        ("mailto:budi@mail.com", Some(Kind::Email)),
        ("budi%40mail.com", Some(Kind::Email)),
        ("4111-1111-1111-1111", Some(Kind::Card)),
        ("call 081234567890", None),
        ("081234567890, budi@mail.com", None),
        ("2024-05-10", None),
        ("018f3e2a-1234-7abc-8def-0123456789ab", None),
        ("Jakarta", None),
        ("", None),
    ] {
        assert_eq!(classify(text), kind, "{text}");
    }
}

/// 64 KiB of anything is read in one go: a detector that looked back over the text for each sign would not come back
/// from these within the patience of a test run.
#[test]
fn hostile_texts_of_the_largest_size_are_read() {
    let size = 64 * 1024;
    for (unit, found) in [
        ("@", false),
        ("a@", false),
        ("a.", false),
        ("\"@", false),
        ("\"a@b.co", true),
        ("%25", false),
        ("%2540", false),
        ("\\", false),
        ("\\u0040", false),
        ("1 ", true),
        ("1      ", false),
        ("(", false),
        ("(at)", false),
        ("a (at) ", false),
        ("&#x", false),
        ("2024-05-10,", false),
        ("2024-05-10 ", true),
        ("\u{200b}", false),
        ("1\u{200b}", true),
        ("𝟎,", false),
    ] {
        let text = unit.repeat(size / unit.len());
        assert_eq!(scrub(&text).found, found, "{unit:?}");
    }
}

/// A phone number in one of the ways people write them.
fn phones() -> impl Strategy<Value = String> {
    let groups = prop::collection::vec("[0-9]{2,4}", 3..5);
    let separators =
        prop::sample::select(vec!["", " ", "-", ".", " - ", "/", "\u{a0}", "\u{2011}", "\u{200b}", ") ", "%20"]);
    ("\\+62|0|\\(0|62", groups, separators).prop_map(|(head, groups, separator)| head + "8" + &groups.join(separator))
}

fn addresses() -> impl Strategy<Value = String> {
    ("[a-z0-9][a-z0-9._+-]{0,12}[a-z0-9]", "@|%40|\\(at\\)", "[a-z]{2,8}", "\\.(com|id|co\\.uk)")
        .prop_map(|(local, at, domain, top)| local + &at + &domain + &top)
}

proptest! {
    /// PII-OPEN: a phone planted anywhere in random text is gone.
    #[test]
    fn a_planted_phone_is_gone(before in any::<String>(), phone in phones(), after in any::<String>()) {
        prop_assume!(phone.bytes().filter(u8::is_ascii_digit).count() >= 7);
        let shown = scrub(&format!("{before}{phone}{after}"));
        prop_assert!(shown.found && !shown.text.contains(&phone), "{}", shown.text);
    }

    /// PII-OPEN: not one of its digits is left.
    #[test]
    fn no_digit_of_a_planted_phone_is_left(before in "[^0-9]{0,20}", phone in phones(), after in "[^0-9]{0,20}") {
        let shown = scrubbed(&format!("{before}{phone}{after}"));
        prop_assert!(!shown.bytes().any(|byte| byte.is_ascii_digit()), "{}", shown);
    }

    /// PII-OPEN: an address planted anywhere in random text is gone, local part first.
    #[test]
    fn a_planted_address_is_gone(before in any::<String>(), address in addresses(), after in any::<String>()) {
        let shown = scrub(&format!("{before}{address}{after}"));
        prop_assert!(shown.found && !shown.text.contains(&address), "{}", shown.text);
    }

    #[test]
    fn scrubbing_twice_changes_nothing(text in "[a-z0-9@ .+%()\\[\\]-]{0,60}") {
        let once = scrubbed(&text);
        prop_assert_eq!(scrubbed(&once), once);
    }

    #[test]
    fn found_says_whether_the_text_changed(text: String) {
        let shown = scrub(&text);
        prop_assert_eq!(shown.found, shown.text != text);
    }
}

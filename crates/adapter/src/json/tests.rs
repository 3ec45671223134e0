//! What is JSON and what is not, compared with a general reader, and the rules found on the way.

use super::*;
use proptest::prelude::*;

fn code(raw: &str) -> Option<(QuarantineCode, Option<String>)> {
    let parsed = read(raw.as_bytes()).expect("it is JSON");
    parsed.fault.map(|fault| (fault.code, fault.path.map(String::from)))
}

fn canonical(text: &str) -> String {
    let mut out = Vec::new();
    canonical_number(text, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn rules_are_found_with_their_place() {
    let at = |path: &str| Some(path.to_owned());
    assert_eq!(code(r#"{"a":{"b":1,"b":2}}"#), Some((QuarantineCode::DuplicateKey, at("a.b"))));
    assert_eq!(code(r#"{"a":[{"b":"\u0000"}]}"#), Some((QuarantineCode::InvalidText, at("a[0].b"))));
    assert_eq!(code(r#"{"a":"\ud800x"}"#), Some((QuarantineCode::InvalidText, at("a"))));
    assert_eq!(code(r#"{"a":"\ud83d\ude00 \ufffd"}"#), None);
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(code(&deep).unwrap().0, QuarantineCode::TooDeep);
    let long = format!("{{\"a\":[{}1]}}", "1,".repeat(1_000));
    assert_eq!(code(&long), Some((QuarantineCode::TooMany, at("a"))));
    let key = code(r#"{"rina@example.com":{"b":1,"b":2}}"#).unwrap().1.unwrap();
    assert!(!key.contains("rina"), "{key}");
}

#[test]
fn numbers_have_one_shortest_text() {
    for (same, other) in [("1", "1.0"), ("1e2", "100"), ("0", "-0.00"), ("0.10", "1E-1"), ("12.5e1", "125")] {
        assert_eq!(canonical(same), canonical(other), "{same} {other}");
    }
    for (one, other) in [("1", "10"), ("1", "-1"), ("0.1", "0.01"), ("1e400", "1e401")] {
        assert_ne!(canonical(one), canonical(other), "{one} {other}");
    }
}

proptest! {
    #[test]
    fn accepts_what_a_general_reader_accepts(raw in "[\\[\\]{}\",:0-9eE+.a-d\\\\/untrfls -]{0,40}") {
        let known = serde_json::from_str::<serde::de::IgnoredAny>(&raw).is_ok();
        let surrogate = raw.contains("\\u");
        prop_assert!(surrogate || known == read(raw.as_bytes()).is_ok(), "{}", raw);
    }

    #[test]
    fn arbitrary_bytes_never_panic(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&raw);
    }
}

//! What masks show, and above all what they do not.

use proptest::prelude::*;

use super::*;

/// CORE-CON-SEC-1
#[test]
fn masks_look_as_promised() {
    assert_eq!(phone("+6281234567789"), "+62•••••789");
    assert_eq!(phone("+12025550173"), "+1•••••173");
    assert_eq!(phone("+264811234567"), "+264•••••567");
    assert_eq!(phone("+80012345678"), "+800•••••678");
    assert_eq!(email("andi@mail.com"), "a•••@mail.com");
    assert_eq!(name("Siti Rahma"), "S•••");
    assert_eq!(hidden(), "•••");
}

/// CORE-CON-SEC-1: where little is there to hide, all of it is hidden.
#[test]
fn short_and_odd_values_are_hidden_whole() {
    assert_eq!(phone("+24762889"), "+247•••••");
    for text in ["", "081234567890", "+62 812", "+999123456789", "+"] {
        assert_eq!(phone(text), "•••", "{text}");
    }
    assert_eq!(email("a@mail.com"), "•••@mail.com");
    assert_eq!(email("+a@mail.com"), "•••@mail.com");
    assert_eq!(email("andi@6281234567890.com"), "a•••@•••");
    assert_eq!(email("no address"), "•••");
    assert_eq!(name("S"), "•••");
    assert_eq!(name("+6281234567890"), "•••");
    assert_eq!(name(""), "•••");
}

/// PII-URL
#[test]
fn urls_lose_what_identifies() {
    let allow = ["utm_source", "utm_id"];
    for (url, shown) in [
        (
            "https://x.co/a/b?utm_source=ig&phone=0812&utm_id=120210000000000018#me",
            "https://x.co/a/b?utm_source=ig&utm_id=120210000000000018",
        ),
        ("https://x.co/?utm_source=a%40b.com&UTM_ID=%2B6281234567890", "https://x.co/"),
        ("https://user:pass@x.co:8443/p", "https://x.co:8443/p"),
        ("https://a@b@192.168.10.20/p", "https://192.168.10.20/p"),
        ("https://wa.me/6281234567890?text=hi", "https://wa.me/•••"),
        ("https://x.co/u/budi%2540mail.com/orders", "https://x.co/u/•••/orders"),
        ("https://x.co/u/%EF%BC%90812%20345%20678/", "https://x.co/u/•••/"),
        ("https://6281234567890.x.co/p", "https://•••/p"),
        ("mailto:budi@mail.com?subject=x", "mailto:•••"),
        ("tel:+62-812-3456-7890", "tel:•••"),
        ("whatsapp://send?phone=6281234567890", "whatsapp://send"),
        ("myapp://open/product/12?ref=budi@mail.com", "myapp://open/product/12"),
        ("//cdn.x.co/a.mp3?sig=1", "//cdn.x.co/a.mp3"),
        ("/rel/budi@mail.com", "/rel/•••"),
        ("", ""),
    ] {
        assert_eq!(url_without_params(url, &allow), shown, "{url}");
    }
}

#[test]
fn click_ids_are_lifted_out() {
    let url =
        "https://x.co/lp?utm_source=ig&GCLID=Cj0KCQ%2Da&fbclid=IwAR1&ttclid=null&gbraid=&wbraid=w-1#/x?ctwa_clid=Aff_9";
    let lifted = lift_click_ids(url);
    let expected = [("gclid", "Cj0KCQ-a"), ("fbclid", "IwAR1"), ("wbraid", "w-1"), ("ctwa_clid", "Aff_9")];
    assert_eq!(lifted, expected.map(|(parameter, id)| (parameter, id.to_owned())));
    assert_eq!(lift_click_ids("https://x.co/gclid=1"), []);
    assert_eq!(lift_click_ids("https://x.co/?gclid=budi%40mail.com&gclid=%2B6281234567890"), []);
}

proptest! {
    /// ANCHOR-TP-7: a mask never holds the middle, and the detector finds nothing in it.
    #[test]
    fn a_phone_mask_hides_the_middle(national in "[2-9][0-9]{8,10}") {
        let mask = phone(&format!("+62{national}"));
        prop_assert_eq!(&mask, &format!("+62•••••{}", &national[national.len() - 3..]));
        prop_assert!(!detect::scrub(&mask).found);
    }

    /// ANCHOR-TP-7
    #[test]
    fn an_address_mask_hides_the_middle(local in "[a-z][a-z0-9._+-]{2,20}", domain in "[b-z]{2,8}\\.(com|co\\.id)") {
        let mask = email(&format!("{local}@{domain}"));
        let initial = &local[..1];
        prop_assert_eq!(&mask, &format!("{initial}•••@{domain}"));
        prop_assert!(!detect::scrub(&mask).found);
    }

    #[test]
    fn masks_show_one_letter_at_most(text: String) {
        prop_assert!(name(&text).trim_end_matches('•').chars().count() <= 1);
        prop_assert!(email(&text).split('@').next().unwrap_or_default().trim_end_matches('•').chars().count() <= 1);
    }

    /// PII-URL
    #[test]
    fn no_url_keeps_a_query_or_a_planted_address(scheme in "[a-z]{2,8}", path in "[a-z/]{0,20}", query in "[a-z=&%0-9@.]{0,30}") {
        let url = format!("{scheme}://budi%40mail.com:pw@host.example/{path}/siti@mail.com/?{query}#andi@mail.com");
        let shown = url_without_params(&url, &[]);
        prop_assert!(!shown.contains("mail.com") && !shown.contains('?') && !shown.contains('#'), "{}", shown);
        prop_assert_eq!(url_without_params(&shown, &[]), shown);
    }

    #[test]
    fn no_text_breaks_urls(url: String) {
        let shown = url_without_params(&url, &["a"]);
        prop_assert!(!shown.contains('#'), "{}", shown);
        prop_assert!(lift_click_ids(&url).iter().all(|(_, id)| !id.is_empty()));
    }
}

//! Nearest names: what a publisher probably meant.

use super::Definitions;
use smol_str::SmolStr;

/// Names less alike than this are no hint.
const ALIKE_MIN: f64 = 0.75;

/// At most three of the names that are most like `wanted`, best first; ties in the order of the names.
pub fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a SmolStr>) -> Vec<&'a SmolStr> {
    // A hostile name could be as long as an event; likeness costs its square.
    let wanted: String = wanted.chars().take(64).collect::<String>().to_lowercase();
    let mut scored: Vec<_> =
        names.map(|name| (likeness(&wanted, name), name)).filter(|(l, _)| *l >= ALIKE_MIN).collect();
    scored.sort_by(|(a, left), (b, right)| b.total_cmp(a).then_with(|| left.cmp(right)));
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Other separators (`ad_click`, `Order Created`) should not count as difference.
fn likeness(wanted: &str, name: &str) -> f64 {
    let plain = |text: &str| text.replace(['.', '-', ' ', ':', '/'], "_");
    strsim::jaro_winkler(&plain(wanted), &plain(name)).max(strsim::normalized_damerau_levenshtein(wanted, name))
}

/// The hint of `unknown_event`: the nearest names, and where the others stand. Never repeats what was sent.
pub fn unknown_event_hint<'a>(wanted: &str, names: impl Iterator<Item = &'a SmolStr>) -> String {
    let near = nearest(wanted, names);
    let rule = crate::QuarantineCode::UnknownEvent.hint();
    match near.is_empty() {
        true => rule.to_owned(),
        false => {
            let near: Vec<_> = near.iter().map(|name| name.as_str()).collect();
            format!("did you mean {}? {rule}", near.join(" or "))
        }
    }
}

impl Definitions {
    /// The hint of `unknown_event` among these events.
    pub fn unknown_event_hint(&self, wanted: &str) -> String {
        unknown_event_hint(wanted, self.events.keys())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ANCHOR-ENV-8: an unknown name is answered with the nearest ones.
    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let all = Definitions::standard();
        let first = |wanted: &str| nearest(wanted, all.events.keys()).first().map(|name| name.to_string());
        assert_eq!(first("ticket.create").as_deref(), Some("ticket.created"));
        assert_eq!(first("Order Paid").as_deref(), Some("order.paid"));
        assert_eq!(first("ad_impression").as_deref(), Some("ad.impression"));
        assert_eq!(first("converstaion.started").as_deref(), Some("conversation.started"));
        assert_eq!(first("xyzzy"), None);
        assert!(all.unknown_event_hint("order.payed").starts_with("did you mean order.paid"));
    }

    #[test]
    fn hints_never_repeat_what_was_sent() {
        let all = Definitions::standard();
        for sent in ["rina@example.com", "+6281234567890", &"order.paid".repeat(10_000)] {
            let hint = all.unknown_event_hint(sent);
            assert!(!hint.contains(sent) && hint.len() < 300, "{hint}");
        }
    }
}

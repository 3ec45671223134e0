//! The folds by the name that definitions use, and the marks each can give, so that a definition that counts a mark
//! nobody gives is found by a test.

use super::{
    Fold, acquisition, ad_conversion, ad_spend, ad_touch, answer, booking, call, consent, conversation, deal, delivery,
    field, member_person, membership, order, payment, repeat_issue, revenue, segment, steps, survey, ticket,
};

type Row = (&'static str, Fold, &'static [&'static str]);

const FOLDS: &[Row] = &[
    ("acquisition", acquisition::fold, acquisition::MARKS),
    ("ad_conversion", ad_conversion::fold, ad_conversion::MARKS),
    ("ad_spend", ad_spend::fold, ad_spend::MARKS),
    ("ad_touch", ad_touch::fold, ad_touch::MARKS),
    ("answer", answer::fold, answer::MARKS),
    ("booking", booking::fold, booking::MARKS),
    ("call", call::fold, call::MARKS),
    ("consent", consent::fold, consent::MARKS),
    ("conversation", conversation::fold, conversation::MARKS),
    ("deal", deal::fold, deal::MARKS),
    ("delivery", delivery::fold, delivery::MARKS),
    ("field", field::fold, field::MARKS),
    ("member_person", member_person::fold, member_person::MARKS),
    ("membership", membership::fold, membership::MARKS),
    ("order", order::fold, order::MARKS),
    ("payment", payment::fold, payment::MARKS),
    ("repeat_issue", repeat_issue::fold, repeat_issue::MARKS),
    ("revenue", revenue::fold, revenue::MARKS),
    ("segment", segment::fold, segment::MARKS),
    ("steps", steps::fold, steps::MARKS),
    ("survey", survey::fold, survey::MARKS),
    ("ticket", ticket::fold, ticket::MARKS),
];

/// Every fold's name.
pub const NAMES: &[&str] = &NAME_LIST;

const NAME_LIST: [&str; FOLDS.len()] = {
    let mut names = [""; FOLDS.len()];
    let mut i = 0;
    while i < FOLDS.len() {
        names[i] = FOLDS[i].0;
        i += 1;
    }
    names
};

/// The fold of a name.
pub fn by_name(name: &str) -> Option<Fold> {
    FOLDS.iter().find(|row| row.0 == name).map(|row| row.1)
}

/// The marks a fold can give; empty for `steps`, whose marks are named after the definition's steps and fields.
pub fn marks_of(name: &str) -> Option<&'static [&'static str]> {
    FOLDS.iter().find(|row| row.0 == name).map(|row| row.2)
}

//! `booking`: created, confirmed, cancelled, completed. Rates are booked at the creation; what is due, at the appointment.

use super::{FoldInput, Folded, Mark, reading::item};
use crate::entry::Entry;
use cebe_catalog::Value;

/// Marks this fold gives.
pub(super) const MARKS: &[&str] =
    &["created", "completed_cohort", "cancelled_cohort", "due", "due_completed", "rating"];

/// Folds the entries of one booking.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let mut folded = Folded::default();
    for name in ["booking_id", "service_type", "location_id", "appointment_datetime", "rating"] {
        folded.set(name, input.latest(name));
    }
    let completed = input.step("completed").next();
    let cancelled = input.step("cancelled").next();
    if let Some(created) = input.step("created").next() {
        folded.marks.push(Mark::new("created", created.at()).of(input.anchor()));
        match (completed, cancelled) {
            (Some(_), _) => folded.marks.push(Mark::new("completed_cohort", created.at())),
            (None, Some(_)) => folded.marks.push(Mark::new("cancelled_cohort", created.at())),
            _ => {}
        }
        if let Some(Value::Time(appointment)) = input.latest("appointment_datetime") {
            folded.marks.push(Mark::new("due", *appointment));
            folded.marks.extend(completed.map(|_| Mark::new("due_completed", *appointment)));
        }
    }
    let rating = folded.field("rating").and_then(Value::as_amount);
    if let (Some(completed), Some(rating)) = (completed, rating) {
        folded.marks.push(Mark::new("rating", completed.at()).sum(rating.0));
    }
    folded.view = view(input, &folded, completed, cancelled);
    folded
}

fn view(input: &FoldInput<'_>, folded: &Folded, completed: Option<&Entry>, cancelled: Option<&Entry>) -> Value {
    let state = match (completed, cancelled, input.step("confirmed").next()) {
        (Some(_), ..) => "completed",
        (None, Some(_), _) => "cancelled",
        (None, None, Some(_)) => "confirmed",
        _ => "created",
    };
    let names = ["booking_id", "service_type", "location_id", "appointment_datetime", "rating"];
    let mut map = super::fields_of(&folded.fields, &names);
    map.extend([item("created_at", input.step("created").next().map(Entry::at)), item("state", state)]);
    Value::Map(map)
}

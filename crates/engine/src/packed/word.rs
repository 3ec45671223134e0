//! Words that are stored by number: names of events, steps and fields that the definitions bring along. A word that is
//! not in the list is spelled out; the list only ever grows at its end.

use alloc::borrow::Cow;
use core::fmt;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
    ser::SerializeTuple,
};
use smol_str::SmolStr;

/// Known words. Their places are stored: never move, change or remove one.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "campaign.sent", "campaign.clicked", "campaign.replied", "campaign_id", "channel", "sent", "clicked", "replied",
    "touched", "paid", "created", "order_id", "currency", "amount", "total_value", "payment_type", "payment_method",
    "value", "set", "message.received", "received", "order.created", "order.paid", "customer.created",
    "customer.updated", "order.delivered", "delivered", "message_type", "acquisition_source", "ad.clicked",
    "ad.converted", "ad.impression", "ad.lead_captured", "ad.spend_recorded", "ad_id", "ad_platform", "ad_set_id",
    "ad_spend", "add_to_cart", "added", "agent_id", "answered", "appointment_datetime", "asked_at", "assigned",
    "assigned_id", "assignment_type", "attempt_count", "available_point", "booking.cancelled", "booking.completed",
    "booking.confirmed", "booking.created", "booking_id", "bot.contained", "bot_flow_id", "bot_session_id", "bounced",
    "breach_duration_seconds", "breached", "broadcast_message_id", "burned", "call.assigned", "call.completed",
    "call.started", "call_id", "call_type", "campaign.bounced", "campaign.opted_in", "campaign.opted_out",
    "campaign_cost", "cancelled", "captured", "cart_id", "category", "changed_by", "completed", "confirmed",
    "contained", "conversation.assigned", "conversation.escalated", "conversation.resolved", "conversation.started",
    "conversation_id", "conversion_ref", "conversion_type", "conversion_value", "converted", "cost_per_click",
    "creative_id", "csat", "csat.submitted", "cta_type", "days_in_stage", "deal.created", "deal.lost",
    "deal.rotten_time_breached", "deal.stage_changed", "deal.won", "deal_id", "deal_size", "delivery_method",
    "duration_seconds", "earned", "enrolled", "entered", "escalated", "exited", "expired_point_at", "failed",
    "handled_by", "in", "initial_tier", "items", "lead_form_id", "location_id", "loss_reason", "lost", "member_id",
    "membership.enrolled", "membership.unenrolled", "name", "new_stage", "new_tier", "nps", "nps.submitted",
    "old_stage", "opened", "out", "owner_id", "payment.failed", "payment_id", "period", "pipeline_id", "points",
    "points.burned", "points.earned", "points_amount", "points_used", "priority", "program_id", "quantity", "rating",
    "redeemed", "resolution_time_seconds", "resolution_type", "resolved", "resolved_by", "reward_name",
    "rewards.redeemed", "room_id", "rotten", "score", "segment.entered", "segment.exited", "segment_id",
    "segment_name", "sent_at", "service_type", "shown", "sla_type", "source_module", "spent", "stage", "stage_id",
    "started", "team_id", "template_id", "ticket.assigned", "ticket.created", "ticket.resolved",
    "ticket.sla_breached", "ticket.stage_changed", "ticket_id", "tier", "tier.downgraded", "tier.upgraded",
    "timezone", "trigger_from", "unenrolled", "won",
];

const COUNT: usize = WORDS.len();

/// Places of the words, by length and text.
const SORTED: [u16; COUNT] = {
    let mut sorted = [0; COUNT];
    let mut word = 0;
    while word < COUNT {
        let mut place = word;
        while place > 0 && less(WORDS[word].as_bytes(), WORDS[sorted[place - 1] as usize].as_bytes()) {
            sorted[place] = sorted[place - 1];
            place -= 1;
        }
        sorted[place] = word as u16;
        word += 1;
    }
    sorted
};

const fn less(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return a.len() < b.len();
    }
    let mut place = 0;
    while place < a.len() && a[place] == b[place] {
        place += 1;
    }
    place < a.len() && a[place] < b[place]
}

/// The number of a known word; 0 is none's.
fn number(text: &str) -> Option<u16> {
    let order = |word: &&str| (word.len(), *word).cmp(&(text.len(), text));
    let found = SORTED.binary_search_by(|place| order(&WORDS[usize::from(*place)])).ok()?;
    Some(SORTED[found] + 1)
}

/// A word as stored.
pub(super) struct Word<'a>(pub(super) Cow<'a, SmolStr>);

impl Serialize for Word<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, to)
    }
}

impl<'de> Deserialize<'de> for Word<'_> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        deserialize(from).map(|word| Self(Cow::Owned(word)))
    }
}

pub(crate) fn serialize<S: Serializer>(word: &SmolStr, to: S) -> Result<S::Ok, S::Error> {
    if to.is_human_readable() {
        return to.serialize_str(word);
    }
    if let Some(number) = number(word) {
        return to.serialize_u16(number);
    }
    let mut spelled = to.serialize_tuple(2)?;
    spelled.serialize_element(&0u16)?;
    spelled.serialize_element(word.as_str())?;
    spelled.end()
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SmolStr, D::Error> {
    if from.is_human_readable() {
        return SmolStr::deserialize(from);
    }
    from.deserialize_tuple(2, Reader)
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = SmolStr;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number of a word, or 0 and a text")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<SmolStr, A::Error> {
        let number: u16 = parts.next_element()?.ok_or_else(|| A::Error::custom("a word has a number"))?;
        match usize::from(number).checked_sub(1) {
            None => parts.next_element()?.ok_or_else(|| A::Error::custom("a spelled word has a text")),
            Some(place) => {
                let word =
                    WORDS.get(place).ok_or_else(|| A::Error::custom("a word that this release does not know"))?;
                Ok(SmolStr::new_static(word))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_found_at_its_own_place() {
        for (place, word) in WORDS.iter().enumerate() {
            assert_eq!(number(word), u16::try_from(place + 1).ok(), "{word}");
        }
        assert_eq!(number("no such word"), None);
    }

    #[test]
    fn places_are_what_is_stored() {
        let known = ["campaign.sent", "campaign_id", "value", "won"].map(number);
        assert_eq!(known, [Some(1), Some(4), Some(18), Some(181)]);
    }
}

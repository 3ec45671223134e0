//! Broadcasts and what people do with them; ads, from the first impression of a stranger to a sale.

use serde_json::{Value, json};

use super::Scene;

const MODULE: &str = "marketing";

/// A broadcast reaches a customer, or does not.
pub(super) fn broadcast(scene: &mut Scene) {
    let campaign = format!("campaign-{}", scene.dice.between(1, 8));
    let message = scene.id("broadcast");
    let about = json!({"campaign_id": campaign, "template_id": "greeting", "channel": "whatsapp", "broadcast_message_id": message});
    if scene.dice.chance(5) {
        scene.emit(MODULE, "campaign.bounced", with(&about, "bounce_reason", "number not in use".into()));
        return scene.pass(600);
    }
    let sent_at = scene.now();
    scene.emit(MODULE, "campaign.sent", with(&about, "first_name", scene.person.name.clone().into()));
    scene.pass(1_800);
    if scene.dice.chance(35) {
        let url = format!("https://shop.example/offer?campaign={campaign}");
        scene.emit(
            MODULE,
            "campaign.clicked",
            with(&with(&about, "cta_type", "url".into()), "destination_url", url.into()),
        );
        scene.pass(600);
    }
    if scene.dice.chance(25) {
        let replied = with(&with(&about, "sent_at", sent_at.into()), "reply_content_preview", "yes, please".into());
        scene.emit(MODULE, "campaign.replied", replied);
        scene.pass(600);
    }
    consent(scene, &campaign);
}

fn consent(scene: &mut Scene, campaign: &str) {
    match scene.dice.below(20) {
        0 => scene.emit(
            MODULE,
            "campaign.opted_out",
            json!({"campaign_id": campaign, "template_id": "greeting", "opt_out_channel": "whatsapp"}),
        ),
        1 | 2 => scene.emit(
            MODULE,
            "campaign.opted_in",
            json!({"campaign_id": campaign, "template_id": "greeting", "opt_in_channel": "whatsapp"}),
        ),
        _ => {}
    }
    scene.pass(60);
}

/// A stranger sees an ad, clicks, writes, and turns out to be a customer.
pub(super) fn ad(scene: &mut Scene) {
    let about = placement(scene);
    let click = scene.id("click");
    let stranger = json!({"ad_click_id": click});
    scene.emit_anonymous(MODULE, "ad.impression", about.clone(), stranger.clone());
    scene.pass(60);
    if scene.dice.chance(50) {
        return;
    }
    let url = format!("https://shop.example/?ref={click}");
    let clicked = with(&with(&about, "ad_click_id", click.clone().into()), "destination_url", url.into());
    scene.emit_anonymous(MODULE, "ad.clicked", clicked, Value::Null);
    scene.pass(300);
    if scene.dice.chance(60) {
        lead(scene, &about, &click);
    }
}

fn lead(scene: &mut Scene, about: &Value, click: &str) {
    let (room, lead) = (scene.id("room"), scene.id("lead"));
    let captured = with(&with(about, "room_id", room.clone().into()), "lead_id", lead.into());
    scene.emit_anonymous(MODULE, "ad.lead_captured", with(&captured, "ad_click_id", click.into()), Value::Null);
    scene.pass(60);
    let phone = scene.person.phone.clone();
    let started = json!({"channel": "whatsapp", "room_id": room, "phone": phone, "ad_click_id": click});
    scene.emit_anonymous("communication", "conversation.started", started, Value::Null);
    scene.pass(3_600);
    if scene.dice.chance(40) {
        let (value, reference) = (scene.amount(80), scene.id("order"));
        let converted = json!({"conversion_type": "purchase", "conversion_value": value, "attribution_window": "7d_click",
            "conversion_ref": reference});
        let mut attributes = about.clone();
        for (name, part) in converted.as_object().into_iter().flatten() {
            attributes[name.as_str()] = part.clone();
        }
        scene.emit(MODULE, "ad.converted", attributes);
        scene.pass(600);
    }
}

/// What a platform says was spent on an ad on a day.
pub(super) fn spend(scene: &mut Scene) {
    let mut attributes = placement(scene);
    attributes["ad_spend"] = scene.amount(30).into();
    attributes["currency"] = scene.company.currency.into();
    attributes["period"] = scene.now()[..10].into();
    attributes["timestamp"] = scene.now().into();
    scene.emit_anonymous(MODULE, "ad.spend_recorded", attributes, Value::Null);
    scene.pass(60);
}

fn placement(scene: &mut Scene) -> Value {
    let ad = scene.dice.between(1, 6);
    let platform = ["meta", "google", "tiktok"][usize::try_from(ad % 3).unwrap_or_default()];
    json!({"ad_id": format!("ad-{ad}"), "campaign_id": format!("ads-{}", ad % 2), "ad_platform": platform})
}

fn with(attributes: &Value, name: &str, value: Value) -> Value {
    let mut more = attributes.clone();
    more[name] = value;
    more
}

//! Pushes events to CEBE: batches, and retries that cannot count twice.
use serde_json::{Value, json};
use std::{
    env,
    error::Error,
    thread::sleep,
    time::{Duration, Instant, SystemTime},
};
use ureq::Agent;

/// Sends events (each with an event_id) and returns what was not accepted. An error means: keep the events.
fn push(agent: &Agent, events: &[Value], patience: Duration) -> Result<Vec<Value>, Box<dyn Error>> {
    let server = env::var("CEBE_SERVER").unwrap_or_else(|_| "http://127.0.0.1:8080".into());
    let body: String = events.iter().map(|event| format!("{event}\n")).collect();
    let (until, mut pause) = (Instant::now() + patience, Duration::from_millis(200));
    loop {
        let sent = agent
            .post(format!("{server}/v1/events"))
            .header("Authorization", format!("Bearer {}", env::var("CEBE_KEY")?))
            .header("Content-Type", "application/x-ndjson")
            .send(&body);
        let mut asked = Duration::ZERO;
        if let Ok(mut reply) = sent {
            let text = reply.body_mut().read_to_string();
            match (reply.status().as_u16(), text) {
                (200, Ok(text)) => {
                    let answer: Value = serde_json::from_str(&text)?;
                    return Ok(answer["results"].as_array().cloned().unwrap_or_default());
                }
                (413, _) if events.len() > 1 => {
                    let (first, second) = events.split_at(events.len() / 2); // nothing was stored: halves are safe
                    let mut refused = push(agent, first, patience)?;
                    refused.extend(push(agent, second, patience)?);
                    return Ok(refused);
                }
                (status @ 400..=499, text) if status != 408 && status != 429 => {
                    return Err(format!("{status}: {}", text.unwrap_or_default()).into()); // again cannot help
                }
                _ => {}
            }
            let seconds = reply.headers().get("Retry-After").and_then(|value| value.to_str().ok()?.parse().ok());
            asked = Duration::from_secs(seconds.unwrap_or(0));
        } // no reply at all: the same bytes again are safe
        pause = (pause * 2).min(Duration::from_secs(30));
        let share = f64::from(SystemTime::UNIX_EPOCH.elapsed()?.subsec_nanos() % 1_000) / 1_000.0;
        let wait = asked.max(pause.mul_f64(share));
        if Instant::now() + wait > until {
            return Err("CEBE was not reached; keep the events and try again later".into());
        }
        sleep(wait);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let config = Agent::config_builder().timeout_global(Some(Duration::from_secs(30))).http_status_as_error(false);
    let now = SystemTime::UNIX_EPOCH.elapsed()?.as_millis() as u64;
    let order = json!({
        "event_id": uuid::Uuid::now_v7().to_string(), "company_id": "acme", "source_module": "conversion",
        "event_name": "order.created", "qontak_customer_id": "c-1", "event_timestamp": now, "sent_at": now,
        "event_attributes": {"order_id": "ord-1", "items": [{"item_id": "sku-7", "quantity": 1}], "total_value": "350000"},
    });
    for result in push(&config.build().into(), &[order], Duration::from_secs(300))? {
        println!("{result}");
    }
    Ok(())
}

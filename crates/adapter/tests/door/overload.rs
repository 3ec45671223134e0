//! Who sends more than is applied does not make others wait.

use super::house::{Answer, House, event};
use cebe_catalog::time::SECOND;
use serde_json::json;

async fn push(house: &House, key: &str, company: &str, events: usize) -> Answer {
    let one = event(json!({"company_id": company, "company_sso_id": null}));
    house.call("POST", "/v1/events", key, json!(vec![one; events]).to_string()).await
}

/// Once the worker is late, the company that has most waiting is told to come back, early and in words; the other goes on.
#[tokio::test]
async fn a_noisy_company_does_not_starve_another() {
    let house = House::open().await;
    house.put("/v1/companies/quiet", &json!({"sso_id": "sso-quiet"})).await;
    let [noisy, quiet] = ["demo", "quiet"].map(|id| json!({"name": id, "role": "publisher", "companies": [id]}));
    let (noisy, quiet) = (house.key(noisy).await, house.key(quiet).await);
    house.hold_after(0).await;
    for _ in 0..5 {
        assert_eq!(push(&house, &noisy, "demo", 100).await.status, 200);
    }
    assert_eq!(push(&house, &quiet, "quiet", 1).await.status, 200);
    house.pass(3 * SECOND);
    house.hold_after(1).await;
    let refused = push(&house, &noisy, "demo", 1).await;
    assert_eq!((refused.status.as_u16(), refused.retry_after.as_deref()), (503, Some("1")), "{}", refused.body);
    assert_eq!(refused.body["error"]["code"], "busy");
    assert_eq!(push(&house, &quiet, "quiet", 1).await.status, 200);
    house.release().await;
    assert_eq!(push(&house, &noisy, "demo", 1).await.status, 200, "nobody waits now");
}

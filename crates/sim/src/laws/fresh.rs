//! Law 7: every answer says how fresh it is.

use crate::{Broken, traffic::COMPANIES, world::World};

/// Company metrics that are asked for.
const METRICS: [&str; 4] = ["reply_rate", "total_spend", "roas", "avg_csat"];

pub(super) fn check(world: &World) -> Result<(), Broken> {
    let Some(machine) = &world.machine else { return Ok(()) };
    for company in COMPANIES {
        let metrics = METRICS.iter().map(|name| format!("/v1/metrics/{name}"));
        let people = world.traffic.people.iter().take(2);
        let people = people.flat_map(|person| {
            ["", "/timeline", "/metrics", "/identity"].map(|part| format!("/v1/customers/{}{part}", person.id))
        });
        for path in metrics.chain(people) {
            let address = format!("{path}?company_id={company}");
            let answer = machine.ask(&address).ok_or_else(|| Broken::new(7, format!("{path} was not answered")))?;
            let is_told = answer.body["freshness"]["as_of"].is_string() && answer.body["freshness"]["lag_ms"].is_i64();
            // Nobody of that name was heard of, or was and is erased.
            let is_nobody = matches!(answer.status, 404 | 410);
            if !(is_nobody || answer.status == 200 && is_told) {
                return Err(Broken::new(7, format!("{path} was answered {}: {}", answer.status, answer.body)));
            }
        }
    }
    Ok(())
}

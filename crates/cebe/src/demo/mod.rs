//! The demonstration: a server on a store of its own, two made-up companies whose customers live through all seven
//! modules, and a tour of real answers. Everything goes through the real front door.

mod heroine;
mod stage;
mod tour;
mod trickle;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::task::JoinHandle;

use crate::client::Client;
use crate::failure::Failure;
use crate::output;
use crate::serve;
use crate::settings::Settings;

/// Where customers of the demonstration can be asked about, and with which key.
#[derive(Clone)]
struct Venue {
    admin: Client,
    reader: Client,
    reader_key: String,
}

/// Runs the demonstration until it is stopped, or for so many seconds.
pub(crate) fn run(mut settings: Settings, data: Option<String>, seconds: Option<u64>) -> Result<(), Failure> {
    let _traces = serve::log(&Settings { log: "error".into(), ..Settings::default() })?;
    let temporary = tempfile::Builder::new().prefix("cebe-demo-").tempdir().context("no temporary folder")?;
    settings.data = data.unwrap_or_else(|| temporary.path().display().to_string());
    settings.admin_key = serve::made_key()?;
    settings.listen = free_address(&settings.listen);
    let runtime = tokio::runtime::Runtime::new().context("the runtime does not start")?;
    let outcome = runtime.block_on(show(&settings, seconds));
    runtime.shutdown_timeout(Duration::from_secs(2));
    outcome
}

async fn show(settings: &Settings, seconds: Option<u64>) -> Result<(), Failure> {
    let started = Instant::now();
    let asked = serve::hear_stop()?;
    let server = serve::start(settings).await?;
    let url = server.url();
    output::words(&format!("a server listens on {url}, its store is in {}", settings.data));
    let admin = Client::to(&url, &settings.admin_key, "");
    let (tell, told) = tokio::sync::oneshot::channel();
    let tour = tokio::task::spawn_blocking(move || tell.send(perform(&admin)).is_ok());
    let (failed, failure) = tokio::sync::oneshot::channel();
    let stop = async move {
        tokio::select! {
            () = asked => {}
            () = until_over(told, failed, tour, started, seconds) => {}
        }
    };
    server.run(stop).await?;
    failure.await.map_or(Ok(()), Err)
}

/// Ends when the time is over, or at once when the tour fails.
async fn until_over(
    told: tokio::sync::oneshot::Receiver<Result<Venue, Failure>>,
    failed: tokio::sync::oneshot::Sender<Failure>,
    _tour: JoinHandle<bool>,
    started: Instant,
    seconds: Option<u64>,
) {
    let trickle = match told.await {
        Ok(Ok(venue)) => trickle::start(venue),
        Ok(Err(failure)) => {
            let _ = failed.send(failure);
            return;
        }
        Err(_) => return,
    };
    match seconds {
        Some(seconds) => {
            let left = Duration::from_secs(seconds).saturating_sub(started.elapsed());
            output::words(&format!("live traffic goes on; this ends by itself in {} s", left.as_secs()));
            tokio::time::sleep(left).await;
        }
        None => {
            output::words("live traffic goes on; try the lines above, stop with Ctrl-C");
            std::future::pending::<()>().await;
        }
    }
    drop(trickle);
}

fn perform(admin: &Client) -> Result<Venue, Failure> {
    let venue = stage::set(admin)?;
    let tally = stage::play(&venue)?;
    let heroine = heroine::live(&venue)?;
    tour::walk(&venue, &tally, &heroine)?;
    Ok(venue)
}

/// The wanted address when it is free, else one with a free port.
fn free_address(wanted: &str) -> String {
    match TcpListener::bind(wanted) {
        Ok(_) => wanted.to_owned(),
        Err(_) => "127.0.0.1:0".to_owned(),
    }
}

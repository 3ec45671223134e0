//! How a connection to the servers is opened: where, as whom (a user or a token in an address, or a file of credentials),
//! and whom to trust under TLS.

use std::future::ready;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, ConnectErrorKind, ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;

use super::core::Link;
use super::error::JetStreamError;
use super::settings::JetStreamSettings;
use super::streams::Refusal;

/// How long connecting may take, and how often it is seen that a connection lives.
const CONNECT_MAX: Duration = Duration::from_secs(4);
/// Messages that a reader may have waiting in this process.
const SUBSCRIPTION_MESSAGES_MAX: usize = 65_536;

/// Connects to one of the servers.
pub(super) async fn connect(settings: &JetStreamSettings, link: &Arc<Link>) -> Result<Client, Refusal> {
    let servers = servers(settings)?;
    let told = Arc::clone(link);
    let options = ConnectOptions::new()
        .name("cebe")
        .connection_timeout(CONNECT_MAX)
        .ping_interval(CONNECT_MAX)
        .subscription_capacity(SUBSCRIPTION_MESSAGES_MAX)
        .reconnect_delay_callback(|attempts| Duration::from_millis(100 * (attempts as u64).min(10)))
        .event_callback(move |event| {
            told.hear(&event);
            ready(())
        });
    let options = trusting(known_as(options, settings, &servers).await?, settings)?;
    options.connect(servers).await.map_err(|error| match error.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
            Refusal::Final(JetStreamError::NotAllowed { url: plain_url(&settings.url) })
        }
        _ => Refusal::NotYet(told_in_full(&error)),
    })
}

fn servers(settings: &JetStreamSettings) -> Result<Vec<ServerAddr>, Refusal> {
    let named = settings.url.split(',').map(str::trim).filter(|server| !server.is_empty());
    let no_address = |_| Refusal::Final(JetStreamError::Address { url: plain_url(&settings.url) });
    named.map(|server| server.parse().map_err(no_address)).collect()
}

/// Who we are is told to every server alike, also to those that are only heard of.
async fn known_as(
    options: ConnectOptions,
    settings: &JetStreamSettings,
    servers: &[ServerAddr],
) -> Result<ConnectOptions, Refusal> {
    if let Some(path) = &settings.credentials_file {
        return options.credentials_file(path).await.map_err(|error| unusable(path, &error));
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let Some((name, server)) = servers.iter().find_map(|server| Some((server.username()?, server))) else {
        return Ok(options);
    };
    Ok(match server.password() {
        Some(password) => options.user_and_password(decoded(name), decoded(password)),
        None => options.token(decoded(name)),
    })
}

fn trusting(mut options: ConnectOptions, settings: &JetStreamSettings) -> Result<ConnectOptions, Refusal> {
    // Read again at every connection; looked at here, so that a wrong name is told at once.
    let found = |path: &Path| std::fs::metadata(path).map(drop).map_err(|error| unusable(path, &error));
    if let Some(authority) = &settings.ca_file {
        found(authority)?;
        options = options.add_root_certificates(authority.clone()).require_tls(true);
    }
    if let Some((certificate, key)) = &settings.client_certificate {
        found(certificate)?;
        found(key)?;
        options = options.add_client_certificate(certificate.clone(), key.clone()).require_tls(true);
    }
    Ok(options)
}

fn unusable(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal::Final(JetStreamError::File { path: path.to_owned(), detail: error.to_string() })
}

/// An error with what is behind it: of a certificate only that says what is wrong.
fn told_in_full(error: &(dyn std::error::Error + 'static)) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !told.contains(&words) {
            told = format!("{told}: {words}");
        }
        cause = error.source();
    }
    told
}

/// Servers without users, passwords and tokens.
pub(super) fn plain_url(url: &str) -> String {
    let plain = |server: &str| match (server.split_once("://"), server.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        (None, Some((_, host))) => host.to_owned(),
        _ => server.to_owned(),
    };
    url.split(',').map(plain).collect::<Vec<_>>().join(",")
}

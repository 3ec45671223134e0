//! TLS to the database, when its address asks for it: `?sslmode=require&sslrootcert=FILE`. The certificate is always
//! checked, name included, against the authority in that file.

use crate::OpenError;
use std::{
    io,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    Config, Socket,
    config::SslMode,
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};
use tokio_rustls::{
    TlsConnector, client,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

const AUTHORITY: &str = "sslrootcert=";

/// The database of an address, and how TLS is spoken with it, if it is.
pub(super) fn of(address: &str) -> Result<(Config, Option<Tls>), OpenError> {
    let (plain, authority) = without_authority(address);
    // The address may hold a password: it is not repeated.
    let mut config: Config = plain.parse().map_err(|_| OpenError::Address(super::without_secret(address)))?;
    match (config.get_ssl_mode(), authority) {
        (_, Some(file)) => {
            config.ssl_mode(SslMode::Require);
            Ok((config, Some(Tls::trusting(file)?)))
        }
        (SslMode::Require, None) => Err(OpenError::NoAuthority),
        (_, None) => Ok((config, None)),
    }
}

/// The address without the parameter that names the authority's file.
fn without_authority(address: &str) -> (String, Option<PathBuf>) {
    let Some((base, query)) = address.split_once('?') else { return (address.to_owned(), None) };
    let (named, rest): (Vec<&str>, Vec<&str>) = query.split('&').partition(|part| part.starts_with(AUTHORITY));
    let file = named.last().map(|part| PathBuf::from(part[AUTHORITY.len()..].replace("%2F", "/")));
    let plain = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    (plain, file)
}

/// What is trusted.
#[derive(Clone)]
pub(super) struct Tls(Arc<ClientConfig>);

impl Tls {
    fn trusting(file: PathBuf) -> Result<Self, OpenError> {
        let wrong = |error: String| OpenError::Io { path: file.clone(), source: io::Error::other(error) };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(&file).map_err(|error| wrong(error.to_string()))? {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
            roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(wrong("it holds no certificate in PEM".into()));
        }
        let versions = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self(Arc::new(versions.with_root_certificates(roots).with_no_client_auth())))
    }
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = Stream;
    type TlsConnect = Handshake;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<Handshake> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        Ok(Handshake(TlsConnector::from(Arc::clone(&self.0)), name))
    }
}

/// A handshake about to begin.
pub(super) struct Handshake(TlsConnector, ServerName<'static>);

impl TlsConnect<Socket> for Handshake {
    type Stream = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move { Ok(Stream(self.0.connect(self.1, socket).await?)) })
    }
}

/// A connection under TLS.
pub(super) struct Stream(client::TlsStream<Socket>);

impl TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_is_cut_out_of_the_address() {
        let cut = |address: &str| {
            let (plain, file) = without_authority(address);
            (plain, file.map(|file| file.to_str().unwrap().to_owned()))
        };
        assert_eq!(cut("postgresql://h/d"), ("postgresql://h/d".into(), None));
        let full = "postgresql://h/d?sslmode=require&sslrootcert=%2Fetc%2Fca.pem&connect_timeout=3";
        let plain = "postgresql://h/d?sslmode=require&connect_timeout=3";
        assert_eq!(cut(full), (plain.into(), Some("/etc/ca.pem".into())));
        assert_eq!(cut("postgresql://h/d?sslrootcert=ca"), ("postgresql://h/d".into(), Some("ca".into())));
    }

    #[test]
    fn what_cannot_be_checked_is_refused() {
        assert!(matches!(of("postgresql://h/d?sslmode=require"), Err(OpenError::NoAuthority)));
        assert!(matches!(of("postgresql://h/d?sslrootcert=/absent.pem"), Err(OpenError::Io { .. })));
        assert!(of("postgresql://h/d").unwrap().1.is_none());
    }
}

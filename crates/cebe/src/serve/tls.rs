//! TLS from a certificate and a key in two PEM files. Without them the server speaks plain HTTP.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What encrypts, when both files are named.
pub(crate) fn acceptor(cert_file: &str, key_file: &str) -> Result<Option<TlsAcceptor>> {
    match (cert_file, key_file) {
        ("", "") => Ok(None),
        ("", _) | (_, "") => bail!("TLS needs both tls_cert_file and tls_key_file; only one is set"),
        (cert, key) => Ok(Some(load(Path::new(cert), Path::new(key))?)),
    }
}

fn load(cert: &Path, key: &Path) -> Result<TlsAcceptor> {
    let shown = |what: &str, path: &Path| format!("{} holds no {what} in PEM that can be read", path.display());
    let certificates = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = certificates.with_context(|| shown("certificate", cert))?;
    if certificates.is_empty() {
        bail!(shown("certificate", cert));
    }
    let private = PrivateKeyDer::from_pem_file(key).with_context(|| shown("private key", key))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("no version of TLS can be used")?;
    let config = config.with_no_client_auth().with_single_cert(certificates, private);
    let mut config = config.context("certificate and key do not belong together")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::acceptor;

    #[test]
    fn half_a_pair_and_no_pem_are_refused() {
        assert!(acceptor("", "").unwrap().is_none());
        assert!(acceptor("/nowhere/cert.pem", "").is_err());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cert.pem");
        std::fs::write(&file, "nothing").unwrap();
        let named = file.to_str().unwrap();
        let error = acceptor(named, named).err().unwrap().to_string();
        assert!(error.contains("certificate"), "{error}");
    }
}

//! Certificates and key of the server, from PEM files.

use crate::failure::Failure;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// TLS with these files, if they are given.
///
/// # Errors
/// A file cannot be read, or does not hold what it should.
pub(super) fn acceptor(cert: Option<&Path>, key: Option<&Path>) -> Result<Option<TlsAcceptor>, Failure> {
    let (Some(cert), Some(key)) = (cert, key) else { return Ok(None) };
    let wrong = |flag: &str, path: &Path, error: &dyn std::fmt::Display| {
        Failure::input(format!("{flag} {}: {error}; a PEM file is wanted", path.display()))
    };
    let certificates = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong("--tls-cert", cert, &error))?;
    if certificates.is_empty() {
        return Err(wrong("--tls-cert", cert, &"there is no certificate in it"));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong("--tls-key", key, &error))?;
    let mut config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, secret)
        .map_err(|error| wrong("--tls-key", key, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

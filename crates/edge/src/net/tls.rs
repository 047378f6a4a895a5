//! Whose certificates are trusted: the built-in roots, `SSL_CERT_FILE`, and a file given by a person.

use super::error::{NetError, Stage};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

pub(super) fn connector(ca_file: Option<&Path>) -> Result<TlsConnector, NetError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|p| !p.is_empty()) {
        // Often set by the system for other programs: unusable, it is no reason not to start.
        if let Err(e) = add(&mut roots, Path::new(&path)) {
            tracing::warn!("SSL_CERT_FILE is left out: {e}");
        }
    }
    if let Some(path) = ca_file {
        add(&mut roots, path)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| NetError::new("this program", Stage::Certificates, e.to_string()))?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), NetError> {
    let bad = |detail: String| NetError::new(&path.display().to_string(), Stage::Certificates, detail);
    let text = std::fs::read(path).map_err(|e| bad(e.to_string()))?;
    let certificates: Vec<CertificateDer<'_>> =
        CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|e| bad(e.to_string()))?;
    let (added, _) = roots.add_parsable_certificates(certificates);
    if added == 0 { Err(bad("it holds no certificate".into())) } else { Ok(()) }
}

/// The refusal of a certificate, as rustls names it, or the I/O error.
pub(super) fn error(at: &str, error: &std::io::Error) -> NetError {
    let detail = match error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(why)) => format!("{why:?}"),
        Some(other) => other.to_string(),
        None => error.to_string(),
    };
    NetError::new(at, Stage::Tls, detail)
}

//! A throw-away certificate authority and server certificate, made anew at each start: only what is told to trust the
//! written file trusts this server.

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Names and addresses the certificate is good for.
pub const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "stream.localhost"];

/// Makes both, writes the authority's certificate (PEM) to `ca_path`, and returns what accepts TLS with it.
///
/// # Errors
/// If keys cannot be made or the file cannot be written.
pub fn acceptor(ca_path: &Path) -> Result<TlsAcceptor> {
    // Another part of the program may have installed one already; either will do.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();

    let mut ca = CertificateParams::new(Vec::<String>::new())?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    ca.distinguished_name = named("Fathometer throw-away CA");
    let ca_key = KeyPair::generate()?;
    let ca_certificate = ca.self_signed(&ca_key)?;
    let issuer = Issuer::new(ca, ca_key);

    let mut server = CertificateParams::new(NAMES.map(str::to_owned))?;
    server.distinguished_name = named("Fathometer venue");
    server.use_authority_key_identifier_extension = true;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let server_key = KeyPair::generate()?;
    let certificate = server.signed_by(&server_key, &issuer)?;

    std::fs::write(ca_path, ca_certificate.pem())
        .with_context(|| format!("cannot write the CA certificate to {}", ca_path.display()))?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server_key.serialize_der()));
    let config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

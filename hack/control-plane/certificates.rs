//! Keys and certificates of one run.

use std::{fs, path::Path};

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

/// PEM texts for whoever connects.
pub struct Certificates {
    pub client: String,
    pub client_key: String,
}

/// Writes `ca.crt`, `server.crt`, `server.key`, `service-account.key` and `service-account.pub` into `folder`.
pub fn write(folder: &Path) -> Result<Certificates> {
    let authority_key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "lambdaroles local control plane");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    let authority = params.self_signed(&authority_key)?;
    let issuer = Issuer::new(params, authority_key);

    let server_key = KeyPair::generate()?;
    let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let server = params.signed_by(&server_key, &issuer)?;

    let client_key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "administrator");
    params.distinguished_name.push(DnType::OrganizationName, "system:masters");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let client = params.signed_by(&client_key, &issuer)?;

    fs::write(folder.join("ca.crt"), authority.pem())?;
    fs::write(folder.join("server.crt"), server.pem())?;
    fs::write(folder.join("server.key"), server_key.serialize_pem())?;
    let service_account_key = KeyPair::generate()?;
    fs::write(folder.join("service-account.key"), service_account_key.serialize_pem())?;
    fs::write(folder.join("service-account.pub"), service_account_key.public_key_pem())?;
    Ok(Certificates { client: client.pem(), client_key: client_key.serialize_pem() })
}

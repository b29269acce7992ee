//! How a store becomes a till: a one-time code and a fresh key for the server's certificate; and how a fenced till
//! becomes a new node.

use std::io;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use shared::catalog::Catalog;
use shared::entry::certificate::CertificateBody;
use shared::wire::{EnrolRequest, Enrolled};

use super::client::{Client, Signer};
use crate::app::fresh;
use crate::store::{EarlierNode, Identity};

/// Where the key of an enrolment under way is kept: should the answer be lost, the same key asks again.
const UNDER_WAY: &str = "enrolment.json";

#[derive(Serialize, Deserialize)]
struct UnderWay {
    code: String,
    secret: [u8; 32],
}

/// Enrols with a one-time code. `dir` is the till's data directory, which has no identity yet.
pub async fn enrolled(client: &Client, dir: &Path, server: &str, code: &str) -> Result<Identity, String> {
    let secret = key_under_way(dir, code).map_err(|error| format!("{}: {error}", dir.display()))?;
    let asked = EnrolRequest {
        code: code.to_owned(),
        key: SigningKey::from_bytes(&secret).verifying_key().to_bytes(),
        renews: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let answer = client.enrol(&asked, None).await?;
    identity(answer, secret, server)
}

/// The enrolment is over: its key stands in the identity now.
pub fn forget_key(dir: &Path) {
    // one that stays is overwritten by the next enrolment
    let _ = std::fs::remove_file(dir.join(UNDER_WAY));
}

/// The identity of the node that follows a fenced one.
pub(super) async fn renewed(client: &Client, earlier: &Identity) -> Result<Identity, String> {
    let secret: [u8; 32] = fresh::bytes();
    let asked = EnrolRequest {
        code: String::new(),
        key: SigningKey::from_bytes(&secret).verifying_key().to_bytes(),
        renews: Some(earlier.node),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let answer = client.enrol(&asked, Some(&signer(earlier))).await?;
    if answer.server_key != earlier.server_key {
        return Err("what answered is not our server: its key is another".to_owned());
    }
    let mut identity = identity(answer, secret, &earlier.server_url)?;
    identity.tokens.clone_from(&earlier.tokens);
    identity.tries.clone_from(&earlier.tries);
    identity.earlier.clone_from(&earlier.earlier);
    identity.earlier.push(EarlierNode { node: earlier.node, secret: earlier.secret });
    Ok(identity)
}

/// Who signs for an identity.
pub(super) fn signer(identity: &Identity) -> Signer {
    Signer::of(identity.node, &identity.secret)
}

fn identity(answer: Enrolled, secret: [u8; 32], server: &str) -> Result<Identity, String> {
    let body = answer.certificate.read(&answer.server_key).map_err(|error| error.to_string())?;
    if body.key != SigningKey::from_bytes(&secret).verifying_key().to_bytes() {
        return Err("the server certified another key than ours".to_owned());
    }
    let catalog = Catalog::from_bytes(&answer.catalog.stored)
        .map_err(|error| format!("the server's catalog cannot be used: {error}"))?;
    let CertificateBody { node, outlet, till, name, .. } = body;
    let outlet_code = catalog.outlets.get(&outlet).map(|outlet| outlet.code.to_string());
    Ok(Identity {
        node,
        secret,
        certificate: answer.certificate,
        outlet,
        outlet_code: outlet_code.unwrap_or_else(|| outlet.0.to_string()),
        till,
        till_name: name,
        server_url: server.to_owned(),
        server_key: answer.server_key,
        incarnation: answer.incarnation,
        index_key: answer.index_key,
        buckets: answer.buckets,
        catalog: answer.catalog,
        tokens: Vec::new(),
        tries: Vec::new(),
        earlier: Vec::new(),
    })
}

/// The key of this enrolment: that of an earlier try with the same code, or a new one, kept before it is used.
fn key_under_way(dir: &Path, code: &str) -> io::Result<[u8; 32]> {
    use std::os::unix::fs::DirBuilderExt as _;
    let path = dir.join(UNDER_WAY);
    if let Ok(bytes) = std::fs::read(&path)
        && let Ok(kept) = serde_json::from_slice::<UnderWay>(&bytes)
        && kept.code == code
    {
        return Ok(kept.secret);
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let kept = UnderWay { code: code.to_owned(), secret: fresh::bytes() };
    write_secretly(&path, &serde_json::to_vec(&kept).unwrap_or_default())?;
    Ok(kept.secret)
}

/// Writes a file that only its owner can read, durably.
fn write_secretly(path: &PathBuf, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

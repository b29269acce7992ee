//! The line between till and server, encrypted by configuration alone: the server has a certificate, and the till knows
//! who signed it.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use system_tests::harness::daemon::{self, Daemon};
use system_tests::harness::goods::KL;
use system_tests::harness::http::Client;
use system_tests::harness::prelude::*;
use system_tests::harness::scratch::Scratch;

const ALI: &str = "6009410000012345";

/// Writes an authority, and a certificate for this machine signed by it with its key: `ca.pem`, `cert.pem`, `key.pem`.
fn certificates(folder: &Scratch) {
    let authority_key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).expect("an authority");
    let issuer = Issuer::new(params, authority_key);
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["127.0.0.1".into(), "localhost".into()]).expect("parameters");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    for (name, text) in
        [("ca.pem", authority.pem()), ("cert.pem", certificate.pem()), ("key.pem", key.serialize_pem())]
    {
        std::fs::write(folder.path().join(name), text).expect("a file in the scratch folder");
    }
}

#[test]
fn a_till_enrols_sells_and_reconciles_over_tls_and_takes_no_other_certificate() {
    let mut office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let (_, code) = office.new_till(KL, "till-1");
    office.stop();

    let folder = Scratch::new("tls");
    certificates(&folder);
    let (ca, cert, key) = (folder.at("ca.pem"), folder.at("cert.pem"), folder.at("key.pem"));
    let data = office.folder().join("data").display().to_string();
    let listen = ["run", "--data-dir", &data, "--listen", "127.0.0.1:0"];
    let tls = [&listen[..], &["--tls-cert", &cert, "--tls-key", &key]].concat();
    let log = folder.path().join("server.log");
    let mut server = Daemon::start("tillkeep-server", &tls, &log);
    let url = server.url().to_owned();
    assert!(url.starts_with("https://"), "{url}");

    let till = folder.at("till");
    let enrol = |more: &[&str]| {
        let asked = ["enrol", "--data-dir", &till, "--server", &url, "--code", &code];
        daemon::run("tillkeep-edge", &[&asked[..], more].concat())
    };
    let stranger = enrol(&[]);
    assert_eq!(stranger.status.code(), Some(1), "nobody on this machine vouches for the server");
    let enrolled = enrol(&["--ca", &ca]);
    assert!(enrolled.status.success(), "{}", String::from_utf8_lossy(&enrolled.stderr));

    let token = daemon::run("tillkeep-edge", &["token", "create", "--data-dir", &till, "--name", "pos"]);
    let token = String::from_utf8(token.stdout).expect("a token is text");
    let run = ["run", "--data-dir", &till, "--listen", "127.0.0.1:0", "--ca", &ca];
    let daemon = Daemon::start("tillkeep-edge", &run, &folder.path().join("till.log"));
    let pos = Client::new(daemon.url(), token.trim());
    let _ = pos.post("/api/transactions", &sale("R-1", ALI, &[line("1", "20.00")])).must(201);
    let _ = pos.post("/api/sync", &json!({})).must(200);
    let status = pos.get("/api/status").must(200);
    assert_eq!(
        (status["connection"].as_str(), &status["pending"]),
        (Some("online"), &json!(0)),
        "{status:?}"
    );

    assert!(server.stop(), "it ends as without TLS");
    office.start();
    assert_eq!(office.balance(&ali), 1_020);
    office.verify();
}

#[test]
fn a_certificate_that_cannot_be_used_stops_the_server_with_a_sentence() {
    let folder = Scratch::new("tls");
    certificates(&folder);
    let data = folder.at("data");
    let (cert, key) = (folder.at("cert.pem"), folder.at("ca.pem"));
    let start = |more: &[&str]| {
        let asked = ["run", "--data-dir", &data, "--listen", "127.0.0.1:0"];
        let ended = daemon::run("tillkeep-server", &[&asked[..], more].concat());
        (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
    };
    let (status, told) = start(&["--tls-cert", &cert, "--tls-key", &key]);
    assert!(status == Some(1) && told.contains("ca.pem"), "{told}");
    let (status, told) = start(&["--tls-cert", &cert]);
    assert!(status == Some(2) && told.contains("--tls-key"), "{told}");
}

//! The command line, while the daemon runs and when it does not.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::centre::CARD;
use crate::shop::{Shop, sale};

async fn run(shop: &Shop, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tillkeep-edge"));
    command.args(arguments).args(["--data-dir", shop.folder.to_str().unwrap()]);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[track_caller]
fn done(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    out.into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_works_while_the_daemon_runs_and_when_it_does_not() {
    let mut shop = Shop::open("commands").await;
    shop.post("/api/transactions", &sale("R-1", CARD, 1)).await.must(201);
    for running in [true, false] {
        if !running {
            shop.stop().await;
        }
        let status: Value = serde_json::from_str(&done(&run(&shop, &["status", "--json"]).await)).unwrap();
        assert_eq!(status["till"], "Till 1");
        assert!(done(&run(&shop, &["status"]).await).contains("kl-central"));
        assert!(done(&run(&shop, &["queue"]).await).contains("R-1"));
        assert!(done(&run(&shop, &["verify"]).await).contains("true"));
        let exported = done(&run(&shop, &["export-queue"]).await);
        let lines: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len() as u64, status["pending"].as_u64().unwrap());
        assert!(lines.iter().any(|line| line["receipt"] == "R-1" && line["stored"] != json!("")));
        let copy = shop.folder.with_extension(if running { "copy-1" } else { "copy-2" });
        done(&run(&shop, &["backup", copy.to_str().unwrap()]).await);
        let verified = Command::new(env!("CARGO_BIN_EXE_tillkeep-edge"))
            .args(["verify", "--json", "--data-dir", copy.to_str().unwrap()])
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&verified.stdout).unwrap();
        assert_eq!(report["entries"], report["head"], "{report}");
        std::fs::remove_dir_all(copy).unwrap();
        let token = done(&run(&shop, &["token", "create", "--name", &format!("made-{running}")]).await);
        if !running {
            shop.start().await;
        }
        let header = format!("Bearer {}", token.trim());
        shop.ask(reqwest::Method::GET, "/api/status", &[("Authorization", &header)], None).await.must(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_is_its_owners_alone_and_a_second_daemon_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let shop = Shop::enrolled("socket").await;
    let socket = edge::cli::socket::path(&shop.folder);
    assert_eq!(std::fs::metadata(socket).unwrap().permissions().mode() & 0o777, 0o600);
    let second = run(&shop, &["run", "--listen", "127.0.0.1:0"]).await;
    assert_eq!(second.status.code(), Some(1));
    assert!(second.stdout.is_empty() && !second.stderr.is_empty());
}

#[test]
fn wrong_usage_is_two_and_what_fails_is_one() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_tillkeep-edge")).args(arguments).output().unwrap();
        (output.status.code(), output.stdout.is_empty(), output.stderr.is_empty())
    };
    assert_eq!(run(&["fly"]), (Some(2), true, false));
    assert_eq!(run(&["run", "--listen", "nowhere"]), (Some(2), true, false));
    assert_eq!(run(&["status", "--data-dir", "/nonexistent/till"]), (Some(1), true, false));
    assert_eq!(run(&["--help"]), (Some(0), false, true));
}

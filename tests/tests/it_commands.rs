//! The command lines: exit status 0 done, 1 failed, 2 wrong usage; messages on stderr, data on stdout; each works whether
//! the daemon runs or not.

use std::process::Output;

use system_tests::harness::daemon::run;
use system_tests::harness::goods::{self, KL};
use system_tests::harness::prelude::*;
use system_tests::harness::scratch::Scratch;

const BOTH: [&str; 2] = ["tillkeep-server", "tillkeep-edge"];

#[track_caller]
fn ends(output: &Output, status: i32) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "stdout: {out}\nstderr: {err}");
    assert!(!err.contains("panicked"), "{err}");
    out.into_owned()
}

#[test]
fn help_is_data_and_wrong_usage_is_two() {
    for program in BOTH {
        let help = run(program, &["--help"]);
        assert!(ends(&help, 0).contains("Usage"), "--help goes to stdout");
        let settings = Scratch::new("settings");
        let odd = settings.at("odd.toml");
        std::fs::write(&odd, "no_such_setting = 1").expect("a file");
        for wrong in [
            &["fly"][..],
            &["verify", "--data-dir", ".", "--config", &odd],
            &["run", "--no-such-flag"],
            &["run", "--listen", "not an address"],
        ] {
            let output = run(program, wrong);
            assert_eq!(ends(&output, 2), "", "nothing on stdout");
            assert!(!output.stderr.is_empty(), "a message on stderr");
        }
        assert!(ends(&run(program, &["--version"]), 0).contains("0.1.0"));
    }
}

#[test]
fn what_fails_is_one_with_a_message() {
    let nowhere = Scratch::new("nowhere");
    let folder = nowhere.at("data");
    let failed = run("tillkeep-edge", &["status", "--data-dir", &folder]);
    assert_eq!(ends(&failed, 1), "");
    assert!(!failed.stderr.is_empty());
    let no_server = ["enrol", "--data-dir", &folder, "--server", "http://127.0.0.1:9", "--code", "x"];
    let failed = run("tillkeep-edge", &no_server);
    assert_eq!(ends(&failed, 1), "");
    assert!(String::from_utf8_lossy(&failed.stderr).contains("http://127.0.0.1:9: "), "which server");
    let not_enrolled = run("tillkeep-edge", &["run", "--data-dir", &folder, "--listen", "127.0.0.1:0"]);
    assert_eq!(ends(&not_enrolled, 1), "", "a till that was never enrolled does not start");
}

#[test]
fn a_server_that_is_written_wrongly_is_refused_and_forgotten() {
    let office = Office::open();
    let mut till = Till::enrolled(&office, KL, "till-1");
    for (wrong, says) in [("ftp://x", "`ftp://x` is no server's URL"), ("", "`` is no server's URL")] {
        let refused = till.command(&["run", "--listen", "127.0.0.1:0", "--server", wrong]);
        assert!(!refused.status.success());
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(told.contains(says), "{told}");
    }
    ends(&till.command(&["status"]), 0);
    till.start();
    till.wait_for_connection("online");
}

#[test]
fn a_tills_commands_work_while_it_runs_and_when_it_does_not() {
    let office = Office::open();
    office.member("Ali", "6009410000012345", 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance("6009410000012345", 1_000);
    till.line().cut();
    till.sell(&sale("R-1", "6009410000012345", &[line("1", "2.00")]));
    for running in [true, false] {
        if !running {
            till.kill();
        }
        let status: Value =
            serde_json::from_str(&ends(&till.command(&["status", "--json"]), 0)).expect("JSON");
        assert_eq!(
            (status["outlet"].as_str(), status["till"].as_str()),
            (Some(KL), Some("till-1")),
            "{status}"
        );
        assert!(status["pending"].as_u64() >= Some(1), "{status}");
        assert!(ends(&till.command(&["queue"]), 0).contains("R-1"), "running: {running}");
        ends(&till.command(&["verify"]), 0);
        till.new_token("another");
    }
}

#[test]
fn a_token_made_by_either_way_opens_the_door() {
    let mut office = Office::open();
    let while_running = office.new_token("reader", None);
    office.kill();
    let while_stopped = office.new_token("reader", None);
    office.start();
    assert_ne!(while_running, while_stopped);
    for token in [while_running, while_stopped] {
        let _ = Client::new(office.nobody().base(), &token).get("/api/tills").must(200);
    }
}

#[test]
fn verify_holds_while_the_server_runs_and_when_it_does_not() {
    let mut office = Office::open();
    office.member("Ali", "6009410000012345", 1_000);
    office.verify();
    office.kill();
    office.verify();
}

#[test]
fn members_and_the_catalog_are_imported_from_files() {
    let office = Office::empty();
    let files = Scratch::new("files");
    let catalog = files.at("catalog.json");
    std::fs::write(&catalog, goods::catalog().to_string()).expect("a file");
    ends(&office.command(&["import", "catalog", &catalog]), 0);
    let members = files.at("members.csv");
    let header =
        "external_id,name,phone,email,birth_date,program,member_number,card,currency,balance,enrolled_on";
    let rows = [
        "10001,John Chen,+60123456789,john@example.com,1990-05-17,standard-rewards,LOY-1,6009410000000001,PTS,5430,2022-01-20",
        "10002,Bea Lim,,,,standard-rewards,LOY-2,6009410000000002,PTS,0,2023-02-01",
    ];
    std::fs::write(&members, format!("{header}\n{}\n", rows.join("\n"))).expect("a file");
    ends(&office.command(&["import", "members", &members]), 0);

    let scan = office.clerk().get("/api/cards/6009410000000001").must(200);
    assert_eq!(
        (&scan["customer"]["name"], &scan["customer"]["external_id"]),
        (&json!("John Chen"), &json!("10001"))
    );
    let membership = &scan["memberships"][0];
    assert_eq!(
        (&membership["member_number"], &membership["enrolled_on"]),
        (&json!("LOY-1"), &json!("2022-01-20"))
    );
    assert_eq!(membership["accounts"][0]["balance"], "5430");
    assert_eq!(points(&office.liability_when_settled()["points"]), 5_430);

    let till = Till::open(&office, KL, "till-1");
    assert_eq!(till.balance("6009410000000001"), 5_430);
    assert_eq!(till.scan("LOY-2").must(200)["customer"]["name"], "Bea Lim");

    std::fs::write(&members, format!("{header}\n10003,Cy,,,,no-such-program,,,PTS,1,2022-01-20\n"))
        .expect("a file");
    let failed = office.command(&["import", "members", &members]);
    ends(&failed, 1);
    let told = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(told.contains("no-such-program"), "says which row and why: {told}");
    office.verify();
}

#[test]
fn two_daemons_never_open_one_folder() {
    let office = Office::open();
    let folder = office.folder().join("data").display().to_string();
    let second = run("tillkeep-server", &["run", "--data-dir", &folder, "--listen", "127.0.0.1:0"]);
    assert_eq!(ends(&second, 1), "", "it says that the folder is in use, and ends");
    let _ = office.nobody().get("/healthz").must(200);
}

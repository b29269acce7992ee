//! Old disks: a till put back from an image, a machine that was cloned, a head office restored from its backup. Nothing
//! that was acknowledged is lost, nothing counts twice.

use std::time::Duration;

use system_tests::harness::goods::{self, KL, PROGRAM, redeeming};
use system_tests::harness::prelude::*;
use system_tests::harness::scratch::Scratch;

const ALI: &str = "6009410000012345";
const ALI_NAME: &[u8] = b"Ali";

fn worth(receipt: &str, ringgit: u32) -> Value {
    sale(receipt, ALI, &[line("1", &format!("{ringgit}.00"))])
}

/// Waits until the server has this balance, with all tills pushing and pulling.
fn settles_at(office: &Office, ali: &Member, tills: &[&Till], balance: i64) {
    until(&format!("{balance} points at the server and at every till"), || {
        let rounds: Vec<_> = tills.iter().map(|till| till.pos().post("/api/sync", &json!({})).text).collect();
        let seen: Vec<_> = tills.iter().map(|till| till.balance(ALI)).chain([office.balance(ali)]).collect();
        if seen.iter().all(|seen| *seen == balance) { Ok(()) } else { Err((seen, rounds)) }
    });
}

/// Changes what the base rule gives, and waits until a till knows it.
fn earns(office: &Office, till: &Till, ali: &Member, points_each: &str) {
    let mut rule = (*office.admin().get("/api/earning-rules/base").must(200)).clone();
    rule["points"] = json!(points_each);
    let _ = office.admin().put("/api/earning-rules/base", &rule).must(200);
    until("the till has the new rule", || {
        till.sync();
        let basket = json!({"currency": "MYR", "lines": [line("1", "1.00")]});
        let quote = format!("/api/memberships/{}/quote", ali.membership);
        let quoted = till.pos().post(&quote, &basket).must(200);
        let earned = words(&quoted["earned"][0]["points"]);
        if earned == points_each { Ok(()) } else { Err(earned) }
    });
}

fn found_at_the_office(office: &Office, receipt: &str) -> Vec<Value> {
    let found = office.clerk().get(&format!("/api/transactions?receipt={receipt}&outlet={KL}")).must(200);
    found["items"].as_array().expect("a list").clone()
}

#[test]
fn a_till_put_back_from_an_old_image_loses_neither_branch() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.sell(&worth("R-1", 10));
    till.sync();
    let image = till.image();
    till.sell(&worth("R-2", 20));
    till.sync();
    let node = till.status()["node"].clone();

    till.put_back(&image);
    till.line().cut();
    let after = worth("R-3", 40);
    till.sell(&after);
    till.line().mend();
    settles_at(&office, &ali, &[&till], 1_070);
    for receipt in ["R-1", "R-2", "R-3"] {
        let found = found_at_the_office(&office, receipt);
        assert_eq!(found.len(), 1, "{receipt}: {found:?}");
    }
    assert_ne!(till.status()["node"], node, "fenced: it goes on as a new node");
    let again = till.sell(&after);
    assert!(again.is_replay(), "the POS that sends again is known");
    till.sell(&worth("R-4", 5));
    settles_at(&office, &ali, &[&till], 1_075);
    assert_eq!(points(&office.liability_when_settled()["points"]), 1_075);
    office.verify();
}

#[test]
fn a_till_put_back_without_selling_anything_goes_on() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    let image = till.image();
    till.sell(&worth("R-1", 20));
    till.sync();
    till.put_back(&image);
    settles_at(&office, &ali, &[&till], 1_020);
    till.sell(&worth("R-2", 5));
    settles_at(&office, &ali, &[&till], 1_025);
    office.verify();
}

#[test]
fn two_machines_from_one_image_both_count() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    let image = till.image();
    let clone = till.cloned(image, &office);
    till.line().cut();
    clone.line().cut();
    till.sell(&worth("R-1", 10));
    clone.sell(&worth("R-2", 20));
    clone.sell(&redeeming(worth("R-3", 40), 200));
    till.line().mend();
    till.sync();
    clone.line().mend();
    // 1000 + 10 + 20 − 200 + 38
    settles_at(&office, &ali, &[&till, &clone], 868);
    till.sell(&worth("R-4", 1));
    clone.sell(&worth("R-5", 1));
    settles_at(&office, &ali, &[&till, &clone], 870);
    assert_eq!(points(&office.liability_when_settled()["points"]), 870);
    office.verify();
}

#[test]
fn what_is_sold_while_a_till_is_being_fenced_is_told_without_a_restart() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    let image = till.image();
    let clone = till.cloned(image, &office);
    clone.line().cut();
    till.sell(&worth("R-1", 10));
    till.sync();
    let receipts: Vec<String> = (0..60).map(|place| format!("C-{place}")).collect();
    clone.sell(&worth(&receipts[0], 1));
    let node = clone.status()["node"].clone();
    clone.line().slow_by(Duration::from_millis(20));
    clone.line().mend();
    // the fork is found, and a new node asked for, somewhere among these
    for receipt in &receipts[1..] {
        clone.sell(&worth(receipt, 1));
    }
    settles_at(&office, &ali, &[&till, &clone], 1_070);
    assert_ne!(clone.status()["node"], node, "fenced: it goes on as a new node");
    for receipt in &receipts {
        assert_eq!(found_at_the_office(&office, receipt).len(), 1, "{receipt}");
    }
    until("nothing waits", || match clone.status()["pending"].as_u64() {
        Some(0) => Ok(()),
        waiting => Err(waiting),
    });
    office.verify();
}

#[test]
fn a_head_office_restored_from_its_backup_is_told_everything_again() {
    let mut office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let old = Till::open(&office, KL, "old");
    old.wait_for_balance(ALI, 1_000);
    old.sell(&worth("R-1", 10));
    old.sync();
    let backup = office.image();
    old.sell(&worth("R-2", 20));
    old.sync();
    // enrolled after the backup: the restored server has never heard of it
    let new = Till::open(&office, KL, "new");
    new.wait_for_balance(ALI, 1_030);
    new.sell(&worth("R-3", 5));
    new.sync();
    assert_eq!(office.balance(&ali), 1_035);

    office.put_back(&backup);
    settles_at(&office, &ali, &[&old, &new], 1_035);
    old.sell(&worth("R-4", 1));
    new.sell(&worth("R-5", 1));
    settles_at(&office, &ali, &[&old, &new], 1_037);
    for receipt in ["R-1", "R-2", "R-3", "R-4", "R-5"] {
        assert_eq!(found_at_the_office(&office, receipt).len(), 1, "{receipt}");
    }
    assert_eq!(points(&office.liability_when_settled()["points"]), 1_037);
    office.verify();
}

#[test]
fn sales_under_a_catalog_that_a_restored_head_office_lost_are_posted_by_it() {
    let mut office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    let backup = office.image();
    // a currency, an outlet: their numbers are in what the backup does not know
    let stars = json!({"code": "STARS", "name": "Stars", "kind": "redeemable", "scale": 0});
    let _ = office.admin().post("/api/currencies", &stars).must(201);
    let _ = office.admin().post("/api/outlets", &goods::outlet("ipoh", "Ipoh")).must(201);
    let ipoh = Till::open(&office, "ipoh", "till-9");
    earns(&office, &till, &ali, "2");
    earns(&office, &till, &ali, "3");
    till.sell(&worth("R-1", 30));
    till.sync();
    ipoh.sync();
    ipoh.sell(&worth("I-1", 1));
    ipoh.sync();
    assert_eq!(office.balance(&ali), 1_093, "three points each");

    office.put_back(&backup);
    settles_at(&office, &ali, &[&till, &ipoh], 1_093);
    let parked = office.clerk().get("/api/parked").must(200);
    assert_eq!(parked["items"], json!([]));
    let versions = office.admin().get("/api/catalog/versions").must(200);
    let lost = &versions["given_back"][0];
    assert_eq!(versions["given_back"].as_array().map(Vec::len), Some(1), "{versions:?}");
    assert!(["till-1", "till-9"].map(Value::from).contains(&lost["who"]), "{lost}");

    // it judges what was sold under it, and is not in force until head office says so
    let in_force = || office.admin().get("/api/earning-rules/base").must(200)["points"].clone();
    assert_eq!(in_force(), "1");
    till.sell(&worth("R-2", 10));
    settles_at(&office, &ali, &[&till, &ipoh], 1_103);
    let of = format!("/api/catalog/versions/{}", lost["hash"].as_str().expect("a hash"));
    assert_eq!(office.admin().get(&of).must(200)["earning_rules"][0]["points"], "3");
    let _ = office.clerk().post(&format!("{of}/put-back"), &json!({})).problem(403, "forbidden");
    let _ = office.admin().post(&format!("{of}/put-back"), &json!({})).must(200);
    assert_eq!(in_force(), "3");
    let _ = office.admin().get("/api/catalog/versions/99").problem(404, "not_found");
    let _ = office.admin().get("/api/outlets/ipoh").must(200);
    assert_eq!(points(&office.liability_when_settled()["points"]), 1_103);
    office.verify();
}

#[test]
fn a_catalog_whose_numbers_are_others_by_now_judges_nothing() {
    let mut office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    let backup = office.image();
    let currency = |code: &str| json!({"code": code, "name": code, "kind": "redeemable", "scale": 0});
    let _ = office.admin().post("/api/currencies", &currency("STARS")).must(201);
    earns(&office, &till, &ali, "2");
    till.line().cut();
    till.wait_for_connection("offline");
    till.sell(&worth("R-1", 30));
    office.put_back(&backup);
    // head office gives the same number to another currency before the till is heard
    let _ = office.admin().post("/api/currencies", &currency("MILES")).must(201);
    till.line().mend();
    until("the catalog is given back", || {
        till.sync();
        let versions = office.admin().get("/api/catalog/versions").must(200);
        let given = versions["given_back"].as_array().map(Vec::len);
        if given == Some(1) { Ok(()) } else { Err(given) }
    });
    assert_eq!(office.balance(&ali), 1_000);
    assert_eq!(office.clerk().all("/api/parked").len(), 1, "it waits for a person");
    assert_eq!(till.scan(ALI).must(200)["memberships"][0]["accounts"][0]["balance"], "1060");
    office.verify();
}

#[test]
fn a_restored_head_office_is_told_what_a_till_wrote_as_an_earlier_node() {
    let mut office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.sell(&worth("R-1", 10));
    till.sync();
    let image = till.image();
    let backup = office.image();
    till.sell(&worth("R-2", 20));
    till.sync();
    let node = till.status()["node"].clone();
    // an old image: the store is fenced, and what it wrote as the first node lies in a journal of its own
    till.put_back(&image);
    till.line().cut();
    till.sell(&worth("R-3", 40));
    till.line().mend();
    settles_at(&office, &ali, &[&till], 1_070);
    till.sell(&worth("R-4", 3));
    settles_at(&office, &ali, &[&till], 1_073);
    assert_ne!(till.status()["node"], node, "it is a new node");

    office.put_back(&backup);
    assert_eq!(office.balance(&ali), 1_010, "as it was at the backup");
    // R-2 is in no journal any more: the image that was put back never had it
    settles_at(&office, &ali, &[&till], 1_053);
    for receipt in ["R-1", "R-3", "R-4"] {
        assert_eq!(found_at_the_office(&office, receipt).len(), 1, "{receipt}");
    }
    till.sell(&worth("R-5", 2));
    settles_at(&office, &ali, &[&till], 1_055);
    assert_eq!(points(&office.liability_when_settled()["points"]), 1_055);
    office.verify();
}

#[track_caller]
fn ends(office: &Office, arguments: &[&str], status: i32) -> String {
    let output = office.command(arguments);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: stdout: {out}\nstderr: {err}");
    format!("{out}{err}")
}

fn number_of_a_new_member(office: &Office, name: &str) -> Value {
    let asked = json!({"customer": {"name": name}, "memberships": [{"program": PROGRAM,
                       "consent": {"text_version": "2026-01", "channel": "pos"}}]});
    let made = office.clerk().post("/api/enrolments", &asked).must(201);
    made["memberships"][0]["member_number"].clone()
}

#[test]
fn a_backup_of_a_running_head_office_brings_back_all_that_was_sold_after_it_too() {
    let mut office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.sell(&worth("R-1", 10));
    till.sync();
    let scratch = Scratch::new("backup");
    let file = scratch.at("monday.tillkeep");
    ends(&office, &["backup", &file], 0);
    assert!(ends(&office, &["backup", &file], 1).contains("already"), "a backup is never written over");

    // both are given numbers that the backup does not know of
    let lost = number_of_a_new_member(&office, "Bo");
    let after = Till::open(&office, KL, "after the backup");
    till.sell(&worth("R-2", 20));
    till.sync();
    till.line().cut();
    till.sell(&redeeming(worth("R-3", 40), 200));
    assert!(ends(&office, &["restore", &file, "--replace"], 1).contains("in use"), "the daemon has it");
    office.stop();
    assert!(ends(&office, &["restore", &file], 1).contains("--replace"), "there is a store");
    ends(&office, &["restore", &file, "--replace"], 0);
    office.start();
    assert_eq!(office.balance(&ali), 1_010, "as it was at the backup");
    assert_ne!(number_of_a_new_member(&office, "Cy"), lost, "a member number is given once");
    let later = Till::open(&office, KL, "after the restore");
    assert_ne!(later.status()["node"], after.status()["node"], "a node number is given once");
    till.line().mend();
    // 1010 + 20 − 200 + 38
    settles_at(&office, &ali, &[&till, &after, &later], 868);
    till.sell(&worth("R-4", 2));
    settles_at(&office, &ali, &[&till], 870);
    for receipt in ["R-1", "R-2", "R-3", "R-4"] {
        assert_eq!(found_at_the_office(&office, receipt).len(), 1, "{receipt}");
    }
    assert_eq!(points(&office.liability_when_settled()["points"]), 870);
    office.verify();
}

#[test]
fn a_damaged_backup_is_not_put_back_and_a_good_one_fills_an_empty_directory() {
    let mut office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    office.stop();
    let scratch = Scratch::new("backup");
    let (file, damaged) = (scratch.at("good.tillkeep"), scratch.at("damaged.tillkeep"));
    ends(&office, &["backup", &file], 0);
    let mut bytes = std::fs::read(&file).expect("the backup is read");
    // a member's name becomes another of the same length, wherever it stands
    let found = |at: &usize| bytes[*at..].starts_with(ALI_NAME);
    let places: Vec<usize> = (0..bytes.len()).filter(found).collect();
    assert!(!places.is_empty(), "a backup has the members");
    for place in places {
        bytes[place] ^= 1;
    }
    std::fs::write(&damaged, &bytes).expect("the damaged one is written");
    ends(&office, &["restore", &damaged, "--replace"], 1);
    ends(&office, &["verify"], 0);

    std::fs::remove_dir_all(office.folder().join("data")).expect("the directory goes");
    ends(&office, &["restore", &file], 0);
    office.start();
    assert_eq!(office.balance(&ali), 1_000);
    office.verify();
}

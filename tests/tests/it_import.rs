//! Imports: of members, each bad row named by line and reason and the good ones in, as often as one likes; of a catalog,
//! told before it is taken.

use std::process::Output;

use system_tests::harness::goods::{self, PROGRAM};
use system_tests::harness::prelude::*;
use system_tests::harness::scratch::Scratch;

const HEADER: &str =
    "external_id,name,phone,email,birth_date,program,member_number,card,currency,balance,enrolled_on";

fn import(office: &Office, files: &Scratch, text: &str) -> (Output, String, Value) {
    let file = files.at("members.csv");
    std::fs::write(&file, text).expect("a file");
    let done = office.command(&["import", "members", &file]);
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    let counted = serde_json::from_slice(&done.stdout).unwrap_or(Value::Null);
    (done, told, counted)
}

/// What is wrong with a row, and a word of the reason that is given.
const BAD: [(&str, &str); 14] = [
    ("9,Ada,,,,standard-rewards,,,PTS,1", "it has 10 fields, the header 11"),
    ("9,Ada,,,,standard-rewards,,,PTS,1,2199-01-20", "lies in the future"),
    ("9,Ada,,,,no-such,,,PTS,1,2022-01-20", "no program `no-such`"),
    ("9,,,,,standard-rewards,,,PTS,1,2022-01-20", "`name` is missing"),
    ("9,Ada,123,,,standard-rewards,,,PTS,1,2022-01-20", "phone"),
    ("9,Ada,,ada-at-home,,standard-rewards,,,PTS,1,2022-01-20", "email"),
    ("9,Ada,,,2099-01-01,standard-rewards,,,PTS,1,2022-01-20", "birth_date"),
    ("9,Ada,,,17.05.1990,standard-rewards,,,PTS,1,2022-01-20", "birth_date"),
    ("9,Ada,,,,standard-rewards,,,MILES,1,2022-01-20", "`MILES`"),
    ("9,Ada,,,,standard-rewards,,,PTS,-1,2022-01-20", "below zero"),
    ("9,Ada,,,,standard-rewards,,,PTS,1.5,2022-01-20", "balance"),
    ("9,Ada,,,,standard-rewards,,,PTS,1,yesterday", "enrolled_on"),
    ("9,Ada,,,,standard-rewards,LOY-1,,PTS,1,2022-01-20", "somebody else's"),
    ("9,Ada,,,,standard-rewards,,6009410000000001,PTS,1,2022-01-20", "another membership"),
];

#[test]
fn every_bad_row_is_named_by_line_and_reason_and_the_good_ones_are_in() {
    let office = Office::open();
    let files = Scratch::new("import");
    let good = "10001,John Chen,+60123456789,john@example.com,1990-05-17,standard-rewards,LOY-1,6009410000000001,PTS,5430,2022-01-20";
    let mut lines = vec![HEADER.to_owned(), good.to_owned()];
    lines.extend(BAD.iter().map(|(row, _)| (*row).to_owned()));
    lines.push("10002,Bea Lim,,,,standard-rewards,,,PTS,70,2023-02-01".to_owned());
    let text = lines.join("\n");
    let (done, told, counted) = import(&office, &files, &text);
    assert_eq!(done.status.code(), Some(1), "{told}");
    for (place, (row, reason)) in BAD.iter().enumerate() {
        let line = format!("line {}: ", place + 3);
        let found = told.lines().find(|told| told.contains(&line));
        assert!(
            found.is_some_and(|found| found.contains(reason)),
            "{row}\nwanted {line}{reason} in:\n{told}"
        );
    }
    assert_eq!(counted, json!({"rows": 16, "added": 2, "known": 0, "bad": 14}));
    assert_eq!(points(&office.liability_when_settled()["points"]), 5_500);

    // again, and once more with one row put right: nothing is there twice
    let (_, _, counted) = import(&office, &files, &text);
    assert_eq!(counted, json!({"rows": 16, "added": 0, "known": 2, "bad": 14}));
    let (done, told, counted) =
        import(&office, &files, &format!("{HEADER}\n{good}\n9,Ada,,,,standard-rewards,,,PTS,1,2022-01-20\n"));
    assert_eq!(
        (done.status.code(), counted),
        (Some(0), json!({"rows": 2, "added": 1, "known": 1, "bad": 0})),
        "{told}"
    );
    assert_eq!(points(&office.liability_when_settled()["points"]), 5_501);
    assert_eq!(office.clerk().all("/api/customers").len(), 3);
    office.verify();
}

#[test]
fn a_catalog_is_told_before_it_is_taken_and_a_bad_one_names_its_field() {
    let office = Office::open();
    let files = Scratch::new("catalog");
    let mut catalog = goods::catalog();
    catalog["programs"][0]["name"] = json!("Better Rewards");
    catalog["outlets"].as_array_mut().expect("a list").push(goods::outlet("ipoh", "UrbanWear Ipoh"));
    catalog["earning_rules"] = json!([]);
    let file = files.at("catalog.json");
    std::fs::write(&file, catalog.to_string()).expect("a file");
    let told = office.command(&["import", "catalog", "--diff", &file]);
    assert_eq!(told.status.code(), Some(0));
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        ["added outlets ipoh", "changed programs standard-rewards", "removed earning_rules base"]
    );
    let name = || office.admin().get(&format!("/api/programs/{PROGRAM}")).must(200)["name"].clone();
    assert_eq!(name(), "Standard Rewards", "a difference changes nothing");
    assert_eq!(office.command(&["import", "catalog", &file]).status.code(), Some(0));
    assert_eq!(name(), "Better Rewards");
    let told = office.command(&["import", "catalog", "--diff", &file]);
    assert_eq!((told.status.code(), told.stdout.len()), (Some(0), 0), "there is no difference any more");
    catalog["programs"][0]["currencies"] = json!(["MILES"]);
    std::fs::write(&file, catalog.to_string()).expect("a file");
    for arguments in [&["import", "catalog", "--diff", &file][..], &["import", "catalog", &file]] {
        let refused = office.command(arguments);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(1) && told.contains("MILES"), "{told}");
    }
}

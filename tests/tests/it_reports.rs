//! Head office's reports, against figures worked out by hand: what outlets owe each other, programs, outlets, statements;
//! each over a range of days and as CSV.

use system_tests::harness::goods::{self, KL, PENANG};
use system_tests::harness::http::Request;
use system_tests::harness::prelude::*;

const AISHA: &str = "6009410000000011";

fn pos(office: &Office, outlet: &str) -> Client {
    Client::new(&office.url(), &office.new_token("pos", Some(outlet)))
}

fn sell(pos: &Client, receipt: &str, total: &str, points: i64) -> Answer {
    let sale = sale(receipt, AISHA, &[line("1", total)]);
    let sale = if points > 0 { goods::redeeming(sale, points) } else { sale };
    pos.post("/api/transactions", &sale).must(201)
}

/// Some fields of an object, in order.
fn pick(of: &Value, fields: &[&str]) -> Value {
    fields.iter().map(|field| of[*field].clone()).collect()
}

fn csv(client: &Client, path: &str) -> Vec<Vec<String>> {
    let request = Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        headers: vec![("Accept".to_owned(), "text/csv".to_owned())],
        body: None,
    };
    let answer = client.send(&request).expect("an answer").must(200);
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(answer.text.as_bytes());
    reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect()
}

/// One member who buys and redeems in two outlets:
///
/// | | issued | redeemed | of whose points |
/// | --- | --- | --- | --- |
/// | R-1 at KL, 300.00 | KL 300 | | |
/// | R-2 at Penang, 150.00 | Penang 150 | | |
/// | R-3 at Penang, 10.00 with 200 points (2.00) | Penang 8 | Penang 200 | KL 200 |
/// | R-4 at KL, 10.00 with 200 points (2.00) | KL 8 | KL 200 | KL 100, then Penang 100 |
/// | R-4 undone | KL −8 | KL −200 | back to where they came from |
///
/// Lots without an expiry are spent by outlet, the lower number (KL, which the catalog names first) before the other. So
/// before R-4 KL has 300 − 200 = 100 left and Penang 158.
#[test]
fn what_outlets_owe_each_other_is_as_worked_out_by_hand() {
    let office = Office::open();
    let _ = office.enrol("Aisha Osman", AISHA);
    let (kl, penang) = (pos(&office, KL), pos(&office, PENANG));
    sell(&kl, "R-1", "300.00", 0);
    sell(&penang, "R-2", "150.00", 0);
    sell(&penang, "R-3", "10.00", 200);
    let fourth = sell(&kl, "R-4", "10.00", 200);
    let clerk = office.clerk();
    let report = clerk.get("/api/reports/settlement").must(200);
    let flow = |report: &Value, issuer: &str, redeemer: &str| {
        let items = report["items"].as_array().expect("a list").clone();
        let found = items.into_iter().find(|it| it["issuer"] == issuer && it["redeemer"] == redeemer);
        found.map(|it| words(&it["points"])).unwrap_or_default()
    };
    assert_eq!(flow(&report, KL, PENANG), "200");
    assert_eq!(flow(&report, KL, KL), "100");
    assert_eq!(flow(&report, PENANG, KL), "100");
    let of = |report: &Value, outlet: &str| {
        let all = report["balances"].as_array().expect("a list").clone();
        all.into_iter().find(|it| it["outlet"] == outlet).expect("a balance")
    };
    // KL owes Penang 200 and is owed 100: it pays 100 points, 1.00
    let side = of(&report, KL);
    assert_eq!(pick(&side, &["owes", "owed", "net"]), json!(["200", "100", "-100"]));
    assert_eq!(side["value"], json!({"amount": "-1.00", "currency": "MYR"}));
    assert_eq!(pick(&of(&report, PENANG), &["net", "program"]), json!(["100", goods::PROGRAM]));

    let void = kl.post(&format!("/api/transactions/{}/void", fourth.id()), &json!({"receipt": "V-4"}));
    assert_eq!(void.status, 201, "{}", void.text);
    let after = clerk.get("/api/reports/settlement").must(200);
    assert_eq!([flow(&after, KL, PENANG), flow(&after, PENANG, KL)], ["200".to_owned(), String::new()]);
    assert_eq!(of(&after, KL)["net"], "-200");

    let rows = csv(&clerk, "/api/reports/settlement");
    assert_eq!(rows[0][..5], ["program", "currency", "issuer", "redeemer", "points"]);
    assert_eq!(rows[1][2..], [KL, PENANG, "200", "2.00", "MYR"]);
    let rows = csv(&clerk, "/api/reports/settlement?part=balances");
    assert!(rows.iter().any(|row| row[0] == KL && row[5] == "-200" && row[6] == "-2.00"), "{rows:?}");
    // nothing happened before it all began
    let none = clerk.get("/api/reports/settlement?to=2020-01-01").must(200);
    assert_eq!((&none["items"], &none["balances"]), (&json!([]), &json!([])));
}

/// 500 points, redeemed at KL with a line and at Penang without: of Penang's 500 only the 10 are there that both sales
/// earned, and Penang bears 490. The goods come back at KL.
#[test]
fn what_an_outlet_bore_is_its_own_again_wherever_the_goods_come_back() {
    let mut catalog = goods::catalog();
    catalog["programs"][0]["overdraft"]["offline"] = json!(["outlet"]);
    let office = Office::open_with(&catalog);
    let aisha = office.member("Aisha Osman", AISHA, 500);
    let penang = Till::open(&office, PENANG, "penang");
    penang.wait_for_balance(AISHA, 500);
    penang.line().cut();
    penang.wait_for_connection("offline");
    let kl = pos(&office, KL);
    sell(&kl, "R-1", "10.00", 500);
    let blind = penang.sell(&goods::redeeming(sale("R-2", AISHA, &[line("1", "10.00")]), 500));
    penang.line().mend();
    penang.wait_for_connection("online");
    penang.sync();
    let clerk = office.clerk();
    let borne = |expected: &[&str; 2]| {
        until(&format!("{expected:?} are borne by KL and Penang"), || {
            let rows = csv(&clerk, "/api/reports/outlets");
            let of = |outlet: &str| {
                let mut own = rows.iter().filter(|row| row[0] == outlet && row[1] == "PTS");
                own.next().map_or_else(|| "0".to_owned(), |row| row[6].clone())
            };
            let found = [of(KL), of(PENANG)];
            if found == *expected { Ok(()) } else { Err(format!("{rows:?}")) }
        });
    };
    borne(&["0", "490"]);
    let own = |report: &Value| {
        let items = report["items"].as_array().expect("a list").clone();
        let own = items.into_iter().find(|it| it["issuer"] == PENANG && it["redeemer"] == PENANG);
        own.map_or(0, |it| points(&it["points"]))
    };
    // and the 5 that it had issued itself
    assert_eq!(own(&clerk.get("/api/reports/settlement").must(200)), 495);
    let path = format!("/api/transactions/{}/refund", blind.id());
    let _ = kl.post(&path, &json!({"receipt": "B-1", "lines": [{"line": 0}]})).must(201);
    borne(&["0", "0"]);
    assert_eq!(own(&clerk.get("/api/reports/settlement").must(200)), 0);
    office.liability_when_settled();
    assert_eq!(office.balance(&aisha), 5, "what she earned at KL");
    office.verify();
}

#[test]
fn a_program_is_told_with_its_fees_its_benefits_and_its_rate() {
    let mut catalog = goods::catalog();
    let mut club = goods::program();
    club["code"] = json!("club");
    club["name"] = json!("Premium Club");
    club["term"] = json!({"fee": {"amount": "120.00", "currency": "MYR"}, "length": {"months": 12}});
    catalog["programs"].as_array_mut().expect("a list").push(club);
    let office = Office::open_with(&catalog);
    let aisha = office.enrol("Aisha Osman", AISHA);
    let _ = office.enrol("Bella Tan", &numbered(5));
    let consent = json!({"text_version": "v1", "channel": "pos"});
    let body =
        json!({"customer_id": aisha.customer, "memberships": [{"program": "club", "consent": consent}]});
    let scan = office.clerk().post("/api/enrolments", &body).must(201);
    let all = scan["memberships"].as_array().expect("a list").clone();
    let club = all.into_iter().find(|it| it["program"]["code"] == "club").expect("the club's");
    let renewal = json!({"fee": {"amount": "99.00", "currency": "MYR"}, "reason": "an offer"});
    let _ =
        office.clerk().post(&format!("/api/memberships/{}/renew", words(&club["id"])), &renewal).must(200);
    let kl = pos(&office, KL);
    sell(&kl, "R-1", "400.00", 0);
    sell(&kl, "R-2", "10.00", 100);
    let report = office.clerk().get("/api/reports/programs").must(200);
    let of = |code: &str| {
        let all = report["items"].as_array().expect("a list").clone();
        all.into_iter().find(|it| it["program"] == code).expect("the program")
    };
    let standard = of(goods::PROGRAM);
    assert_eq!(pick(&standard, &["members", "new_members", "active_members"]), json!([2, 2, 1]));
    assert_eq!(standard["fees"], Value::Null);
    assert_eq!(standard["benefit_cost"], json!({"amount": "1.00", "currency": "MYR"}));
    // 400 and 9 (10.00 less 1.00) issued, 100 redeemed: 100 ÷ 409 = 0.24449…
    let points = &standard["currencies"][0];
    assert_eq!(pick(points, &["issued", "redeemed", "redemption_rate"]), json!(["409", "100", "0.2445"]));
    // the fee of the first term, 120.00, and of the next as it was charged, 99.00
    let club = of("club");
    assert_eq!(club["fees"], json!({"amount": "219.00", "currency": "MYR"}));
    assert_eq!(pick(&club, &["renewals", "new_members", "active_members"]), json!([1, 1, 0]));
    let rows = csv(&office.clerk(), "/api/reports/programs");
    let row = rows.iter().find(|row| row[0] == "club").expect("a row");
    assert_eq!([row[1].as_str(), row[5].as_str(), row[6].as_str()], ["1", "219.00", "MYR"]);
    let past = office.clerk().get("/api/reports/programs?from=2020-01-01&to=2020-12-31").must(200);
    assert_eq!(past["items"][0]["new_members"], 0);
    assert_eq!(past["items"][0]["currencies"], json!([]));
}

#[test]
fn outlets_and_statements_keep_to_their_days_and_stand_in_a_sheet() {
    let office = Office::open();
    let aisha = office.enrol("Aisha Osman", AISHA);
    let (kl, penang) = (pos(&office, KL), pos(&office, PENANG));
    sell(&kl, "R-1", "300.00", 0);
    sell(&penang, "R-2", "10.00", 200);
    let clerk = office.clerk();
    let rows = csv(&clerk, "/api/reports/outlets");
    let of = |outlet: &str| rows.iter().find(|row| row[0] == outlet).expect("a row").clone();
    assert_eq!(of(KL)[1..], ["PTS", "300", "0", "0.00", "MYR", "0"]);
    // 8.00 of the 10.00 were paid with money
    assert_eq!(of(PENANG)[1..], ["PTS", "8", "200", "2.00", "MYR", "0"]);
    for (range, count) in [("", 2), ("?from=2020-01-01", 2), ("?to=2020-01-01", 0)] {
        assert_eq!(
            clerk.get(&format!("/api/reports/outlets{range}")).must(200)["items"].as_array().map(Vec::len),
            Some(count),
            "{range}"
        );
    }
    let path = format!("/api/customers/{}/statement", aisha.customer);
    let lines = clerk.all(&path);
    let told: Vec<_> = lines.iter().map(|line| (words(&line["column"]), points(&line["points"]))).collect();
    let expected = [("earned", 8), ("redeemed", -200), ("earned", 300)];
    let mut sorted = told.clone();
    sorted.sort();
    let mut wanted = expected.map(|(column, points)| (column.to_owned(), points)).to_vec();
    wanted.sort();
    assert_eq!(sorted, wanted);
    assert_eq!(lines[0]["program"], goods::PROGRAM);
    let sheet = csv(&clerk, &path);
    assert_eq!((sheet.len(), sheet[0][10].as_str()), (4, "points"));
    assert_eq!(clerk.all(&format!("{path}?to=2020-01-01")).len(), 0);
    assert_eq!(csv(&clerk, "/api/reports/liability")[1][..2], ["PTS", "108"]);
    assert_eq!(csv(&clerk, "/api/ledger").len(), 4);
    for wrong in ["from=yesterday", "from=2026-11-22&to=2026-11-21", "until=2026-11-21"] {
        let _ = clerk.get(&format!("/api/reports/outlets?{wrong}")).problem(400, "invalid_request");
    }
}

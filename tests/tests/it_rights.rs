//! Points reserved for a till: granted while there is a line, spent with none and never short, given back where a member
//! shops elsewhere; and what becomes of it where an idle till cannot be asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use edge::ByHand;
use edge::app::ladder::Answer as Future;
use edge::app::link::Link;
use edge::clock::Clock;
use edge::store::{Store, StoreOptions};
use edge::sync::transport::{self, Http, Transport};
use edge::sync::{client, enrol};
use shared::api::transaction::SaleRequest;
use sync_server::app::{App, grant};
use system_tests::harness::goods::{self, KL, PENANG, redeeming};
use system_tests::harness::prelude::*;
use system_tests::harness::scratch::Scratch;

const ALI: &str = "6009410000012345";
/// Enough for a question to another till and back on a busy machine.
const PATIENT_MS: u32 = 8_000;

fn catalog(mode: &str, rights: &Value) -> Value {
    let mut catalog = goods::catalog();
    let dial = &mut catalog["programs"][0]["offline"];
    dial["mode"] = json!(mode);
    dial["rights"] = rights.clone();
    catalog
}

/// What is reserved for a till of the member's points, as its scan tells.
fn right(till: &Till) -> i64 {
    let account = till.account(ALI);
    if account["right"].is_null() { 0 } else { points(&account["right"]["points"]) }
}

#[track_caller]
fn wait_for_right(till: &Till, wanted: i64) {
    until("the right to come or go", || match right(till) {
        held if held == wanted => Ok(()),
        held => Err(held),
    });
}

/// A small sale of the member's.
fn visit(till: &Till, receipt: &str) {
    let _ = till.sell(&sale(receipt, ALI, &[line("1", "10.00")]));
}

/// A sale that redeems so many points.
fn spend(till: &Till, receipt: &str, points: i64) -> Answer {
    let sale = redeeming(sale(receipt, ALI, &[line("1", "100.00")]), points);
    till.pos().post("/api/transactions", &sale)
}

#[track_caller]
fn authority(answer: &Answer) -> String {
    words(&answer["redeemed"][0]["authority"])
}

#[test]
fn what_was_reserved_while_there_was_a_line_is_spent_with_none_and_is_never_short() {
    let office = Office::open_with(&catalog("reserved", &json!({"share": "0.5"})));
    let ali = office.member("Ali", ALI, 1_000);
    let (kl, penang) = (Till::open(&office, KL, "till-1"), Till::open(&office, PENANG, "till-2"));
    kl.wait_for_balance(ALI, 1_000);
    kl.wait_for_connection("online");
    visit(&kl, "K-1");
    wait_for_right(&kl, 500);
    assert_eq!(points(&office.account(&ali)["held"]), 500, "half of 1,010, in hundreds");
    penang.wait_for_balance(ALI, 1_010);
    assert_eq!(right(&penang), 0, "the member never shopped there");

    kl.line().cut();
    let told = kl.account(ALI);
    assert_eq!(points(&told["spendable_offline"]), 500, "{told}");
    let over = spend(&kl, "K-2", 600).problem(422, "offline_refused");
    assert_eq!(points(&over["available"]), 500);
    let first = spend(&kl, "K-3", 300).must(201);
    assert_eq!(authority(&first), "reserved");
    let second = spend(&kl, "K-4", 200).must(201);
    assert_eq!(authority(&second), "reserved");
    let none = spend(&kl, "K-5", 100).problem(422, "offline_refused");
    assert_eq!(points(&none["available"]), 0);

    // meanwhile the rest of the points goes at another till, and no more than the rest
    penang.wait_for_connection("online");
    assert_eq!(authority(&spend(&penang, "P-1", 500).must(201)), "online");
    let _ = spend(&penang, "P-2", 600).problem(422, "insufficient_points");

    kl.line().mend();
    kl.sync();
    for sold in [&first, &second] {
        let known = office.transaction(&sold.id());
        assert_eq!(words(&known["redeemed"][0]["authority"]), "reserved", "{known}");
    }
    let _ = office.liability_when_settled();
    assert_eq!(office.cases(), Vec::<Value>::new());
    office.verify();
}

#[test]
fn a_member_who_shops_elsewhere_is_not_refused_because_of_an_idle_till() {
    let office = Office::open_with(&catalog("reserved", &json!({"share": "1"})));
    let ali = office.member("Ali", ALI, 1_000);
    let kl = Till::open(&office, KL, "till-1");
    let penang = Till::patient(&office, PENANG, "till-2", PATIENT_MS);
    kl.wait_for_balance(ALI, 1_000);
    kl.wait_for_connection("online");
    visit(&kl, "K-1");
    wait_for_right(&kl, 1_000);
    penang.wait_for_balance(ALI, 1_010);
    penang.wait_for_connection("online");
    let sold = spend(&penang, "P-1", 800).must(201);
    assert_eq!(authority(&sold), "online", "the idle till was asked, and gave back");
    wait_for_right(&kl, 0);
    until("the account to hold nothing", || match points(&office.account(&ali)["held"]) {
        0 => Ok(()),
        held => Err(held),
    });
    office.verify();
}

#[test]
fn an_idle_till_that_cannot_be_asked_stands_in_the_way_unless_the_program_lets_it_pass() {
    for (elsewhere, code) in [("refuse", Some("insufficient_points")), ("allowance", None)] {
        let rights = json!({"share": "1", "elsewhere": elsewhere});
        let office = Office::open_with(&catalog("reserved_plus_allowance", &rights));
        let _ = office.member("Ali", ALI, 1_000);
        let kl = Till::open(&office, KL, "till-1");
        let penang = Till::patient(&office, PENANG, "till-2", 2_000);
        kl.wait_for_balance(ALI, 1_000);
        kl.wait_for_connection("online");
        visit(&kl, "K-1");
        wait_for_right(&kl, 1_000);
        kl.line().cut();
        penang.wait_for_balance(ALI, 1_010);
        penang.wait_for_connection("online");
        let asked = spend(&penang, "P-1", 400);
        let mut beside = Vec::new();
        if let Some(code) = code {
            let _ = asked.problem(422, code);
        } else {
            let sold = asked.must(201);
            assert_eq!(authority(&sold), "offline");
            // the dial's caps bound what both may take
            let _ = spend(&penang, "P-2", 200).problem(422, "offline_limit_member");
            beside.push(sold.id());
        }
        let spent = spend(&kl, "K-2", 900).must(201);
        assert_eq!(authority(&spent), "reserved");
        kl.line().mend();
        kl.sync();
        penang.sync();
        let _ = office.liability_when_settled();
        // what was reserved is covered; of what passed beside it something is short
        let short: Vec<String> = office.cases().iter().map(|case| words(&case["transaction_id"])).collect();
        assert_eq!(short, beside, "{elsewhere}");
        office.verify();
    }
}

#[test]
fn a_right_on_demand_comes_with_the_scan_and_suffices_together_with_what_is_free() {
    let office = Office::open_with(&catalog("reserved", &json!({"grant": "on_demand", "share": "0.5"})));
    let _ = office.member("Ali", ALI, 1_000);
    let till = Till::patient(&office, KL, "till-1", PATIENT_MS);
    till.wait_for_balance(ALI, 1_000);
    till.wait_for_connection("online");
    // each look is a scan
    let held = eventually("a right on demand", || Some(right(&till)).filter(|held| *held > 0));
    assert_eq!(held, 500);
    // 500 are its own and 500 are free: it gives its own back to have all of them
    let sold = spend(&till, "K-1", 900).must(201);
    assert_eq!(authority(&sold), "online");
    assert_eq!(till.balance(ALI), 1_000 - 900 + 91);
    office.verify();
}

#[test]
fn a_redemption_at_head_office_asks_idle_tills_for_what_is_reserved_for_them() {
    let office = Office::open_with(&catalog("reserved", &json!({"share": "1"})));
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.wait_for_connection("online");
    visit(&till, "K-1");
    wait_for_right(&till, 1_000);
    let path = format!("/api/memberships/{}/redeem-points", ali.membership);
    let asked = json!({"currency": "PTS", "points": "800", "reason": "by phone"});
    // on a busy machine the till's answer may come too late for the first question
    let paid = eventually("the till to give its right back", || {
        Some(office.clerk().post(&path, &asked)).filter(|answer| answer.status == 201)
    });
    assert_eq!(authority(&paid), "online");
    assert_eq!(office.balance(&ali), 210);
    office.verify();
}

#[test]
fn a_till_that_begins_anew_knows_what_is_reserved_for_it() {
    const LOST: &str = "6009410000054321";
    let mut office = Office::open_with(&catalog("reserved", &json!({"share": "0.5"})));
    let _ = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.wait_for_connection("online");
    visit(&till, "K-1");
    wait_for_right(&till, 500);
    till.sync();
    // head office is restored to now after the till has heard of more, so that the till fetches everything anew
    let image = office.image();
    let _ = office.member("Lost", LOST, 10);
    till.wait_for_balance(LOST, 10);
    office.put_back(&image);
    until("the till to have begun anew", || match till.pos().get(&format!("/api/cards/{LOST}")) {
        answer if answer.status == 404 => Ok(()),
        answer => Err((answer.status, till.pos().post("/api/sync", &json!({})).text)),
    });
    wait_for_right(&till, 500);
    till.line().cut();
    assert_eq!(authority(&spend(&till, "K-2", 500).must(201)), "reserved");
    till.line().mend();
    till.sync();
    office.verify();
}

#[test]
fn what_comes_in_under_a_right_that_was_taken_back_is_late_and_its_outlet_bears_it() {
    let rights = json!({"share": "0.5", "hours": 1, "grace_hours": 0});
    let mut office = Office::open_with(&catalog("reserved", &rights));
    let ali = office.member("Ali", ALI, 1_000);
    let (kl, penang) = (Till::open(&office, KL, "till-1"), Till::open(&office, PENANG, "till-2"));
    kl.wait_for_balance(ALI, 1_000);
    kl.wait_for_connection("online");
    visit(&kl, "K-1");
    wait_for_right(&kl, 500);
    kl.sync();
    kl.line().cut();

    // two hours pass at head office: it does not wait for this till any more
    office.stop();
    let app = App::open(&office.folder().join("data")).expect("the server's store");
    let later = sync_server::clock::now().after(2 * 3_600_000);
    let changed = grant::round_blocking(&app, later).expect("a round of rights");
    app.close();
    assert_eq!(changed, 1, "one right was taken back");
    office.start();
    assert_eq!(points(&office.account(&ali)["held"]), 0);

    penang.wait_for_balance(ALI, 1_010);
    penang.wait_for_connection("online");
    assert_eq!(authority(&spend(&penang, "P-1", 1_000).must(201)), "online");
    let late = spend(&kl, "K-2", 500).must(201);
    assert_eq!(authority(&late), "reserved", "by what the till knows");
    kl.line().mend();
    kl.sync();
    assert_eq!(words(&office.transaction(&late.id())["redeemed"][0]["authority"]), "late");
    penang.sync();
    let _ = office.liability_when_settled();
    let cases = office.cases();
    let of: Vec<String> = cases.iter().map(|case| words(&case["transaction_id"])).collect();
    assert_eq!(of, [late.id()], "{cases:?}");
    assert!(cases[0]["text"].as_str().is_some_and(|text| text.contains("reserved")), "{cases:?}");
    office.verify();
}

/// A line to the server that can be cut, of a till in this process.
struct Cable {
    http: Http,
    cut: AtomicBool,
}

impl Transport for Cable {
    fn send(&self, request: transport::Request) -> Future<'_, Result<transport::Reply, String>> {
        if self.cut.load(Ordering::Relaxed) {
            return Box::pin(async { Err("the line is cut".to_owned()) });
        }
        self.http.send(request)
    }
}

/// A till in this process, whose clock a test can set.
async fn by_hand(url: &str, code: &str, clock: &Clock, (cable, folder): (&Arc<Cable>, &Scratch)) -> ByHand {
    let way = || Arc::clone(cable) as Arc<dyn Transport>;
    let client = client::Client::new(way(), clock.clone(), Link::default());
    let identity = enrol::enrolled(&client, folder.path(), url, code).await.expect("an enrolment");
    let options = StoreOptions { clock: clock.clone(), ..StoreOptions::default() };
    let store = Store::create(folder.path(), identity, options).expect("a store");
    ByHand::open(store, clock, way(), edge::BUDGET_MS).await.expect("a till")
}

fn wish(receipt: &str, redeem: Option<i64>) -> SaleRequest {
    let sale = sale(receipt, ALI, &[line("1", "100.00")]);
    let sale = redeem.map_or(sale.clone(), |points| redeeming(sale, points));
    serde_json::from_value(sale).expect("a sale")
}

#[test]
fn a_right_that_is_over_is_spent_no_more_and_given_back() {
    let office = Office::open_with(&catalog("reserved", &json!({"share": "0.5"})));
    let ali = office.member("Ali", ALI, 1_000);
    let (now, hour_ms) = (sync_server::clock::now, 3_600_000);
    let clock = Clock::manual(now());
    let http = Http::new(&office.url()).expect("a way to the server");
    let (cable, folder) = (Arc::new(Cable { http, cut: AtomicBool::new(false) }), Scratch::new("by-hand"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let code = office.new_till(KL, "till-1").1;
    let mut till = runtime.block_on(by_hand(&office.url(), &code, &clock, (&cable, &folder)));
    let round = |till: &mut ByHand| {
        clock.set(now());
        runtime.block_on(till.sync.round()).error
    };
    until("the till to know the member", || match round(&mut till) {
        None => till.app.scan(ALI).map(|_| ()).map_err(|error| error.to_string()),
        Some(error) => Err(error),
    });
    let sell = |till: &ByHand, sale: SaleRequest| runtime.block_on(till.app.sell(None, &sale));
    sell(&till, wish("K-1", None)).expect("a sale");
    let held = |till: &ByHand| {
        let scan = till.app.scan(ALI).expect("the member");
        scan.memberships[0].accounts[0].right.as_ref().map_or(0, |right| points(&json!(right.points)))
    };
    until("a right", || match (round(&mut till), held(&till)) {
        (None, 500) => Ok(()),
        other => Err(other),
    });

    cable.cut.store(true, Ordering::Relaxed);
    let told = sell(&till, wish("K-2", Some(100))).expect("a redemption under the right").body;
    assert_eq!(told.redeemed[0].authority.as_deref(), Some("reserved"));
    clock.set(now().after(73 * hour_ms));
    let refused = sell(&till, wish("K-3", Some(100))).expect_err("the right is over");
    assert!(
        matches!(&refused, edge::app::Error::Refused(why) if why.code() == "offline_refused"),
        "{refused}"
    );
    assert_eq!(runtime.block_on(till.app.return_rights()).expect("what is left goes back"), 1);
    assert_eq!(held(&till), 0);

    cable.cut.store(false, Ordering::Relaxed);
    until("the server to reserve nothing any more", || {
        match (round(&mut till), &office.account(&ali)["held"]) {
            (None, held) if held == "0" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    assert_eq!(office.balance(&ali), 1_000 + 100 - 100 + 99);
    office.verify();
    runtime.block_on(till.app.store().stop()).expect("the store closes");
}

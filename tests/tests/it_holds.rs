//! Payment holds at a till and at the server: placed, captured (all or part), released, told apart from a repeat, and there
//! after kill -9; with a line and without.

use system_tests::harness::goods::{KL, redeeming};
use system_tests::harness::prelude::*;
use system_tests::harness::wait::until;

const ALI: &str = "6009410000012345";

fn asked(member: &Member, points: i64) -> Value {
    json!({"membership_id": member.membership, "currency": "PTS", "points": points.to_string(), "minutes": 30})
}

/// What an account tells: balance, held, spendable.
fn told(account: &Value) -> (i64, i64, i64) {
    (points(&account["balance"]), points(&account["held"]), points(&account["spendable"]))
}

/// A POS that heard no answer sends the same again, with no key of its own: the receipt tells that it is a repeat.
#[test]
fn a_capture_for_a_receipt_is_known_again_without_a_key() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    let shop = Client::new(office.admin().base(), &office.new_token("pos", Some(KL)));
    for (place, pos) in [shop, till.pos()].into_iter().enumerate() {
        let hold = |points: i64| {
            let placed = pos.post("/api/holds", &asked(&ali, points)).must(201);
            format!("/api/holds/{}/capture", words(&placed["id"]))
        };
        let (path, other) = (hold(200), hold(100));
        let body = json!({"points": "100", "receipt": format!("P-{place}")});
        let first = pos.post(&path, &body).must(201);
        let again = pos.post(&path, &body).must(201);
        assert!(!first.is_replay() && again.is_replay() && again["id"] == first["id"], "{}", again.text);
        let _ = pos.post(&path, &json!({"receipt": "another"})).problem(409, "hold_closed");
        let less = json!({"points": "50", "receipt": format!("P-{place}")});
        let _ = pos.post(&path, &less).problem(409, "idempotency_conflict");
        // another hold that pays for the same receipt is no repeat
        let paid = pos.post(&other, &body).must(201);
        assert!(!paid.is_replay() && paid["id"] != first["id"], "{}", paid.text);
    }
    till.sync();
    assert_eq!(told(&office.account(&ali)), (600, 0, 600));
    office.verify();
}

#[test]
fn a_hold_at_the_server_is_captured_in_part_and_the_rest_is_free_again() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let shop = Client::new(office.admin().base(), &office.new_token("pos", Some(KL)));
    let placed = shop.post_keyed("/api/holds", "k-1", &asked(&ali, 400)).must(201);
    assert_eq!((words(&placed["authority"]), points(&placed["points"])), ("online".into(), 400));
    assert_eq!(told(&office.account(&ali)), (1_000, 400, 600));
    let again = shop.post_keyed("/api/holds", "k-1", &asked(&ali, 400)).must(201);
    assert!(again.is_replay() && again["id"] == placed["id"], "{}", again.text);
    let _ = shop.post_keyed("/api/holds", "k-1", &asked(&ali, 500)).problem(409, "idempotency_conflict");
    let over = shop.post("/api/holds", &asked(&ali, 700)).problem(422, "insufficient_points");
    assert_eq!(points(&over["available"]), 600);

    let capture = format!("/api/holds/{}/capture", words(&placed["id"]));
    let part = json!({"points": "250", "receipt": "P-1"});
    let captured = shop.post_keyed(&capture, "k-2", &part).must(201);
    assert_eq!(points(&captured["redeemed"][0]["points"]), 250);
    assert_eq!(
        (words(&captured["redeemed"][0]["authority"]), words(&captured["receipt"])),
        ("online".into(), "P-1".into())
    );
    assert_eq!(told(&office.account(&ali)), (750, 0, 750));
    assert!(shop.post_keyed(&capture, "k-2", &part).must(201).is_replay());
    let _ = shop.post(&capture, &json!({})).problem(409, "hold_closed");
    // without a key the receipt tells a repeat; without that nothing does
    let placed = shop.post("/api/holds", &asked(&ali, 100)).must(201);
    let capture = format!("/api/holds/{}/capture", words(&placed["id"]));
    let first = shop.post(&capture, &json!({"receipt": "P-2"})).must(201);
    let again = shop.post(&capture, &json!({"receipt": "P-2"})).must(201);
    assert!(!first.is_replay() && again.is_replay() && first["id"] == again["id"], "{}", again.text);
    let _ = shop.post(&capture, &json!({"receipt": "P-3"})).problem(409, "hold_closed");
    let _ = shop.post(&capture, &json!({})).problem(409, "hold_closed");
    assert_eq!(told(&office.account(&ali)), (650, 0, 650));
    let release = format!("/api/holds/{}/release", words(&placed["id"]));
    let _ = shop.post(&release, &json!({})).problem(409, "hold_closed");
    office.verify();
}

#[test]
fn a_released_hold_at_the_server_frees_its_points_once() {
    let mut office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let token = office.new_token("pos", Some(KL));
    let shop = Client::new(office.admin().base(), &token);
    let placed = shop.post("/api/holds", &asked(&ali, 400)).must(201);
    let release = format!("/api/holds/{}/release", words(&placed["id"]));
    office.kill();
    office.start();
    let shop = Client::new(office.admin().base(), &token);
    assert_eq!(told(&office.account(&ali)), (1_000, 400, 600), "a hold outlives kill -9");
    let released = shop.post_keyed(&release, "k-3", &json!({})).must(200);
    assert_eq!(released["open"], false);
    assert!(shop.post_keyed(&release, "k-3", &json!({})).must(200).is_replay());
    assert_eq!(told(&office.account(&ali)), (1_000, 0, 1_000));
    let _ = shop.post(&release, &json!({})).problem(409, "hold_closed");
    let unknown = "/api/holds/0199e1f2-0000-7000-8000-000000000000/capture";
    let _ = shop.post(unknown, &json!({})).problem(404, "not_found");
    let _ =
        shop.post("/api/holds", &json!({"membership_id": ali.membership})).problem(400, "invalid_request");
}

#[test]
fn a_tills_hold_with_a_line_is_the_servers_and_its_capture_is_never_short() {
    let mut office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.wait_for_connection("online");
    // what would do is told by the member's balance, as the server tells it
    for (points_asked, code) in [(150, "invalid_step"), (50, "below_minimum")] {
        let odd = till.pos().post("/api/holds", &asked(&ali, points_asked)).problem(422, code);
        assert_eq!(points(&odd["available"]), 1_000, "{}", odd.text);
    }
    let placed = till.pos().post_keyed("/api/holds", "k-1", &asked(&ali, 800)).must(201);
    assert_eq!(placed["authority"], "online", "beyond the 500 of a till with no line");
    until("the hold is seen at the till, once", || match told(&till.account(ALI)) {
        (1_000, 800, 200) => Ok(()),
        other => Err(other),
    });
    assert_eq!(told(&office.account(&ali)), (1_000, 800, 200));

    // the line goes down, the till dies: what was paid meanwhile is captured all the same
    office.kill();
    till.restart();
    let again = till.pos().post_keyed("/api/holds", "k-1", &asked(&ali, 800)).must(201);
    assert!(again.is_replay() && again["open"] == true, "{}", again.text);
    let capture = format!("/api/holds/{}/capture", words(&placed["id"]));
    let captured = till.pos().post(&capture, &json!({"receipt": "P-1"})).must(201);
    assert_eq!(captured["redeemed"][0]["authority"], "online");
    let again = till.pos().post(&capture, &json!({"receipt": "P-1"})).must(201);
    assert!(again.is_replay() && again["id"] == captured["id"], "{}", again.text);
    let _ = till.pos().post(&capture, &json!({})).problem(409, "hold_closed");
    assert_eq!(till.balance(ALI), 200);
    office.start();
    till.sync();
    assert_eq!(points(&office.liability_when_settled()["points"]), 200);
    assert_eq!(told(&office.account(&ali)), (200, 0, 200));
    assert!(office.cases().is_empty(), "what was held was there");
    office.verify();
}

#[test]
fn a_tills_hold_without_a_line_counts_against_the_caps_and_pays_a_sale() {
    let mut office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    office.kill();
    till.wait_for_connection("offline");
    let placed = till.pos().post("/api/holds", &asked(&ali, 300)).must(201);
    assert_eq!(placed["authority"], "offline");
    assert_eq!(told(&till.account(ALI)), (1_000, 300, 700));
    assert_eq!(points(&till.account(ALI)["spendable_offline"]), 200, "500 of one member, 300 of them held");
    let over = redeeming(sale("R-1", ALI, &[line("1", "20.00")]), 300);
    let _ = till.pos().post("/api/transactions", &over).problem(422, "offline_limit_member");

    till.restart();
    assert_eq!(told(&till.account(ALI)), (1_000, 300, 700), "held on disk");
    let mut paid = sale("R-2", ALI, &[line("1", "20.00")]);
    paid["redeem"] = json!([{"hold": placed["id"]}]);
    let sold = till.sell(&paid);
    assert_eq!(
        (words(&sold["payable"]), words(&sold["redeemed"][0]["authority"])),
        ("17.00".into(), "offline".into())
    );
    // 1,000 − 300 + 17 paid
    assert_eq!(told(&till.account(ALI)), (717, 0, 717));
    paid["receipt"] = json!("R-3");
    let _ = till.pos().post("/api/transactions", &paid).problem(409, "hold_closed");
    // another is given up: its share of the caps is free again
    let other = till.pos().post("/api/holds", &asked(&ali, 200)).must(201);
    assert_eq!(points(&till.account(ALI)["spendable_offline"]), 0);
    let release = format!("/api/holds/{}/release", words(&other["id"]));
    assert_eq!(till.pos().post(&release, &json!({})).must(200)["open"], false);
    assert_eq!(points(&till.account(ALI)["spendable_offline"]), 200);
    office.start();
    till.sync();
    assert_eq!(points(&office.liability_when_settled()["points"]), 717);
    assert_eq!(told(&office.account(&ali)), (717, 0, 717));
    office.verify();
}

/// The server's word on a hold is lost on its way: it has set the points aside, the till has held them by its policy. Both
/// are one hold, and count once at the till, while it is open and once it is over, whatever the line does then.
#[test]
fn a_hold_whose_answer_was_lost_counts_once_at_the_till() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    let mut left = 1_000;
    for (captured, ending) in [(100, "capture"), (0, "release")] {
        till.wait_for_connection("online");
        till.line().lose_answers("authorize", 1_000);
        let placed = till.pos().post("/api/holds", &asked(&ali, 200)).must(201);
        assert_eq!(placed["authority"], "offline", "{}", placed.text);
        till.line().mend();
        till.sync();
        let open = (left, 200, left - 200);
        assert_eq!(told(&office.account(&ali)), open, "the server has set them aside");
        assert_eq!(told(&till.account(ALI)), open, "once");
        assert_eq!(
            points(&till.account(ALI)["spendable_offline"]),
            300 - (1_000 - left),
            "500 for one member"
        );
        till.restart();
        assert_eq!(told(&till.account(ALI)), open, "and so after kill -9");

        // its end counts from the moment on that it is written, with no line too
        till.line().cut();
        till.wait_for_connection("offline");
        let body = if captured > 0 { json!({"points": captured.to_string()}) } else { json!({}) };
        let ended = till.pos().post(&format!("/api/holds/{}/{ending}", words(&placed["id"])), &body);
        let _ = ended.must(if captured > 0 { 201 } else { 200 });
        left -= captured;
        assert_eq!(told(&till.account(ALI)), (left, 0, left), "{ending}");
        till.line().mend();
        till.sync();
        assert_eq!(told(&till.account(ALI)), (left, 0, left), "{ending}");
        assert_eq!(told(&office.account(&ali)), (left, 0, left), "{ending}");
    }
    assert!(office.cases().is_empty());
    office.verify();
}

//! A card as a signed QR code: read like the card itself, at the server and at a till with no line, also at one that has never
//! seen the card; and refused where somebody else made it.

use system_tests::harness::goods::KL;
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";
const LOST: &str = "6009410000012399";
const SECOND: &str = "6009410000077777";
const SITI: &str = "6009410000054321";

fn qr(scan: &Value) -> String {
    words(&scan["card"]["qr"])
}

#[test]
fn a_signed_card_opens_its_membership_at_a_till_that_has_never_seen_the_card() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 500);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 500);
    let first = qr(&office.clerk().get(&format!("/api/cards/{ALI}")).must(200));
    till.line().cut();
    till.wait_for_connection("offline");
    // the card that the till knows
    let scan = till.scan(&first).must(200);
    assert_eq!(
        (&scan["card"]["code"], &scan["memberships"][0]["id"], &scan["card"]["qr"]),
        (&json!(ALI), &json!(ali.membership), &Value::Null)
    );
    assert_eq!(till.sell(&sale("R-1", &first, &[line("1", "20.00")]))["balances"][0]["balance"], "520");
    // one that was given out since
    let path = format!("/api/memberships/{}/cards", ali.membership);
    let second = qr(&office.clerk().post(&path, &json!({"code": SECOND})).must(201));
    let _ = till.scan(SECOND).problem(404, "unknown_card");
    let scan = till.scan(&second).must(200);
    assert_eq!(
        (&scan["card"]["code"], &scan["card"]["status"], &scan["memberships"][0]["id"]),
        (&json!(SECOND), &json!("active"), &json!(ali.membership))
    );
    let mut sold = sale("R-2", &second, &[line("1", "20.00")]);
    sold["redeem"] = json!([{"currency": "PTS", "points": "100"}]);
    let answer = till.sell(&sold);
    // 520 − 100 + 19 for what was paid with money
    assert_eq!((&answer["state"], &answer["balances"][0]["balance"]), (&json!("provisional"), &json!("439")));
    assert!(till.pos().post("/api/transactions", &sold).must(201).is_replay());
    // lost here, with no line: it is blocked at once, and only it
    let path = format!("/api/memberships/{}/cards", ali.membership);
    let lost = qr(&office.clerk().post(&path, &json!({"code": LOST})).must(201));
    let scan = till.scan(&lost).must(200);
    assert_eq!(scan["card"]["status"], "active");
    let reported =
        till.pos().post(&format!("/api/cards/{lost}/report"), &json!({"status": "lost"})).must(200);
    assert_eq!((&reported["card"]["status"], &reported["card"]["code"]), (&json!("lost"), &json!(LOST)));
    for code in [&lost, LOST] {
        assert_eq!(till.scan(code).must(200)["card"]["status"], "lost");
        let mut sold = sale("R-4", code, &[line("1", "20.00")]);
        sold["redeem"] = json!([{"currency": "PTS", "points": "100"}]);
        let _ = till.pos().post("/api/transactions", &sold).problem(422, "card_blocked");
    }
    assert_eq!(till.scan(&second).must(200)["card"]["status"], "active");
    // one of a member whom the till does not know: the sale waits, as with any card
    let siti = office.enrol("Siti", SITI);
    let third = qr(&office.clerk().get(&format!("/api/cards/{SITI}")).must(200));
    let refused = till.scan(&third).problem(404, "unknown_card");
    assert_eq!(refused["can_earn"], true);
    assert_eq!(till.sell(&sale("R-3", &third, &[line("1", "30.00")]))["state"], "waiting");
    till.line().mend();
    till.wait_for_connection("online");
    till.sync();
    until("the sale is Siti's", || {
        let balance = office.balance(&siti);
        if balance == 30 { Ok(()) } else { Err(balance) }
    });
    assert_eq!(office.clerk().get(&format!("/api/cards/{LOST}")).must(200)["card"]["status"], "lost");
    assert_eq!(till.scan(LOST).must(200)["card"]["status"], "lost");
    // what was sent with no line is known again, now that the card is
    assert!(till.pos().post("/api/transactions", &sold).must(201).is_replay());
    office.verify();
}

#[test]
fn a_code_that_somebody_else_made_is_refused_and_a_reported_card_stays_blocked() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 500);
    let shop = Client::new(office.nobody().base(), &office.new_token("pos", Some(KL)));
    let good = qr(&office.clerk().get(&format!("/api/cards/{ALI}")).must(200));
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 500);
    let stranger = Office::open();
    let _ = stranger.member("Ali", ALI, 500);
    let other = qr(&stranger.clerk().get(&format!("/api/cards/{ALI}")).must(200));
    for wrong in [other, good[..good.len() - 9].to_owned(), "TKC1.nonsense".to_owned()] {
        for client in [&shop, &till.pos()] {
            let refused = client.post("/api/scan", &json!({"code": wrong})).problem(422, "invalid_card");
            assert!(words(&refused["detail"]).contains("not signed by this operator"), "{}", refused.text);
            let sold = client.post("/api/transactions", &sale("R-9", &wrong, &[line("1", "10.00")]));
            let _ = sold.problem(422, "invalid_card");
        }
    }
    // at the server it is the card
    let scan = shop.get(&format!("/api/cards/{good}")).must(200);
    assert_eq!((&scan["card"]["code"], &scan["memberships"][0]["id"]), (&json!(ALI), &json!(ali.membership)));
    let sold = shop.post("/api/transactions", &sale("R-1", &good, &[line("1", "20.00")])).must(201);
    assert_eq!((&sold["earned"][0]["points"], office.balance(&ali)), (&json!("20"), 520));
    // lost by its QR code, it is lost by any
    let lost = till.pos().post(&format!("/api/cards/{good}/report"), &json!({"status": "lost"})).must(200);
    assert_eq!(lost["card"]["status"], "lost");
    till.sync();
    let scan = shop.get(&format!("/api/cards/{ALI}")).must(200);
    assert_eq!((&scan["card"]["status"], &scan["card"]["qr"]), (&json!("lost"), &Value::Null));
    let mut redeeming = sale("R-2", &good, &[line("1", "20.00")]);
    redeeming["redeem"] = json!([{"currency": "PTS", "points": "100"}]);
    let _ = shop.post("/api/transactions", &redeeming).problem(422, "card_blocked");
    let _ = till.pos().post("/api/transactions", &redeeming).problem(422, "card_blocked");
    office.verify();
}

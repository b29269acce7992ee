//! Rewards and vouchers over real processes: bought and used at a till with no line and at the server, a code that a till
//! has never seen, one voucher used at two tills with no line, and what was bought with points that were not there.

use system_tests::harness::goods::{self, KL, PENANG};
use system_tests::harness::prelude::*;
use system_tests::harness::wait::until;

const ALI: &str = "6009410000012345";

/// 5.00 off for 400 points; a voucher of 5.00 for 400; a coffee card of three uses, which is given; 250 miles for 500.
fn rewarded() -> Value {
    let mut catalog = goods::catalog();
    let five = json!({"value": {"amount": "5.00", "currency": "MYR"}});
    catalog["rewards"] = json!([
        {"code": "five", "name": "Five off", "program": goods::PROGRAM, "points": "400", "gives": {"off": five}},
        {"code": "later", "name": "Five off later", "program": goods::PROGRAM, "points": "400",
         "gives": {"voucher": {"off": five, "days": 30}}},
        {"code": "coffee", "name": "Coffee card", "program": goods::PROGRAM,
         "gives": {"voucher": {"off": {"item": ["coffee"]}, "uses": 3, "days": 90}}},
        {"code": "miles", "name": "Miles", "program": goods::PROGRAM, "points": "500",
         "gives": {"partner": {"partner": "skyways", "units": "250", "unit": "miles"}}},
        {"code": "tree", "name": "A tree", "program": goods::PROGRAM, "points": "100",
         "gives": {"donation": {"cause": "Forests"}}},
    ]);
    catalog
}

fn opened(catalog: &Value) -> Office {
    let office = Office::open();
    let _ = office.admin().put("/api/catalog", catalog).must(200);
    office
}

fn using(receipt: &str, card: Option<&str>, voucher: &Value) -> Value {
    let mut sold = sale(receipt, "", &[goods::line("1", "20.00")]);
    sold["card"] = json!(card);
    sold["redeem"] = json!([{"voucher": voucher}]);
    sold
}

fn vouchers(scan: &Value) -> Vec<Value> {
    scan["memberships"][0]["vouchers"].as_array().expect("vouchers").clone()
}

fn given(office: &Office, member: &Member, reward: &str) -> Value {
    let body = json!({"membership_id": member.membership, "reward": reward, "reason": "sorry"});
    (*office.clerk().post("/api/vouchers", &body).must(201)).clone()
}

#[test]
fn a_voucher_bought_with_no_line_is_used_with_no_line_and_both_are_undone() {
    let mut office = opened(&rewarded());
    let ali = office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    office.kill();
    till.wait_for_connection("offline");
    let mut buying = sale("R-1", ALI, &[goods::line("1", "20.00")]);
    buying["redeem"] = json!([{"reward": "later"}]);
    let bought = till.sell(&buying);
    // 20 earned, 400 spent; the goods cost what they cost
    assert_eq!((words(&bought["payable"]), till.balance(ALI)), ("20.00".into(), 620));
    let told = vouchers(&till.scan(ALI).must(200));
    assert_eq!(
        (told.len(), words(&told[0]["left"]), words(&told[0]["text"])),
        (1, "1".into(), "5.00 MYR off".into())
    );
    assert_eq!(told[0]["number"], bought["vouchers"][0]["number"]);
    let number = told[0]["number"].clone();
    till.restart();
    let used = till.sell(&using("R-2", Some(ALI), &number));
    assert_eq!((words(&used["total"]), words(&used["payable"])), ("15.00".into(), "15.00".into()));
    assert_eq!(words(&used["lines"][0]["source"]), format!("voucher:{}", words(&number)));
    assert_eq!(
        (words(&used["redeemed"][0]["currency"]), words(&used["redeemed"][0]["reward"])),
        ("voucher".into(), words(&number))
    );
    assert_eq!(till.balance(ALI), 635);
    assert!(vouchers(&till.scan(ALI).must(200)).is_empty(), "none is left");
    let _ =
        till.pos().post("/api/transactions", &using("R-3", Some(ALI), &number)).problem(422, "voucher_used");
    let _ = till
        .pos()
        .post("/api/transactions", &using("R-3", Some(ALI), &json!("V-00")))
        .problem(422, "voucher_unknown");
    // used, it is not bought for nothing
    let void = format!("/api/transactions/{}/void", words(&bought["id"]));
    let kept = till.pos().post(&void, &json!({})).problem(409, "invalid_transition");
    assert!(words(&kept["detail"]).contains(&words(&number)), "{}", kept.text);
    assert_eq!(till.balance(ALI), 635);
    // given back, it can be used again
    let _ = till.refund(&words(&used["id"]), "B-2", &[(0, "1")]).must(201);
    assert_eq!(vouchers(&till.scan(ALI).must(200)).len(), 1);
    // undone as a whole, its points come back and it is gone
    let _ = till.pos().post(&void, &json!({})).must(201);
    assert_eq!(till.balance(ALI), 1_000);
    assert!(vouchers(&till.scan(ALI).must(200)).is_empty());
    office.start();
    till.sync();
    assert_eq!(points(&office.liability_when_settled()["points"]), 1_000);
    assert_eq!(office.balance(&ali), 1_000);
    assert!(office.cases().is_empty(), "{:?}", office.cases());
    office.verify();
}

#[test]
fn a_code_that_a_till_has_never_seen_is_checked_with_no_line_and_two_tills_make_a_case() {
    let office = opened(&rewarded());
    let ali = office.enrol("Ali", ALI);
    let one = Till::open(&office, KL, "till-1");
    let two = Till::open(&office, PENANG, "till-2");
    for till in [&one, &two] {
        until("the card is known", || match till.scan(ALI).status {
            200 => Ok(()),
            other => Err(other),
        });
        till.line().cut();
        till.wait_for_connection("offline");
    }
    let voucher = given(&office, &ali, "later");
    let code = voucher["code"].clone();
    let first = one.sell(&using("K-1", None, &code));
    assert_eq!(
        (words(&first["payable"]), words(&first["redeemed"][0]["authority"])),
        ("15.00".into(), "offline".into())
    );
    let _ = one.pos().post("/api/transactions", &using("K-2", None, &code)).problem(422, "voucher_used");
    let second = two.sell(&using("P-1", Some(ALI), &code));
    assert_eq!(words(&second["payable"]), "15.00");
    let mut forged = words(&code);
    let last = if forged.ends_with('A') { "BA" } else { "AA" };
    forged.replace_range(forged.len() - 2.., last);
    let _ = two
        .pos()
        .post("/api/transactions", &using("P-2", None, &json!(forged)))
        .problem(422, "voucher_unknown");
    for till in [&one, &two] {
        till.line().mend();
        till.wait_for_connection("online");
        till.sync();
    }
    let _ = office.liability_when_settled();
    let mut cases = Vec::new();
    until("the second use is a case", || {
        cases = office.cases();
        if cases.len() == 1 { Ok(()) } else { Err(cases.clone()) }
    });
    let text = words(&cases[0]["text"]);
    let number = words(&voucher["number"]);
    assert_eq!(text.matches(&format!("Voucher {number} was used at")).count(), 2, "{text}");
    assert!(text.contains("nothing was left of it"), "{text}");
    assert!(text.contains("the program bears 1 use of a voucher"), "{text}");
    assert!(!text.contains("owe"), "nobody owes a use: {text}");
    assert_eq!((words(&cases[0]["currency"]), words(&cases[0]["program"])), ("voucher".into(), "1".into()));
    assert_eq!(cases[0]["membership_id"], json!(ali.membership));
    assert_eq!(office.balance(&ali), 15, "the sale that named the card earns");
    office.verify();
    let _ = one.pos().post("/api/transactions", &using("K-3", None, &code)).problem(422, "voucher_used");
    drop(office);
}

#[test]
fn head_office_gives_and_takes_vouchers_and_the_server_uses_them_once() {
    let mut office = opened(&rewarded());
    let ali = office.enrol("Ali", ALI);
    let shop = Client::new(office.admin().base(), &office.new_token("pos", Some(KL)));
    let card = given(&office, &ali, "coffee");
    assert_eq!((words(&card["left"]), card["uses"].clone()), ("3".into(), json!(3)));
    let coffee = |receipt: &str, by: &Value| {
        let lines = [json!({"sku": "coffee", "quantity": "2", "unit_price": "4.00"})];
        let mut sold = sale(receipt, ALI, &lines);
        sold["redeem"] = json!([{"voucher": by}]);
        sold
    };
    let sold = shop.post("/api/transactions", &coffee("W-1", &card["number"])).must(201);
    assert_eq!(
        (words(&sold["payable"]), words(&sold["redeemed"][0]["authority"])),
        ("4.00".into(), "online".into())
    );
    assert!(shop.post("/api/transactions", &coffee("W-1", &card["number"])).must(201).is_replay());
    let _ = shop.post("/api/transactions", &coffee("W-2", &card["code"])).must(201);
    let seen = office.clerk().get(&format!("/api/vouchers/{}", words(&card["id"]))).must(200);
    assert_eq!(words(&seen["left"]), "1");
    let _ =
        shop.post("/api/transactions", &coffee("W-3", &json!("TKV1.AAAA"))).problem(422, "voucher_unknown");
    // what is left is taken back, once
    let path = format!("/api/vouchers/{}", words(&card["id"]));
    let mut ended = json!({"status": "cancelled", "reason": "given by mistake", "version": 0});
    let _ = office.clerk().patch(&path, &ended).problem(409, "version_conflict");
    ended["version"] = office.clerk().get(&path).must(200)["version"].clone();
    assert_eq!(words(&office.clerk().patch(&path, &ended).must(200)["left"]), "0");
    let _ = office.clerk().patch(&path, &ended).problem(409, "version_conflict");
    ended["version"] = Value::Null;
    let _ = office.clerk().patch(&path, &ended).problem(409, "invalid_transition");
    let _ = shop.post("/api/transactions", &coffee("W-4", &card["number"])).problem(422, "voucher_used");
    let body = json!({"membership_id": ali.membership, "reward": "five"});
    let _ = office.clerk().post("/api/vouchers", &body).problem(422, "reward_unavailable");
    let body = json!({"membership_id": ali.membership, "reward": "coffee", "untill": "2030-01-01"});
    let _ = office.clerk().post("/api/vouchers", &body).problem(400, "invalid_request");
    let all = office.clerk().all(&format!("/api/vouchers?membership={}", ali.membership));
    assert_eq!(all.len(), 1);
    let statement = office.clerk().all(&format!("/api/memberships/{}/statement", ali.membership));
    let lines: Vec<_> = statement
        .iter()
        .filter(|line| line["currency"] == "voucher")
        .map(|line| points(&line["points"]))
        .collect();
    assert_eq!(lines, [-1, -1, -1, 3]);
    // asked for again under its key it is given once, also after a restart
    let body = json!({"membership_id": ali.membership, "reward": "coffee", "reason": "again"});
    let first = office.clerk().post_keyed("/api/vouchers", "v-1", &body).must(201);
    office.kill();
    office.start();
    let again = office.clerk().post_keyed("/api/vouchers", "v-1", &body).must(201);
    assert!(!first.is_replay() && again.is_replay() && first["id"] == again["id"], "{}", again.text);
    let mut other = body.clone();
    other["reason"] = json!("another");
    let _ = office.clerk().post_keyed("/api/vouchers", "v-1", &other).problem(409, "idempotency_conflict");
    let all = office.clerk().all(&format!("/api/vouchers?membership={}", ali.membership));
    assert_eq!(all.len(), 2);
    office.verify();
}

/// Whoever bought a voucher and used it gets no points back for it: refused where it is known, a case where it is not.
#[test]
fn the_purchase_of_a_voucher_that_was_used_is_not_undone_unseen() {
    let office = opened(&rewarded());
    let ali = office.member("Ali", ALI, 1_000);
    let shop = Client::new(office.admin().base(), &office.new_token("pos", Some(PENANG)));
    let till = Till::patient(&office, KL, "till-1", 10_000);
    till.wait_for_connection("online");
    till.wait_for_balance(ALI, 1_000);
    let buy = |pos: &Client, receipt: &str| {
        let mut buying = sale(receipt, ALI, &[goods::line("1", "20.00")]);
        buying["redeem"] = json!([{"reward": "later"}]);
        pos.post("/api/transactions", &buying).must(201)
    };
    let undo = |pos: &Client, bought: &Value| {
        pos.post(&format!("/api/transactions/{}/void", words(&bought["id"])), &json!({}))
    };
    let (first, second) = (buy(&till.pos(), "R-1"), buy(&till.pos(), "R-2"));
    till.sync();
    let mode = |mode: &str| {
        let _ = till.pos().post("/api/network", &json!({"mode": mode})).must(200);
    };
    mode("offline");
    for (receipt, bought) in [("R-3", &first), ("R-4", &second)] {
        let using = using(receipt, Some(ALI), &bought["vouchers"][0]["number"]);
        let _ = shop.post("/api/transactions", &using).must(201);
    }
    let _ = undo(&shop, &first).problem(409, "invalid_transition");
    // the till cannot know of it, and does what it is asked; the line tells it of the other one
    let _ = undo(&till.pos(), &second).must(201);
    mode("auto");
    till.sync();
    let _ = undo(&till.pos(), &first).problem(409, "invalid_transition");
    let case = eventually("head office is told", || {
        office.cases().into_iter().find(|case| case["kind"] == "voucher_used")
    });
    assert_eq!(
        (words(&case["state"]), words(&case["transaction_id"]), words(&case["membership_id"])),
        ("open".into(), words(&second["id"]), ali.membership.clone())
    );
    assert!(words(&case["text"]).contains("1 use of a voucher"), "{case}");
    let decide = format!("/api/overdrafts/{}/decide", words(&case["id"]));
    let _ = office.clerk().post(&decide, &json!({"decision": "program", "note": "so be it"})).must(200);
    assert!(office.cases().iter().all(|case| case["state"] != "open"));
    office.verify();
}

#[test]
fn rewards_are_bought_by_themselves_and_a_partner_is_told_what_to_give() {
    let office = opened(&rewarded());
    let ali = office.member("Ali", ALI, 2_000);
    let shop = Client::new(office.admin().base(), &office.new_token("pos", Some(KL)));
    let redeem = format!("/api/memberships/{}/redeem-points", ali.membership);
    let miles = shop.post_keyed(&redeem, "k-1", &json!({"reward": "miles", "quantity": "2"})).must(201);
    assert_eq!(
        (points(&miles["redeemed"][0]["points"]), words(&miles["redeemed"][0]["reward"])),
        (1_000, "miles".into())
    );
    assert!(
        shop.post_keyed(&redeem, "k-1", &json!({"reward": "miles", "quantity": "2"})).must(201).is_replay()
    );
    let _ = shop.post_keyed(&redeem, "k-2", &json!({"reward": "tree"})).must(201);
    let bought = shop.post_keyed(&redeem, "k-3", &json!({"reward": "later"})).must(201);
    assert_eq!(bought["vouchers"].as_array().map(Vec::len), Some(1));
    assert_eq!(office.balance(&ali), 500);
    let _ = shop.post(&redeem, &json!({"reward": "five"})).problem(422, "reward_unavailable");
    let _ = shop.post(&redeem, &json!({"reward": "miles", "points": "5"})).problem(400, "invalid_request");
    let over =
        shop.post(&redeem, &json!({"reward": "miles", "quantity": "2"})).problem(422, "insufficient_points");
    assert_eq!(words(&over["available"]), "500");
    let other = shop.post_keyed(&redeem, "k-4", &json!({"reward": "miles"})).must(201);
    let void = format!("/api/transactions/{}/void", words(&other["id"]));
    let _ = shop.post(&void, &json!({})).must(201);
    assert_eq!(office.balance(&ali), 500);
    let told = office.clerk().get("/api/reports/partners?partner=skyways").must(200);
    let units: Vec<_> =
        told["items"].as_array().expect("items").iter().map(|line| words(&line["units"])).collect();
    assert_eq!(units, ["500", "250", "-250"]);
    assert!(office.clerk().all("/api/reports/partners?partner=other").is_empty());
    // the quote has them all, best first
    let asked = json!({"currency": "MYR", "lines": [goods::line("1", "20.00")]});
    let quoted = shop.post(&format!("/api/memberships/{}/quote", ali.membership), &asked).must(200);
    let ways: Vec<_> = quoted["ways"]
        .as_array()
        .expect("ways")
        .iter()
        .map(|way| (words(&way["kind"]), words(&way["payable"]), way["refusal"].as_str().map(str::to_owned)))
        .collect();
    let way = |kind: &str, payable: &str| (kind.to_owned(), payable.to_owned(), None);
    assert_eq!(
        ways,
        // 500 points; five off; the voucher; then what takes nothing off: a voucher for later, miles, a tree
        [
            way("points", "15.00"),
            way("reward", "15.00"),
            way("voucher", "15.00"),
            way("reward", "20.00"),
            way("reward", "20.00"),
            way("reward", "20.00")
        ]
    );
    office.verify();
}

#[test]
fn vouchers_bought_at_two_tills_with_points_that_were_not_there_are_taken_back_unless_used() {
    let mut catalog = rewarded();
    catalog["programs"][0]["overdraft"]["offline"] = json!(["reverse", "program"]);
    let office = opened(&catalog);
    let ali = office.member("Ali", ALI, 500);
    let tills = [Till::open(&office, KL, "till-1"), Till::open(&office, PENANG, "till-2")];
    for till in &tills {
        till.wait_for_balance(ALI, 500);
        till.line().cut();
        till.wait_for_connection("offline");
    }
    let bought: Vec<Value> = tills
        .iter()
        .zip(["K-1", "P-1"])
        .map(|(till, receipt)| {
            let mut buying = sale(receipt, ALI, &[goods::line("1", "0.00")]);
            buying["redeem"] = json!([{"reward": "later"}]);
            till.sell(&buying)["vouchers"][0].clone()
        })
        .collect();
    for till in &tills {
        till.line().mend();
        till.wait_for_connection("online");
        till.sync();
    }
    let mut cases = Vec::new();
    until("the second is settled", || {
        cases = office.cases();
        if cases.len() == 1 { Ok(()) } else { Err(cases.clone()) }
    });
    assert_eq!(words(&cases[0]["program"]), "0", "nobody bears anything: {}", cases[0]);
    assert_eq!(office.balance(&ali), 100, "the first took 400, the second was undone");
    let left = |voucher: &Value| {
        let path = format!("/api/vouchers/{}", words(&voucher["id"]));
        words(&office.clerk().get(&path).must(200)["left"])
    };
    let mut still: Vec<String> = bought.iter().map(left).collect();
    still.sort();
    assert_eq!(still, ["0", "1"]);
    office.verify();
}

#[test]
fn a_merged_memberships_vouchers_are_used_under_the_one_that_took_it_over() {
    let office = opened(&rewarded());
    let ali = office.enrol("Ali", ALI);
    let other = office.enrol("Ali Bin Ahmad", "6009410000054321");
    let till = Till::open(&office, KL, "till-1");
    let coffee = given(&office, &ali, "coffee");
    let consent = [&ali, &other]
        .map(|member| json!({"membership_id": member.membership, "text_version": "1", "channel": "pos"}));
    let body = json!({"into": other.membership, "from": [ali.membership], "consent": consent});
    let _ = office.clerk().post("/api/memberships/merge", &body).must(201);
    until("the till knows of it", || {
        till.sync();
        let told = vouchers(&till.scan("6009410000054321").must(200));
        if told.len() == 1 { Ok(()) } else { Err(told) }
    });
    till.line().cut();
    till.wait_for_connection("offline");
    let drinks = |receipt: &str, card: Option<&str>, voucher: &Value| {
        let mut drinks = using(receipt, card, voucher);
        drinks["lines"][0]["sku"] = json!("coffee");
        drinks
    };
    // by its number under the new card, by its signed code with no card, and under the old card
    assert_eq!(till.sell(&drinks("R-1", Some("6009410000054321"), &coffee["number"]))["payable"], "0.00");
    assert_eq!(till.sell(&drinks("R-2", None, &coffee["code"]))["payable"], "0.00");
    till.line().mend();
    till.wait_for_connection("online");
    till.sync();
    assert_eq!(till.sell(&drinks("R-3", Some(ALI), &coffee["number"]))["payable"], "0.00");
    till.sync();
    let _ = till
        .pos()
        .post("/api/transactions", &drinks("R-4", Some(ALI), &coffee["number"]))
        .problem(422, "voucher_used");
    // the till's statement tells of its uses
    let path = format!("/api/memberships/{}/statement", other.membership);
    let items = till.pos().get(&path).must(200)["items"].clone();
    let uses = items.as_array().expect("a list").iter().filter(|it| it["currency"] == "voucher");
    assert_eq!(uses.filter(|it| it["points"] == "-1").count(), 3, "{items}");
    let told = office.clerk().all(&format!("/api/vouchers?membership={}", other.membership));
    assert_eq!((told.len(), words(&told[0]["left"])), (1, "0".into()));
    assert!(office.cases().is_empty(), "{:?}", office.cases());
    office.verify();
}

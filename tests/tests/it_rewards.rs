//! What members get beyond points to cash, over real processes, at a till with no line and at the server: their prices,
//! things exchanged for points, and all of it given back by a return.

use system_tests::harness::goods::{self, KL};
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";

/// Tea is 10% off for members; a mug costs them 6.00, or 500 points; a cup 200 points and 3.00. Points do not pay for tobacco.
fn priced() -> Value {
    let mut catalog = goods::catalog();
    catalog["programs"][0]["redemption"]["excluded_categories"] = json!(["tobacco"]);
    catalog["pricing_schemes"] = json!([{
        "code": "tea", "name": "Tea for members", "program": goods::PROGRAM, "percent": "10", "categories": ["tea"]
    }]);
    catalog["pricebooks"] = json!([{
        "code": "members", "name": "Members' things", "program": goods::PROGRAM, "currency": "MYR",
        "items": [{"sku": "mug", "price": "6.00", "points": "500"}, {"sku": "cup", "points": "200", "plus": "3.00"}]
    }]);
    catalog
}

fn item(sku: &str, category: &str, quantity: &str, price: &str) -> Value {
    json!({"sku": sku, "category": category, "quantity": quantity, "unit_price": price})
}

/// Two teas and a mug for money, a cup for points and money.
fn basket(receipt: &str) -> Value {
    let lines = [
        item("8801", "tea", "2", "10.00"),
        item("mug", "home", "1", "8.00"),
        item("cup", "home", "2", "9.00"),
    ];
    let mut sold = sale(receipt, ALI, &lines);
    sold["redeem"] = json!([{"line": 2}]);
    sold
}

/// 18.00 for the tea, 6.00 for the mug, 6.00 and 400 points for the cups: 30 points earned.
fn check(sold: &Value) {
    let told: Vec<_> = sold["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| {
            (
                words(&line["unit_price"]),
                words(&line["discount"]),
                line["source"].as_str().unwrap_or("").to_owned(),
            )
        })
        .collect();
    let expected = [
        ("10.00", "2.00", "scheme:tea"),
        ("6.00", "0.00", "pricebook:members"),
        ("9.00", "12.00", "pricebook:members"),
    ];
    let expected = expected.map(|(price, off, source)| (price.to_owned(), off.to_owned(), source.to_owned()));
    assert_eq!(told, expected);
    assert_eq!((words(&sold["total"]), words(&sold["payable"])), ("30.00".into(), "30.00".into()));
    assert_eq!(points(&sold["redeemed"][0]["points"]), 400);
    assert_eq!(sold["redeemed"][0]["reward"], "members");
    assert_eq!(sold["redeemed"][0]["value"]["amount"], "12.00");
    let earned: i64 =
        sold["earned"].as_array().expect("earned").iter().map(|earned| points(&earned["points"])).sum();
    assert_eq!(earned, 30);
}

#[test]
fn members_prices_hold_at_a_till_with_no_line_and_a_return_gives_their_points_back() {
    let mut office = Office::open();
    let _ = office.admin().put("/api/catalog", &priced()).must(200);
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    office.kill();
    till.wait_for_connection("offline");
    let sold = till.sell(&basket("R-1"));
    check(&sold);
    assert_eq!(till.balance(ALI), 630);
    // one cup of two: 200 points, and the 3 that were earned on the money beside them
    let back = till.refund(&words(&sold["id"]), "B-1", &[(2, "1")]).must(201);
    assert_eq!(points(&back["redeemed"][0]["points"]), -200);
    assert_eq!(till.balance(ALI), 827);
    let rest = till.refund(&words(&sold["id"]), "B-2", &[(0, "2"), (1, "1"), (2, "1")]).must(201);
    assert_eq!(points(&rest["redeemed"][0]["points"]), -200);
    assert_eq!(till.balance(ALI), 1_000, "all that was sold came back, and so did all points");
    office.start();
    till.sync();
    assert_eq!(points(&office.liability_when_settled()["points"]), 1_000);
    assert_eq!(office.balance(&ali), 1_000);
    assert!(office.cases().is_empty(), "the server finds the same: {:?}", office.cases());
    office.verify();
}

#[test]
fn the_server_quotes_and_sells_at_the_same_prices() {
    let office = Office::open();
    let _ = office.admin().put("/api/catalog", &priced()).must(200);
    let ali = office.member("Ali", ALI, 1_000);
    let shop = Client::new(office.admin().base(), &office.new_token("pos", Some(KL)));
    let lines = [item("mug", "home", "1", "8.00"), item("9901", "tobacco", "1", "20.00")];
    let asked = json!({"currency": "MYR", "lines": lines});
    let quoted = shop.post(&format!("/api/memberships/{}/quote", ali.membership), &asked).must(200);
    assert_eq!(
        (words(&quoted["total"]), words(&quoted["lines"][0]["unit_price"])),
        ("26.00".into(), "6.00".into())
    );
    let ways: Vec<_> = quoted["ways"]
        .as_array()
        .expect("ways")
        .iter()
        .map(|way| {
            (words(&way["kind"]), points(&way["points"]), words(&way["payable"]), way["redeem"].clone())
        })
        .collect();
    let exchange = |payable: &str| ("exchange".to_owned(), 500, payable.to_owned());
    let cash = |payable: &str| ("points".to_owned(), 600, payable.to_owned());
    // both take 6.00 off: what is not tobacco
    let kinds: Vec<_> =
        ways.iter().map(|(kind, points, payable, _)| (kind.clone(), *points, payable.clone())).collect();
    assert_eq!(kinds, [cash("20.00"), exchange("20.00")]);
    // the way's own words are a sale's
    let mut sold = sale("W-1", ALI, &lines);
    let redeem = ways[1].3.as_object().expect("an object").iter().filter(|(_, value)| !value.is_null());
    sold["redeem"] =
        json!([redeem.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>()]);
    let sold = shop.post("/api/transactions", &sold).must(201);
    assert_eq!((words(&sold["payable"]), points(&sold["redeemed"][0]["points"])), ("20.00".into(), 500));
    let over = goods::redeeming(sale("W-2", ALI, &[item("9901", "tobacco", "1", "20.00")]), 100);
    let _ = shop.post("/api/transactions", &over).problem(422, "above_maximum");
    check(&shop.post("/api/transactions", &basket("W-3")).must(201));
    let again = shop.post("/api/transactions", &basket("W-3")).must(201);
    assert!(again.is_replay(), "{}", again.text);
    let mut none = sale("W-4", ALI, &lines);
    none["redeem"] = json!([{"line": 1}]);
    let _ = shop.post("/api/transactions", &none).problem(422, "reward_unavailable");
    office.verify();
}

#[test]
fn prices_are_items_of_the_catalog() {
    let office = Office::open();
    let admin = office.admin();
    let scheme = json!({
        "code": "tea", "name": "Tea", "program": goods::PROGRAM, "percent": "10", "categories": ["tea"],
        "when": {"levels": ["gold"], "outlets": [KL], "hours": {"from": "20:00", "until": "22:00"}}
    });
    let made = admin.post("/api/pricing-schemes", &scheme).must(201);
    let book = json!({
        "code": "members", "name": "Members", "program": goods::PROGRAM, "currency": "MYR",
        "items": [{"sku": "mug", "price": "6.00"}]
    });
    let _ = admin.post("/api/pricebooks", &book).must(201);
    let mut wrong = scheme.clone();
    wrong["code"] = json!("tea-2");
    wrong["percent"] = json!("101");
    let told = admin.post("/api/pricing-schemes", &wrong).problem(400, "invalid_request");
    assert_eq!(told["field"], "pricing_schemes[tea-2].percent");
    let mut next = (*made).clone();
    next["percent"] = json!("15");
    let _ = admin.put("/api/pricing-schemes/tea", &next).must(200);
    let _ = admin.put("/api/pricing-schemes/tea", &made).problem(409, "version_conflict");
    // the whole document as it is told is the same when it is put back
    let whole = admin.get("/api/catalog").must(200);
    assert_eq!(*admin.put("/api/catalog", &whole).must(200), *whole);
    let _ = admin.delete(&format!("/api/programs/{}", goods::PROGRAM)).problem(409, "in_use");
    let _ = admin.delete("/api/pricing-schemes/tea").must(204);
    let _ = admin.get("/api/pricing-schemes/tea").problem(404, "not_found");
}

//! A request that is not understood, or that says two things at once: what is wrong is named, at a till as at the server.

use system_tests::harness::goods::KL;
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";
const BEA: &str = "6009410000012346";
const SALES: &str = "/api/transactions";

/// At the server as at a till: the path of the field, and a sentence that a cashier can be shown.
#[test]
fn what_is_not_understood_is_named_with_its_path() {
    let office = Office::open();
    let till = Till::open(&office, KL, "till-1");
    let shop = Client::new(office.admin().base(), &office.new_token("pos", Some(KL)));
    let cases = [
        (json!({"receipt": 5}), "receipt"),
        (json!({"receipt": "R", "currency": "MYR"}), "lines"),
        (json!({"receipt": "R", "currency": "MYR", "lines": [{"sku": "a", "qty": "1"}]}), "lines[0].qty"),
        (json!({"receipt": "R", "lines": [{"sku": 5, "quantity": "1", "unit_price": "1"}]}), "lines[0].sku"),
    ];
    for client in [shop, till.pos()] {
        for (body, field) in &cases {
            let refused = client.post(SALES, body).problem(400, "invalid_request");
            assert_eq!(words(&refused["field"]), *field, "{}", refused.text);
            let detail = words(&refused["detail"]);
            assert!(detail.ends_with('.') && !detail.contains(" line "), "{detail}");
        }
        for (query, field) in [("limt=5", "limt"), ("limit=x", "limit")] {
            let refused = client.get(&format!("{SALES}?customer=x&{query}")).problem(400, "invalid_request");
            assert_eq!(words(&refused["field"]), field, "{}", refused.text);
        }
    }
}

#[test]
fn a_sale_that_names_two_members_is_refused() {
    let office = Office::open();
    let till = Till::open(&office, KL, "till-1");
    let (ali, bea) = (office.member("Ali", ALI, 1_000), office.member("Bea", BEA, 1_000));
    till.wait_for_balance(ALI, 1_000);
    till.wait_for_balance(BEA, 1_000);
    let shop = Client::new(office.admin().base(), &office.new_token("pos", Some(KL)));
    for (place, client) in [shop, till.pos()].into_iter().enumerate() {
        let sell = |said: Value| {
            let mut sold = sale(&format!("R-{place}"), ALI, &[line("1", "10.00")]);
            for (field, value) in said.as_object().expect("fields") {
                sold[field] = value.clone();
            }
            client.post(SALES, &sold)
        };
        for (field, id) in [("membership_id", &bea.membership), ("customer_id", &bea.customer)] {
            let refused = sell(json!({field: id})).problem(422, "invalid_card");
            let detail = words(&refused["detail"]);
            assert!(detail.contains(&ali.membership) && detail.contains(id.as_str()), "{detail}");
        }
        let both = json!({"card": null, "membership_id": ali.membership, "customer_id": bea.customer});
        let _ = sell(both).problem(422, "invalid_card");
        let agreed = json!({"membership_id": ali.membership, "customer_id": ali.customer});
        let sold = sell(agreed).must(201);
        assert_eq!(sold["earned"][0]["membership_id"], json!(ali.membership));
    }
    till.sync();
    assert_eq!((office.balance(&ali), office.balance(&bea)), (1_020, 1_000));
}

//! Members at head office: listed and changed, cards replaced and found again, the audit searched; and a customer who is
//! erased is gone everywhere, at tills too, while the ledger stays.

use system_tests::harness::goods::{self, KL, PROGRAM};
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";

fn ids(items: &[Value]) -> Vec<String> {
    let mut ids: Vec<String> = items.iter().map(|item| words(&item["id"])).collect();
    ids.sort();
    ids
}

#[test]
fn memberships_are_listed_by_program_status_level_and_label() {
    let mut catalog = goods::catalog();
    let mut club = goods::program();
    club["code"] = json!("club");
    club["name"] = json!("Club");
    catalog["programs"].as_array_mut().expect("a list").push(club);
    let office = Office::open_with(&catalog);
    let members: Vec<Member> = (0..7).map(|n| office.enrol(&format!("Member {n}"), &numbered(n))).collect();
    let clerk = office.clerk();
    let consent = json!({"text_version": "v1", "channel": "pos"});
    let both =
        json!({"customer_id": members[0].customer, "memberships": [{"program": "club", "consent": consent}]});
    let _ = clerk.post("/api/enrolments", &both).must(201);
    let of = |member: &Member| format!("/api/memberships/{}", member.membership);
    for member in &members[..3] {
        let _ = clerk.post(&format!("{}/labels", of(member)), &json!({"add": ["staff"]})).must(200);
    }
    let asked = json!({"status": "suspended", "reason": "a question"});
    let _ = clerk.post(&format!("{}/status", of(&members[2])), &asked).must(200);
    let count = |query: &str| clerk.all(&format!("/api/memberships?{query}")).len();
    for (query, found) in [
        ("", 8),
        ("program=club", 1),
        ("program=standard-rewards", 7),
        ("label=staff", 3),
        ("label=staff&status=active", 2),
        ("status=suspended", 1),
        ("level=member", 8),
        ("level=gold", 0),
    ] {
        assert_eq!(count(query), found, "{query}");
    }
    let _ = clerk.get("/api/memberships?program=gone").problem(400, "invalid_request");
    let _ = clerk.get("/api/memberships?status=asleep").problem(400, "invalid_request");
    let _ = clerk.get("/api/memberships?colour=red").problem(400, "invalid_request");
    // page by page, none is missing and none twice
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = clerk.get(&format!("/api/memberships?limit=3{after}")).must(200);
        seen.extend(page["items"].as_array().expect("a list").clone());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    let mut once = ids(&seen);
    once.dedup();
    assert_eq!((seen.len(), once.len()), (8, 8));
}

#[test]
fn a_membership_is_changed_under_its_version_and_ending_it_keeps_the_customer() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 100);
    let other = office.enrol("Bo", &numbered(1));
    let clerk = office.clerk();
    let path = format!("/api/memberships/{}", ali.membership);
    let read = clerk.get(&path).must(200);
    let version = read["version"].clone();
    let change = json!({"version": version, "member_number": "LOY-7", "labels": ["vip"], "expires_on": "2099-12-31", "reason": "put right"});
    let changed = clerk.patch(&path, &change).must(200);
    assert_eq!(
        (&changed["member_number"], &changed["labels"], &changed["expires_on"]),
        (&json!("LOY-7"), &json!(["vip"]), &json!("2099-12-31"))
    );
    let _ = clerk.patch(&path, &change).problem(409, "version_conflict");
    assert_eq!(clerk.get("/api/cards/LOY-7").must(200)["memberships"][0]["id"], json!(ali.membership));
    let now = |path: &str| clerk.get(path).must(200)["version"].clone();
    let taken =
        json!({"version": now(&format!("/api/memberships/{}", other.membership)), "member_number": "LOY-7"});
    let _ = clerk.patch(&format!("/api/memberships/{}", other.membership), &taken).problem(409, "in_use");
    let card =
        json!({"version": now(&format!("/api/memberships/{}", other.membership)), "member_number": ALI});
    let _ = clerk.patch(&format!("/api/memberships/{}", other.membership), &card).problem(409, "in_use");
    for (field, value) in
        [("expires_on", json!("1999-01-01")), ("expires_on", json!("soon")), ("status", json!("active"))]
    {
        let body = json!({"version": now(&path), field: value});
        let _ = clerk.patch(&path, &body).problem(400, "invalid_request");
    }
    let till = Till::open(&office, KL, "till-1");
    assert_eq!(till.scan("LOY-7").must(200)["customer"]["name"], "Ali");

    let _ = clerk.delete(&path).problem(409, "in_use");
    let _ = clerk.delete(&format!("{path}?force=true")).problem(400, "invalid_request");
    let owed = || points(&office.liability_when_settled()["points"]);
    let before = owed();
    let _ = clerk.delete(&format!("{path}?force=true&reason=asked")).must(204);
    assert_eq!((before, owed()), (100, 0), "what nobody can spend any more, nobody is owed");
    let statement = clerk.all(&format!("/api/memberships/{}/statement", ali.membership));
    assert_eq!(statement[0]["description"], "Forfeited: the membership ended");
    let customer = clerk.get(&format!("/api/customers/{}", ali.customer)).must(200);
    assert_eq!(customer["memberships"][0]["status"], "terminated");
    let audit = |query: &str| office.admin().all(&format!("/api/audit?{query}"));
    assert_eq!(audit(&format!("subject={}&action=membership.end", ali.membership)).len(), 1);
    assert_eq!(audit(&format!("subject={}&action=membership", ali.membership)).len(), 2, "changed, ended");
    assert_eq!(audit("who=nobody").len(), 0);
    assert_eq!(audit("action=catalog&from=2020-01-01").len(), 1);
    assert_eq!(audit("to=2020-01-01").len(), 0);
    let _ = office.admin().get("/api/audit?from=never").problem(400, "invalid_request");
}

#[test]
fn what_waits_to_be_settled_is_not_forfeited_when_its_membership_ends() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 500);
    let (here, silent) = (Till::open(&office, KL, "here"), Till::open(&office, KL, "silent"));
    here.wait_for_balance(ALI, 500);
    // nothing is settled before this till has told everything
    silent.sync();
    for till in [&silent, &here] {
        till.line().cut();
        till.wait_for_connection("offline");
    }
    let _ = here.sell(&goods::redeeming(sale("R-1", ALI, &[line("1", "2.00")]), 200));
    here.line().mend();
    here.sync();
    until("the redemption waits to be settled", || {
        let balance = office.balance(&ali);
        if balance == 300 { Ok(()) } else { Err(balance) }
    });
    let path = format!("/api/memberships/{}", ali.membership);
    let _ = office.clerk().delete(&format!("{path}?force=true&reason=asked")).must(204);
    let statement = office.clerk().all(&format!("{path}/statement"));
    assert_eq!((&statement[0]["column"], &statement[0]["points"]), (&json!("expired"), &json!("-300")));
    silent.line().mend();
    silent.sync();
    assert_eq!(points(&office.liability_when_settled()["points"]), 0);
    assert_eq!(office.cases(), Vec::<Value>::new(), "what was there when it was redeemed is still there");
    office.verify();
}

#[test]
fn a_number_in_another_system_is_one_customers() {
    let office = Office::open();
    let clerk = office.clerk();
    let consent = json!({"text_version": "v1", "channel": "pos"});
    let made = |name: &str, more: Value| {
        let mut customer = json!({"name": name});
        customer.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let body = json!({"customer": customer, "memberships": [{"program": PROGRAM, "consent": consent}],
            "allow_duplicate": true});
        words(&clerk.post("/api/enrolments", &body).must(201)["customer"]["id"])
    };
    let first = made("First", json!({"external_id": "SHOP-0"}));
    let second = made("Second", json!({}));
    let path = format!("/api/customers/{second}");
    let version = clerk.get(&path).must(200)["customer"]["version"].clone();
    let taken = json!({"version": version, "external_id": "SHOP-0"});
    let _ = clerk.patch(&path, &taken).problem(409, "duplicate_customer");
    let shop = json!({"external_id": "SHOP-0"});
    let _ = clerk.post("/api/member-tokens", &shop).must(201);
    // one who was let through as a duplicate has it too: whose page it opens cannot be told
    let third = made("Third", json!({"external_id": "SHOP-0"}));
    let _ = clerk.post("/api/member-tokens", &shop).problem(409, "duplicate_customer");
    let merged = json!({"from": [third], "into": first, "reason": "one person"});
    let _ = clerk.post("/api/customers/merge", &merged).must(201);
    let _ = clerk.post("/api/member-tokens", &shop).must(201);
}

#[test]
fn a_card_is_replaced_and_a_lost_one_comes_back() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 100);
    let clerk = office.clerk();
    let new = numbered(77);
    let scan =
        clerk.post(&format!("/api/cards/{ALI}/replace"), &json!({"code": new, "reason": "worn"})).must(200);
    assert_eq!(
        (&scan["card"]["status"], &scan["memberships"][0]["id"]),
        (&json!("active"), &json!(ali.membership))
    );
    assert_eq!(clerk.get(&format!("/api/cards/{ALI}")).must(200)["card"]["status"], "replaced");
    assert_eq!(office.balance(&ali), 100, "the points stay");
    let again = json!({"code": numbered(78)});
    let _ = clerk.post(&format!("/api/cards/{ALI}/replace"), &again).problem(409, "invalid_transition");
    let _ = clerk.post(&format!("/api/cards/{new}/replace"), &json!({"code": new})).problem(409, "in_use");
    let _ = clerk.post(&format!("/api/cards/{}/replace", numbered(99)), &again).problem(404, "not_found");
    let _ =
        clerk.post(&format!("/api/cards/{new}/reactivate"), &json!({})).problem(409, "invalid_transition");
    let _ = clerk.post(&format!("/api/cards/{new}/report"), &json!({"status": "lost"})).must(200);
    let till = Till::open(&office, KL, "till-1");
    assert_eq!(till.scan(&new).must(200)["card"]["status"], "lost");
    let back = clerk.post(&format!("/api/cards/{new}/reactivate"), &json!({"reason": "found"})).must(200);
    assert_eq!(back["card"]["status"], "active");
    till.sync();
    assert_eq!(till.scan(&new).must(200)["card"]["status"], "active");
}

#[test]
fn an_erased_customer_is_gone_at_head_office_and_at_a_till_and_the_ledger_stays() {
    let office = Office::open();
    let customer = json!({"name": "Zubaidah Rahman", "phone": "+60 12 345 6789", "email": "zu@example.org"});
    let consent = json!({"text_version": "v1", "channel": "pos"});
    let body =
        json!({"customer": customer, "memberships": [{"program": PROGRAM, "card": ALI, "consent": consent}]});
    let made = office.clerk().post("/api/enrolments", &body).must(201);
    let (customer, membership) = (words(&made["customer"]["id"]), words(&made["memberships"][0]["id"]));
    let till = Till::open(&office, KL, "till-1");
    let _ = till.pos().post("/api/transactions", &sale("R-1", ALI, &[line("1", "20.00")])).must(201);
    till.sync();
    assert_eq!(
        till.pos().get("/api/customers?name=Zubaidah").must(200)["items"].as_array().map(Vec::len),
        Some(1)
    );
    let clerk = office.clerk();
    let path = format!("/api/customers/{customer}");
    let refused = clerk.delete(&path).problem(409, "in_use");
    assert!(words(&refused["detail"]).contains("has 20 PTS"), "{}", refused.text);
    let lines = clerk.all(&format!("/api/ledger?membership={membership}")).len();
    let _ = clerk.delete(&format!("{path}?force=true")).problem(400, "invalid_request");
    let _ = clerk.delete(&format!("{path}?force=true&reason=asked%20to%20be%20forgotten")).must(204);
    for query in ["name=Zubaidah", "phone=%2B60123456789", "email=zu%40example.org"] {
        assert_eq!(clerk.all(&format!("/api/customers?{query}")).len(), 0, "{query}");
    }
    let ledger = clerk.all(&format!("/api/ledger?membership={membership}"));
    assert_eq!(ledger.len(), lines + 1, "what was earned stays; what was left is forfeited");
    assert_eq!(points(&office.liability_when_settled()["points"]), 0);
    let _ = clerk.get(&path).problem(404, "not_found");
    till.sync();
    for query in ["name=Zubaidah", "phone=%2B60123456789", "email=zu%40example.org"] {
        let found = till.pos().get(&format!("/api/customers?{query}"));
        assert!(!found.text.contains("Zubaidah"), "{query}: {}", found.text);
        assert_eq!(found["items"].as_array().map_or(0, Vec::len), 0, "{query}: {}", found.text);
    }
    assert!(!till.scan(ALI).text.contains("Zubaidah"));
    let snapshots = office.folder().join("data/snapshots");
    let left = std::fs::read_dir(snapshots).map_or(0, Iterator::count);
    assert_eq!(left, 0, "no snapshot with the name in it is left");
    office.verify();
}

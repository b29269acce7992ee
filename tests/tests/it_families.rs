//! Who shares points with whom: Michael Adams alone, Katrin Bauer and John Miller as friends in two programs, the Moore
//! family with one card each. At head office and at tills, with a line and without; figures by hand.

use system_tests::harness::goods::{self, KL, PENANG};
use system_tests::harness::prelude::*;

/// Two airlines' programs that share redeemable miles; each member's own status miles count towards the level.
fn catalog() -> Value {
    let mut catalog = goods::catalog();
    let mut status = catalog["currencies"][0].clone();
    status["code"] = json!("STATUS");
    status["name"] = json!("Status miles");
    status["kind"] = json!("qualifying");
    status["cash_value"] = Value::Null;
    catalog["currencies"] = json!([catalog["currencies"][0], status]);
    let program = |code: &str, name: &str| {
        let mut program = goods::program();
        program["code"] = json!(code);
        program["name"] = json!(name);
        program["currencies"] = json!(["PTS", "STATUS"]);
        program["qualifier"] = json!({"currency": "STATUS"});
        // what is shared counts towards the level now, and not at the next midnight
        program["level_rules"] = json!({"evaluate": "at_once"});
        program
    };
    catalog["programs"] =
        json!([program("world-flyer-plus", "World Flyer Plus"), program("senator", "Senator")]);
    let rule = |program: &str, currency: &str| {
        let mut rule = goods::rule();
        rule["code"] = json!(format!("{program}-{}", currency.to_lowercase()));
        rule["program"] = json!(program);
        rule["currency"] = json!(currency);
        rule
    };
    let rules =
        ["world-flyer-plus", "senator"].map(|program| [rule(program, "PTS"), rule(program, "STATUS")]);
    catalog["earning_rules"] = rules.into_iter().flatten().collect();
    catalog
}

fn enrol(office: &Office, name: &str, program: &str, card: &str) -> Member {
    let body = json!({
        "customer": {"name": name},
        "memberships": [{"program": program, "card": card, "consent": {"text_version": "v1", "channel": "pos"}}]
    });
    let made = office.clerk().post("/api/enrolments", &body).must(201);
    Member {
        customer: words(&made["customer"]["id"]),
        membership: words(&made["memberships"][0]["id"]),
        card: card.to_owned(),
    }
}

fn consents(members: &[&Member]) -> Value {
    let one = |member: &&Member| json!({"membership_id": member.membership, "text_version": "v2", "channel": "desk"});
    members.iter().map(one).collect()
}

fn join(office: &Office, member: &Member, with: &Member, kind: &str, asked: &[&Member]) -> Answer {
    let body = json!({"with": with.membership, "kind": kind, "consent": consents(asked)});
    office.clerk().post(&format!("/api/memberships/{}/join", member.membership), &body)
}

/// Balance and what was ever earned of a currency, as a membership shows it.
fn of(membership: &Value, currency: &str) -> (i64, i64) {
    let accounts = membership["accounts"].as_array().expect("a list");
    let account = accounts.iter().find(|account| account["currency"] == currency).expect("the currency");
    (points(&account["balance"]), points(&account["lifetime_earned"]))
}

fn at_office(office: &Office, member: &Member) -> Value {
    (*office.clerk().get(&format!("/api/memberships/{}", member.membership)).must(200)).clone()
}

fn at_till(till: &Till, member: &Member) -> Value {
    till.scan(&member.card).must(200)["memberships"][0].clone()
}

fn earn(office: &Office, member: &Member, currency: &str, many: i64) {
    let path = format!("/api/memberships/{}/earn-points", member.membership);
    let body = json!({"currency": currency, "points": many.to_string(), "reason": "flights"});
    let _ = office.clerk().post(&path, &body).must(201);
}

#[test]
fn michael_adams_has_his_points_to_himself() {
    let office = Office::open_with(&catalog());
    let michael = enrol(&office, "Michael Adams", "senator", "6009410000000211");
    let other = enrol(&office, "Emma Rodriguez", "senator", "6009410000000212");
    let till = Till::open(&office, KL, "michael");
    till.sync();
    let _ = till.sell(&sale("R-1", &michael.card, &[line("1", "120.00")]));
    let _ = till.sell(&goods::redeeming(sale("R-2", &michael.card, &[line("1", "1.00")]), 100));
    till.sync();
    for shown in [at_office(&office, &michael), at_till(&till, &michael)] {
        assert_eq!(shown["kind"], "standard");
        // 120 earned, 100 redeemed; redeeming leaves what counts towards the next level alone
        assert_eq!((of(&shown, "PTS"), of(&shown, "STATUS")), ((20, 120), (120, 120)));
    }
    assert_eq!(of(&at_office(&office, &other), "PTS"), (0, 0));
    office.verify();
}

#[test]
fn katrin_and_john_share_miles_over_two_programs_and_each_counts_for_their_own_level() {
    let office = Office::open_with(&catalog());
    let katrin = enrol(&office, "Katrin Bauer", "world-flyer-plus", "6009410000000221");
    let john = enrol(&office, "John Miller", "senator", "6009410000000222");
    for (member, miles) in [(&katrin, 300), (&john, 500)] {
        earn(&office, member, "PTS", miles);
        earn(&office, member, "STATUS", miles);
    }
    let away = Till::open(&office, KL, "away");
    let here = Till::open(&office, PENANG, "here");
    away.sync();
    away.line().cut();
    away.wait_for_connection("offline");
    let _ = join(&office, &katrin, &john, "shared", &[&katrin]).problem(422, "consent_required");
    let joined = join(&office, &katrin, &john, "shared", &[&katrin, &john]).must(201);
    assert_eq!((&joined["kind"], of(&joined, "PTS").0), (&json!("shared"), 800));
    here.sync();
    for member in [&katrin, &john] {
        let shown = at_till(&here, member);
        assert_eq!((&shown["kind"], of(&shown, "PTS").0), (&json!("shared"), 800), "{shown}");
    }
    assert_eq!(of(&at_till(&here, &katrin), "STATUS").0, 300);
    assert_eq!(of(&at_till(&here, &john), "STATUS").0, 500);
    assert_eq!(
        (&at_till(&here, &katrin)["qualified"], &at_till(&here, &john)["qualified"]),
        (&json!("300"), &json!("500"))
    );
    // a till that knows nothing of it sells on: 40 earned on Katrin's own account, 200 redeemed from it
    let sold = away.sell(&sale("R-1", &katrin.card, &[line("1", "40.00")]));
    let _ = away.sell(&goods::redeeming(sale("R-2", &katrin.card, &[line("1", "2.00")]), 200));
    // and one that does, without a line: 10 earned by John's card into what is shared, 400 redeemed out of it
    here.line().cut();
    here.wait_for_connection("offline");
    let _ = here.sell(&sale("P-1", &john.card, &[line("1", "10.00")]));
    let _ = here.sell(&goods::redeeming(sale("P-2", &katrin.card, &[line("1", "4.00")]), 400));
    assert_eq!(of(&at_till(&here, &katrin), "PTS").0, 410, "800 + 10 − 400");
    here.line().mend();
    away.line().mend();
    here.sync();
    away.sync();
    // 800 + 40 − 200 + 10 − 400
    until("what came late is shared too", || {
        let balance = of(&at_office(&office, &john), "PTS").0;
        if balance == 250 { Ok(()) } else { Err(balance) }
    });
    let liability = office.liability_when_settled();
    assert_eq!(points(&liability["points"]), 250);
    // each lot says which program owes it
    // World Flyer Plus issued 300 + 40 and Senator 500 + 10; the 600 spent took the former's first
    assert_eq!(liability["programs"], json!([{"program": "senator", "points": "250"}]));
    assert_eq!(of(&at_office(&office, &katrin), "STATUS").0, 340);
    assert_eq!(of(&at_office(&office, &john), "STATUS").0, 510);
    // what was earned on an account of before is given back out of what is shared: 250 − 40
    let _ = away.refund(&sold.id(), "R-3", &[(0, "1")]).must(201);
    away.sync();
    until("the return has come through", || {
        let balance = of(&at_office(&office, &katrin), "PTS").0;
        if balance == 210 { Ok(()) } else { Err(balance) }
    });
    let _ = office.liability_when_settled();
    office.verify();
}

#[test]
fn the_moore_family_pools_everything_and_parts_with_what_each_takes() {
    let office = Office::open_with(&catalog());
    let names = ["Anna Moore", "Ben Moore", "Clara Moore"];
    let family: Vec<Member> = names
        .iter()
        .zip(231..)
        .map(|(name, number)| enrol(&office, name, "senator", &format!("6009410000000{number}")))
        .collect();
    let [anna, ben, clara] = &family[..] else { panic!("three") };
    for (member, miles) in [(anna, 6_000), (ben, 5_000), (clara, 100)] {
        earn(&office, member, "PTS", miles);
        earn(&office, member, "STATUS", miles);
    }
    let elsewhere = enrol(&office, "David Park", "world-flyer-plus", "6009410000000239");
    let _ = join(&office, &elsewhere, anna, "group", &[&elsewhere, anna]).problem(400, "invalid_request");
    let _ = join(&office, ben, anna, "group", &[ben, anna]).must(201);
    // whoever joins later asks all who share already
    let _ = join(&office, clara, ben, "group", &[clara, ben]).problem(422, "consent_required");
    let _ = join(&office, clara, ben, "group", &[clara, ben, anna]).must(201);
    let _ = join(&office, clara, anna, "group", &[clara, ben, anna]).problem(409, "invalid_transition");
    let till = Till::open(&office, KL, "moore");
    till.sync();
    for member in &family {
        for shown in [at_office(&office, member), at_till(&till, member)] {
            assert_eq!(
                (&shown["kind"], &shown["level"]["code"]),
                (&json!("group"), &json!("gold")),
                "{shown}"
            );
            assert_eq!((of(&shown, "PTS"), of(&shown, "STATUS")), ((11_100, 11_100), (11_100, 11_100)));
        }
    }
    // any card spends what all of them have; with no line, the caps are the family's, not each one's
    till.line().cut();
    till.wait_for_connection("offline");
    let spend = |receipt: &str, member: &Member, points: i64| {
        let sale = goods::redeeming(sale(receipt, &member.card, &[line("1", "5.00")]), points);
        till.pos().post("/api/transactions", &sale)
    };
    let _ = spend("R-1", clara, 500).must(201);
    let _ = spend("R-2", ben, 100).problem(422, "offline_limit_member");
    till.line().mend();
    till.sync();
    let _ = office.liability_when_settled();
    assert_eq!(of(&at_office(&office, anna), "PTS").0, 10_600);
    // Clara moves out with 1,000; the others stay together
    let share = |member: &Member, points: &str| json!({"membership_id": member.membership, "currency": "PTS", "points": points});
    let split = |members: &[&Member], shares: Value, asked: &[&Member]| {
        let members: Vec<&str> = members.iter().map(|member| member.membership.as_str()).collect();
        let body = json!({"members": members, "shares": shares, "consent": consents(asked)});
        office.clerk().post("/api/memberships/split", &body)
    };
    let all = [anna, ben, clara];
    let _ = split(&[clara], json!([share(clara, "1000")]), &[clara]).problem(422, "consent_required");
    let _ = split(&[clara], json!([share(clara, "99999")]), &all).problem(422, "insufficient_points");
    let _ = split(&[clara], json!([share(clara, "1000")]), &all).must(201);
    assert_eq!(of(&at_office(&office, clara), "PTS").0, 1_000);
    assert_eq!(of(&at_office(&office, ben), "PTS").0, 9_600);
    let _ = split(&[clara], json!([]), &[clara]).problem(409, "invalid_transition");
    // then nobody stays: Ben takes 600, Anna what is left and what was counted
    let _ = split(&[anna, ben], json!([share(ben, "600")]), &[anna, ben]).must(201);
    till.sync();
    for (member, balance, status) in [(anna, 9_000, 11_100), (ben, 600, 0), (clara, 1_000, 0)] {
        for shown in [at_office(&office, member), at_till(&till, member)] {
            assert_eq!(shown["kind"], "standard");
            assert_eq!((of(&shown, "PTS").0, of(&shown, "STATUS").0), (balance, status), "{shown}");
        }
    }
    // what each earns from now on is their own
    let _ = till.sell(&sale("R-9", &ben.card, &[line("1", "5.00")]));
    till.sync();
    assert_eq!((of(&at_office(&office, ben), "PTS").0, of(&at_office(&office, anna), "PTS").0), (605, 9_000));
    assert_eq!(points(&office.liability_when_settled()["points"]), 10_605);
    office.verify();
}

#[test]
fn points_that_count_for_a_level_are_not_shared_without_saying_so() {
    let mut catalog = catalog();
    for program in catalog["programs"].as_array_mut().expect("a list") {
        program["qualifier"] = Value::Null;
    }
    let office = Office::open_with(&catalog);
    let katrin = enrol(&office, "Katrin Bauer", "world-flyer-plus", "6009410000000241");
    let john = enrol(&office, "John Miller", "senator", "6009410000000242");
    let told = join(&office, &katrin, &john, "shared", &[&katrin, &john]).problem(409, "invalid_transition");
    assert!(words(&told["detail"]).contains("qualifier"), "{}", told.text);
}

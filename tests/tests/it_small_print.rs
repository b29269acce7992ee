//! What the contract says in its small print, at a till and at head office: a misread card, points that pay nowhere, lists
//! that go on, what comes back too late to be spent.

use shared::time::{Day, Millis};
use system_tests::harness::daemon;
use system_tests::harness::goods::{self, KL, PROGRAM, redeeming};
use system_tests::harness::http::Request;
use system_tests::harness::office::enrolment;
use system_tests::harness::prelude::*;
use system_tests::harness::scratch::Scratch;

fn days_ago(days: i32) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let now = Millis(u64::try_from(now.as_millis()).expect("before the end of time"));
    Day(now.day("Asia/Kuala_Lumpur".parse().expect("a time zone")).0 - days).to_string()
}

/// After 955000101202 comes 7.
const MISREAD: &str = "9550001012028";

#[test]
fn a_card_whose_check_digit_is_wrong_was_misread_and_its_sale_is_kept_all_the_same() {
    let mut catalog = goods::catalog();
    catalog["programs"][0]["cards"] = json!({"standard": "ean13", "prefix": "955"});
    let office = Office::open_with(&catalog);
    let till = Till::open(&office, KL, "till-1");
    let server = Client::new(&office.url(), &office.new_token("pos", Some(KL)));
    for (pos, receipt) in [(till.pos(), "R-1"), (server, "R-2")] {
        let _ = pos.get("/api/cards/9550001012027").problem(404, "unknown_card");
        let told = pos.get(&format!("/api/cards/{MISREAD}")).problem(422, "invalid_card");
        let detail = words(&told["detail"]);
        assert!(detail.contains("misread") && detail.contains("after 955000101202 comes 7"), "{detail}");
        let refused =
            pos.post("/api/transactions", &redeeming(sale("R-0", MISREAD, &[line("1", "9.00")]), 100));
        let _ = refused.problem(422, "invalid_card");
        let sold = pos.post("/api/transactions", &sale(receipt, MISREAD, &[line("1", "9.00")])).must(201);
        assert_eq!(sold["state"], "waiting");
    }
    till.sync();
    let waiting = eventually("both sales wait", || {
        let waiting = office.clerk().all("/api/unattributed");
        (waiting.len() == 2).then_some(waiting)
    });
    for item in &waiting {
        assert!(words(&item["text"]).contains("misread"), "{item}");
        // a person says whose it was
        let made =
            office.clerk().post("/api/enrolments", &enrolment(&words(&item["receipt"]), None)).must(201);
        let membership = &made["memberships"][0]["id"];
        let path = format!("/api/unattributed/{}/attribute", words(&item["id"]));
        let asked = json!({"membership_id": membership, "note": "said so"});
        let _ = office.clerk().post(&path, &asked).must(200);
        let known = office.clerk().get(&format!("/api/memberships/{}", words(membership))).must(200);
        assert_eq!(known["accounts"][0]["balance"], "9");
    }
    office.verify();
}

#[test]
fn points_that_no_basket_takes_are_refused_by_the_scan_a_sale_redeem_points_and_a_hold_alike() {
    let mut catalog = goods::catalog();
    catalog["programs"][0]["redemption"] = Value::Null;
    let office = Office::open_with(&catalog);
    let card = numbered(1);
    let member = office.member("Aisha", &card, 1_000);
    let till = Till::open(&office, KL, "till-1");
    let server = Client::new(&office.url(), &office.new_token("pos", Some(KL)));
    let offline = Till::open(&office, KL, "till-2");
    offline.line().cut();
    for pos in [till.pos(), server, offline.pos()] {
        let scanned = pos.get(&format!("/api/cards/{card}")).must(200);
        assert_eq!(scanned["memberships"][0]["accounts"][0]["refusal"], "reward_unavailable");
        let sold = pos.post("/api/transactions", &redeeming(sale("R-1", &card, &[line("1", "9.00")]), 100));
        let _ = sold.problem(422, "reward_unavailable");
        let path = format!("/api/memberships/{}/redeem-points", member.membership);
        let body = json!({"currency": "PTS", "points": "100", "reason": "asked"});
        let _ = pos.post(&path, &body).problem(422, "reward_unavailable");
        let hold = json!({"membership_id": member.membership, "currency": "PTS", "points": "100"});
        let _ = pos.post("/api/holds", &hold).problem(422, "reward_unavailable");
    }
    assert_eq!(office.balance(&member), 1_000);
}

#[test]
fn a_tier_group_whose_levels_members_have_reached_stays() {
    let mut catalog = goods::catalog();
    catalog["currencies"].as_array_mut().expect("currencies").push(json!({
        "code": "N", "name": "Nights", "kind": "qualifying"
    }));
    catalog["programs"][0]["currencies"] = json!(["PTS", "N"]);
    catalog["programs"][0]["tier_groups"] = json!([{
        "code": "stays", "name": "Stays", "style": "custom_qualifier",
        "qualifier": {"currency": "N", "each": {"activity": "night"}},
        "levels": [
            {"code": "guest", "name": "Guest", "threshold": "0"},
            {"code": "regular", "name": "Regular", "threshold": "10"}
        ],
        "level_rules": {"evaluate": "at_once"}
    }]);
    let office = Office::open_with(&catalog);
    let (admin, clerk) = (office.admin(), office.clerk());
    let path = format!("/api/programs/{PROGRAM}/tier-groups/stays");
    let member = office.enrol("Rosa", &numbered(1));
    let nights = |quantity: &str| {
        let path = format!("/api/memberships/{}/earn-points", member.membership);
        let _ = clerk
            .post(&path, &json!({"activity": "night", "quantity": quantity, "reason": "stayed"}))
            .must(201);
    };
    nights("12");
    let refused = admin.delete(&path).problem(409, "in_use");
    assert!(words(&refused["detail"]).contains("`stays`"), "{}", refused.text);
    let levels = clerk.get(&format!("/api/memberships/{}", member.membership)).must(200)["levels"].clone();
    assert_eq!(levels[1]["code"], "regular", "{levels}");
}

#[test]
fn a_tier_group_on_whose_first_level_everybody_stands_goes() {
    let mut catalog = goods::catalog();
    catalog["currencies"].as_array_mut().expect("currencies").push(json!({
        "code": "N", "name": "Nights", "kind": "qualifying"
    }));
    catalog["programs"][0]["currencies"] = json!(["PTS", "N"]);
    catalog["programs"][0]["tier_groups"] = json!([{
        "code": "stays", "name": "Stays", "style": "custom_qualifier",
        "qualifier": {"currency": "N", "each": {"activity": "night"}},
        "levels": [{"code": "guest", "name": "Guest", "threshold": "0"}]
    }]);
    let office = Office::open_with(&catalog);
    let _ = office.enrol("Rosa", &numbered(1));
    let _ = office.admin().delete(&format!("/api/programs/{PROGRAM}/tier-groups/stays")).must(204);
}

/// The lists that had no pages: of each, as many items as there are, one at a time and all at once.
#[test]
fn every_list_goes_page_by_page() {
    let mut catalog = goods::catalog();
    for code in ["coffee-club", "book-club"] {
        let mut club = goods::program();
        (club["code"], club["name"]) = (json!(code), json!(code));
        catalog["programs"].as_array_mut().expect("programs").push(club);
    }
    let office = Office::open_with(&catalog);
    let till = Till::open(&office, KL, "till-1");
    let clerk = office.clerk();
    let consent = json!({"text_version": "2026-01", "channel": "pos"});
    let made = clerk.post(
        "/api/enrolments",
        &json!({
            "customer": {"name": "Emma"},
            "memberships": [
                {"program": PROGRAM, "card": numbered(1), "consent": consent},
                {"program": "coffee-club", "consent": consent}
            ]
        }),
    );
    let made = made.must(201);
    let other = office.enrol("Other", &numbered(2));
    let customer = words(&made["customer"]["id"]);
    till.sync();
    let _ = till.sell(&sale("R-1", &numbered(1), &[line("1", "9.00")])).must(201);
    let _ = Client::new(&office.url(), &office.new_token("pos", Some(goods::PENANG)))
        .post("/api/transactions", &sale("R-2", &numbered(1), &[line("1", "9.00")]))
        .must(201);
    let path = format!("/api/memberships/{}/consents", other.membership);
    for withdrawn in [false, true] {
        let body =
            json!({"text_version": "2026-02", "channel": "web", "withdrawn": withdrawn, "reason": "asked"});
        let _ = clerk.post(&path, &body);
    }
    till.sync();
    let lists = [
        (&clerk, format!("/api/customers/{customer}/memberships"), 2),
        (&till.pos(), format!("/api/customers/{customer}/memberships"), 2),
        (&clerk, format!("/api/customers/{}/offers", other.customer), 2),
        (&clerk, path, 2),
        (&clerk, "/api/reports/outlets".to_owned(), 2),
        (&clerk, "/api/reports/programs".to_owned(), 3),
        (&clerk, "/api/reports/liability/days".to_owned(), 1),
        (&clerk, "/api/reports/double-redemptions?times=1".to_owned(), 0),
    ];
    for (client, path, least) in lists {
        let join = if path.contains('?') { '&' } else { '?' };
        let whole = client.get(&path).must(200)["items"].as_array().expect("items").clone();
        assert!(whole.len() >= least, "{path}: {whole:?}");
        let mut found = Vec::new();
        let mut after = String::new();
        loop {
            let page = client.get(&format!("{path}{join}limit=1{after}")).must(200);
            found.extend(page["items"].as_array().expect("items").iter().cloned());
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(found.len(), whole.len(), "{path}");
        let _ = client.get(&format!("{path}{join}limit=0")).problem(400, "invalid_request");
        let _ = client.get(&format!("{path}{join}colour=blue")).problem(400, "invalid_request");
    }
}

#[test]
fn a_name_that_many_have_finds_them_all() {
    let office = Office::open();
    let files = Scratch::new("names");
    let file = files.at("members.csv");
    let mut rows = vec!["name,program".to_owned()];
    rows.extend((0..1_234).map(|number| format!("Anna Number{number:04},{PROGRAM}")));
    // of the longest word there are many, of both together one
    rows.push(format!("Lee Anna,{PROGRAM}"));
    std::fs::write(&file, rows.join("\n")).expect("a file");
    assert!(office.command(&["import", "members", &file]).status.success());
    let till = Till::open(&office, KL, "till-1");
    for client in [office.clerk(), till.pos()] {
        let mut found: Vec<String> =
            client.all("/api/customers?name=Anna").iter().map(|customer| words(&customer["id"])).collect();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), 1_235);
        assert_eq!(client.all("/api/customers?name=Anna%20Lee").len(), 1);
    }
}

#[test]
fn a_day_that_can_only_be_mistyped_is_refused_while_the_clock_is_sure_and_a_till_with_no_line_goes_on_selling()
 {
    let office = Office::open();
    let card = numbered(1);
    let member = office.enrol("Ali", &card);
    let till = Till::open(&office, KL, "till-1");
    let server = Client::new(&office.url(), &office.new_token("pos", Some(KL)));
    let on = |receipt: &str, day: &str| {
        let mut sold = sale(receipt, &card, &[line("1", "9.00")]);
        sold["business_date"] = json!(day);
        sold
    };
    for pos in [till.pos(), server] {
        for day in ["1999-11-28", "2099-11-28"] {
            let refused = pos.post("/api/transactions", &on("R-1", day)).problem(400, "invalid_request");
            assert_eq!(refused["field"], "business_date");
            assert!(words(&refused["detail"]).contains("mistyped"), "{}", refused.text);
        }
    }
    till.line().cut();
    till.wait_for_connection("offline");
    // whose clock is right is not known here
    let _ = till.sell(&on("R-2", "2099-11-28")).must(201);
    assert_eq!(office.balance(&member), 0);
}

#[test]
fn a_membership_says_on_which_day_points_last_moved() {
    let office = Office::open();
    let card = numbered(1);
    let member = office.enrol("Ali", &card);
    let till = Till::open(&office, KL, "till-1");
    let path = format!("/api/memberships/{}", member.membership);
    for client in [office.clerk(), till.pos()] {
        assert_eq!(client.get(&path).must(200)["last_activity_on"], Value::Null);
    }
    let earn = |on: &str| {
        let body = json!({"currency": "PTS", "points": "500", "reason": "earned", "business_date": on});
        let _ = office.clerk().post(&format!("{path}/earn-points"), &body).must(201);
    };
    let (first, last) = (days_ago(90), days_ago(60));
    earn(&last);
    earn(&first);
    till.wait_for_balance(&card, 1_000);
    for client in [office.clerk(), till.pos()] {
        assert_eq!(client.get(&path).must(200)["last_activity_on"], last);
    }
    till.line().cut();
    till.wait_for_connection("offline");
    let sold = till.sell(&redeeming(sale("R-1", &card, &[line("1", "9.00")]), 100)).must(201);
    let newer = words(&sold["business_date"]);
    assert_eq!(till.pos().get(&path).must(200)["last_activity_on"], newer);
    till.line().mend();
    till.sync();
    eventually("the server knows of it", || {
        (office.clerk().get(&path).must(200)["last_activity_on"] == newer).then_some(())
    });
}

#[test]
fn a_token_that_would_have_run_out_a_name_taken_away_and_a_wrong_usage_are_refused() {
    let office = Office::open();
    let member = office.enrol("Ali", &numbered(1));
    let token = json!({"role": "reader", "name": "R", "minutes": 0});
    assert_eq!(
        office.admin().post("/api/tokens", &token).problem(400, "invalid_request")["field"],
        "minutes"
    );
    let path = format!("/api/customers/{}", member.customer);
    let version = office.clerk().get(&path).must(200)["customer"]["version"].clone();
    let refused = office.clerk().patch(&path, &json!({"version": version, "name": null}));
    assert_eq!(refused.problem(400, "invalid_request")["field"], "name");
    let god = office.command(&["token", "create", "--role", "god", "--name", "G"]);
    assert_eq!(god.status.code(), Some(2), "a wrong usage");
    let folder = office.folder().display().to_string();
    let import = office.command(&["import", "members", &folder]);
    assert!(String::from_utf8_lossy(&import.stderr).contains(&folder), "the file is named");
    let nowhere = daemon::run("tillkeep-edge", &["run"]);
    assert_eq!(nowhere.status.code(), Some(2), "a wrong usage");
}

/// The member's own page speaks the language that its links ask for, and goes on speaking it.
#[test]
fn the_links_of_a_members_page_change_its_language() {
    let office = Office::open();
    let member = office.enrol("Ali", &numbered(1));
    let asked = json!({"customer_id": member.customer});
    let made = office.clerk().post("/api/member-tokens", &asked).must(201);
    let cookie = format!("tillkeep-account={}", words(&made["token"]));
    let page = |path: &str, cookie: &str| {
        let headers = vec![("Cookie".to_owned(), cookie.to_owned())];
        let request = Request { method: "GET".to_owned(), path: path.to_owned(), headers, body: None };
        office.nobody().send(&request).expect("an answer").must(200)
    };
    assert!(page("/account", &cookie).text.contains("<html lang=\"en\""));
    let malay = page("/account?lang=ms", &cookie);
    assert!(malay.text.contains("<html lang=\"ms\""), "{}", &malay.text[..300]);
    let kept =
        malay.header("set-cookie").expect("it is kept").split(';').next().unwrap_or_default().to_owned();
    assert!(page("/account", &format!("{cookie}; {kept}")).text.contains("<html lang=\"ms\""));
}

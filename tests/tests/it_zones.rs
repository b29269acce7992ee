//! Days by the clock of the place: an outlet and a program on the other side of the date line from UTC.

use chrono::{Duration, NaiveDate, Timelike as _, Utc};
use system_tests::harness::goods::{self, KL};
use system_tests::harness::prelude::*;

const CARD: &str = "6009410000770011";

/// A time zone where it is another day than in UTC, for many hours yet, and the day that it is there.
fn elsewhere() -> (&'static str, NaiveDate) {
    let now = Utc::now();
    let (zone, hours) = if now.hour() >= 10 { ("Etc/GMT-14", 14) } else { ("Etc/GMT+12", -12) };
    let there = (now + Duration::hours(hours)).date_naive();
    assert_ne!(there, now.date_naive(), "{zone} has another day");
    (zone, there)
}

fn catalog(zone: &str) -> Value {
    let mut catalog = goods::catalog();
    for outlet in catalog["outlets"].as_array_mut().into_iter().flatten() {
        outlet["time_zone"] = json!(zone);
    }
    catalog["programs"][0]["time_zone"] = json!(zone);
    catalog
}

#[test]
fn head_office_counts_days_as_the_program_does() {
    let (zone, today) = elsewhere();
    let today = today.to_string();
    let office = Office::open_with(&catalog(zone));
    let member = office.enrol("Aru Tane", CARD);
    let customer = office.clerk().get(&format!("/api/customers/{}", member.customer)).must(200);
    assert_eq!(customer["customer"]["since"], json!(today));
    assert_eq!(customer["memberships"][0]["enrolled_on"], json!(today));

    let path = format!("/api/memberships/{}", member.membership);
    let given = json!({"currency": "PTS", "points": "700", "reason": "welcome"});
    let earned = office.clerk().post(&format!("{path}/earn-points"), &given).must(201);
    assert_eq!(earned["business_date"], json!(today));
    let taken = json!({"currency": "PTS", "points": "-100", "reason": "mistyped"});
    let adjusted = office.clerk().post(&format!("{path}/adjust-points"), &taken).must(201);
    assert_eq!(adjusted["business_date"], json!(today));

    let of_the_day = |from: &str, to: &str| {
        let found = office.clerk().get(&format!("/api/ledger?from={from}&to={to}")).must(200);
        found["items"].as_array().map(Vec::len)
    };
    let lines = of_the_day(&today, &today);
    assert!(lines > Some(1), "both lines are of {today}: {lines:?}");
    let utc = Utc::now().date_naive().to_string();
    assert_eq!(of_the_day(&utc, &utc), Some(0), "none is of UTC's day");
}

#[test]
fn a_till_and_head_office_date_a_sale_alike() {
    let (zone, today) = elsewhere();
    let office = Office::open_with(&catalog(zone));
    let _ = office.member("Aru Tane", CARD, 500);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(CARD, 500);
    let here = till.sell(&sale("Z-1", CARD, &[line("1", "10.00")])).must(201);
    let token = office.new_token("pos", Some(KL));
    let there = Client::new(office.nobody().base(), &token);
    let there = there.post("/api/transactions", &sale("Z-2", CARD, &[line("1", "10.00")])).must(201);
    for sold in [&here, &there] {
        assert_eq!(sold["business_date"], json!(today.to_string()));
    }
}

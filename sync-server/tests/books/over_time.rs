//! Liability over time, against figures worked out by hand: closed days by their sums, and the open one up to now.

use serde_json::{Value, json};
use shared::time::{Day, Millis};
use sync_server::app::Who;
use sync_server::app::reports::course;
use sync_server::app::reports::range::Range;
use sync_server::app::reports::step::Step;
use sync_server::clock;

use crate::office::{Office, sale};

const ZONE: chrono_tz::Tz = chrono_tz::Asia::Kuala_Lumpur;

fn asked(office: &Office, range: (&str, &str), step: Step, now: Millis) -> Vec<Value> {
    let range = Range::read(Some(range.0), Some(range.1)).unwrap();
    let found = course::course(office.app(), &Who::local(), &range, step, now).unwrap();
    found.iter().map(|day| serde_json::to_value(day).unwrap()).collect()
}

fn figures(day: &Value) -> [&str; 5] {
    ["date", "state", "added", "taken", "points"].map(|field| day[field].as_str().unwrap())
}

/// A server's first day, and the member whose it was.
async fn a_day_of_sales() -> (Office, String) {
    let office = Office::open("over-time").await;
    assert_eq!(office.close_days(clock::now()).await, 1, "the day before the books begin");
    let (_, membership) = office.member("Aisha", "CARD-1").await;
    office.give(&membership, "600").await;
    office.pos("/api/transactions", &sale("K-1", "CARD-1", &[("1", "20.00")])).await.is(201);
    let mut second = sale("K-2", "CARD-1", &[("1", "10.00")]);
    second["redeem"] = json!([{"currency": "PTS", "points": "100"}]);
    office.pos("/api/transactions", &second).await.is(201);
    (office, membership)
}

/// | day | came | went | had |
/// | --- | --- | --- | --- |
/// | before the books begin | | | 0 |
/// | 600 given; 20.00 bought; 10.00 bought with 100 points (1.00) | 600 + 20 + 9 | 100 | 529 |
/// | 50 given after that was closed | 50 | | 579 |
#[tokio::test(flavor = "multi_thread")]
async fn what_was_owed_at_the_end_of_each_day_is_as_worked_out_by_hand() {
    // all of it on one day, whenever this runs
    let (office, today, membership) = loop {
        let today = clock::now().day(ZONE);
        let (office, membership) = a_day_of_sales().await;
        if clock::now().day(ZONE) == today {
            break (office, today, membership);
        }
        office.close().await;
    };
    let next = Day(today.0 + 1);
    let night = next.starts(ZONE).after(1_000);
    assert_eq!(office.close_days(night).await, 1);
    office.give(&membership, "50").await;

    let (before, today, next) = (Day(today.0 - 1).to_string(), today.to_string(), next.to_string());
    let days = asked(&office, ("", ""), Step::Day, night);
    let expected = [
        [before.as_str(), "closed", "0", "0", "0"],
        [today.as_str(), "closed", "629", "100", "529"],
        [next.as_str(), "open", "50", "0", "579"],
    ];
    assert_eq!(days.iter().map(figures).collect::<Vec<_>>(), expected);
    assert_eq!(
        (&days[1]["program"], &days[1]["currency"], &days[1]["value"]),
        (&json!("standard-rewards"), &json!("PTS"), &json!({"amount": "5.29", "currency": "MYR"}))
    );
    let report = office.get("/api/reports/liability").await.is(200);
    assert_eq!(
        (&report["items"][0]["points"], &report["items"][0]["ledger"]),
        (&json!("579"), &json!("579"))
    );

    // one day of them has what all before it added up to
    let one = asked(&office, (&today, &today), Step::Day, night);
    assert_eq!(one.iter().map(figures).collect::<Vec<_>>(), [expected[1]]);
    // by months, whichever these days are in
    let months = asked(&office, ("", ""), Step::Month, night);
    let sum = |field: &str| {
        months.iter().map(|it| it[field].as_str().unwrap().parse::<i64>().unwrap()).sum::<i64>()
    };
    assert_eq!((sum("added"), sum("taken")), (679, 100));
    assert_eq!(figures(months.last().unwrap())[4], "579");
    assert!(months.len() <= 2 && months.iter().all(|it| it["date"] != before.as_str() || months.len() == 2));
    office.balanced().await;
    office.close().await;
}

//! Business days: awaiting tills, closing with a seal, what comes late, and a seal that tells of any change.

use redb::{Database, ReadableTable as _, TableDefinition};
use serde_json::{Value, json};
use shared::time::{Day, Millis};
use sync_server::clock;

use crate::office::{Office, sale};
use crate::till::{Known, Till};

const HOUR_MS: u64 = 3_600_000;
const ZONE: chrono_tz::Tz = chrono_tz::Asia::Kuala_Lumpur;

fn day_after(day: Day, days: i32) -> Day {
    Day(day.0 + days)
}

/// Shortly after a day of the program's has ended.
fn past(day: Day) -> Millis {
    day_after(day, 1).starts(ZONE).after(1_000)
}

fn tills(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|till| till["name"].as_str().unwrap()).collect()
}

/// A member with 600 points and two tills; the first has sold, the second has sold and told nobody. Answers the day.
async fn sold(office: &Office) -> (Day, Till, Till) {
    let today = clock::now().day(ZONE);
    assert_eq!(office.close_days(clock::now()).await, 1, "the day before the books begin");
    let (_, membership) = office.member("Aisha", "CARD-1").await;
    office.give(&membership, "600").await;
    let mut kl = Till::enrol(office, "kl", "Till 1", 7).await;
    let mut penang = Till::enrol(office, "penang", "Till 2", 8).await;
    let known = Known::of(office, "CARD-1");
    kl.sell(&known, &sale("K-1", "CARD-1", &[("1", "20.00")]));
    penang.sell(&known, &sale("P-1", "CARD-1", &[("1", "30.00")]));
    kl.push(office).await;
    (today, kl, penang)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_awaits_its_tills_and_is_closed_with_a_seal_once_they_have_told() {
    let office = Office::open("days").await;
    let (today, mut kl, mut penang) = sold(&office).await;
    let open = office.get(&format!("/api/programs/standard-rewards/days/{today}")).await.is(200);
    assert_eq!((&open["state"], &open["lines"], &open["seal"]), (&json!("open"), &json!(2), &Value::Null));

    let night = past(today);
    assert_eq!(office.close_days(night).await, 0);
    let closing = office.day(today, night);
    assert_eq!(
        (&closing["state"], tills(&closing["awaited"])),
        (&json!("closing"), vec!["Till 1", "Till 2"])
    );
    kl.push_at(&office, night).await;
    assert_eq!(tills(&office.day(today, night)["awaited"]), ["Till 2"]);
    assert_eq!(office.close_days(night).await, 0);

    penang.push_at(&office, night).await;
    assert_eq!(office.close_days(night).await, 1);
    let closed = office.day(today, night);
    assert_eq!((&closed["state"], &closed["awaited"]), (&json!("closed"), &json!([])));
    // 600 given, 20 and 30 earned
    let moved = json!([{"currency": "PTS", "debit": "program", "credit": "member", "points": "650"}]);
    assert_eq!((&closed["lines"], &closed["sums"], &closed["late"]), (&json!(3), &moved, &json!([])));
    let before = office.day(day_after(today, -1), night);
    assert_eq!(closed["seal_before"], before["seal"]);
    assert_eq!(closed["seal"].as_str().unwrap().len(), 64);
    assert!(office.verified().0, "{}", office.verified().1);
    office.balanced().await;
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_its_day_was_closed_goes_to_the_next_open_day_and_says_so() {
    let office = Office::open("late").await;
    let (today, mut kl, mut penang) = sold(&office).await;
    // 73 hours on: the second till is not waited for any more, and named
    let later = clock::now().after(73 * HOUR_MS);
    kl.push_at(&office, later).await;
    let closed = usize::try_from(later.day(ZONE).0 - today.0).unwrap();
    assert_eq!(office.close_days(later).await, closed);
    let first = office.day(today, later);
    assert_eq!((tills(&first["left_out"]), &first["lines"]), (vec!["Till 2"], &json!(2)));

    penang.push_at(&office, later).await;
    let line = |list: Value| {
        let items = list["items"].as_array().unwrap().clone();
        items.into_iter().find(|line| line["receipt"] == "P-1").unwrap()
    };
    let told = line(office.get("/api/ledger").await.is(200));
    let open = later.day(ZONE);
    assert_eq!(
        (&told["book_day"], &told["belongs_to"]),
        (&json!(open.to_string()), &json!(today.to_string()))
    );
    assert_eq!(office.day(today, later), first, "a closed day never changes");
    let held = office.day(open, later);
    assert_eq!(held["late"], json!([{"date": today.to_string(), "lines": 1}]));

    let night = past(open);
    kl.push_at(&office, night).await;
    penang.push_at(&office, night).await;
    assert_eq!(office.close_days(night).await, 1);
    let closed = office.day(open, night);
    assert_eq!((&closed["late"], &closed["lines"]), (&held["late"], &json!(1)));
    assert_eq!(line(office.get("/api/ledger").await.is(200))["book_day"], json!(open.to_string()));
    assert!(office.verified().0, "{}", office.verified().1);
    office.close().await;
}

/// Changes the last byte of a value in a table of the stopped server's.
fn change<const N: usize>(folder: &std::path::Path, table: &str, pick: impl Fn(&[u8]) -> bool) {
    let table: TableDefinition<'_, &[u8; N], &[u8]> = TableDefinition::new(table);
    let database = Database::open(folder.join("server.redb")).unwrap();
    let writing = database.begin_write().unwrap();
    {
        let mut rows = writing.open_table(table).unwrap();
        let found = rows.iter().unwrap().map(Result::unwrap).find(|(_, value)| pick(value.value()));
        let (key, mut value) = found.map(|(key, value)| (*key.value(), value.value().to_vec())).unwrap();
        *value.last_mut().unwrap() ^= 1;
        rows.insert(&key, value.as_slice()).unwrap();
    }
    writing.commit().unwrap();
}

/// A line whose outlet is said.
fn of_an_outlet(line: &[u8]) -> bool {
    matches!(line, [.., 1, _])
}

/// A day is closed; then one byte of the store is changed. What `verify` says.
async fn verified_after(name: &str, work: impl FnOnce(&std::path::Path)) -> (bool, String) {
    let office = Office::open(name).await;
    let (today, mut kl, mut penang) = sold(&office).await;
    let night = past(today);
    kl.push_at(&office, night).await;
    penang.push_at(&office, night).await;
    assert_eq!(office.close_days(night).await, 1);
    assert!(office.verified().0, "{}", office.verified().1);
    let office = office.reopened(work).await;
    let said = office.verified();
    office.close().await;
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn one_byte_of_a_closed_day_changed_breaks_its_seal() {
    // the last byte of a line is the outlet's number, which no sum depends on
    let (holds, said) = verified_after("byte", |folder| change::<8>(folder, "ledger.1", of_an_outlet)).await;
    assert!(!holds && said.contains("its seal is"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_byte_of_an_entry_changed_breaks_its_chain() {
    let (holds, said) = verified_after("chain", |folder| change::<12>(folder, "entries.1", |_| true)).await;
    assert!(!holds && said.contains("its chain is broken"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_byte_of_a_days_own_record_changed_is_told() {
    // the last byte says up to where every line is in a closed day
    let (holds, said) = verified_after("row", |folder| change::<6>(folder, "days.1", |_| true)).await;
    assert!(!holds && said.contains("day "), "{said}");
}

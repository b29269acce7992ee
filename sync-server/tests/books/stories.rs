//! What a case reads like, for each way in which points are redeemed twice.

use serde_json::{Value, json};
use shared::entry::Authority;

use crate::office::{Office, sale};
use crate::till::{Known, Till, a_moment};

fn redeeming(receipt: &str, points: &str) -> Value {
    let mut body = sale(receipt, "CARD-1", &[("1", "5.00")]);
    body["redeem"] = json!([{"currency": "PTS", "points": points}]);
    body
}

/// Aisha with 600 points, a till in each outlet, and what both knew of her card.
async fn scene(name: &str) -> (Office, Till, Till, Known) {
    let office = Office::open(name).await;
    let (_, membership) = office.member("Aisha", "CARD-1").await;
    office.give(&membership, "600").await;
    let kl = Till::enrol(&office, "kl", "Till 1", 7).await;
    let penang = Till::enrol(&office, "penang", "Till 2", 8).await;
    let known = Known::of(&office, "CARD-1");
    (office, kl, penang, known)
}

/// Both tills tell everything, the server settles, and the one case is read.
async fn told(office: &Office, mut kl: Till, mut penang: Till) -> String {
    a_moment().await;
    kl.push(office).await;
    penang.push(office).await;
    a_moment().await;
    kl.push(office).await;
    penang.push(office).await;
    assert!(office.settle().await > 0);
    text(office).await
}

async fn text(office: &Office) -> String {
    let list = office.get("/api/overdrafts").await.is(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
    office.balanced().await;
    list["items"][0]["text"].as_str().unwrap().to_owned()
}

/// The text's sentences, every time of day and every date taken out.
fn plain(text: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    let mut all = text.split(' ').peekable();
    while let Some(word) = all.next() {
        let bare = word.trim_end_matches([',', ':', ';']);
        let is_time = bare.len() == 5 && bare.as_bytes().get(2) == Some(&b':');
        let is_date = bare.parse::<u8>().is_ok_and(|day| day < 32)
            && all.peek().is_some_and(|month| month.len() == 3 && month.starts_with(char::is_uppercase));
        if is_date {
            // month, year, hour
            all.by_ref().take(3).for_each(drop);
            words.push("WHEN");
        } else if is_time {
            words.push("WHEN");
        } else {
            words.push(word);
        }
    }
    words.join(" ")
}

const KL: &str = "500 PTS were redeemed at KL Central, Till 1, by cashier c1, on WHEN (receipt K-1), ";
const KNEW: &str = "the till knew of 600 PTS as of WHEN a moment before.";
const PENANG: &str = "500 PTS were redeemed at Penang, Till 2, by cashier c1, on WHEN (receipt P-1), ";
const MISSING: &str =
    "For the one at Penang, Till 2, by cashier c1, only 100 PTS were left: 400 PTS were missing.";
const RULE: &str = "Standard Rewards's rule for redemptions with no line: the member may owe up to 300 PTS in all, then \
                    the program bears the rest. So the member owes 300 PTS, the program bears 100 PTS.";
const ASKED: &str = "Head office is asked to decide; until then this stands, and the account's points can be redeemed \
                     only with a line.";

#[tokio::test(flavor = "multi_thread")]
async fn two_tills_with_no_line() {
    let (office, mut kl, mut penang, known) = scene("two-offline").await;
    kl.sell(&known, &redeeming("K-1", "500"));
    a_moment().await;
    penang.sell(&known, &redeeming("P-1", "500"));
    let text = told(&office, kl, penang).await;
    let told = format!("{KL}with no line: {KNEW} {PENANG}with no line: {KNEW} {MISSING} {RULE} {ASKED}");
    assert_eq!(plain(&text), told, "{text}");
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_with_a_line_and_one_without() {
    let (office, kl, mut penang, known) = scene("one-online").await;
    office.pos("/api/transactions", &redeeming("K-1", "500")).await.is(201);
    a_moment().await;
    penang.sell(&known, &redeeming("P-1", "500"));
    let text = told(&office, kl, penang).await;
    let online =
        "500 PTS were redeemed at KL Central, by pos token, on WHEN (receipt K-1), decided by the server.";
    assert!(
        plain(&text).starts_with(&format!("{online} {PENANG}with no line: {KNEW} {MISSING} {RULE}")),
        "{text}"
    );
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_was_gone() {
    let (office, mut kl, mut penang, known) = scene("late-right").await;
    kl.sell(&known, &redeeming("K-1", "500"));
    a_moment().await;
    penang.sell_as(&known, &redeeming("P-1", "500"), |redemption| redemption.authority = Authority::Reserved);
    let text = told(&office, kl, penang).await;
    let gone = "from points reserved for this till, which had been taken back when this came in;";
    assert!(plain(&text).contains(&format!("{PENANG}{gone} {KNEW} {MISSING}")), "{text}");
    assert!(text.contains("rule for what came in after its points were gone: "), "{text}");
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_a_manager_lifted() {
    let (office, mut kl, mut penang, known) = scene("override").await;
    kl.sell(&known, &redeeming("K-1", "500"));
    a_moment().await;
    penang.sell_as(&known, &redeeming("P-1", "500"), |redemption| {
        redemption.authority = Authority::Forced;
        redemption.approval = Some(shared::entry::approval::Lift {
            approval: shared::ids::ApprovalId(uuid::Uuid::nil()),
            by: "Mei".to_owned(),
        });
    });
    let text = told(&office, kl, penang).await;
    let lifted = "beyond what this program allows with no line, lifted by Mei with a PIN;";
    assert!(plain(&text).contains(&format!("{PENANG}{lifted} {KNEW} {MISSING}")), "{text}");
    assert!(text.contains(
        "rule for what goes beyond its limits: the outlet bears the rest. So the outlet bears 400 PTS."
    ));
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_tills_disk() {
    let (office, mut kl, mut penang, known) = scene("fork").await;
    kl.push(&office).await;
    let mut copy = kl.clone();
    kl.sell(&known, &redeeming("K-1", "500"));
    a_moment().await;
    copy.sell(&known, &redeeming("K-2", "500"));
    kl.push(&office).await;
    copy.push_forked(&office).await;
    a_moment().await;
    kl.push(&office).await;
    penang.push(&office).await;
    assert!(office.settle().await > 0);
    let text = text(&office).await;
    let copied = "500 PTS were redeemed at KL Central, Till 1, by cashier c1, on WHEN (receipt K-2), from a copy of \
                  this till's disk: its journal went two ways after entry 1, and this way came in second;";
    assert!(plain(&text).contains(&format!("{KL}with no line: {KNEW} {copied} {KNEW}")), "{text}");
    assert!(text.contains("only 100 PTS were left: 400 PTS were missing."), "{text}");
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_redeems_what_is_not_there_again_and_again_is_reported() {
    let (office, mut kl, mut penang, known) = scene("doubles").await;
    let mut other = Till::enrol(&office, "penang", "Till 3", 9).await;
    for (till, receipt) in [(&mut kl, "K-1"), (&mut penang, "P-1"), (&mut other, "P-2")] {
        till.sell(&known, &redeeming(receipt, "500"));
        a_moment().await;
    }
    other.push(&office).await;
    a_moment().await;
    other.push(&office).await;
    kl.push(&office).await;
    penang.push(&office).await;
    a_moment().await;
    kl.push(&office).await;
    penang.push(&office).await;
    assert!(office.settle().await > 0);
    let report = office.get("/api/reports/double-redemptions").await.is(200);
    let items = report["items"].as_array().unwrap();
    let told: Vec<Value> =
        items.iter().map(|item| json!([item["kind"], item["name"], item["times"], item["outlet"]])).collect();
    let member = &items[0]["membership_id"];
    let expected = [
        json!(["member", member, 2, null]),
        json!(["card", "…RD-1", 2, null]),
        json!(["cashier", "c1", 2, "penang"]),
    ];
    assert_eq!(told, expected, "{report}");
    // 600 for 1,500: 100 of the second and nothing of the third
    assert_eq!(items[0]["short"], json!([{"currency": "PTS", "points": "900"}]));
    assert_eq!(items[0]["cases"].as_array().unwrap().len(), 2);
    let none = office.get("/api/reports/double-redemptions?times=3").await.is(200);
    assert_eq!(none["items"], json!([]));
    assert_eq!(office.get("/api/reports/double-redemptions?times=0").await.status, 400);
    office.close().await;
}

//! `--play`: one card redeemed at two tills with no line, for more than it has, and what becomes of it. Every figure that
//! is printed was read from a daemon and checked against the figure worked out by hand here.
#![expect(clippy::print_stdout, reason = "the story is told on stdout")]

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Client, Failure};
use crate::world::World;

/// The card that is redeemed twice. It begins with 600 points.
const CARD: &str = "6009410000012345";

/// Plays the story.
pub(crate) async fn play(world: &World) -> Result<(), Failure> {
    let [first, _, second] = world.tills.as_slice() else { return Err("the demo has three tills".into()) };
    tell("John Chen's card is scanned at KL Central, with the line up.");
    let membership = scan(&first.client, "600", "0").await?;

    tell("The line goes down at both outlets.");
    for till in [first, second] {
        till.client.post("/api/network", &json!({"mode": "offline"})).await?;
    }
    // 20.00 less 500 points at 0.01 is 15.00 to pay, which earns 15; 600 − 500 + 15 = 115
    sell(&first.client, "KL-1", "20.00", "15.00", "15", "115").await?;
    // Langkawi knows nothing of that: 30.00 − 5.00 = 25.00, which earns 25; 600 − 500 + 25 = 125
    sell(&second.client, "LJ-1", "30.00", "25.00", "25", "125").await?;
    tell("Each till has seen 600 and let 500 through: 1,000 redeemed of 640 that there are in truth.");

    tell("The line is back, and every till tells the server.");
    for till in &world.tills {
        till.client.post("/api/network", &json!({"mode": "auto"})).await?;
    }
    let case = settled(world).await?;
    // 600 + 15 + 25 = 640; the first takes 500, the second finds 140, so 360 are short, and the member may owe 1,000
    check("points short", &case["short"], "360")?;
    check("become the member's debt", &case["member_debt"], "360")?;
    check("borne by the outlet", &case["outlet"], "0")?;
    check("borne by the program", &case["program"], "0")?;
    println!("    The case reads: {}", case["text"].as_str().unwrap_or("?"));

    tell("The decision is back at the till.");
    sync_all(world).await?;
    for till in [first, second] {
        let again = scan(&till.client, "0", "360").await?;
        if again != membership {
            return Err("the scan found another membership".into());
        }
    }

    tell("Head office's books:");
    books(&world.office, &membership).await
}

fn tell(line: &str) {
    println!("\n{line}");
}

/// Compares what a daemon said with what it must be, and prints it.
fn check(what: &str, found: &Value, expected: &str) -> Result<(), Failure> {
    let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
    if found != expected {
        return Err(format!("{what}: {found}, and by hand it is {expected}"));
    }
    println!("    {what}: {found}");
    Ok(())
}

async fn scan(till: &Client, balance: &str, debt: &str) -> Result<String, Failure> {
    let scan = till.post("/api/scan", &json!({"code": CARD})).await?;
    let membership = &scan["memberships"][0];
    let account = &membership["accounts"][0];
    check("balance", &account["balance"], balance)?;
    check("debt", &account["debt"], debt)?;
    Ok(membership["id"].as_str().unwrap_or_default().to_owned())
}

async fn sell(
    till: &Client,
    receipt: &str,
    price: &str,
    payable: &str,
    earned: &str,
    balance: &str,
) -> Result<(), Failure> {
    println!("  {receipt}: a basket of {price}, with 500 points");
    let sale = json!({
        "receipt": receipt, "cashier": "c12", "card": CARD, "currency": "MYR",
        "lines": [{"sku": "8801", "category": "grocery", "quantity": "1", "unit_price": price}],
        "redeem": [{"currency": "PTS", "points": "500"}],
    });
    let sale = till.post("/api/transactions", &sale).await?;
    check("to pay", &sale["payable"], payable)?;
    check("redeemed", &sale["redeemed"][0]["points"], "500")?;
    check("on the authority", &sale["redeemed"][0]["authority"], "offline")?;
    check("earned", &sale["earned"][0]["points"], earned)?;
    check("balance that the till knows", &sale["balances"][0]["balance"], balance)?;
    check("state", &sale["state"], "provisional")
}

async fn sync_all(world: &World) -> Result<(), Failure> {
    for till in &world.tills {
        till.client.post("/api/sync", &json!({})).await?;
    }
    Ok(())
}

/// Syncs until the server has settled the case.
async fn settled(world: &World) -> Result<Value, Failure> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_mins(1) {
        sync_all(world).await?;
        let cases = world.office.get("/api/overdrafts").await?;
        let cases = cases["items"].as_array().cloned().unwrap_or_default();
        match cases.as_slice() {
            [] => tokio::time::sleep(Duration::from_millis(200)).await,
            [case] => return Ok(case.clone()),
            more => return Err(format!("{} cases, and by hand it is one", more.len())),
        }
    }
    Err("the server settled nothing within a minute".into())
}

async fn books(office: &Client, membership: &str) -> Result<(), Failure> {
    let lines = office.get(&format!("/api/ledger?membership={membership}&limit=500")).await?;
    let mut sides = std::collections::BTreeMap::<String, i64>::new();
    for line in lines["items"].as_array().into_iter().flatten() {
        let points: i64 = line["points"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default();
        *sides.entry(line["debit"].as_str().unwrap_or("?").to_owned()).or_default() -= points;
        *sides.entry(line["credit"].as_str().unwrap_or("?").to_owned()).or_default() += points;
    }
    for (side, points) in &sides {
        println!("    {side:<10} {points:>7}");
    }
    check("sum of all sides", &json!(sides.values().sum::<i64>().to_string()), "0")?;
    let of = |side: &str| json!(sides.get(side).copied().unwrap_or_default().to_string());
    // 640 came in and 640 covered redemptions; 360 are owed; 1,000 were redeemed against 640 issued
    check("member", &of("member"), "0")?;
    check("suspense", &of("suspense"), "0")?;
    check("debt", &of("debt"), "-360")?;
    let liability = office.get("/api/reports/liability").await?;
    for item in liability["items"].as_array().into_iter().flatten() {
        let (accounts, ledger) = (&item["points"], &item["ledger"]);
        if accounts != ledger {
            return Err(format!("the accounts hold {accounts}, the ledger says {ledger}"));
        }
        println!("    owed to all members: {accounts} {}, and the ledger says the same", item["currency"]);
    }
    Ok(())
}

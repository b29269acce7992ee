//! Bars with a catalog as a large retailer's: 500 earning rules, 50 campaigns, 2,000 prices, members of 5 programs with tier groups and
//! caps. The scan and the sale are held against those of a plain catalog, and the scan against its own bar.

use std::path::PathBuf;

use serde_json::{Value, json};
use shared::api::transaction::SaleRequest;

use super::Options;
use super::earning::{Open, waiter};
use super::ground::Ground;
use super::measure::{Rounds, Times, brief};
use super::members::{Members, card_code};
use super::probe::Probe;
use super::table::Table;
use super::wire::{Caller, hello};
use crate::harness::goods;
use crate::sim::rng::Rng;

/// Members of either till: enough for no page to be always at hand, few enough to lay both in a minute.
const MEMBERS: u32 = 100_000;
/// Scans that warm the cache.
const WARM: usize = 20_000;
/// Scans and sales in a round.
const EACH: usize = 1_000;
/// Programs that a member is in.
const PROGRAMS: u16 = 5;
/// Earning rules, and campaigns, of all programs.
const RULES: usize = 500;
const CAMPAIGNS: usize = 50;
/// Lines of all pricebooks.
const PRICES: usize = 2_000;

fn program(number: u16) -> Value {
    let mut program = goods::program();
    program["code"] = json!(format!("program-{number}"));
    program["name"] = json!(format!("Program {number}"));
    program["currencies"] = json!([format!("PTS{number}"), format!("VISITS{number}")]);
    program["level_rules"] = json!({"evaluate": "at_once", "fall": "year_end"});
    program["tier_groups"] = json!([{
        "code": "visits", "name": "Visits", "style": "custom_qualifier", "window": {"months": 12},
        "qualifier": {"currency": format!("VISITS{number}"), "each": "visit"},
        "levels": [
            {"code": "guest", "name": "Guest", "threshold": "0"}, {"code": "regular", "name": "Regular", "threshold": "10"}
        ]
    }]);
    program
}

/// A rule of one of the programs: of a product, of a category, or of whatever is bought, with conditions in turn.
fn rule(number: usize) -> Value {
    let program = number % usize::from(PROGRAMS) + 1;
    let when = match number % 10 {
        0 => json!({"days": ["monday", "friday"], "hours": {"from": "17:00", "until": "20:00"}}),
        1 | 2 => json!({"categories": [format!("category-{}", number % 40)], "levels": ["gold"]}),
        3 => json!({"labels": ["staff", "press"]}),
        4 => json!({"brands": [format!("brand-{}", number % 60)]}),
        _ => json!({"products": [format!("sku-{number}"), format!("sku-{}.90", number % 9)]}),
    };
    let mut rule = json!({
        "code": format!("rule-{number}"), "program": format!("program-{program}"), "currency": format!("PTS{program}"),
        "points": "1", "per": {"amount": "1.00", "currency": "MYR"}, "when": when
    });
    if number.is_multiple_of(7) {
        rule["day_cap"] = json!("500");
    }
    rule
}

/// A campaign of one of the programs. One runs in each; the others are over.
fn campaign(number: usize) -> Value {
    let program = number % usize::from(PROGRAMS) + 1;
    json!({
        "code": format!("campaign-{number}"), "name": format!("Campaign {number}"), "program": format!("program-{program}"),
        "from": "2020-01-01", "until": if number < usize::from(PROGRAMS) { "2099-12-31" } else { "2020-12-31" },
        "multiplier": "1.5", "member_cap": "100000"
    })
}

/// A program's pricebook: most of what it prices is in no basket here; one article of each basket is.
fn pricebook(number: u16) -> Value {
    let lines = PRICES / usize::from(PROGRAMS);
    let item = |line: usize| match line {
        0 => json!({"sku": format!("sku-{number}.90"), "price": format!("{number}.50")}),
        _ => json!({"sku": format!("article-{line}"), "price": "9.90", "points": "900"}),
    };
    json!({
        "code": format!("book-{number}"), "name": format!("Prices {number}"), "program": format!("program-{number}"),
        "currency": "MYR", "items": (0..lines).map(item).collect::<Vec<_>>()
    })
}

fn catalog() -> Value {
    let currency = |code: String, kind: &str| json!({"code": code, "name": code, "kind": kind});
    let points = (1..=PROGRAMS).map(|number| currency(format!("PTS{number}"), "redeemable"));
    let visits = (1..=PROGRAMS).map(|number| currency(format!("VISITS{number}"), "qualifying"));
    json!({
        "outlets": goods::catalog()["outlets"],
        "currencies": points.chain(visits).collect::<Vec<_>>(),
        "programs": (1..=PROGRAMS).map(program).collect::<Vec<_>>(),
        "campaigns": (0..CAMPAIGNS).map(campaign).collect::<Vec<_>>(),
        "earning_rules": (0..RULES).map(rule).collect::<Vec<_>>(),
        "pricebooks": (1..=PROGRAMS).map(pricebook).collect::<Vec<_>>()
    })
}

fn any(rng: &mut Rng, count: u32) -> String {
    card_code(u32::try_from(rng.below(u64::from(count))).unwrap_or(0))
}

/// A till with members of five programs under the rich catalog.
pub fn ground(count: u32) -> Ground {
    Ground::with("rich", Members::of(count, PROGRAMS, catalog()))
}

/// A sale of five lines to any member.
pub fn sale(rng: &mut Rng, count: u32, receipt: usize) -> SaleRequest {
    let lines: Vec<_> = (1..=5).map(|number| goods::line("2", &format!("{number}.90"))).collect();
    let body = goods::sale(&format!("R-{receipt}"), &any(rng, count), &lines);
    serde_json::from_value(body).expect("a sale")
}

/// The same scans and sales at a till with the rich catalog and at one with a plain one.
pub fn beside_plain(options: &Options, table: &mut Table<'_>) {
    let count = options.members.min(MEMBERS);
    let (few, many) = (Ground::lay("plain", count), ground(count));
    table.note(&format!(
        "{RULES} rules, {CAMPAIGNS} campaigns, {PRICES} prices, {PROGRAMS} programs: {}",
        many.told()
    ));
    let tills = Tills {
        disk: many.beside().to_owned(),
        plain: Open::start(&few.dir()),
        rich: Open::start(&many.dir()),
        count,
    };
    tills.scans(options, table);
    tills.sales(options, table);
    tills.plain.stop();
    tills.rich.stop();
}

/// Two tills with as many members.
struct Tills {
    disk: PathBuf,
    plain: Open,
    rich: Open,
    count: u32,
}

impl Tills {
    /// Scans alone, as those of one program are measured.
    fn scans(&self, options: &Options, table: &mut Table<'_>) {
        let (plain, rich) = (&self.plain.till.app, &self.rich.till.app);
        let greeter = self.rich.runtime.block_on(hello());
        let (mut pos, mut other) =
            (Caller::new(&self.rich.till.url, &self.rich.token), Caller::new(&greeter, ""));
        let mut rng = Rng::new(8);
        for _ in 0..WARM {
            let card = any(&mut rng, self.count);
            plain.scan(&card).expect("a scan");
            rich.scan(&card).expect("a scan");
        }
        let (mut scan, mut scans) = (Rounds::default(), Rounds::default());
        for _ in 0..options.rounds {
            let mut times: [Times; 4] = Default::default();
            let [greet, http, few, many] = &mut times;
            for _ in 0..EACH {
                let (card, path) =
                    (any(&mut rng, self.count), format!("/api/cards/{}", any(&mut rng, self.count)));
                greet.time(|| other.must(200, "GET", "/", ""));
                http.time(|| pos.must(200, "GET", &path, ""));
                few.time(|| plain.scan(&card).expect("a scan"));
                many.time(|| rich.scan(&card).expect("a scan"));
            }
            let [greet, http, few, many] = times.map(|times| times.p50());
            let told = [greet, http, few, many].map(brief);
            table.note(&format!("p50: hello, rich scan over HTTP, scans plain and rich: {told:?}"));
            scan.ratio(http, greet);
            scans.ratio(many, few);
        }
        let what = "scan over HTTP p50 ÷ hello, 500 rules, 50 campaigns, 2,000 prices, members of 5 programs";
        table.ratio(what, scan, 2.0);
        table.figure("scan of 5 memberships ÷ scan of one with a plain catalog, in the process", &scans);
    }

    /// Sales in the process, and over HTTP beside what they cannot do without.
    fn sales(&self, options: &Options, table: &mut Table<'_>) {
        let (waiter, mut rng) = (waiter(), Rng::new(9));
        let before = self.rich.counters().journal.bytes_written;
        let numbered = |receipt: &mut usize| {
            *receipt += 1;
            *receipt
        };
        let mut receipt = 0;
        let sell = |till: &Open, asked: &SaleRequest| {
            waiter.block_on(till.till.app.sell(None, asked)).expect("a sale");
        };
        sell(&self.rich, &sale(&mut rng, self.count, numbered(&mut receipt)));
        let bytes = usize::try_from(self.rich.counters().journal.bytes_written - before).unwrap_or(4_096);
        let mut probe = Probe::new(&self.disk, bytes);
        let greeter = self.rich.runtime.block_on(hello());
        let (mut pos, mut other) =
            (Caller::new(&self.rich.till.url, &self.rich.token), Caller::new(&greeter, ""));
        let (mut sales, mut far) = (Rounds::default(), Rounds::default());
        for round in 0..=options.rounds {
            let mut times: [Times; 5] = Default::default();
            let [greet, disk, http, lean, full] = &mut times;
            for _ in 0..EACH {
                let asked = sale(&mut rng, self.count, numbered(&mut receipt));
                lean.time(|| sell(&self.plain, &asked));
                full.time(|| sell(&self.rich, &asked));
                disk.time(|| probe.write());
                greet.time(|| other.must(200, "GET", "/", ""));
                let asked = sale(&mut rng, self.count, numbered(&mut receipt));
                let body = serde_json::to_string(&asked).expect("a body");
                http.time(|| pos.must(201, "POST", "/api/transactions", &body));
            }
            if round == 0 {
                continue;
            }
            let [greet, disk, http, lean, full] = times.map(|times| times.p50());
            let told = [greet, disk, http, lean, full].map(brief);
            table.note(&format!(
                "p50: hello, write + fdatasync of {bytes} bytes, rich sale over HTTP, sales plain and rich: {told:?}"
            ));
            sales.ratio(full, lean);
            far.ratio(http, disk + greet);
        }
        table.ratio("sale p50 ÷ sale with a plain catalog, in the process", sales, 1.5);
        table.figure("sale over HTTP p50 ÷ (fdatasync + hello), the rich catalog", &far);
    }
}

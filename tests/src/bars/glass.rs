//! What the cashier waits for: from a scan to the member on the glass, and from Enter to the receipt, as a real browser
//! measures it at a till that knows all its members and has no line.

use super::earning::Open;
use super::ground::Ground;
use super::members::card_code;
use super::table::Table;
use crate::browser::{Browser, Setup, keys};
use crate::sim::rng::Rng;

/// Members scanned.
const SCANS: usize = 400;
/// Sales completed, each after its scan.
const SALES: usize = 100;
/// Of both, those that warm the page up and are not counted.
const WARM: usize = 20;

/// Tells p50 and p99 of both, for information: they belong to the machine and its browser.
pub fn painted(ground: &Ground, table: &mut Table<'_>) {
    let till = Open::start(&ground.dir());
    let browser = Browser::open(Setup::TILL);
    browser.go(&till.till.url);
    browser.fill("input[name=operator]", "Mei Ling");
    browser.fill("input[name=token]", &till.token);
    browser.click("#sign-in button.main");
    browser.wait_until(
        "the scan's field has the focus",
        "return document.activeElement?.id === 'scan' && /line/i.test(document.getElementById('line').textContent)",
    );
    let mut rng = Rng::new(5);
    let members = u64::from(ground.members.count);
    let mut any = || card_code(u32::try_from(rng.below(members)).unwrap_or(0));
    for done in 1..=SCANS + SALES {
        browser.scan(&any());
        wait_for(&browser, "scan-to-member", done);
        if done > SCANS {
            browser.press(&format!("+5.00 Tea{}", keys::ENTER), 60);
            let _ = browser.wait_for("#payable", "5.00");
            browser.press(&keys::ENTER.to_string(), 0);
            wait_for(&browser, "key-to-receipt", done - SCANS);
        }
        browser.press(&keys::ESCAPE.to_string(), 0);
        let _ = browser.wait_for("#who", "Ready for the next customer");
    }
    for (name, what) in
        [("scan-to-member", "scan to painted member"), ("key-to-receipt", "key to painted receipt")]
    {
        let mut taken: Vec<f64> = browser.measured(name).split_off(WARM);
        taken.sort_unstable_by(f64::total_cmp);
        let at = |share: usize| taken.get(taken.len() * share / 100).copied().unwrap_or(f64::NAN);
        table.note(&format!(
            "{what}, {} members, {} times: p50 {:.1} ms, p99 {:.1} ms",
            ground.members.count,
            taken.len(),
            at(50),
            at(99),
        ));
    }
    drop(browser);
    till.stop();
}

/// Waits until the page has noted so many.
fn wait_for(browser: &Browser, name: &str, many: usize) {
    let script = format!("return performance.getEntriesByName('{name}').length >= {many}");
    browser.wait_until(&format!("{many} times {name}"), &script);
}

//! One card redeemed at two tills with no line for more than it has: what most pages of head office tell something about.

use serde_json::json;

use super::goods::{self, KL, PENANG, line, sale};
use super::office::{Member, Office};
use super::till::Till;
use super::wait::until;

/// A case that a person is asked to decide, and those who made it.
#[derive(Debug)]
pub struct Twice {
    /// Head office.
    pub office: Office,
    /// Whose card it is.
    pub member: Member,
    /// The tills, in two outlets; they have told everything.
    pub tills: [Till; 2],
}

/// The card.
pub const CARD: &str = "6009410000012346";

/// 600 points, of which 500 are redeemed at each of two tills with no line: 400 are short, and somebody is asked. Answers once
/// the case is open.
#[track_caller]
pub fn redeemed_twice(names: [&str; 2]) -> Twice {
    let mut catalog = goods::catalog();
    catalog["programs"][0]["overdraft"]["review_over"] = json!("100");
    let office = Office::open_with(&catalog);
    let member = office.member("Aisha Osman", CARD, 600);
    let [first, second] = names;
    let tills = [Till::open(&office, KL, first), Till::open(&office, PENANG, second)];
    for till in &tills {
        till.wait_for_balance(CARD, 600);
        till.line().cut();
        till.wait_for_connection("offline");
        let _ = till.sell(&goods::redeeming(sale("R-1", CARD, &[line("1", "5.00")]), 500));
    }
    for till in &tills {
        till.line().mend();
        till.sync();
    }
    until("the case is open", || {
        let cases = office.cases();
        if cases.is_empty() { Err(cases) } else { Ok(()) }
    });
    Twice { office, member, tills }
}

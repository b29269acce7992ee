use super::stage::*;
use crate::account::OwnRight;
use crate::catalog::Catalog;
use crate::decide::{Deed, Grounds, decide, party, quote};
use crate::entry::right::{RightFact, RightId, RightUse};
use crate::entry::{Authority, EntryKind, Redemption};
use crate::ids::NodeId;
use crate::points::Points;
use crate::time::Millis;
use crate::view::{Facts, rows};

fn dial(mode: &str, caps: &serde_json::Value) -> Catalog {
    let mut dial = serde_json::json!({"mode": mode});
    for (name, cap) in caps.as_object().unwrap() {
        dial[name] = cap.clone();
    }
    catalog_with("/programs/0/offline", dial)
}

/// 1,000 points, of which 600 are reserved: 400 of them for this till.
fn reserving() -> Facts {
    reserved_until(now().after(1))
}

fn reserved_until(expires_at: Millis) -> Facts {
    let mut facts = facts(1_000);
    let base = &mut facts.accounts.get_mut(&account(1)).unwrap().base;
    base.reserved = Points(600);
    base.right =
        Some(OwnRight { id: RightId(7), node: NodeId(2), left: Points(400), expires_at, recalled: false });
    facts
}

fn redeemed(kind: &EntryKind) -> Vec<(Authority, Option<RightUse>)> {
    let EntryKind::Sale(sale) = kind else { panic!("{kind:?}") };
    let told = |one: &Redemption| (one.authority, one.right);
    sale.redemptions.iter().map(told).collect()
}

fn part(points: i64) -> RightUse {
    RightUse { right: RightId(7), points: Points(points) }
}

fn spend(
    facts: &Facts,
    catalog: &Catalog,
    redeem: &[i64],
) -> Result<Vec<(Authority, Option<RightUse>)>, String> {
    let sold = sell(facts, catalog, vec![line("100", "10.00")], redeem);
    sold.map(|draft| redeemed(&draft.kind))
        .map_err(|refusal| format!("{} {}", refusal.code(), refusal.available.unwrap_or_default()))
}

#[test]
fn the_ladder_spends_the_right_then_the_allowance() {
    use Authority::{Offline, Reserved};
    let none = serde_json::json!({});
    let capped = serde_json::json!({"per_redemption": "500"});
    let both = "reserved_plus_allowance";
    let refused = |text: &str| Err(text.to_owned());
    let cases = [
        ("reserved", &none, vec![400], Ok(vec![(Reserved, Some(part(400)))])),
        (
            "reserved",
            &none,
            vec![300, 100],
            Ok(vec![(Reserved, Some(part(300))), (Reserved, Some(part(100)))]),
        ),
        ("reserved", &none, vec![500], refused("offline_refused 400")),
        ("reserved", &none, vec![300, 200], refused("offline_refused 100")),
        // what others have reserved is not there: 1,000 less 200
        ("reserved", &none, vec![900], refused("insufficient_points 400")),
        (both, &none, vec![400], Ok(vec![(Reserved, Some(part(400)))])),
        // beyond the right it passes as `offline`, and what is left of the right is set aside no more
        (both, &none, vec![500], Ok(vec![(Offline, Some(part(400)))])),
        (both, &none, vec![300, 200], Ok(vec![(Reserved, Some(part(300))), (Offline, Some(part(100)))])),
        (both, &none, vec![900], refused("insufficient_points 800")),
        (both, &capped, vec![600], refused("offline_limit_redemption 500")),
        (both, &capped, vec![400, 400], Ok(vec![(Reserved, Some(part(400))), (Offline, None)])),
        // other settings of the dial know no rights
        ("trust", &none, vec![400], Ok(vec![(Offline, None)])),
        ("refuse", &none, vec![400], refused("offline_refused 0")),
    ];
    for (mode, caps, redeem, expected) in cases {
        let told = spend(&reserving(), &dial(mode, caps), &redeem);
        assert_eq!(told, expected, "{mode} {caps} {redeem:?}");
    }
}

#[test]
fn a_right_that_has_expired_or_a_clock_that_cannot_tell_spends_nothing() {
    let only = dial("reserved", &serde_json::json!({}));
    let over = reserved_until(now());
    assert_eq!(spend(&over, &only, &[400]), Err("offline_refused 0".to_owned()));
    let untrusted = Facts { clock_untrusted: true, ..reserving() };
    assert_eq!(spend(&untrusted, &only, &[400]), Err("offline_refused 0".to_owned()));
    let both = dial("reserved_plus_allowance", &serde_json::json!({}));
    assert_eq!(spend(&over, &both, &[400]), Ok(vec![(Authority::Offline, Some(part(400)))]));
}

#[test]
fn what_the_server_refuses_beside_the_right_is_refused_here_too() {
    let both = dial("reserved_plus_allowance", &serde_json::json!({"per_redemption": "900"}));
    let told = |grounds, redeem| {
        let deed = Deed::Sale(selling(vec![line("100", "10.00")], &[redeem]));
        let decided = decide(&reserving(), &both, &command(grounds, deed), now());
        decided.map(|draft| redeemed(&draft.kind)).map_err(|refusal| refusal.code().to_owned())
    };
    assert_eq!(told(Grounds::Own, 400), Ok(vec![(Authority::Reserved, Some(part(400)))]));
    assert_eq!(told(Grounds::Own, 500), Err("insufficient_points".to_owned()));
    // where the program lets it, what idle tills have reserved counts as there, within the caps
    assert_eq!(told(Grounds::Elsewhere, 900), Ok(vec![(Authority::Offline, Some(part(400)))]));
    assert_eq!(told(Grounds::Elsewhere, 1_000), Err("offline_limit_redemption".to_owned()));
}

#[test]
fn the_scan_tells_what_the_right_and_the_allowance_let_through() {
    let told = |mode: &str, caps: serde_json::Value| {
        let (facts, catalog) = (reserving(), dial(mode, &caps));
        let member = party::named(&facts, &catalog, id(1), "membership_id").unwrap();
        let standing = quote::standing(&facts, &catalog, member, PTS, &Grounds::Offline, now()).unwrap();
        standing.spendable_offline.0
    };
    assert_eq!(told("reserved", serde_json::json!({})), 400);
    assert_eq!(told("reserved_plus_allowance", serde_json::json!({})), 800);
    assert_eq!(told("reserved_plus_allowance", serde_json::json!({"per_redemption": "200"})), 400);
}

#[test]
fn what_is_left_of_a_right_is_given_back_and_is_spent_no_more() {
    let only = dial("reserved", &serde_json::json!({}));
    let mut facts = reserving();
    let spent = sell(&facts, &only, vec![line("1", "10.00")], &[300]).unwrap();
    let view = facts.accounts.get_mut(&account(1)).unwrap();
    for row in rows::each(&entry(spent, 1)) {
        view.add(&row);
    }
    assert_eq!(view.own_right().unwrap().left, Points(100));
    assert_eq!(view.whole().reserved, Points(300), "200 of others', 100 of its own");
    let back =
        decide(&facts, &only, &command(Grounds::Offline, Deed::ReturnRight(account(1))), now()).unwrap();
    let EntryKind::Right(RightFact::Returned(ended)) = &back.kind else { panic!("{back:?}") };
    assert_eq!((ended.right, ended.points), (RightId(7), Points(100)));
    let view = facts.accounts.get_mut(&account(1)).unwrap();
    for row in rows::each(&entry(back, 2)) {
        view.add(&row);
    }
    assert_eq!((view.live_right(now()), view.whole().reserved), (None, Points(200)));
    assert_eq!(spend(&facts, &only, &[100]), Err("offline_refused 0".to_owned()));
    let again = decide(&facts, &only, &command(Grounds::Offline, Deed::ReturnRight(account(1))), now());
    assert_eq!(again.unwrap_err().code(), "not_found");
}

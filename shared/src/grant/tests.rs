use std::collections::BTreeMap;

use super::*;
use crate::catalog::{Catalog, Version};
use crate::ids::{AccountSetId, Code, CustomerId, MembershipId, ProgramId};
use crate::member::{MembershipKind, MembershipStatus};
use crate::time::Day;
use uuid::Uuid;

const NORTH: OutletId = OutletId(1);
const SOUTH: OutletId = OutletId(2);
const NOW: Millis = Millis(1_795_269_780_000);

/// Two tills in the north, one in the south.
const TILLS: [(NodeId, OutletId); 3] = [(NodeId(2), NORTH), (NodeId(3), NORTH), (NodeId(4), SOUTH)];

fn catalog(dial: &serde_json::Value) -> Catalog {
    let outlet =
        |code| serde_json::json!({"code": code, "name": code, "time_zone": "UTC", "currency": "MYR"});
    let document = serde_json::json!({
        "outlets": [outlet("north"), outlet("south")],
        "currencies": [{"code": "PTS", "name": "Points", "cash_value": {"amount": "0.01", "currency": "MYR"}}],
        "programs": [{"code": "std", "name": "Standard", "time_zone": "UTC", "currencies": ["PTS"],
            "levels": [{"code": "member", "name": "Member", "threshold": "0"}],
            "redemption": {"minimum": "100", "step": "100"}, "offline": dial}],
    });
    let (_, catalog) = Version::default().next(serde_json::from_value(document).unwrap()).unwrap();
    catalog
}

fn membership() -> Membership {
    Membership {
        id: MembershipId(Uuid::from_u128(1)),
        customer: CustomerId(Uuid::from_u128(2)),
        program: ProgramId(1),
        number: "M-1".into(),
        set: AccountSetId(Uuid::from_u128(1)),
        kind: MembershipKind::Standard,
        status: MembershipStatus::Active,
        level: Code::new("member").unwrap(),
        enrolled_on: Day(0),
        expires_on: None,
        labels: vec!["staff".into()],
        pool: None,
        attributes: Vec::new(),
        moved_to: None,
        vouchers: Vec::new(),
        tiers: Vec::new(),
        held: Vec::new(),
    }
}

/// Node, points left, hours left of each right.
type Held<'a> = &'a [(u32, i64, u64)];
/// A dial, what is free and held, and what is granted of it.
type Given<'a> = (&'a serde_json::Value, i64, Held<'a>, &'a [(u32, i64)]);

/// (node, points) of what is granted with so much free and so many points held.
fn granted(dial: &serde_json::Value, free: i64, held: Held<'_>, wanted: Option<u32>) -> Vec<(u32, i64)> {
    let catalog = catalog(dial);
    let membership = membership();
    let held: BTreeMap<NodeId, (Points, Millis)> = held
        .iter()
        .map(|(node, left, hours)| (NodeId(*node), (Points(*left), NOW.after(hours * HOUR_MS))))
        .collect();
    let visits =
        [(SOUTH, NodeId(4)), (NORTH, NodeId(2)), (NORTH, NodeId(3)), (NORTH, NodeId(2)), (SOUTH, NodeId(4))];
    let scene = Scene {
        program: catalog.program("std").unwrap(),
        membership: &membership,
        free: Points(free),
        review: false,
        held: &held,
        visits: &visits,
        tills: &TILLS,
        wanted: wanted.map(NodeId),
        now: NOW,
    };
    let granted = grants(&scene);
    let sum: i64 = granted.iter().map(|one| one.points.0).sum();
    assert!(sum <= free, "never more than is free");
    assert!(granted.iter().all(|one| one.expires_at == NOW.after(24 * HOUR_MS)));
    granted.into_iter().map(|one| (one.node.0, one.points.0)).collect()
}

#[test]
fn a_share_of_the_balance_goes_to_the_tills_where_the_member_usually_shops() {
    let usual = |more: serde_json::Value| {
        let mut rights = serde_json::json!({"share": "0.5", "hours": 24});
        for (name, value) in more.as_object().unwrap() {
            rights[name] = value.clone();
        }
        serde_json::json!({"mode": "reserved", "rights": rights})
    };
    let plain = usual(serde_json::json!({}));
    let last_two = usual(serde_json::json!({"visits": 2}));
    let most = usual(serde_json::json!({"most": "300"}));
    let cases: [Given<'_>; 9] = [
        // 1,000 of 2,000: three fifths to the north's two tills, two fifths to the south's; in steps of 100
        (&plain, 2_000, &[], &[(2, 300), (3, 300), (4, 400)]),
        // what the steps leave over goes to the till that is visited most
        (&plain, 1_000, &[], &[(2, 200), (3, 100), (4, 200)]),
        (&last_two, 2_000, &[], &[(2, 300), (3, 200), (4, 500)]),
        (&most, 2_000, &[], &[(2, 200), (4, 100)]),
        // enough is left of it, and it lasts
        (&plain, 1_000, &[(2, 300, 20), (3, 300, 20), (4, 400, 20)], &[]),
        // less than half is left: it is topped up
        (&plain, 1_100, &[(2, 100, 20), (3, 300, 20), (4, 400, 20)], &[(2, 300)]),
        // half its time is over: it is renewed
        (&plain, 1_000, &[(2, 300, 11), (3, 300, 20), (4, 400, 20)], &[(2, 0)]),
        // nothing is free, or less than a step
        (&plain, 0, &[(2, 100, 20)], &[]),
        (&plain, 90, &[], &[]),
    ];
    for (dial, free, held, expected) in cases {
        assert_eq!(granted(dial, free, held, None), expected, "{dial} {free} {held:?}");
    }
}

#[test]
fn on_demand_it_goes_to_the_till_where_the_card_was_scanned() {
    let rights = serde_json::json!({"grant": "on_demand", "hours": 24});
    let dial = serde_json::json!({"mode": "reserved_plus_allowance", "rights": rights});
    assert_eq!(granted(&dial, 2_000, &[], Some(3)), [(3, 1_000)]);
    assert_eq!(granted(&dial, 2_000, &[], None), []);
    assert_eq!(granted(&dial, 2_000, &[], Some(9)), [], "a till that has no line");
}

#[test]
fn nothing_is_reserved_where_the_program_says_so() {
    let cases = [
        serde_json::json!({"mode": "reserved", "rights": {"grant": "none"}}),
        serde_json::json!({"mode": "reserved", "deny_labels": ["staff"]}),
        serde_json::json!({"mode": "reserved", "levels": []}),
        serde_json::json!({"mode": "trust"}),
        serde_json::json!({"mode": "refuse"}),
    ];
    for dial in cases {
        assert_eq!(granted(&dial, 2_000, &[], Some(2)), [], "{dial}");
    }
}

#[test]
fn rights_that_do_not_fit_the_dial_are_refused_with_a_sentence() {
    let cases = [
        (
            serde_json::json!({"mode": "trust", "rights": {}}),
            "offline.rights",
            "only where `mode` is `reserved`",
        ),
        (
            serde_json::json!({"mode": "reserved", "rights": {"share": "0"}}),
            "rights.share",
            "above 0 and at most 1",
        ),
        (
            serde_json::json!({"mode": "reserved", "rights": {"visits": 33}}),
            "rights.visits",
            "this is 1 to 32, not 33",
        ),
        (
            serde_json::json!({"mode": "reserved", "rights": {"hours": 0}}),
            "rights.hours",
            "this is 1 to 720, not 0",
        ),
        (
            serde_json::json!({"mode": "reserved", "rights": {"most": "0.5"}}),
            "rights.most",
            "no amount of points",
        ),
    ];
    for (dial, field, sentence) in cases {
        let document = serde_json::json!({
            "currencies": [{"code": "PTS", "name": "Points"}],
            "programs": [{"code": "std", "name": "Standard", "time_zone": "UTC", "currencies": ["PTS"],
                "levels": [{"code": "member", "name": "Member", "threshold": "0"}], "offline": dial}],
        });
        let problem = Version::default().next(serde_json::from_value(document).unwrap()).unwrap_err();
        let text = format!("{problem:?}");
        assert!(text.contains(field) && text.contains(sentence), "{text}");
    }
}

//! The catalog document of the demo, which uses every feature there is: it is imported by the command line, told by the
//! server, put back unchanged, and given to a till.

use system_tests::harness::goods::KL;
use system_tests::harness::prelude::*;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/demo/catalog.toml");

/// Everything that a catalog can say: a field (lists are gone into), with the value where it is one of several.
const FEATURES: &str = "
    outlets.business
    currencies.kind=redeemable currencies.kind=qualifying currencies.scale=1 currencies.cash_value currencies.vesting_days=7
    currencies.expiry.days currencies.expiry.months currencies.expiry.years currencies.expiry.end_of=month
    currencies.expiry.end_of=year currencies.expiry.on currencies.inactive.months currencies.greatest_balance
    programs.color programs.logo programs.retired=true programs.pilot programs.outlets=all programs.outlets=kl-central
    programs.style=points_accrued programs.style=spend programs.style=custom_qualifier
    programs.qualifier.per programs.qualifier.each=visit programs.not_earning=delivery
    programs.window.days programs.window.months programs.window.calendar=quarter programs.window.calendar=year
    programs.levels.multiplier=2.5 programs.levels.benefits=lounge
    programs.level_rules.evaluate=at_once programs.level_rules.evaluate=midnight programs.level_rules.grace_days=30
    programs.level_rules.fall=year_end programs.level_rules.fall=quarter_end programs.level_rules.one_at_a_time=true
    programs.tier_groups.qualifier.each.activity programs.tier_groups.level_rules.fall=never
    programs.redemption.minimum programs.redemption.step programs.redemption.maximum programs.redemption.maximum_share
    programs.redemption.excluded_categories
    programs.offline.mode=refuse programs.offline.mode=reserved programs.offline.mode=reserved_plus_allowance
    programs.offline.mode=trust programs.offline.per_redemption programs.offline.per_member programs.offline.till_points
    programs.offline.till_count programs.offline.balance_age_hours programs.offline.levels=tree
    programs.offline.deny_labels=watched programs.offline.rights.grant=usual programs.offline.rights.grant=on_demand
    programs.offline.rights.most programs.offline.rights.elsewhere=allowance programs.offline.rights.elsewhere=refuse
    programs.overdraft.offline.member_debt programs.overdraft.offline=program programs.overdraft.offline=reverse
    programs.overdraft.late=outlet programs.overdraft.forced=outlet programs.overdraft.review_over
    programs.overdraft.write_off_days=365
    programs.term.fee programs.term.length.years programs.term.length.days programs.term.ends
    programs.term.renewal=automatic programs.term.renewal=manual programs.term.confirmed=true programs.term.grace_days=14
    programs.retention.years programs.attributes.kind=text programs.attributes.kind=number programs.attributes.kind=flag programs.attributes.kind=date
    programs.cards.standard=ean13 programs.cards.standard=luhn programs.cards.standard=qr programs.cards.prefix
    earning_rules.per earning_rules.each=item earning_rules.each=visit earning_rules.each.activity
    earning_rules.basis=paid earning_rules.basis=total earning_rules.without_tax=true earning_rules.before_discount=true
    earning_rules.rounding=floor_basket earning_rules.rounding=floor_line earning_rules.rounding=half_up_basket
    earning_rules.rounding=half_up_line earning_rules.multiplied=false earning_rules.campaign
    earning_rules.transaction_cap earning_rules.day_cap earning_rules.member_cap
    earning_rules.when.products earning_rules.when.categories earning_rules.when.brands earning_rules.when.sellers
    earning_rules.when.minimum_spend earning_rules.when.outlets earning_rules.when.channels earning_rules.when.days=saturday
    earning_rules.when.hours.from earning_rules.when.levels earning_rules.when.attributes.newsletter
    earning_rules.when.labels earning_rules.when.member_of.levels earning_rules.when.first_purchase=true
    earning_rules.when.visit.nth earning_rules.when.visit.every earning_rules.when.birthday=week
    earning_rules.when.anniversary=month
    earning_rules.then.label.add earning_rules.then.label.remove earning_rules.then.attribute.value
    earning_rules.then.level.days earning_rules.then.voucher.reward earning_rules.then.notify.template
    earning_rules.then.webhook.action=roastery earning_rules.then.webhook.every_minutes=60
    campaigns.outlets campaigns.labels campaigns.levels campaigns.multiplier campaigns.budget campaigns.member_cap
    campaigns.day_cap campaigns.priority=10 campaigns.exclusive=true
    conversions.rate conversions.fee=10 conversions.minimum=100 conversions.rounding=floor conversions.rounding=half_up
    pricing_schemes.percent pricing_schemes.off pricing_schemes.products pricing_schemes.categories pricing_schemes.brands
    pricing_schemes.when.levels pricing_schemes.when.labels pricing_schemes.when.attributes.newsletter
    pricing_schemes.when.outlets pricing_schemes.when.days
    pricing_schemes.when.hours.until pricing_schemes.when.from pricing_schemes.when.until pricing_schemes.when.channels
    pricebooks.items.price pricebooks.items.points pricebooks.items.plus pricebooks.points_currency
    rewards.points rewards.currency rewards.every=month rewards.gives.off.value rewards.gives.off.percent.most rewards.gives.off.item
    rewards.gives.voucher.uses=5 rewards.gives.voucher.days rewards.gives.voucher.off.percent.percent
    rewards.gives.partner.units rewards.gives.partner.fee rewards.gives.partner.minimum rewards.gives.donation.cause
";

/// Every field that is said somewhere in a document, and with its value.
fn said(value: &Value, path: &str, found: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            found.insert(path.to_owned());
            for (name, value) in fields {
                said(value, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| said(item, path, found)),
        Value::Null => {}
        other => {
            let text = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            found.extend([path.to_owned(), format!("{path}={text}")]);
        }
    }
}

#[test]
fn every_feature_there_is_stands_in_it() {
    let document: Value =
        toml::from_str(&std::fs::read_to_string(DOCUMENT).expect("the file")).expect("TOML");
    let office = Office::empty();
    let loaded = office.admin().put("/api/catalog", &document).must(200);
    let mut found = std::collections::BTreeSet::new();
    said(&loaded, "", &mut found);
    let missing: Vec<&str> =
        FEATURES.split_whitespace().filter(|feature| !found.contains(*feature)).collect();
    assert!(missing.is_empty(), "not in the document: {missing:?}");
    // what it says is what comes of it: nothing is left to a default that the loading would add another time
    let again = office.admin().put("/api/catalog", &loaded).must(200);
    assert_eq!(*again, *loaded);
}

#[test]
fn the_demos_catalog_loads_and_is_the_same_when_it_is_put_back() {
    let office = Office::open();
    let imported = office.command(&["import", "catalog", DOCUMENT]);
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let told = office.admin().get("/api/catalog").must(200);
    let lists = told.as_object().expect("a document");
    for (list, items) in lists {
        assert!(items.as_array().is_some_and(|items| !items.is_empty()), "nothing in `{list}`");
    }
    let versions = || office.admin().get("/api/catalog/versions").must(200)["items"].as_array().map(Vec::len);
    let before = versions();
    assert_eq!(*office.admin().put("/api/catalog", &told).must(200), *told);
    assert_eq!(versions(), before, "the same document makes no new version");
    let again = office.command(&["import", "catalog", DOCUMENT]);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(*office.admin().get("/api/catalog").must(200), *told, "nor does the file");
    let changes = office.admin().post("/api/catalog/diff", &told).must(200);
    assert_eq!(changes["changes"], json!([]));
    // a till compiles it, and sells by it
    let till = Till::open(&office, KL, "till-1");
    let sold = sale("R-1", "6009410000012345", &[line("1", "20.00")]);
    assert_eq!(till.sell(&sold)["state"], "waiting");
}

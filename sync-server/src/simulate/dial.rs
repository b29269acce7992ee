//! Settings of the dial that are compared, as a program's policy.

use serde_json::{Value, json};
use shared::catalog::document::Document;
use shared::catalog::{Catalog, Version};

/// One setting: a name, and what the catalog says for it.
#[derive(Clone, PartialEq, Debug)]
pub struct Setting {
    /// How it is told.
    pub name: String,
    /// The program's `offline`.
    pub offline: Value,
}

/// What all settings share: how members redeem, and who bears what is short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Custom {
    /// Points that are redeemed at a visit.
    pub block: i64,
    /// From what a basket costs on, in hundredths.
    pub from_cents: u64,
    /// Up to how many points a member may owe; beyond that the program bears it.
    pub debt: i64,
    /// A till silent for longer is not waited for, in hours.
    pub longest_wait_hours: u32,
}

impl Default for Custom {
    fn default() -> Self {
        Self { block: 500, from_cents: 500, debt: 0, longest_wait_hours: 72 }
    }
}

impl Setting {
    /// A mode without any cap.
    #[must_use]
    pub fn mode(mode: &str) -> Self {
        Self { name: mode.to_owned(), offline: json!({ "mode": mode }) }
    }

    /// `trust` within a balance's age and points of one member at one till within a day.
    #[must_use]
    pub fn trust(age_hours: Option<u32>, per_member: Option<i64>) -> Self {
        let age = age_hours.map_or_else(String::new, |hours| format!(", balance up to {hours} h old"));
        let member = per_member.map_or_else(String::new, |most| format!(", {most} a member and day"));
        let offline = json!({
            "mode": "trust",
            "balance_age_hours": age_hours,
            "per_member": per_member.map(|most| most.to_string()),
            "per_member_hours": 24,
        });
        Self { name: format!("trust{age}{member}"), offline }
    }

    /// All of a member's points reserved for the tills where they usually shop, each right for six days and taken back
    /// twenty days later, so that what was redeemed under it in outages that follow each other still finds it; beyond the
    /// rights nothing, or what an allowance lets pass: a balance's age, and points of one member at one till within a day.
    #[must_use]
    pub fn reserved(allowance: Option<(Option<u32>, Option<i64>)>) -> Self {
        let mut rights = json!({"share": "1", "hours": 144, "grace_hours": 480});
        let Some((age_hours, per_member)) = allowance else {
            return Self {
                name: "reserved".to_owned(),
                offline: json!({"mode": "reserved", "rights": rights}),
            };
        };
        rights["elsewhere"] = json!("allowance");
        let mut setting = Self::trust(age_hours, per_member);
        setting.name = setting.name.replace("trust", "reserved_plus_allowance");
        setting.offline["mode"] = json!("reserved_plus_allowance");
        setting.offline["rights"] = rights;
        setting
    }

    /// The settings of the dial; the allowance is a block a member and day, by a balance up to a day old.
    #[must_use]
    pub fn all(block: i64) -> Vec<Self> {
        let allowance = Self::reserved(Some((Some(24), Some(block))));
        vec![Self::mode("refuse"), Self::reserved(None), allowance, Self::mode("trust")]
    }

    /// What a search goes through: from the strictest to the most trusting.
    #[must_use]
    pub fn ladder(block: i64) -> Vec<Self> {
        let mut all = vec![Self::mode("refuse"), Self::reserved(None)];
        for hours in [1, 2, 4, 8, 12, 24, 48, 72] {
            all.push(Self::trust(Some(hours), Some(block)));
            all.push(Self::trust(Some(hours), None));
            all.push(Self::reserved(Some((Some(hours), Some(block)))));
        }
        all.push(Self::trust(None, Some(block)));
        all.push(Self::reserved(Some((None, Some(block)))));
        all.push(Self::reserved(Some((None, None))));
        all.push(Self::trust(None, None));
        all
    }

    /// The catalog under this setting: one point for each whole unit of money, `block` points at a time.
    ///
    /// # Errors
    /// What the catalog says of a setting that it does not take.
    pub fn catalog(&self, stores: u32, custom: &Custom) -> Result<Catalog, String> {
        let outlets: Vec<Value> = (0..stores)
            .map(|store| {
                json!({"code": format!("store-{store}"), "name": format!("Store {store}"), "time_zone": "UTC",
                       "currency": "USD"})
            })
            .collect();
        let block = custom.block.to_string();
        let debt = json!({"member_debt": custom.debt.to_string()});
        let waterfall = if custom.debt > 0 { json!([debt, "program"]) } else { json!(["program"]) };
        let document = json!({
            "outlets": outlets,
            "currencies": [{"code": "PTS", "name": "Points", "cash_value": {"amount": "0.01", "currency": "USD"}}],
            "programs": [{
                "code": "points", "name": "Points", "time_zone": "UTC", "currencies": ["PTS"],
                "levels": [{"code": "member", "name": "Member", "threshold": "0"}],
                "redemption": {"minimum": block, "step": block},
                "offline": self.offline,
                "overdraft": {
                    "offline": waterfall, "late": waterfall, "forced": ["outlet"],
                    "longest_wait_hours": custom.longest_wait_hours
                },
            }],
            "earning_rules": [{
                "code": "base", "program": "points", "currency": "PTS", "points": "1",
                "per": {"amount": "1.00", "currency": "USD"}, "basis": "total", "multiplied": false,
            }],
        });
        let document: Document = serde_json::from_value(document).map_err(|error| error.to_string())?;
        let (_, catalog) =
            Version::default().next(document).map_err(|problems| format!("{}: {problems:?}", self.name))?;
        Ok(catalog)
    }
}

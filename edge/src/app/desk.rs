//! What the till's page stands on: where it is, what it sells in, and which programs apply. And the basket that the POS
//! puts on it.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::api::till::PosBasket;
use shared::catalog::Program;
use shared::catalog::conversion::Conversion;
use shared::limits;
use shared::money::CurrencyCode;
use shared::refusal::Refusal;
use shared::request;

use super::events::Event;
use super::{App, Error};

/// Outlets that a list on the page has room for.
const OUTLETS: usize = 60;

/// Where the page is.
#[derive(Clone, Debug, Serialize)]
pub struct Desk {
    /// This till's node.
    pub node: u32,
    /// The till's name.
    pub till: String,
    /// The outlet's code.
    pub outlet: String,
    /// The outlet's name.
    pub outlet_name: String,
    /// Names of the outlets, by code; of a chain with very many only this one's.
    pub outlets: BTreeMap<String, String>,
    /// Where its days begin and end.
    pub time_zone: String,
    /// The money it sells in.
    pub currency: String,
    /// Programs that can be joined here.
    pub programs: Vec<DeskProgram>,
    /// Names of the points currencies, by code.
    pub currencies: BTreeMap<String, String>,
    /// By program: the step in which points are spent.
    pub steps: BTreeMap<String, String>,
    /// Which points can become which others.
    pub conversions: Vec<DeskConversion>,
}

/// Points of one currency that can become another's.
#[derive(Clone, Debug, Serialize)]
pub struct DeskConversion {
    /// The code of what is given.
    pub from: String,
    /// The code of what comes of it.
    pub to: String,
}

/// A program that can be joined here.
#[derive(Clone, Debug, Serialize)]
pub struct DeskProgram {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
}

impl App {
    /// Where the page is, by this till's catalog.
    pub fn desk(&self) -> Result<Desk, Error> {
        let view = self.store().read()?;
        let catalog = view.catalog();
        let identity = self.identity();
        let outlet = catalog.outlets.get(&identity.outlet);
        let applies = |program: &&Program| {
            program.outlets.as_ref().is_none_or(|outlets| outlets.contains(&identity.outlet))
        };
        let programs: Vec<&Program> = catalog.programs.values().filter(applies).collect();
        let step = |program: &Program| {
            let scale = program.currencies.first().and_then(|id| catalog.currencies.get(id))?.scale;
            Some((program.code.to_string(), program.redemption.as_ref()?.step.format(scale)))
        };
        let few = catalog.outlets.len() <= OUTLETS;
        let outlets = catalog.outlets.values().filter(|it| few || it.id == identity.outlet);
        let code = |id| catalog.currencies.get(&id).map(|currency| currency.code.to_string());
        let conversion =
            |rule: &Conversion| Some(DeskConversion { from: code(rule.from)?, to: code(rule.to)? });
        Ok(Desk {
            conversions: catalog.conversions.iter().filter_map(conversion).collect(),
            node: identity.node.0,
            till: identity.till_name.clone(),
            outlet: outlet.map_or_else(|| identity.outlet.0.to_string(), |outlet| outlet.code.to_string()),
            outlet_name: outlet.map_or_else(String::new, |outlet| outlet.name.clone()),
            outlets: outlets.map(|it| (it.code.to_string(), it.name.clone())).collect(),
            time_zone: outlet.map_or("UTC", |outlet| outlet.zone.name()).to_owned(),
            currency: outlet.map_or("XXX", |outlet| outlet.currency.as_str()).to_owned(),
            currencies: catalog
                .currencies
                .values()
                .map(|currency| (currency.code.to_string(), currency.name.clone()))
                .collect(),
            steps: programs.iter().filter_map(|program| step(program)).collect(),
            programs: programs
                .iter()
                .map(|program| DeskProgram { code: program.code.to_string(), name: program.name.clone() })
                .collect(),
        })
    }

    /// Puts a basket on the page; none with no lines. It is a picture: only the sale that the page makes of it counts.
    pub fn put_basket(&self, basket: PosBasket) -> Result<(), Error> {
        if basket.lines.len() > limits::LINES {
            let detail = format!("A basket has at most {} lines.", limits::LINES);
            return Err(Refusal::field("lines", detail).into());
        }
        request::text(&basket.receipt, "receipt")?;
        let currency =
            CurrencyCode::new(&basket.currency).map_err(|detail| Refusal::field("currency", detail))?;
        if !basket.lines.is_empty() {
            request::basket(currency, &basket.lines)?;
        }
        *self.0.basket.lock() = Some(basket.clone());
        self.tell(Event::Basket(Box::new(basket)));
        Ok(())
    }

    /// The basket that the POS put on the page.
    pub fn basket(&self) -> Option<PosBasket> {
        self.0.basket.lock().clone()
    }

    /// Takes it off again once it is sold.
    pub(super) fn sold(&self, receipt: &str) {
        let mut basket = self.0.basket.lock();
        if basket.as_ref().is_some_and(|basket| basket.receipt == receipt) {
            *basket = None;
        }
    }
}

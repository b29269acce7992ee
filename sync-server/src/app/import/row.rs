//! One row of members, checked by itself.

use std::collections::BTreeMap;

use shared::catalog::{Catalog, Program};
use shared::decide::NewCustomer;
use shared::decide::enrol::check_customer;
use shared::decide::party::check_code;
use shared::ids::{AccountSetId, CodeHash, CurrencyId, CustomerId, MembershipId, ProgramId};
use shared::limits;
use shared::member::{
    self, CodeKind, Customer, CustomerKey, CustomerKind, CustomerRecord, IndexKey, Membership,
    MembershipKind, MembershipStatus, Personal, Sealed,
};
use shared::points::Points;
use shared::time::Day;

use super::FINANCIAL;
use crate::clock;

/// A row that holds by itself, with fresh ids, in case it is new.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) customer: Customer,
    pub(super) key: CustomerKey,
    pub(super) personal: Sealed,
    pub(super) financial: BTreeMap<String, String>,
    pub(super) membership: Membership,
    pub(super) program: String,
    pub(super) card: Option<NewCard>,
    pub(super) balance: Option<(CurrencyId, Points)>,
}

/// A card as a row has it.
#[derive(Clone, Debug)]
pub(super) struct NewCard {
    pub(super) code: CodeHash,
    pub(super) text: String,
    pub(super) tail: String,
}

struct Fields<'a> {
    headers: &'a csv::StringRecord,
    record: &'a csv::StringRecord,
}

impl Fields<'_> {
    /// A column's text, if there is any.
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        let place = self.headers.iter().position(|header| header == name);
        let text =
            place.and_then(|place| self.record.get(place)).map(str::trim).filter(|text| !text.is_empty());
        match text {
            Some(text) if text.len() > limits::TEXT_BYTES => {
                Err(format!("`{name}` has more than {} bytes", limits::TEXT_BYTES))
            }
            text => Ok(text.map(str::to_owned)),
        }
    }

    /// The financial fields that say anything.
    fn financial(&self) -> Result<BTreeMap<String, String>, String> {
        let mut found = BTreeMap::new();
        for header in self.headers {
            if let Some(name) = header.strip_prefix(FINANCIAL)
                && let Some(text) = self.get(header)?
            {
                found.insert(name.to_owned(), text);
            }
        }
        Ok(found)
    }

    fn day(&self, name: &str) -> Result<Option<Day>, String> {
        self.get(name)?.map(|text| Day::parse(&text).map_err(|why| format!("{name}: {why}"))).transpose()
    }
}

impl Row {
    /// Reads a row.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn read(
        headers: &csv::StringRecord,
        record: &csv::StringRecord,
        line: u64,
        catalog: &Catalog,
        index: &IndexKey,
    ) -> Result<Self, String> {
        let fields = Fields { headers, record };
        let code = fields.get("program")?.ok_or("`program` is missing")?;
        let program = catalog.program(&code).ok_or_else(|| format!("there is no program `{code}`"))?;
        let since = fields.day("enrolled_on")?.unwrap_or_else(|| clock::now().day(program.zone));
        let financial = fields.financial()?;
        // a day is earlier or later elsewhere
        if since > Day(clock::now().day(chrono_tz::UTC).0.saturating_add(1)) {
            return Err(format!("enrolled_on: {since} lies in the future"));
        }
        let (customer, key, personal) = customer(&fields, &financial, since, index)?;
        let level = program.levels.first().ok_or_else(|| format!("program `{code}` has no levels"))?;
        let membership = Membership {
            id: MembershipId(clock::fresh_id()),
            customer: customer.id,
            program: program.id,
            number: fields
                .get("member_number")?
                .map(|number| written(&number))
                .transpose()?
                .unwrap_or_default(),
            set: AccountSetId(clock::fresh_id()),
            kind: MembershipKind::Standard,
            status: MembershipStatus::Active,
            level: level.code.clone(),
            enrolled_on: since,
            expires_on: program.term.end_after(since),
            labels: Vec::new(),
            pool: None,
            attributes: Vec::new(),
            moved_to: None,
            tiers: Vec::new(),
            held: Vec::new(),
            vouchers: Vec::new(),
        };
        let balance = balance(&fields, catalog, program.id)?;
        let card = fields.get("card")?.map(|code| card(&code, program, index)).transpose()?;
        Ok(Self { line, customer, key, personal, financial, membership, program: code, card, balance })
    }
}

fn customer(
    fields: &Fields<'_>,
    financial: &BTreeMap<String, String>,
    since: Day,
    index: &IndexKey,
) -> Result<(Customer, CustomerKey, Sealed), String> {
    let id = CustomerId(clock::fresh_id());
    let name = fields.get("name")?.ok_or("`name` is missing")?;
    let (phone, email, birth_date) = (fields.get("phone")?, fields.get("email")?, fields.day("birth_date")?);
    let personal = Personal {
        name: name.clone(),
        external_id: fields.get("external_id")?,
        phone: phone.clone(),
        email: email.clone(),
        birth_date,
        identity_number: None,
        language: None,
        financial: financial.clone(),
    };
    let key = CustomerKey(clock::random());
    let new = NewCustomer {
        id,
        key: key.clone(),
        nonce: clock::random(),
        name,
        phone,
        email,
        birth_date,
        external_id: personal.external_id.clone(),
        kind: CustomerKind::Individual,
        identity_number: None,
        language: None,
        opt_outs: Vec::new(),
        financial: financial.clone(),
    };
    check_customer(&new, clock::now().day(chrono_tz::UTC)).map_err(|refusal| match &refusal.field {
        Some(field) => format!("{field}: {}", refusal.detail),
        None => refusal.detail,
    })?;
    let sealed = member::seal(&personal, id, &key, clock::random());
    let bare = CustomerRecord {
        id,
        kind: CustomerKind::Individual,
        since,
        erased: false,
        opt_outs: Vec::new(),
        merged_into: None,
        personal: None,
    };
    let customer = bare.open(None, index).outlined(&personal, index);
    Ok((customer, key, sealed))
}

fn balance(
    fields: &Fields<'_>,
    catalog: &Catalog,
    program: ProgramId,
) -> Result<Option<(CurrencyId, Points)>, String> {
    let Some(text) = fields.get("balance")? else { return Ok(None) };
    let program = catalog.programs.get(&program);
    let code = fields.get("currency")?;
    let currency = if let Some(code) = &code {
        catalog.currency(code).ok_or_else(|| format!("there is no points currency `{code}`"))?
    } else {
        let first = program.and_then(|program| program.currencies.first());
        first.and_then(|id| catalog.currencies.get(id)).ok_or("`currency` is missing")?
    };
    if !program.is_some_and(|program| program.currencies.contains(&currency.id)) {
        return Err(format!("the program has no currency `{}`", currency.code));
    }
    let points = Points::parse(&text, currency.scale).map_err(|why| format!("balance: {why}"))?;
    if points < Points::ZERO {
        return Err("balance: an opening balance is not below zero".to_owned());
    }
    Ok(Some((currency.id, points)))
}

/// A member number that can be scanned.
fn written(number: &str) -> Result<String, String> {
    check_code(number).map_err(|refusal| format!("member_number: {}", refusal.detail))?;
    Ok(number.to_owned())
}

fn card(code: &str, program: &Program, index: &IndexKey) -> Result<NewCard, String> {
    check_code(code).map_err(|refusal| refusal.detail)?;
    program.cards.standard.check(code)?;
    let tail = code.get(code.len().saturating_sub(4)..).unwrap_or(code).to_owned();
    Ok(NewCard { code: index.hash(CodeKind::Scan, code), text: code.to_owned(), tail })
}

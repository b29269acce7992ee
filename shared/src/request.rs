//! From JSON to a deed: the requests of [`crate::api`] read into what [`crate::decide`] takes, each refusal naming its
//! field. One implementation for both daemons.

use rust_decimal::Decimal;

use crate::api::member as body_member;
use crate::api::transaction as body;
use crate::catalog::{Catalog, cards};
use crate::decide::enrol::{ConsentGiven, NewMembership, tail};
use crate::decide::party;
use crate::decide::points::{Acting, points_of};
use crate::decide::reward::Buying;
use crate::decide::{
    BackLine, Basket, By, Deed, Enrollee, Moving, NewCustomer, RedeemItem, Returning, Selling,
};
use crate::entry::{Line, SaleRef};
use crate::ids::{AccountSetId, Code, CodeHash, CustomerId, MembershipId, OutletId};
use crate::limits;
use crate::member::{CardStatus, Channel, CodeKind, CustomerKey, CustomerKind, IndexKey};
use crate::money::{CurrencyCode, parse_decimal};
use crate::refusal::Refusal;
use crate::time::{Day, Millis};

mod also;
pub mod approval;
pub mod hold;
pub mod moving;
pub mod unlinked;

/// Decimal places of a quantity.
const QUANTITY_PLACES: u32 = 6;

/// What a request asks for, before the shell says who asks and on what grounds.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What is asked.
    pub deed: Deed,
    /// The day it belongs to, where the request says so.
    pub business_date: Option<Day>,
    /// When the POS says it happened.
    pub occurred_at: Option<Millis>,
    /// Who sold, as the POS named them.
    pub cashier: Option<String>,
}

/// Checks a text's length; empty ones are refused.
pub fn text(value: &str, field: &str) -> Result<String, Refusal> {
    if value.trim().is_empty() || value.len() > limits::TEXT_BYTES {
        let detail = format!("`{field}` has 1 to {} bytes of text.", limits::TEXT_BYTES);
        return Err(Refusal::field(field, detail));
    }
    Ok(value.to_owned())
}

fn optional_text(value: Option<&String>, field: &str) -> Result<Option<String>, Refusal> {
    value.map(|value| text(value, field)).transpose()
}

fn parsed<T>(
    value: Option<&String>,
    field: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Refusal> {
    value.map(|value| read(value).map_err(|detail| Refusal::field(field, detail))).transpose()
}

/// The hash of a scanned code, and its last four characters.
///
/// # Errors
/// `invalid_card`, where it is no code that a card can bear.
pub fn scanned(code: &str, index: &IndexKey) -> Result<(CodeHash, String), Refusal> {
    let code = code.trim();
    party::check_code(code).map_err(|refusal| refusal.at("card"))?;
    Ok((index.hash(CodeKind::Scan, code), tail(code)))
}

/// A sale.
pub fn sale(request: &body::SaleRequest, catalog: &Catalog, index: &IndexKey) -> Result<Asked, Refusal> {
    let currency = money_code(&request.currency)?;
    let deed = Deed::Sale(Selling {
        receipt: text(&request.receipt, "receipt")?,
        channel: optional_text(request.channel.as_ref(), "channel")?,
        basket: basket(currency, &request.lines)?,
        by: by(request, catalog, index)?,
        also: also::also(request)?,
        earn_membership: parsed(request.earn_membership_id.as_ref(), "earn_membership_id", str::parse)?,
        redeem_membership: parsed(request.redeem_membership_id.as_ref(), "redeem_membership_id", str::parse)?,
        redeem: redeem_items(&request.redeem, catalog)?,
        approval: parsed(request.approval.as_ref(), "approval", str::parse)?,
    });
    Ok(Asked {
        deed,
        business_date: parsed(request.business_date.as_ref(), "business_date", Day::parse)?,
        occurred_at: parsed(request.occurred_at.as_ref(), "occurred_at", Millis::parse)?,
        cashier: optional_text(request.cashier.as_ref(), "cashier")?,
    })
}

fn money_code(code: &str) -> Result<CurrencyCode, Refusal> {
    CurrencyCode::new(code).map_err(|detail| Refusal::field("currency", detail))
}

fn by(request: &body::SaleRequest, catalog: &Catalog, index: &IndexKey) -> Result<By, Refusal> {
    match by_member(request.card.as_ref(), request.membership_id.as_ref(), (catalog, index))? {
        By::Nobody => {}
        named => return Ok(named),
    }
    let customer = parsed(request.customer_id.as_ref(), "customer_id", str::parse)?;
    Ok(customer.map_or(By::Nobody, By::Customer))
}

/// Whose it is by a card or a membership; nobody's where neither is named.
pub(crate) fn by_member(
    card: Option<&String>,
    membership: Option<&String>,
    (catalog, index): (&Catalog, &IndexKey),
) -> Result<By, Refusal> {
    if let Some(text) = card {
        let (code, tail) = scanned(text, index)?;
        let misread = cards::misread(catalog.programs.values().map(|program| &program.cards), text);
        return Ok(By::Code { code, tail, misread });
    }
    Ok(parsed(membership, "membership_id", str::parse)?.map_or(By::Nobody, By::Membership))
}

/// A basket's lines, each amount checked against the money's scale.
pub fn basket(currency: CurrencyCode, lines: &[body::Line]) -> Result<Basket, Refusal> {
    if lines.is_empty() || lines.len() > limits::LINES {
        return Err(Refusal::field("lines", format!("A sale has 1 to {} lines.", limits::LINES)));
    }
    let lines = lines.iter().enumerate().map(|(place, line)| basket_line(place, line, currency));
    Ok(Basket { currency, lines: lines.collect::<Result<_, _>>()? })
}

fn basket_line(place: usize, line: &body::Line, currency: CurrencyCode) -> Result<Line, Refusal> {
    let at = |name: &str| format!("lines[{place}].{name}");
    let amount = |value: &str, name: &str, places: u32| {
        parse_decimal(value, places).map_err(|detail| Refusal::amount(at(name), detail))
    };
    let optional = |value: &Option<String>, name: &str| match value {
        Some(value) => amount(value, name, currency.scale()),
        None => Ok(Decimal::ZERO),
    };
    Ok(Line {
        sku: text(&line.sku, &at("sku"))?,
        category: optional_text(line.category.as_ref(), &at("category"))?,
        brand: optional_text(line.brand.as_ref(), &at("brand"))?,
        seller: optional_text(line.seller.as_ref(), &at("seller"))?,
        quantity: amount(line.quantity.as_deref().unwrap_or("1"), "quantity", QUANTITY_PLACES)?,
        unit_price: amount(&line.unit_price, "unit_price", currency.scale())?,
        discount: optional(&line.discount, "discount")?,
        tax: optional(&line.tax, "tax")?,
    })
}

fn redeem_items(items: &[body::Redeem], catalog: &Catalog) -> Result<Vec<RedeemItem>, Refusal> {
    if items.len() > limits::REDEMPTIONS {
        return Err(Refusal::field(
            "redeem",
            format!("At most {} redemptions in one sale.", limits::REDEMPTIONS),
        ));
    }
    items.iter().enumerate().map(|(place, item)| redeem_item(place, item, catalog)).collect()
}

fn redeem_item(place: usize, item: &body::Redeem, catalog: &Catalog) -> Result<RedeemItem, Refusal> {
    let at = |name: &str| format!("redeem[{place}].{name}");
    let named = [
        item.points.is_some(),
        item.reward.is_some(),
        item.voucher.is_some(),
        item.hold.is_some(),
        item.line.is_some(),
    ];
    if named.iter().filter(|named| **named).count() != 1 {
        let detail =
            "Exactly one of `points`, `reward`, `voucher`, `hold` or `line` is redeemed in one item.";
        return Err(Refusal::field(format!("redeem[{place}]"), detail));
    }
    if let Some(points) = &item.points {
        let code = item.currency.as_deref().ok_or_else(|| {
            Refusal::field(at("currency"), "Points stand beside their currency's code, such as `PTS`.")
        })?;
        let (currency, points) = points_of(catalog, (code, &at("currency")), (points, &at("points")))?;
        return Ok(RedeemItem::Points { currency, points });
    }
    if let Some(hold) = parsed(item.hold.as_ref(), &at("hold"), str::parse)? {
        return Ok(RedeemItem::Hold(hold));
    }
    if let Some(voucher) = &item.voucher {
        return Ok(RedeemItem::Voucher(text(voucher, &at("voucher"))?));
    }
    let reward = parsed(item.reward.as_ref(), &at("reward"), |text| Code::new(text))?;
    let quantity =
        parsed(item.quantity.as_ref(), &at("quantity"), |text| parse_decimal(text, QUANTITY_PLACES))?;
    if let Some(line) = item.line {
        return Ok(RedeemItem::Exchange { line, quantity });
    }
    let reward = reward.ok_or_else(|| Refusal::field(at("reward"), "A reward is named by its code."))?;
    Ok(RedeemItem::Reward { reward, quantity: quantity.unwrap_or(Decimal::ONE) })
}

/// The lines of a return.
pub fn back_lines(lines: &[body::RefundLine]) -> Result<Vec<BackLine>, Refusal> {
    if lines.is_empty() || lines.len() > limits::LINES {
        return Err(Refusal::field("lines", format!("A return names 1 to {} lines.", limits::LINES)));
    }
    let mut read = Vec::with_capacity(lines.len());
    for (place, line) in lines.iter().enumerate() {
        let field = format!("lines[{place}].quantity");
        let quantity = line.quantity.as_ref().map(|text| parse_decimal(text, QUANTITY_PLACES));
        let quantity = quantity.transpose().map_err(|detail| Refusal::amount(&field, detail))?;
        if quantity.is_some_and(|quantity| quantity <= Decimal::ZERO) {
            return Err(Refusal::amount(field, "A quantity given back is more than zero."));
        }
        if lines.iter().take(place).any(|before| before.line == line.line) {
            return Err(Refusal::field(
                format!("lines[{place}].line"),
                format!("Line {} stands twice.", line.line),
            ));
        }
        read.push(BackLine { line: line.line, quantity });
    }
    Ok(read)
}

/// A return of lines of a transaction named by its id.
pub fn refund(request: &body::RefundRequest) -> Result<Asked, Refusal> {
    Ok(Asked {
        deed: Deed::Refund(Returning {
            receipt: text(&request.receipt, "receipt")?,
            lines: back_lines(&request.lines)?,
            reason: optional_text(request.reason.as_ref(), "reason")?,
        }),
        business_date: parsed(request.business_date.as_ref(), "business_date", Day::parse)?,
        occurred_at: None,
        cashier: optional_text(request.cashier.as_ref(), "cashier")?,
    })
}

/// A return by the receipt of a sale: what is given back and of which sale. The shell looks the sale up and makes it a
/// [`Deed::Refund`] where it is known, a [`Deed::BlindRefund`] where not.
pub fn blind_refund(
    request: &body::BlindRefundRequest,
    here: Option<OutletId>,
    catalog: &Catalog,
) -> Result<(Asked, SaleRef), Refusal> {
    let field = "original.outlet";
    let missing =
        || Refusal::field("original", "The sale is named by its receipt; or its goods are told in `goods`.");
    let original = request.original.as_ref().ok_or_else(missing)?;
    if !request.goods.is_empty() || request.card.is_some() || request.membership_id.is_some() {
        let detail = "What a receipt is named for needs no goods and no card: the sale tells both.";
        return Err(Refusal::field("goods", detail));
    }
    let outlet = match &original.outlet {
        None => here.ok_or_else(|| Refusal::field(field, "The outlet that sold is named by its code."))?,
        Some(code) => {
            let outlet = catalog.outlet(code);
            outlet.ok_or_else(|| Refusal::field(field, format!("There is no outlet `{code}`.")))?.id
        }
    };
    let date = parsed(original.business_date.as_ref(), "original.business_date", Day::parse)?;
    let receipt = text(&original.receipt, "original.receipt")?;
    let of = SaleRef { dot: None, outlet, business_date: date, receipt };
    let returning = Returning {
        receipt: text(&request.receipt, "receipt")?,
        lines: back_lines(&request.lines)?,
        reason: optional_text(request.reason.as_ref(), "reason")?,
    };
    let asked = Asked {
        deed: Deed::BlindRefund(returning, of.clone()),
        business_date: parsed(request.business_date.as_ref(), "business_date", Day::parse)?,
        occurred_at: None,
        cashier: optional_text(request.cashier.as_ref(), "cashier")?,
    };
    Ok((asked, of))
}

/// A void.
pub fn void(request: &body::VoidRequest) -> Result<Asked, Refusal> {
    Ok(Asked {
        deed: Deed::Void(Returning {
            receipt: optional_text(request.receipt.as_ref(), "receipt")?.unwrap_or_default(),
            lines: Vec::new(),
            reason: optional_text(request.reason.as_ref(), "reason")?,
        }),
        business_date: None,
        occurred_at: None,
        cashier: optional_text(request.cashier.as_ref(), "cashier")?,
    })
}

/// Points outside a sale; `earn` or else redeem.
pub fn points(
    request: &body::PointsRequest,
    membership: MembershipId,
    earn: bool,
    catalog: &Catalog,
) -> Result<Asked, Refusal> {
    if request.reward.is_some() {
        return reward(request, membership, earn);
    }
    if request.activity.is_some() || request.quantity.is_some() {
        return activity(request, membership, earn);
    }
    let code = request.currency.as_deref();
    let code =
        code.ok_or_else(|| Refusal::field("currency", "Points stand beside their currency's code."))?;
    let amount = request.points.as_deref();
    let amount = amount.ok_or_else(|| Refusal::field("points", "How many points is missing."))?;
    let (currency, points) = points_of(catalog, (code, "currency"), (amount, "points"))?;
    let reason = request.reason.as_deref();
    let reason = reason.ok_or_else(|| Refusal::field("reason", "Points outside a sale have a reason."))?;
    let moving = Moving {
        membership,
        currency,
        points,
        reason: text(reason, "reason")?,
        reference: optional_text(request.reference.as_ref(), "reference")?,
        approval: parsed(request.approval.as_ref(), "approval", str::parse)?,
    };
    Ok(Asked {
        deed: if earn { Deed::EarnPoints(moving) } else { Deed::RedeemPoints(moving) },
        business_date: parsed(request.business_date.as_ref(), "business_date", Day::parse)?,
        occurred_at: None,
        cashier: optional_text(request.cashier.as_ref(), "cashier")?,
    })
}

/// Rewards bought outside a sale.
fn reward(request: &body::PointsRequest, membership: MembershipId, earn: bool) -> Result<Asked, Refusal> {
    if earn || request.currency.is_some() || request.points.is_some() || request.activity.is_some() {
        let detail = "A reward stands beside its `quantity` alone: what it costs is the program's to say.";
        return Err(Refusal::field("reward", detail));
    }
    let code = request.reward.as_deref().unwrap_or_default();
    let quantity = parse_decimal(request.quantity.as_deref().unwrap_or("1"), QUANTITY_PLACES);
    let buying = Buying {
        membership,
        reward: Code::new(code).map_err(|detail| Refusal::field("reward", detail))?,
        quantity: quantity.map_err(|detail| Refusal::amount("quantity", detail))?,
        reference: optional_text(request.reference.as_ref(), "reference")?,
    };
    Ok(Asked {
        deed: Deed::Buy(buying),
        business_date: None,
        occurred_at: None,
        cashier: optional_text(request.cashier.as_ref(), "cashier")?,
    })
}

/// Units of an activity, which earn what the program's rules give for it.
fn activity(request: &body::PointsRequest, membership: MembershipId, earn: bool) -> Result<Asked, Refusal> {
    if !earn || request.currency.is_some() || request.points.is_some() || request.approval.is_some() {
        let detail = "An activity stands beside its `quantity` alone: what it earns is the program's to say.";
        return Err(Refusal::field("activity", detail));
    }
    let named = request.activity.as_deref();
    let named = named.ok_or_else(|| Refusal::field("activity", "Which activity is missing."))?;
    let quantity = request.quantity.as_deref().unwrap_or("1");
    let quantity = parse_decimal(quantity, QUANTITY_PLACES);
    let acting = Acting {
        membership,
        activity: Code::new(named).map_err(|detail| Refusal::field("activity", detail))?,
        quantity: quantity.map_err(|detail| Refusal::amount("quantity", detail))?,
        reason: optional_text(request.reason.as_ref(), "reason")?,
        reference: optional_text(request.reference.as_ref(), "reference")?,
    };
    Ok(Asked {
        deed: Deed::EarnActivity(acting),
        business_date: parsed(request.business_date.as_ref(), "business_date", Day::parse)?,
        occurred_at: None,
        cashier: optional_text(request.cashier.as_ref(), "cashier")?,
    })
}

/// What a new customer and new memberships need of the shell: fresh ids and randomness.
#[derive(Clone, Debug)]
pub struct Fresh {
    /// A new customer's id.
    pub customer: CustomerId,
    /// A new customer's key.
    pub key: CustomerKey,
    /// Randomness for sealing, used once.
    pub nonce: [u8; 24],
}

/// Who is to be enrolled.
pub fn enrollee(request: &body_member::EnrolRequest, fresh: Fresh) -> Result<Enrollee, Refusal> {
    match (&request.customer, parsed(request.customer_id.as_ref(), "customer_id", str::parse)?) {
        (None, Some(id)) => Ok(Enrollee::Known(id)),
        (Some(customer), None) => Ok(Enrollee::New(Box::new(new_customer(customer, fresh)?))),
        _ => Err(Refusal::field(
            "customer",
            "Exactly one of `customer` and `customer_id` says who is enrolled.",
        )),
    }
}

fn new_customer(customer: &body_member::NewCustomer, fresh: Fresh) -> Result<NewCustomer, Refusal> {
    let kind = match customer.kind.as_deref() {
        None | Some("individual") => CustomerKind::Individual,
        Some("organisation") => CustomerKind::Organisation,
        Some(other) => {
            let detail = format!("`{other}` is neither `individual` nor `organisation`.");
            return Err(Refusal::field("customer.type", detail));
        }
    };
    Ok(NewCustomer {
        id: fresh.customer,
        key: fresh.key,
        nonce: fresh.nonce,
        name: text(&customer.name, "customer.name")?,
        phone: optional_text(customer.phone.as_ref(), "customer.phone")?,
        email: optional_text(customer.email.as_ref(), "customer.email")?,
        birth_date: parsed(customer.birth_date.as_ref(), "customer.birth_date", Day::parse)?,
        external_id: optional_text(customer.external_id.as_ref(), "customer.external_id")?,
        kind,
        identity_number: optional_text(customer.identity_number.as_ref(), "customer.identity_number")?,
        language: optional_text(customer.language.as_ref(), "customer.language")?,
        opt_outs: channels(&customer.opt_outs).map_err(|refusal| refusal.at("customer.opt_outs"))?,
        financial: customer.financial.clone(),
    })
}

/// Ways of writing to somebody, each once.
pub fn channels(words: &[String]) -> Result<Vec<Channel>, Refusal> {
    let mut channels = std::collections::BTreeSet::new();
    for word in words {
        let known = Channel::of_word(word).ok_or_else(|| {
            Refusal::field("opt_outs", format!("`{word}` is none of `email`, `sms` and `push`."))
        })?;
        channels.insert(known);
    }
    Ok(channels.into_iter().collect())
}

/// One membership to begin. The shell gives a fresh id, and a number from its block where the request brings none. Its
/// account set is its own and bears the same id, so that an entry that names both is shorter on the wire.
pub fn new_membership(
    place: usize,
    request: &body_member::NewMembership,
    id: MembershipId,
    number: String,
) -> Result<NewMembership, Refusal> {
    let at = |name: &str| format!("memberships[{place}].{name}");
    let consent = request.consent.as_ref().map(|consent| {
        Ok::<_, Refusal>(ConsentGiven {
            text_version: text(&consent.text_version, &at("consent.text_version"))?,
            channel: text(&consent.channel, &at("consent.channel"))?,
        })
    });
    Ok(NewMembership {
        id,
        set: AccountSetId(id.0),
        number,
        program: Code::new(request.program.clone())
            .map_err(|detail| Refusal::field(at("program"), detail))?,
        card: optional_text(request.card.as_ref(), &at("card"))?,
        consent: consent.transpose()?,
    })
}

/// What became of a card.
pub fn card_report(
    code: &str,
    request: &body_member::CardReportRequest,
    index: &IndexKey,
) -> Result<Asked, Refusal> {
    let status = match request.status.as_str() {
        "lost" => CardStatus::Lost,
        "stolen" => CardStatus::Stolen,
        "damaged" => CardStatus::Damaged,
        other => {
            return Err(Refusal::field(
                "status",
                format!("`{other}` is none of `lost`, `stolen`, `damaged`."),
            ));
        }
    };
    let (code, tail) = scanned(code, index)?;
    Ok(Asked {
        deed: Deed::CardReport { code, tail, status, signed: None },
        business_date: None,
        occurred_at: None,
        cashier: None,
    })
}

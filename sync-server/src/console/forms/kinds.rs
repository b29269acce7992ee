//! How each kind of field is written, read and asked for.

use serde_json::{Value, json};
use shared::ids::Code;
use shared::money::{self, CurrencyCode, Money};
use shared::page::words::Words;

use super::{Kind, Spec};

/// What the choices of a form are made of.
pub(in crate::console) struct Lists<'a> {
    pub(in crate::console) words: &'a Words,
    /// The catalog's document.
    pub(in crate::console) document: &'a Value,
    /// Whether the item is there already, so that its code stays.
    pub(in crate::console) kept: bool,
}

/// Most codes that a hint names.
const NAMED: usize = 16;

impl Lists<'_> {
    /// Code and name of every item of a list.
    fn of(&self, list: &str) -> Vec<(String, String)> {
        let text = |item: &Value, name: &str| item.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
        let items =
            |list: &str| self.document.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
        let found = if list == "levels" {
            let groups = |program: &Value| {
                let groups =
                    program.get("tier_groups").and_then(Value::as_array).cloned().unwrap_or_default();
                [vec![program.clone()], groups].concat()
            };
            let holders = items("programs").iter().flat_map(groups).collect::<Vec<_>>();
            let levels =
                |holder: &Value| holder.get("levels").and_then(Value::as_array).cloned().unwrap_or_default();
            holders.iter().flat_map(levels).collect()
        } else {
            items(list)
        };
        found.iter().map(|item| (text(item, "code"), text(item, "name"))).collect()
    }
}

/// What stands in a field.
pub(super) fn text_of(kind: Kind, held: Option<&Value>) -> String {
    let plain = |it: &Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned);
    let Some(held) = held.filter(|it| !it.is_null()) else { return String::new() };
    let listed = || held.as_array().map(|all| all.iter().map(plain).collect::<Vec<_>>().join(", "));
    match kind {
        Kind::Flag => if *held == json!(true) { "yes" } else { "" }.to_owned(),
        Kind::Has => "yes".to_owned(),
        Kind::Money => {
            let part = |name| held.get(name).and_then(Value::as_str).unwrap_or("");
            format!("{} {}", part("amount"), part("currency"))
        }
        Kind::Texts | Kind::Codes(_) | Kind::AllOr(_) | Kind::Many(_) => listed().unwrap_or_default(),
        Kind::Tag { shapes, .. } => {
            let shape = shapes.iter().find(|shape| held.get(**shape).is_some_and(|it| !it.is_null()));
            shape.map_or_else(|| held.as_str().unwrap_or("").to_owned(), |shape| (*shape).to_owned())
        }
        Kind::Pairs => {
            let pairs = held.as_object().into_iter().flatten();
            pairs.map(|(name, value)| format!("{name} = {}", plain(value))).collect::<Vec<_>>().join(", ")
        }
        Kind::Bearers => {
            let one = |it: &Value| {
                it.get("member_debt").map_or_else(|| plain(it), |most| format!("member {}", plain(most)))
            };
            held.as_array().into_iter().flatten().map(one).collect::<Vec<_>>().join(", ")
        }
        _ => plain(held),
    }
}

/// What was typed, as the item holds it; `None` leaves it out.
///
/// # Errors
/// What is wrong, and what would be right.
pub(super) fn value_of(
    kind: Kind,
    text: &str,
    held: Option<&Value>,
    words: &Words,
) -> Result<Option<Value>, String> {
    match kind {
        Kind::Flag => return Ok(Some(json!(text == "yes"))),
        Kind::AllOr(_) if text.is_empty() => return Ok(Some(json!("all"))),
        Kind::Has if text == "yes" => return Ok(Some(held.cloned().unwrap_or_else(|| json!({})))),
        _ if text.is_empty() => return Ok(None),
        _ => {}
    }
    let wrong = |key: &str, text: &str| words.fill(key, &[("text", text)]);
    let code =
        |text: &str| Code::new(text).map(|code| code.to_string()).map_err(|_| wrong("wrong.code", text));
    let parts = || text.split([',', '\n']).map(str::trim).filter(|it| !it.is_empty());
    let one_of = |known: &[&str]| {
        known.contains(&text).then(|| json!(text)).ok_or_else(|| wrong("wrong.choice", text))
    };
    let value = match kind {
        Kind::Own | Kind::Code | Kind::Ref(_) => json!(code(text)?),
        Kind::Decimal => {
            json!(money::parse_decimal(text, 12).map_err(|_| wrong("wrong.decimal", text))?.to_string())
        }
        Kind::Whole => json!(text.parse::<i64>().map_err(|_| wrong("wrong.whole", text))?),
        Kind::Money => amount(text).ok_or_else(|| wrong("wrong.money", text))?,
        Kind::MoneyCode => {
            let upper = text.to_uppercase();
            json!(CurrencyCode::new(&upper).map_err(|_| wrong("wrong.money_code", text))?.to_string())
        }
        Kind::Texts => json!(parts().collect::<Vec<_>>()),
        Kind::Codes(_) | Kind::AllOr(_) => json!(parts().map(code).collect::<Result<Vec<_>, _>>()?),
        Kind::Many(known) => match parts().find(|it| !known.contains(it)) {
            Some(strange) => return Err(wrong("wrong.choice", strange)),
            None => json!(parts().collect::<Vec<_>>()),
        },
        Kind::Choice(known) => one_of(known)?,
        Kind::Tag { words: plain, shapes } => {
            if plain.contains(&text) {
                json!(text)
            } else {
                tagged(held, text, shapes).ok_or_else(|| wrong("wrong.choice", text))?
            }
        }
        Kind::Pairs => {
            let pair = |part: &str| {
                let (name, value) = part.split_once('=').ok_or_else(|| wrong("wrong.pair", part))?;
                Ok((code(name.trim())?, json!(value.trim())))
            };
            Value::Object(parts().map(pair).collect::<Result<_, String>>()?)
        }
        Kind::Bearers => json!(
            parts()
                .map(|it| bearer(it).ok_or_else(|| wrong("wrong.bearer", it)))
                .collect::<Result<Vec<_>, _>>()?
        ),
        Kind::Has => return Err(wrong("wrong.choice", text)),
        _ => json!(text),
    };
    Ok(Some(value))
}

/// An amount with its currency, in either order.
fn amount(text: &str) -> Option<Value> {
    let mut parts = text.split_whitespace();
    let (one, other, None) = (parts.next()?, parts.next()?, parts.next()) else { return None };
    let (amount, currency) =
        if one.starts_with(|it: char| it.is_ascii_alphabetic()) { (other, one) } else { (one, other) };
    let value = json!({"amount": amount, "currency": currency.to_uppercase()});
    serde_json::from_value::<Money>(value.clone()).ok().map(|_| value)
}

/// The shape that was chosen, in the place of another.
fn tagged(held: Option<&Value>, chosen: &str, shapes: &[&str]) -> Option<Value> {
    let chosen = shapes.iter().find(|shape| **shape == chosen)?;
    let held = held.filter(|it| it.get(*chosen).is_some_and(|it| !it.is_null()));
    Some(held.cloned().unwrap_or_else(|| json!({*chosen: {}})))
}

fn bearer(text: &str) -> Option<Value> {
    match text.split_whitespace().collect::<Vec<_>>()[..] {
        [one @ ("outlet" | "program" | "reverse")] => Some(json!(one)),
        ["member", most] => {
            money::parse_decimal(most, 12).ok().map(|most| json!({"member_debt": most.to_string()}))
        }
        _ => None,
    }
}

/// What is asked with: the kind of input, and what there is to choose.
pub(super) fn input(
    kind: Kind,
    name: &str,
    must: bool,
    lists: &Lists<'_>,
) -> (&'static str, Vec<(String, String)>) {
    let said =
        |known: &[&str]| known.iter().map(|it| ((*it).to_owned(), word(lists.words, name, it))).collect();
    let with_none = |options: Vec<(String, String)>| {
        let none = (String::new(), lists.words.say("form.none").to_owned());
        if must { options } else { [vec![none], options].concat() }
    };
    match kind {
        Kind::Flag | Kind::Has => ("tick", Vec::new()),
        Kind::Date => ("date", Vec::new()),
        Kind::Choice(known) => ("choice", with_none(said(known))),
        Kind::Many(known) => ("many", said(known)),
        Kind::Ref(list) => {
            let named = |(code, name): (String, String)| {
                let word = if name.is_empty() { code.clone() } else { format!("{name} ({code})") };
                (code, word)
            };
            ("choice", with_none(lists.of(list).into_iter().map(named).collect()))
        }
        Kind::Tag { words, shapes } => ("choice", with_none(said(&[words, shapes].concat()))),
        _ => ("text", Vec::new()),
    }
}

/// The word for a choice, by its field's own message or the common one.
fn word(words: &Words, name: &str, value: &str) -> String {
    let own = words.known(&format!("o.{name}.{value}"));
    own.or_else(|| words.known(&format!("o.{value}"))).unwrap_or(value).to_owned()
}

/// What stands in a field, in words.
pub(super) fn shown(spec: &Spec, text: &str, words: &Words) -> String {
    match spec.kind {
        Kind::Flag | Kind::Has => words.say(if text == "yes" { "form.yes" } else { "form.no" }).to_owned(),
        Kind::Choice(_) | Kind::Tag { .. } | Kind::Many(_) => {
            let parts = text.split(',').map(str::trim).filter(|it| !it.is_empty());
            parts.map(|it| word(words, spec.path, it)).collect::<Vec<_>>().join(", ")
        }
        _ => text.to_owned(),
    }
}

/// What the kind alone asks for.
pub(super) fn hint(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Own => Some("h.kind.own"),
        Kind::Money => Some("h.kind.money"),
        Kind::Texts | Kind::Codes(_) => Some("h.kind.list"),
        Kind::AllOr(_) => Some("h.kind.all"),
        Kind::Pairs => Some("h.kind.pairs"),
        Kind::Bearers => Some("h.kind.bearers"),
        _ => None,
    }
}

/// The codes that a list of them may name.
pub(super) fn known(kind: Kind, lists: &Lists<'_>) -> Option<String> {
    let (Kind::Codes(list) | Kind::AllOr(list)) = kind else { return None };
    let mut codes: Vec<String> = Vec::new();
    for (code, _) in lists.of(list) {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    let more = codes.len() > NAMED;
    codes.truncate(NAMED);
    let told = format!("{}{}", codes.join(", "), if more { " …" } else { "" });
    (!codes.is_empty()).then(|| lists.words.fill("form.known", &[("codes", &told)]))
}

//! Lists whose items are of several shapes, or hold lists themselves, as plain rows: what a rule does beside giving points,
//! and a program's further ladders of levels.

use serde_json::{Map, Value, json};
use shared::ids::Code;
use shared::page::words::Words;

use super::{Column, Kind, column, loose};

/// What is done, to what, and what more there is to say of it.
const ACTS: &[Column] = &[
    column("do", Kind::Choice(&["level", "label", "attribute", "voucher", "notify", "webhook"])),
    loose("what", Kind::Text),
    loose("more", Kind::Text),
];

/// A level, and the ladder that it is of.
const LADDERS: &[Column] = &[
    column("group", Kind::Code),
    loose("group_name", Kind::Text),
    column("code", Kind::Code),
    column("name", Kind::Text),
    column("threshold", Kind::Decimal),
    loose("benefits", Kind::Texts),
];

/// Where a row stood on the page, kept in it until it is an item again.
pub(super) const PLACE: &str = "#";

/// What is wrong in one row: its place, the column, the sentence.
type Amiss = (usize, &'static str, String);

/// The columns of whatever is written in rows.
pub(super) fn columns(kind: Kind) -> Option<&'static [Column]> {
    match kind {
        Kind::Rows(columns) => Some(columns),
        Kind::Acts => Some(ACTS),
        Kind::Ladders => Some(LADDERS),
        _ => None,
    }
}

/// The column that tells rows apart; `None` where nothing does.
pub(super) fn key(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Rows(columns) => columns.first().map(|first| first.name),
        Kind::Ladders => Some("code"),
        _ => None,
    }
}

/// A list as rows.
pub(super) fn flat(kind: Kind, held: Option<&Value>) -> Vec<Value> {
    let items = held.and_then(Value::as_array).into_iter().flatten();
    match kind {
        Kind::Acts => items.filter_map(act_row).collect(),
        Kind::Ladders => items.flat_map(ladder_rows).collect(),
        _ => items.cloned().collect(),
    }
}

/// Rows as the list that they stand for, over what it was.
///
/// # Errors
/// What is wrong with which cell.
pub(super) fn nest(
    kind: Kind,
    rows: Vec<Value>,
    held: Option<&Value>,
    words: &Words,
) -> Result<Value, Vec<Amiss>> {
    match kind {
        Kind::Acts => {
            let (mut acts, mut amiss) = (Vec::new(), Vec::new());
            for row in &rows {
                match act(row, words) {
                    Ok(act) => acts.push(act),
                    Err((column, text)) => amiss.push((place(row), column, text)),
                }
            }
            if amiss.is_empty() { Ok(Value::Array(acts)) } else { Err(amiss) }
        }
        Kind::Ladders => ladders(rows, held, words),
        _ => Ok(Value::Array(rows)),
    }
}

fn place(row: &Value) -> usize {
    row.get(PLACE).and_then(Value::as_u64).and_then(|place| usize::try_from(place).ok()).unwrap_or(0)
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or("")
}

fn listed(held: Option<&Value>) -> String {
    let texts = held.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    texts.collect::<Vec<_>>().join(", ")
}

/// What one action is as a row.
fn act_row(item: &Value) -> Option<Value> {
    let (kind, about) = item.as_object()?.iter().next()?;
    let plain = |name: &str| match about.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let (what, more) = match kind.as_str() {
        "level" => (plain("level"), plain("days")),
        "label" => (listed(about.get("add")), listed(about.get("remove"))),
        "attribute" => (plain("code"), plain("value")),
        "voucher" => (plain("reward"), String::new()),
        "notify" => (plain("template"), String::new()),
        _ => (plain("action"), plain("every_minutes")),
    };
    Some(json!({"do": kind, "what": what, "more": more}))
}

/// A row as an action; else which cell is wrong, and why.
fn act(row: &Value, words: &Words) -> Result<Value, (&'static str, String)> {
    let (kind, what, more) = (text(row, "do"), text(row, "what"), text(row, "more"));
    let wrong = |key: &str, text: &str| words.fill(key, &[("text", text)]);
    let code = || match what {
        "" => Err(("what", words.say("wrong.must").to_owned())),
        what => Code::new(what).map(|code| code.to_string()).map_err(|_| ("what", wrong("wrong.code", what))),
    };
    let whole = || match more {
        "" => Ok(None),
        more => more.parse::<u32>().map(Some).map_err(|_| ("more", wrong("wrong.whole", more))),
    };
    let texts = |text: &str| {
        let parts = text.split(',').map(str::trim).filter(|it| !it.is_empty());
        parts.map(str::to_owned).collect::<Vec<_>>()
    };
    let nothing_more = || match more {
        "" => Ok(()),
        more => Err(("more", wrong("wrong.nothing_more", more))),
    };
    let mut about = Map::new();
    match kind {
        "level" => {
            about.insert("level".to_owned(), json!(code()?));
            about.extend(whole()?.map(|days| ("days".to_owned(), json!(days))));
        }
        "label" => {
            let (on, off) = (texts(what), texts(more));
            if on.is_empty() && off.is_empty() {
                return Err(("what", words.say("wrong.must").to_owned()));
            }
            let given = [("add", on), ("remove", off)].into_iter().filter(|(_, labels)| !labels.is_empty());
            about.extend(given.map(|(name, labels)| (name.to_owned(), json!(labels))));
        }
        "attribute" => {
            about.insert("code".to_owned(), json!(code()?));
            about.insert("value".to_owned(), if more.is_empty() { Value::Null } else { json!(more) });
        }
        "voucher" | "notify" => {
            nothing_more()?;
            let name = if kind == "voucher" { "reward" } else { "template" };
            about.insert(name.to_owned(), json!(code()?));
        }
        _ => {
            about.insert("action".to_owned(), json!(code()?));
            about.extend(whole()?.map(|minutes| ("every_minutes".to_owned(), json!(minutes))));
        }
    }
    Ok(json!({kind: about}))
}

/// A ladder's levels, each with the ladder's code and name.
fn ladder_rows(group: &Value) -> Vec<Value> {
    let levels = group.get("levels").and_then(Value::as_array).cloned().unwrap_or_default();
    let with = |mut level: Value| {
        if let Some(level) = level.as_object_mut() {
            level.insert("group".to_owned(), json!(text(group, "code")));
            level.insert("group_name".to_owned(), json!(text(group, "name")));
        }
        level
    };
    levels.into_iter().map(with).collect()
}

fn ladders(rows: Vec<Value>, held: Option<&Value>, words: &Words) -> Result<Value, Vec<Amiss>> {
    let (mut groups, mut amiss): (Vec<Value>, Vec<Amiss>) = (Vec::new(), Vec::new());
    for mut row in rows {
        let (at, code, name) =
            (place(&row), text(&row, "group").to_owned(), text(&row, "group_name").to_owned());
        let known = groups.iter().position(|it| text(it, "code") == code);
        let index = known.unwrap_or_else(|| {
            groups.push(begun(&code, held));
            groups.len().saturating_sub(1)
        });
        let Some(group) = groups.get_mut(index).and_then(Value::as_object_mut) else { continue };
        if !name.is_empty() {
            group.insert("name".to_owned(), json!(name));
        } else if known.is_none() && !group.contains_key("name") {
            amiss.push((at, "group_name", words.say("wrong.must").to_owned()));
        }
        if let Some(level) = row.as_object_mut() {
            for own in ["group", "group_name", PLACE] {
                level.remove(own);
            }
        }
        if let Some(levels) = group.get_mut("levels").and_then(Value::as_array_mut) {
            levels.push(row);
        }
    }
    if amiss.is_empty() { Ok(Value::Array(groups)) } else { Err(amiss) }
}

/// A ladder without its levels: as it was, or a new one.
fn begun(code: &str, held: Option<&Value>) -> Value {
    let known = held.and_then(Value::as_array).into_iter().flatten().find(|it| text(it, "code") == code);
    let mut group = known.cloned().unwrap_or_else(|| json!({"code": code}));
    if let Some(group) = group.as_object_mut() {
        group.insert("levels".to_owned(), json!([]));
    }
    group
}

#[cfg(test)]
mod tests {
    use shared::catalog::document::action::Action;
    use shared::page::language::Language;

    use super::*;
    use crate::console::session::words_in;

    #[test]
    fn every_action_is_a_row_and_the_row_is_the_action_again() {
        let acts = json!([
            {"level": {"level": "gold", "days": 90}}, {"level": {"level": "gold"}},
            {"label": {"add": ["wine", "tea"], "remove": ["new"]}}, {"label": {"remove": ["new"]}},
            {"attribute": {"code": "shoe", "value": "42"}}, {"attribute": {"code": "shoe", "value": null}},
            {"voucher": {"reward": "tea"}}, {"notify": {"template": "hello"}},
            {"webhook": {"action": "won", "every_minutes": 5}}, {"webhook": {"action": "won"}}
        ]);
        let _: Vec<Action> = serde_json::from_value(acts.clone()).unwrap();
        let words = words_in(Language::English);
        let rows = flat(Kind::Acts, Some(&acts));
        assert_eq!(rows[2], json!({"do": "label", "what": "wine, tea", "more": "new"}));
        assert_eq!(nest(Kind::Acts, rows, None, &words).unwrap(), acts);
    }

    #[test]
    fn what_is_wrong_with_an_action_is_told_at_its_cell() {
        let words = words_in(Language::English);
        let cases = [
            (json!({"do": "level", "what": "", "more": "", "#": 3}), (3, "what")),
            (json!({"do": "level", "what": "gold", "more": "soon"}), (0, "more")),
            (json!({"do": "voucher", "what": "tea", "more": "2"}), (0, "more")),
            (json!({"do": "label", "what": " , ", "more": ""}), (0, "what")),
            (json!({"do": "webhook", "what": "A B", "more": ""}), (0, "what")),
        ];
        for (row, (at, column)) in cases {
            let amiss = nest(Kind::Acts, vec![row.clone()], None, &words).unwrap_err();
            assert_eq!((amiss[0].0, amiss[0].1), (at, column), "{row}");
        }
    }

    #[test]
    fn a_ladder_keeps_what_its_rows_do_not_say_and_a_new_one_wants_a_name() {
        let words = words_in(Language::English);
        let level = |code: &str| json!({"code": code, "name": code, "threshold": "0", "multiplier": "1"});
        let held =
            json!([{"code": "wine", "name": "Wine", "window": {"months": 6}, "levels": [level("sip")]}]);
        let mut rows = flat(Kind::Ladders, Some(&held));
        assert_eq!(nest(Kind::Ladders, rows.clone(), Some(&held), &words).unwrap(), held);
        rows.push(json!({"group": "tea", "code": "cup", "name": "Cup", "threshold": "0", "#": 1}));
        let amiss = nest(Kind::Ladders, rows.clone(), Some(&held), &words).unwrap_err();
        assert_eq!((amiss[0].0, amiss[0].1), (1, "group_name"));
        rows[1]["group_name"] = json!("Tea");
        let both = nest(Kind::Ladders, rows, Some(&held), &words).unwrap();
        assert_eq!(both[0]["window"], json!({"months": 6}));
        assert_eq!(
            both[1],
            json!({"code": "tea", "name": "Tea", "levels": [{"code": "cup", "name": "Cup", "threshold": "0"}]})
        );
    }
}

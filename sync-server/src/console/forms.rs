//! Forms out of a table of fields: what an item of the catalog holds becomes what stands in the fields, and what was typed
//! becomes the item again. What a table does not name stays as it is. Whatever is wrong is told at its field, all of it at
//! once, and nothing that was typed is lost.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use shared::page::words::Words;

use super::view::Field;
use kinds::Lists;

pub(super) mod kinds;
mod nested;
mod programs;
pub(super) mod tables;

/// What stands in the fields, by their names.
pub(super) type Typed = BTreeMap<String, String>;
/// What is wrong, by field; the empty name is the item as a whole.
pub(super) type Wrong = BTreeMap<String, String>;

/// A field: the path of what it holds within the item, and how that is written.
#[derive(Clone, Copy)]
pub(super) struct Spec {
    pub(super) path: &'static str,
    pub(super) kind: Kind,
    /// Whether it may not be empty.
    pub(super) must: bool,
}

/// A column of rows.
#[derive(Clone, Copy)]
pub(super) struct Column {
    name: &'static str,
    kind: Kind,
    must: bool,
}

/// How something is written.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A heading; the path is its message.
    Section,
    /// The item's own code, which stays.
    Own,
    Code,
    Text,
    Date,
    Decimal,
    Whole,
    Flag,
    /// An amount and its currency: `10.00 MYR`.
    Money,
    MoneyCode,
    /// Texts with commas between them.
    Texts,
    /// Codes of a list of the document, with commas between them.
    Codes(&'static str),
    /// The same, where none is all.
    AllOr(&'static str),
    /// Any of these.
    Many(&'static [&'static str]),
    /// One of these.
    Choice(&'static [&'static str]),
    /// The code of one item of a list of the document.
    Ref(&'static str),
    /// Which of several shapes: those that are a word alone, and those that hold fields, whose paths begin with theirs.
    Tag {
        words: &'static [&'static str],
        shapes: &'static [&'static str],
    },
    /// Whether there is one at all; its fields' paths begin with its own.
    Has,
    /// Names with a value each: `name = value`, with commas between them.
    Pairs,
    /// Who bears a shortfall, one after the other: `member 1000, outlet`.
    Bearers,
    /// Rows of cells; the first column tells them apart.
    Rows(&'static [Column]),
    /// What a rule does beside giving points, in rows.
    Acts,
    /// Further ladders of levels, a row for each level.
    Ladders,
}

/// A column that may not be empty.
const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, must: true }
}

/// A column that may be.
const fn loose(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, must: false }
}

/// A field that may be empty.
pub(super) const fn may(path: &'static str, kind: Kind) -> Spec {
    Spec { path, kind, must: false }
}

/// A field that may not.
pub(super) const fn must(path: &'static str, kind: Kind) -> Spec {
    Spec { path, kind, must: true }
}

/// A heading.
const fn section(path: &'static str) -> Spec {
    may(path, Kind::Section)
}

/// A table: parts that several forms may share.
pub(super) type Table = &'static [&'static [Spec]];

fn all(table: Table) -> impl Iterator<Item = &'static Spec> {
    table.iter().copied().flatten()
}

/// Rows that stand empty below those that there are.
const SPARE_ROWS: usize = 2;
/// Objects that are left out where nothing is in them, inner ones first.
const LOOSE: [&str; 8] =
    ["when.hours", "when.visit", "when.attributes", "when", "expiry", "qualifier", "level_rules", "term"];

/// What stands in the fields for an item.
pub(super) fn typed_of(table: Table, item: &Value) -> Typed {
    let mut typed = Typed::new();
    for spec in all(table) {
        let held = at(item, spec.path);
        if let Some(columns) = nested::columns(spec.kind) {
            for (place, row) in nested::flat(spec.kind, held).iter().enumerate() {
                for column in columns {
                    let text = kinds::text_of(column.kind, row.get(column.name));
                    typed.insert(format!("{}.{place}.{}", spec.path, column.name), text);
                }
            }
        } else if !matches!(spec.kind, Kind::Section) {
            typed.insert(spec.path.to_owned(), kinds::text_of(spec.kind, held));
        }
    }
    typed
}

/// The item as typed, over what it was.
///
/// # Errors
/// What is wrong with which field.
pub(super) fn item_of(table: Table, typed: &Typed, mut item: Value, words: &Words) -> Result<Value, Wrong> {
    let mut wrong = unknown(table, typed, words);
    let asked = all(table).filter(|it| !matches!(it.kind, Kind::Section));
    for spec in asked.filter(|spec| applies(table, spec.path, typed)) {
        if let Some(columns) = nested::columns(spec.kind) {
            match rows_of(spec, columns, typed, at(&item, spec.path), words) {
                Ok(rows) => put(&mut item, spec.path, Some(rows)),
                Err(found) => wrong.extend(found),
            }
            continue;
        }
        let text = typed.get(spec.path).map_or("", |text| text.trim());
        match kinds::value_of(spec.kind, text, at(&item, spec.path), words) {
            Ok(None) if spec.must => {
                wrong.insert(spec.path.to_owned(), words.say("wrong.must").to_owned());
            }
            Ok(value) => put(&mut item, spec.path, value),
            Err(text) => {
                wrong.insert(spec.path.to_owned(), text);
            }
        }
    }
    for path in LOOSE {
        if at(&item, path).is_some_and(|it| it.as_object().is_some_and(Map::is_empty)) {
            put(&mut item, path, None);
        }
    }
    if wrong.is_empty() { Ok(item) } else { Err(wrong) }
}

/// Fields that no table names.
fn unknown(table: Table, typed: &Typed, words: &Words) -> Wrong {
    let known = |name: &str| {
        all(table).any(|spec| match nested::columns(spec.kind) {
            Some(columns) => {
                cell(spec.path, name).is_some_and(|(_, column)| columns.iter().any(|it| it.name == column))
            }
            None => !matches!(spec.kind, Kind::Section) && spec.path == name,
        })
    };
    let strange = typed.keys().find(|name| !known(name));
    let told = strange.map(|name| (String::new(), words.fill("wrong.field", &[("name", name)])));
    told.into_iter().collect()
}

/// Row and column of a cell's name, such as `levels.0.code`.
fn cell<'a>(path: &str, name: &'a str) -> Option<(usize, &'a str)> {
    let (place, column) = name.strip_prefix(path)?.strip_prefix('.')?.split_once('.')?;
    Some((place.parse().ok()?, column))
}

/// Rows down to the last one in which something was typed.
fn count(path: &str, typed: &Typed) -> usize {
    let full = typed.iter().filter(|(_, text)| !text.trim().is_empty()).map(|(name, _)| name);
    full.filter_map(|name| cell(path, name)).map(|(place, _)| place + 1).max().unwrap_or(0)
}

fn rows_of(
    spec: &Spec,
    columns: &[Column],
    typed: &Typed,
    held: Option<&Value>,
    words: &Words,
) -> Result<Value, Wrong> {
    let (mut rows, mut wrong) = (Vec::new(), Wrong::new());
    let (before, plain) = (nested::flat(spec.kind, held), matches!(spec.kind, Kind::Rows(_)));
    let key = columns.iter().find(|it| nested::key(spec.kind) == Some(it.name));
    for place in 0..count(spec.path, typed) {
        let name = |column: &Column| format!("{}.{place}.{}", spec.path, column.name);
        let text = |column: &Column| typed.get(&name(column)).map_or("", |text| text.trim());
        if columns.iter().all(|column| text(column).is_empty()) {
            continue;
        }
        let same = |row: &&Value| {
            key.is_some_and(|key| row.get(key.name).and_then(Value::as_str) == Some(text(key)))
        };
        let mut row = before.iter().find(same).cloned();
        let row = row.get_or_insert_with(|| json!({}));
        for column in columns {
            match kinds::value_of(column.kind, text(column), row.get(column.name), words) {
                Ok(None) if column.must => {
                    wrong.insert(name(column), words.say("wrong.must").to_owned());
                }
                Ok(value) => put(row, column.name, value),
                Err(text) => {
                    wrong.insert(name(column), text);
                }
            }
        }
        if !plain {
            put(row, nested::PLACE, Some(json!(place)));
        }
        rows.push(row.take());
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    nested::nest(spec.kind, rows, held, words).map_err(|amiss| {
        let told =
            |(place, column, text): (usize, &str, String)| (format!("{}.{place}.{column}", spec.path), text);
        amiss.into_iter().map(told).collect()
    })
}

/// Whether a field is asked for, by the choices above it: which shape, and whether there is one at all.
fn applies(table: Table, path: &str, typed: &Typed) -> bool {
    conditions(table, path).all(|(name, value)| typed.get(name).is_some_and(|chosen| chosen == value))
}

/// What has to be chosen for a field to be asked for.
fn conditions(table: Table, path: &str) -> impl Iterator<Item = (&'static str, &str)> {
    all(table).filter_map(move |it| {
        let rest = path.strip_prefix(it.path)?.strip_prefix('.')?;
        match it.kind {
            Kind::Has => Some((it.path, "yes")),
            Kind::Tag { shapes, .. } => {
                let shape = rest.split('.').next()?;
                shapes.contains(&shape).then_some((it.path, shape))
            }
            _ => None,
        }
    })
}

/// What stands at a path.
fn at<'a>(item: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(item, |held, name| held.get(name)).filter(|it| !it.is_null())
}

/// Puts something at a path, or takes it away; makes what is on the way to it.
fn put(item: &mut Value, path: &str, value: Option<Value>) {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    if !item.is_object() {
        if value.is_none() {
            return;
        }
        *item = json!({});
    }
    let Some(object) = item.as_object_mut() else { return };
    match (rest, value) {
        (None, None) => {
            object.remove(first);
        }
        (None, Some(value)) => {
            object.insert(first.to_owned(), value);
        }
        (Some(rest), None) => {
            if let Some(inner) = object.get_mut(first) {
                put(inner, rest, None);
            }
        }
        (Some(rest), value) => put(object.entry(first).or_insert(Value::Null), rest, value),
    }
}

/// The fields, with what was typed and what is wrong with it.
pub(super) fn fields(sort: &tables::Sort, typed: &Typed, wrong: &Wrong, lists: &Lists<'_>) -> Vec<Field> {
    let maker = Maker { sort, typed, wrong, lists };
    all(sort.table).map(|spec| maker.field(spec)).collect()
}

/// The field's label, by its form's own word for it or the common one.
pub(super) fn label(words: &Words, sort: &str, path: &str) -> String {
    let own = words.known(&format!("f.{sort}.{path}"));
    own.or_else(|| words.known(&format!("f.{path}"))).unwrap_or(path).to_owned()
}

/// A difference between what stood in the fields and what stands there: label, before, after.
pub(super) fn differences(
    sort: &tables::Sort,
    before: &Typed,
    after: &Typed,
    words: &Words,
) -> Vec<(String, String, String)> {
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let told = |name: &String, typed: &Typed| {
        let text = typed.get(name).map_or("", String::as_str);
        let spec = all(sort.table).find(|it| it.path == name);
        spec.map_or_else(|| text.to_owned(), |spec| kinds::shown(spec, text, words))
    };
    let named = |name: &str| {
        let rows = all(sort.table).find_map(|spec| Some((spec.path, cell(spec.path, name)?)));
        rows.map_or_else(
            || label(words, sort.name, name),
            |(path, (place, column))| {
                let column = label(words, sort.name, &format!("{path}.{column}"));
                format!("{} {} · {column}", label(words, sort.name, path), place + 1)
            },
        )
    };
    let same = |name: &&String| before.get(*name).map_or("", |it| it) == after.get(*name).map_or("", |it| it);
    let other = names.filter(|name| !same(name));
    other.map(|name| (named(name), told(name, before), told(name, after))).collect()
}

/// The field that a complaint of the catalog's own check is about, and the complaint.
pub(super) fn placed(
    sort: &tables::Sort,
    code: &str,
    typed: &Typed,
    field: &str,
    detail: &str,
) -> (String, String) {
    let inner = field.strip_prefix(&format!("{}[{code}]", sort.list)).and_then(|rest| rest.strip_prefix('.'));
    let Some(inner) = inner else { return (String::new(), format!("{field}: {detail}")) };
    let mut letters = detail.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    let told = format!("{first}{}", letters.as_str());
    let begins = |path: &str, with: &str| {
        path == with || path.strip_prefix(with).is_some_and(|it| it.starts_with('.'))
    };
    if let Some((path, rest)) = inner.split_once('[')
        && let Some((key, column)) = rest.split_once(']')
        && let Some(columns) = all(sort.table).find(|it| it.path == path).and_then(|it| match it.kind {
            Kind::Rows(columns) => Some(columns),
            _ => None,
        })
    {
        let (first, column) = (columns.first().map_or("", |it| it.name), column.trim_start_matches('.'));
        let row = (0..count(path, typed)).find(|place| {
            typed.get(&format!("{path}.{place}.{first}")).is_some_and(|text| text.trim() == key)
        });
        let row = row.or_else(|| key.parse().ok()).unwrap_or(0);
        return (format!("{path}.{row}.{}", if column.is_empty() { first } else { column }), told);
    }
    let asked = || {
        all(sort.table).filter(|it| !matches!(it.kind, Kind::Section) && applies(sort.table, it.path, typed))
    };
    let found =
        asked().find(|it| begins(it.path, inner)).or_else(|| asked().find(|it| begins(inner, it.path)));
    if let (None, Some((list, _))) = (found, inner.split_once('['))
        && let Some(rows) = asked().find(|it| it.path == list)
    {
        return (rows.path.to_owned(), format!("{inner}: {detail}"));
    }
    found.map_or_else(|| (String::new(), format!("{inner}: {detail}")), |it| (it.path.to_owned(), told))
}

struct Maker<'a> {
    sort: &'a tables::Sort,
    typed: &'a Typed,
    wrong: &'a Wrong,
    lists: &'a Lists<'a>,
}

impl Maker<'_> {
    fn field(&self, spec: &Spec) -> Field {
        let words = self.lists.words;
        let of = conditions(self.sort.table, spec.path);
        let of = of.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ");
        let title = label(words, self.sort.name, spec.path);
        let hint = self.hint(spec);
        match (spec.kind, nested::columns(spec.kind)) {
            (Kind::Section, _) => {
                let label = words.say(spec.path).to_owned();
                Field { name: String::new(), kind: "section", label, hint, ..Field::default() }
            }
            (_, Some(columns)) => {
                let heads = columns.iter();
                let heads =
                    heads.map(|it| label(words, self.sort.name, &format!("{}.{}", spec.path, it.name)));
                let rows = (0..count(spec.path, self.typed) + SPARE_ROWS).map(|place| {
                    let cell = |column: &Column| self.cell(spec, *column, place);
                    columns.iter().map(cell).collect()
                });
                let (columns, rows) = (heads.collect(), rows.collect());
                let error = self.wrong.get(spec.path).cloned().unwrap_or_default();
                let name = spec.path.to_owned();
                Field { name, kind: "rows", label: title, hint, columns, rows, error, of, ..Field::default() }
            }
            _ => {
                let field = self.input(spec.path, spec.kind, spec.must, title);
                Field { hint, of, ..field }
            }
        }
    }

    fn cell(&self, spec: &Spec, column: Column, place: usize) -> Field {
        let title = label(self.lists.words, self.sort.name, &format!("{}.{}", spec.path, column.name));
        let name = format!("{}.{place}.{}", spec.path, column.name);
        // a row can be emptied, so every cell of it can
        self.input(&name, column.kind, false, format!("{title} {}", place + 1))
    }

    fn input(&self, name: &str, kind: Kind, must: bool, label: String) -> Field {
        let value = self.typed.get(name).cloned().unwrap_or_default();
        let error = self.wrong.get(name).cloned().unwrap_or_default();
        let (input, options) = kinds::input(kind, name, must, self.lists);
        // an item that is there keeps its code
        let kept = matches!(kind, Kind::Own) && self.lists.kept;
        let chosen = value.split(',').map(|it| it.trim().to_owned()).collect();
        Field {
            name: name.to_owned(),
            label,
            kind: input,
            value,
            options,
            error,
            must,
            kept,
            chosen,
            ..Field::default()
        }
    }

    /// What a field's own message says, and which codes there are to name.
    fn hint(&self, spec: &Spec) -> String {
        let words = self.lists.words;
        let own = words.known(&format!("h.{}.{}", self.sort.name, spec.path));
        let own = own.or_else(|| words.known(&format!("h.{}", spec.path)));
        let own = own.or_else(|| kinds::hint(spec.kind).and_then(|key| words.known(key)));
        let known = kinds::known(spec.kind, self.lists);
        own.into_iter().map(str::to_owned).chain(known).collect::<Vec<_>>().join(" ")
    }
}

//! Forms for every sort of item in the catalog: what is typed is shown as a difference, may be tried on a basket, and is
//! published only then. What is wrong is told at its field, and what was typed stays.

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::catalog::document::Document;
use shared::catalog::document::campaign::Campaign;
use shared::catalog::document::conversion::Conversion;
use shared::catalog::document::currency::Currency;
use shared::catalog::document::earning::EarningRule;
use shared::catalog::document::outlet::Outlet;
use shared::catalog::document::pricing::{Pricebook, PricingScheme};
use shared::catalog::document::program::Program;
use shared::catalog::document::reward::Reward;
use shared::page::words::Words;
use shared::refusal::Problem;

use super::forms::kinds::Lists;
use super::forms::tables::{SORTS, Sort};
use super::forms::{self, Typed, Wrong};
use super::session::Visitor;
use super::view::{Block, Field, FormBlock, Frame, Row, Shown, Table};
use super::{catalog as pages, preview};
use crate::app::{App, AppError, Done, Who, catalog, edit, roles};

/// What a form sends beside its fields: the code that the item had, what is to be done, the version that was looked at.
const BESIDE: [&str; 3] = ["was", "step", "version"];

/// The sort of an address.
fn sort(visitor: &Visitor, name: &str) -> Result<&'static Sort, super::view::Refused> {
    let found = SORTS.iter().find(|sort| sort.name == name);
    found.ok_or_else(|| visitor.told()(AppError::not_found(&format!("sort of item `{name}`"))))
}

/// The document with every list in it, empty ones too.
fn held(document: &Document) -> Value {
    let mut held = serde_json::to_value(document).unwrap_or_default();
    if let Some(lists) = held.as_object_mut() {
        for sort in &SORTS {
            lists.entry(sort.list).or_insert_with(|| json!([]));
        }
    }
    held
}

/// An item of a list by its code.
fn item<'a>(document: &'a Value, sort: &Sort, code: &str) -> Option<&'a Value> {
    let items = document.get(sort.list).and_then(Value::as_array);
    items.into_iter().flatten().find(|item| item.get("code").and_then(Value::as_str) == Some(code))
}

/// `/catalog/{sort}`: a new item.
pub(super) async fn new(State(app): State<Arc<App>>, visitor: Visitor, Path(name): Path<String>) -> Shown {
    visitor.must(roles::ADMIN)?;
    let sort = sort(&visitor, &name)?;
    let blank: Value = serde_json::from_str(sort.blank).unwrap_or_default();
    let typed = forms::typed_of(sort.table, &blank);
    asked(&app, &visitor, sort, &typed, "", &Wrong::new())
}

/// `/catalog/{sort}/{code}`: one item; who may change it gets it as a form.
pub(super) async fn one(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path((name, code)): Path<(String, String)>,
) -> Shown {
    visitor.must(roles::READ)?;
    let tell = visitor.told();
    let sort = sort(&visitor, &name)?;
    let document = held(&app.catalog().map_err(&tell)?.version.document);
    let Some(found) = item(&document, sort, &code) else {
        return Err(tell(AppError::not_found(&format!("`{code}` among {name}"))));
    };
    let typed = forms::typed_of(sort.table, found);
    if roles::ADMIN.contains(&visitor.who.role) {
        return asked(&app, &visitor, sort, &typed, &code, &Wrong::new());
    }
    let words = &visitor.words;
    let rows = forms::differences(sort, &Typed::new(), &typed, words);
    let rows = rows.into_iter().filter(|(_, _, held)| !held.is_empty());
    let rows = rows.map(|(label, _, held)| Row { cells: vec![label.into(), held.into()], ..Row::default() });
    let table = Block::Table(Table {
        title: words.say(&title(sort)).to_owned(),
        columns: vec![(words.say("form.field").to_owned(), false), (words.say("what").to_owned(), false)],
        rows: rows.collect(),
        ..Table::default()
    });
    let blocks = told(&visitor.words, sort, found).into_iter().chain([table]).collect();
    Ok(Frame::of(&app, &visitor, "/catalog", named(found)).about(code).with(blocks))
}

fn title(sort: &Sort) -> String {
    format!("sort.{}", sort.name)
}

fn named(item: &Value) -> String {
    let text = |name: &str| item.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text("name").or(text("code")).unwrap_or("").to_owned()
}

/// What an item means, in sentences, where there are some.
fn told(words: &Words, sort: &Sort, item: &Value) -> Vec<Block> {
    let program = Some(item).filter(|_| sort.name == "programs");
    let program = program.and_then(|item| serde_json::from_value::<Program>(item.clone()).ok());
    program.map(|program| pages::sentences(words, &program)).unwrap_or_default()
}

/// The form with what was typed and what is wrong with it. `was` is the code of the item that it changes.
fn asked(app: &App, visitor: &Visitor, sort: &Sort, typed: &Typed, was: &str, wrong: &Wrong) -> Shown {
    let words = &visitor.words;
    let catalog = app.catalog().map_err(visitor.told())?;
    let document = held(&catalog.version.document);
    let lists = Lists { words, document: &document, kept: !was.is_empty() };
    let mut fields = forms::fields(sort, typed, wrong, &lists);
    fields.extend([
        Field::hidden("was", was),
        Field::hidden("step", "show"),
        Field::hidden("version", catalog.version.version.to_string()),
    ]);
    let form = FormBlock {
        title: words.say(if was.is_empty() { "form.new" } else { "form.change" }).to_owned(),
        note: words.say(&format!("sort.{}.how", sort.name)).to_owned(),
        to: format!("/catalog/{}", sort.name),
        button: words.say("catalog.preview").to_owned(),
        fields,
        ..FormBlock::default()
    };
    let mut blocks = Vec::new();
    if !wrong.is_empty() {
        let whole = wrong.get("").cloned();
        let count = words.count("wrong.count", u64::try_from(wrong.len()).unwrap_or(u64::MAX));
        blocks.push(Block::note("bad", whole.unwrap_or(count)));
    }
    let found = item(&document, sort, was);
    blocks.extend(found.map(|found| told(words, sort, found)).unwrap_or_default());
    blocks.push(Block::Form(form));
    if found.is_some() {
        blocks.push(Block::Form(FormBlock {
            title: words.say("form.remove").to_owned(),
            note: words.say("form.remove_how").to_owned(),
            to: format!("/catalog/{}/{was}/remove", sort.name),
            button: words.say("form.remove_do").to_owned(),
            ..FormBlock::default()
        }));
    }
    let name = found.map_or_else(|| words.say(&title(sort)).to_owned(), named);
    let about = found.map_or_else(String::new, |_| words.say(&title(sort)).to_owned());
    let frame = Frame::of(app, visitor, "/catalog", name).about(about).with(blocks);
    Ok(if wrong.is_empty() { frame } else { frame.with_status(StatusCode::UNPROCESSABLE_ENTITY) })
}

/// What a form sent.
struct Sent {
    typed: Typed,
    was: String,
    step: String,
    version: u64,
}

impl Sent {
    fn read(pairs: Vec<(String, String)>) -> Self {
        let mut typed = Typed::new();
        // boxes that are ticked come one by one
        for (name, text) in pairs {
            let held = typed.entry(name).or_default();
            *held = if held.is_empty() { text } else { format!("{held}, {text}") };
        }
        let [was, step, version] = BESIDE.map(|name| typed.remove(name).unwrap_or_default());
        Self { typed, was, step, version: version.parse().unwrap_or(0) }
    }
}

/// What would be published.
struct Draft {
    document: Document,
    /// The item as it was and as it would be.
    before: Option<Value>,
    item: Value,
    /// The catalog's version that it changes.
    version: u64,
}

/// Shows a form's difference, goes back to it, or publishes.
pub(super) async fn post(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Shown {
    visitor.must(roles::ADMIN)?;
    let tell = visitor.told();
    let sort = sort(&visitor, &name)?;
    let sent = Sent::read(pairs);
    let draft = match drafted(&app, &visitor.words, sort, &sent).map_err(&tell)? {
        Err(wrong) => return asked(&app, &visitor, sort, &sent.typed, &sent.was, &wrong),
        Ok(_) if sent.step == "edit" => {
            return asked(&app, &visitor, sort, &sent.typed, &sent.was, &Wrong::new());
        }
        Ok(draft) => draft,
    };
    if sent.step != "publish" {
        return Ok(shown(&app, &visitor, sort, &sent, &draft, false));
    }
    if sent.version != draft.version {
        return Ok(shown(&app, &visitor, sort, &sent, &draft, true));
    }
    match catalog::replace(&app, visitor.who.clone(), draft.document.clone(), Some(draft.version)).await {
        Ok(made) => pages::published(&app, &visitor, made.version.version),
        Err(AppError::Refused(refusal)) if refusal.problem == Problem::VersionConflict => {
            let again = drafted(&app, &visitor.words, sort, &sent).map_err(&tell)?;
            match again {
                Ok(draft) => Ok(shown(&app, &visitor, sort, &sent, &draft, true)),
                Err(wrong) => asked(&app, &visitor, sort, &sent.typed, &sent.was, &wrong),
            }
        }
        Err(error) => Err(tell(error)),
    }
}

/// The document with what was typed, over today's; or what is wrong with which field.
fn drafted(app: &App, words: &Words, sort: &Sort, sent: &Sent) -> Done<Result<Draft, Wrong>> {
    let catalog = app.catalog()?;
    let mut document = held(&catalog.version.document);
    let whole = |text: String| Ok(Err(Wrong::from([(String::new(), text)])));
    let before = item(&document, sort, &sent.was).cloned();
    if before.is_none() && !sent.was.is_empty() {
        return whole(words.fill("wrong.gone", &[("code", &sent.was)]));
    }
    let base = before.clone().unwrap_or_else(|| json!({}));
    let item_now = match forms::item_of(sort.table, &sent.typed, base, words) {
        Ok(item) => item,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let code = item_now.get("code").and_then(Value::as_str).unwrap_or("").to_owned();
    let at_code =
        |key: &str| Ok(Err(Wrong::from([("code".to_owned(), words.fill(key, &[("code", &code)]))])));
    if before.is_some() && code != sent.was {
        return at_code("wrong.code_stays");
    }
    if before.is_none() && item(&document, sort, &code).is_some() {
        return at_code("wrong.code_taken");
    }
    let Some(items) = document.get_mut(sort.list).and_then(Value::as_array_mut) else {
        return whole(words.fill("wrong.json", &[("why", sort.list)]));
    };
    match items.iter_mut().find(|held| held.get("code") == item_now.get("code")) {
        Some(place) => *place = item_now.clone(),
        None => items.push(item_now.clone()),
    }
    let next = match serde_json::from_value::<Document>(document) {
        Ok(next) => next,
        Err(error) => return whole(words.fill("wrong.json", &[("why", &error.to_string())])),
    };
    match catalog::diff(app, next.clone()) {
        Ok(_) => {
            let version = catalog.version.version;
            Ok(Ok(Draft { document: next, before, item: item_now, version }))
        }
        Err(AppError::Refused(refusal)) => {
            let (field, detail) = (refusal.field.unwrap_or_default(), refusal.detail);
            Ok(Err(Wrong::from([forms::placed(sort, &code, &sent.typed, &field, &detail)])))
        }
        Err(error) => Err(error),
    }
}

/// The difference, field by field; publishing it; going back to it; a basket tried on it.
fn shown(app: &App, visitor: &Visitor, sort: &Sort, sent: &Sent, draft: &Draft, moved: bool) -> Frame {
    let words = &visitor.words;
    let before = draft.before.as_ref().map(|item| forms::typed_of(sort.table, item)).unwrap_or_default();
    let after = forms::typed_of(sort.table, &draft.item);
    let rows = forms::differences(sort, &before, &after, words).into_iter().map(|(label, before, after)| {
        Row { level: "warn", cells: vec![label.into(), before.into(), after.into()], ..Row::default() }
    });
    let rows: Vec<Row> = rows.collect();
    let head = |key: &str| (words.say(key).to_owned(), false);
    let same = rows.is_empty();
    let what = words.say(if draft.before.is_some() { "change.changed" } else { "change.added" });
    let table = Block::Table(Table {
        title: words.say("catalog.diff").to_owned(),
        note: format!("{} · {what}", named(&draft.item)),
        columns: vec![head("form.field"), head("form.before"), head("form.after")],
        rows,
        empty: words.say("catalog.same").to_owned(),
        ..Table::default()
    });
    let form = |title: &str, note: &str, button: &str, step: &str| {
        let beside =
            [("was", sent.was.clone()), ("step", step.to_owned()), ("version", draft.version.to_string())];
        let typed = sent.typed.iter().filter(|(_, text)| !text.is_empty());
        let typed = typed.map(|(name, text)| Field::hidden(name, text.clone()));
        let beside = beside.into_iter().map(|(name, text)| Field::hidden(name, text));
        Block::Form(FormBlock {
            title: words.say(title).to_owned(),
            note: words.say(note).to_owned(),
            to: format!("/catalog/{}", sort.name),
            button: words.say(button).to_owned(),
            fields: typed.chain(beside).collect(),
            ..FormBlock::default()
        })
    };
    let mut blocks = Vec::new();
    if moved {
        let version = draft.version.to_string();
        blocks.push(Block::note("warn", words.fill("form.moved", &[("version", &version)])));
    }
    blocks.extend(told(words, sort, &draft.item));
    blocks.push(table);
    if !same {
        blocks.push(form("catalog.publish", "catalog.publish_how", "catalog.publish_do", "publish"));
    }
    blocks.push(form("form.back", "form.back_how", "form.back_do", "edit"));
    if !same {
        let json = serde_json::to_string(&draft.document).unwrap_or_default();
        blocks.push(preview::form(
            words,
            &visitor.names(app).unwrap_or_default(),
            &preview::Tried::default(),
            &json,
        ));
    }
    Frame::of(app, visitor, "/catalog", words.say("catalog.diff")).about(named(&draft.item)).with(blocks)
}

/// Asks once more, then takes an item away, unless something needs it: then it is told what.
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path((name, code)): Path<(String, String)>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Shown {
    visitor.must(roles::ADMIN)?;
    let sort = sort(&visitor, &name)?;
    let words = &visitor.words;
    if sent.is_empty() {
        let sure = Block::Form(FormBlock {
            title: words.fill("form.sure", &[("code", &code)]),
            note: words.say("form.sure_how").to_owned(),
            to: format!("/catalog/{name}/{code}/remove"),
            button: words.say("form.remove_do").to_owned(),
            fields: vec![Field::hidden("sure", "yes")],
            ..FormBlock::default()
        });
        let frame = Frame::of(&app, &visitor, "/catalog", words.say("form.remove")).about(code);
        return Ok(frame.with(vec![sure]));
    }
    removed(&app, visitor.who.clone(), sort, code).await.map_err(visitor.told())?;
    let version = app.catalog().map_err(visitor.told())?.version.version;
    pages::published(&app, &visitor, version)
}

async fn removed(app: &App, who: Who, sort: &Sort, code: String) -> Done<()> {
    match sort.list {
        "programs" => edit::remove::<Program>(app, who, code).await,
        "earning_rules" => edit::remove::<EarningRule>(app, who, code).await,
        "campaigns" => edit::remove::<Campaign>(app, who, code).await,
        "rewards" => edit::remove::<Reward>(app, who, code).await,
        "pricing_schemes" => edit::remove::<PricingScheme>(app, who, code).await,
        "pricebooks" => edit::remove::<Pricebook>(app, who, code).await,
        "currencies" => edit::remove::<Currency>(app, who, code).await,
        "conversions" => edit::remove::<Conversion>(app, who, code).await,
        _ => edit::remove::<Outlet>(app, who, code).await,
    }
}

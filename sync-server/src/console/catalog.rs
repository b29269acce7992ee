//! The catalog: what there is, the dial of each program in words and in a form, and the whole document; nothing is
//! published before its difference was shown.

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use serde::Deserialize;
use shared::catalog::document::Document;
use shared::catalog::document::currency::Currency;
use shared::catalog::document::earning::{Each, EarningRule};
use shared::catalog::document::level::Level;
use shared::catalog::document::outlet::Outlet;
use shared::catalog::document::policy::{Bearer, OfflineMode};
use shared::catalog::document::program::Program;
use shared::money;
use shared::page::words::Words;

use super::session::Visitor;
use super::view::{Block, Cell, Field, FormBlock, Frame, Row, Shown, Table};
use crate::app::{App, AppError, Done, catalog, edit, roles};

/// `/catalog`.
pub(super) async fn page(State(app): State<Arc<App>>, visitor: Visitor) -> Shown {
    visitor.must(roles::READ)?;
    let blocks = lists(&app, &visitor.words).map_err(visitor.told())?;
    let version = app.catalog().map_err(visitor.told())?.version.version;
    let about = visitor.words.fill("catalog.version", &[("version", &version.to_string())]);
    Ok(Frame::of(&app, &visitor, "/catalog", visitor.words.say("nav.catalog")).about(about).with(blocks))
}

fn lists(app: &App, words: &Words) -> Done<Vec<Block>> {
    let head = |key: &str| (words.say(key).to_owned(), false);
    let programs = edit::list::<Program>(app)?.into_iter().map(|program| Row {
        cells: vec![
            Cell {
                small: program.code.to_string(),
                ..Cell::link(program.name.clone(), format!("/catalog/programs/{}", program.code))
            },
            levels(&program).into(),
            dial(words, &program).into(),
            waterfall(words, &program.overdraft.offline).into(),
        ],
        ..Row::default()
    });
    let currencies = edit::list::<Currency>(app)?.into_iter().map(|currency| {
        let worth = currency.cash_value.map(|worth| format!("{} {}", worth.currency, worth.amount));
        Row {
            cells: vec![
                currency.code.to_string().into(),
                currency.name.into(),
                worth.unwrap_or_default().into(),
            ],
            ..Row::default()
        }
    });
    let rules = edit::list::<EarningRule>(app)?.into_iter().map(|rule| {
        let per = match (&rule.per, &rule.each) {
            (Some(per), _) => format!("{} {}", per.currency, per.amount),
            (None, Some(Each::Item)) => words.say("catalog.each_item").to_owned(),
            (None, Some(Each::Activity(code))) => code.to_string(),
            (None, Some(Each::Visit) | None) => words.say("catalog.each_visit").to_owned(),
        };
        let text = words.fill(
            "catalog.rule",
            &[("points", &rule.points.to_string()), ("currency", rule.currency.as_str()), ("per", &per)],
        );
        Row {
            cells: vec![rule.code.to_string().into(), rule.program.to_string().into(), text.into()],
            ..Row::default()
        }
    });
    let outlets = edit::list::<Outlet>(app)?.into_iter().map(|outlet| Row {
        cells: vec![outlet.code.to_string().into(), outlet.name.into(), outlet.time_zone.into()],
        ..Row::default()
    });
    let list = |title: &str, columns: Vec<(String, bool)>, rows: Vec<Row>| {
        let more = [("/catalog/preview", "try.title"), ("/catalog/document", "catalog.document")];
        let more = more.map(|(to, key)| (to.to_owned(), words.say(key).to_owned())).to_vec();
        let (title, empty) = (words.say(title).to_owned(), words.say("catalog.empty").to_owned());
        Block::Table(Table { title, columns, rows, empty, more, ..Table::default() })
    };
    Ok(vec![
        list(
            "catalog.programs",
            vec![head("program"), head("catalog.levels"), head("catalog.dial"), head("catalog.waterfall")],
            programs.collect(),
        ),
        list("catalog.rules", vec![head("code"), head("program"), head("what")], rules.collect()),
        list(
            "catalog.currencies",
            vec![head("code"), head("members.name"), head("catalog.worth")],
            currencies.collect(),
        ),
        list(
            "catalog.outlets",
            vec![head("code"), head("members.name"), head("catalog.zone")],
            outlets.collect(),
        ),
    ])
}

fn levels(program: &Program) -> String {
    let one = |level: &Level| format!("{} ×{} ≥ {}", level.name, level.multiplier, level.threshold);
    program.levels.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The dial's setting and its caps, in a sentence.
fn dial(words: &Words, program: &Program) -> String {
    let offline = &program.offline;
    let mode = words.say(&format!("dial.{}", mode(offline.mode))).to_owned();
    let caps = [
        offline.per_redemption.map(|it| words.fill("dial.per_redemption", &[("points", &it.to_string())])),
        offline.per_member.map(|it| {
            let hours = offline.per_member_hours.to_string();
            words.fill("dial.per_member", &[("points", &it.to_string()), ("hours", &hours)])
        }),
        offline.till_points.map(|it| words.fill("dial.till", &[("points", &it.to_string())])),
        offline.balance_age_hours.map(|it| words.fill("dial.age", &[("hours", &it.to_string())])),
    ];
    let caps: Vec<String> =
        caps.into_iter().flatten().filter(|_| offline.mode != OfflineMode::Refuse).collect();
    if caps.is_empty() { mode } else { format!("{mode} {}", caps.join(", ")) }
}

fn mode(mode: OfflineMode) -> &'static str {
    match mode {
        OfflineMode::Refuse => "refuse",
        OfflineMode::Reserved => "reserved",
        OfflineMode::ReservedPlusAllowance => "reserved_plus_allowance",
        OfflineMode::Trust => "trust",
    }
}

/// Who bears a shortfall, one after the other, in words.
fn waterfall(words: &Words, bearers: &[Bearer]) -> String {
    let one = |bearer: &Bearer| match bearer {
        Bearer::MemberDebt(most) => words.fill("bears.member", &[("points", &most.to_string())]),
        Bearer::Outlet => words.say("bears.outlet").to_owned(),
        Bearer::Program => words.say("bears.program").to_owned(),
        Bearer::Reverse => words.say("bears.reverse").to_owned(),
    };
    bearers.iter().map(one).collect::<Vec<_>>().join(" → ")
}

/// `/catalog/programs/{code}`: the dial and what it means, in a form that explains itself.
pub(super) async fn program(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(code): Path<String>,
) -> Shown {
    visitor.must(roles::READ)?;
    let program = edit::get::<Program>(&app, &code).map_err(visitor.told())?;
    let words = &visitor.words;
    let mut blocks = vec![
        Block::note("", dial(words, &program)),
        Block::note(
            "warn",
            words.fill("catalog.short", &[("who", &waterfall(words, &program.overdraft.offline))]),
        ),
    ];
    if roles::ADMIN.contains(&visitor.who.role) {
        blocks.push(Block::Form(form(words, &program)));
    }
    Ok(Frame::of(&app, &visitor, "/catalog", program.name).about(code).with(blocks))
}

fn form(words: &Words, program: &Program) -> FormBlock {
    let modes = ["refuse", "reserved", "reserved_plus_allowance", "trust"];
    let modes = modes.map(|it| (it.to_owned(), words.say(&format!("dial.{it}")).to_owned())).to_vec();
    let text = |value: Option<rust_decimal::Decimal>| value.map(|it| it.to_string()).unwrap_or_default();
    let offline = &program.offline;
    let member = program.overdraft.offline.iter().find_map(|bearer| match bearer {
        Bearer::MemberDebt(most) => Some(*most),
        _ => None,
    });
    let last = if program.overdraft.offline.contains(&Bearer::Outlet) { "outlet" } else { "program" };
    let bearers =
        ["outlet", "program"].map(|it| (it.to_owned(), words.say(&format!("bears.{it}")).to_owned()));
    let empty = words.say("form.no_limit");
    FormBlock {
        title: words.say("catalog.dial").to_owned(),
        note: words.say("catalog.dial_how").to_owned(),
        to: format!("/catalog/programs/{}", program.code),
        button: words.say("catalog.preview").to_owned(),
        fields: vec![
            Field::text("name", words.say("members.name"), program.name.clone()),
            Field::text("color", words.say("form.color"), program.color.clone()),
            Field::choice("mode", words.say("catalog.dial"), mode(offline.mode), modes),
            Field::text("per_redemption", words.say("form.per_redemption"), text(offline.per_redemption))
                .hint(empty),
            Field::text("per_member", words.say("form.per_member"), text(offline.per_member)).hint(empty),
            Field::text(
                "per_member_hours",
                words.say("form.per_member_hours"),
                offline.per_member_hours.to_string(),
            ),
            Field::text("till_points", words.say("form.till_points"), text(offline.till_points)).hint(empty),
            Field::text(
                "balance_age_hours",
                words.say("form.balance_age"),
                offline.balance_age_hours.map(|it| it.to_string()).unwrap_or_default(),
            )
            .hint(empty),
            Field::text("member_debt", words.say("form.member_debt"), text(member))
                .hint(words.say("form.member_debt_hint")),
            Field::choice("bearer", words.say("form.bearer"), last, bearers.to_vec()),
        ],
        ..FormBlock::default()
    }
}

/// The form of a program's dial.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changed {
    name: String,
    color: String,
    mode: String,
    per_redemption: String,
    per_member: String,
    per_member_hours: String,
    till_points: String,
    balance_age_hours: String,
    member_debt: String,
    bearer: String,
}

/// Shows what a changed program would change, before it is published.
pub(super) async fn change(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(code): Path<String>,
    Form(asked): Form<Changed>,
) -> Shown {
    visitor.must(roles::ADMIN)?;
    let tell = visitor.told();
    let changed =
        edit::get::<Program>(&app, &code).and_then(|program| changed(program, asked)).map_err(&tell)?;
    let held = app.catalog().map_err(&tell)?;
    let mut next = held.version.document.clone();
    let text = format!(
        "{} {}",
        dial(&visitor.words, &changed),
        waterfall(&visitor.words, &changed.overdraft.offline)
    );
    for program in &mut next.programs {
        if program.code == changed.code {
            program.clone_from(&changed);
        }
    }
    preview(&app, &visitor, next, held.version.version, Some(text))
}

fn changed(mut program: Program, asked: Changed) -> Done<Program> {
    let points = |name: &str, text: &str| match text.trim() {
        "" => Ok(None),
        text => money::parse_decimal(text, 6).map(Some).map_err(|detail| AppError::field(name, detail)),
    };
    let hours = |name: &str, text: &str| {
        let wrong = |_| AppError::field(name, format!("`{text}` is no whole number of hours."));
        text.trim().parse::<u32>().map_err(wrong)
    };
    program.name = asked.name;
    program.color = asked.color;
    program.offline.mode = match asked.mode.as_str() {
        "refuse" => OfflineMode::Refuse,
        "reserved" => OfflineMode::Reserved,
        "reserved_plus_allowance" => OfflineMode::ReservedPlusAllowance,
        "trust" => OfflineMode::Trust,
        other => return Err(AppError::field("mode", format!("`{other}` is no setting of the dial."))),
    };
    program.offline.per_redemption = points("per_redemption", &asked.per_redemption)?;
    program.offline.per_member = points("per_member", &asked.per_member)?;
    program.offline.per_member_hours = hours("per_member_hours", &asked.per_member_hours)?;
    program.offline.till_points = points("till_points", &asked.till_points)?;
    let age = asked.balance_age_hours.trim();
    program.offline.balance_age_hours =
        if age.is_empty() { None } else { Some(hours("balance_age_hours", age)?) };
    let member = points("member_debt", &asked.member_debt)?.map(Bearer::MemberDebt);
    let last = if asked.bearer == "outlet" { Bearer::Outlet } else { Bearer::Program };
    program.overdraft.offline = member.into_iter().chain([last]).collect();
    Ok(program)
}

fn preview(app: &App, visitor: &Visitor, next: Document, version: u64, text: Option<String>) -> Shown {
    let words = &visitor.words;
    let tell = visitor.told();
    let json = serde_json::to_string_pretty(&next).unwrap_or_default();
    let found = catalog::diff(app, next).map_err(&tell)?;
    let rows = found.iter().map(|change| Row {
        level: if change.change == "removed" { "bad" } else { "warn" },
        cells: vec![
            words.say(&format!("change.{}", change.change)).to_owned().into(),
            change.list.replace('_', " ").into(),
            change.code.clone().into(),
        ],
        ..Row::default()
    });
    let head = |key: &str| (words.say(key).to_owned(), false);
    let table = Block::Table(Table {
        title: words.say("catalog.diff").to_owned(),
        columns: vec![head("change"), head("list"), head("code")],
        rows: rows.collect(),
        empty: words.say("catalog.same").to_owned(),
        ..Table::default()
    });
    let publish = Block::Form(FormBlock {
        title: words.say("catalog.publish").to_owned(),
        note: words.say("catalog.publish_how").to_owned(),
        to: "/catalog/document".to_owned(),
        button: words.say("catalog.publish_do").to_owned(),
        fields: vec![
            Field::hidden("document", json.clone()),
            Field::hidden("version", version.to_string()),
            Field::hidden("step", "publish"),
        ],
        ..FormBlock::default()
    });
    let mut blocks: Vec<Block> = text.map(|text| Block::note("", text)).into_iter().collect();
    blocks.push(table);
    if !found.is_empty() {
        blocks.push(publish);
        blocks.push(super::preview::form(words, &super::preview::Tried::default(), &json));
    }
    Ok(Frame::of(app, visitor, "/catalog", words.say("catalog.diff")).with(blocks))
}

/// `/catalog/document`: the whole catalog as one document.
pub(super) async fn document(State(app): State<Arc<App>>, visitor: Visitor) -> Shown {
    visitor.must(roles::ADMIN)?;
    let held = app.catalog().map_err(visitor.told())?;
    let words = &visitor.words;
    let json = serde_json::to_string_pretty(&held.version.document).unwrap_or_default();
    let form = FormBlock {
        title: words.say("catalog.document").to_owned(),
        note: words.say("catalog.document_how").to_owned(),
        to: "/catalog/document".to_owned(),
        button: words.say("catalog.preview").to_owned(),
        fields: vec![
            Field::area("document", words.say("catalog.document"), json),
            Field::hidden("version", held.version.version.to_string()),
            Field::hidden("step", "preview"),
        ],
        ..FormBlock::default()
    };
    Ok(Frame::of(&app, &visitor, "/catalog", words.say("catalog.document")).with(vec![Block::Form(form)]))
}

/// A whole document, to look at or to publish.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whole {
    document: String,
    version: u64,
    step: String,
}

/// Shows the difference, or publishes.
pub(super) async fn put(State(app): State<Arc<App>>, visitor: Visitor, Form(asked): Form<Whole>) -> Shown {
    visitor.must(roles::ADMIN)?;
    let tell = visitor.told();
    let read = catalog::read_document("catalog.json", &asked.document);
    let document = read.map_err(|detail| tell(AppError::field("document", detail)))?;
    if asked.step != "publish" {
        return preview(&app, &visitor, document, asked.version, None);
    }
    let who = visitor.who.clone();
    let made = catalog::replace(&app, who, document, Some(asked.version)).await.map_err(&tell)?;
    let version = made.version.version.to_string();
    let done = Block::note("good", visitor.words.fill("catalog.published", &[("version", &version)]));
    let blocks = [done].into_iter().chain(lists(&app, &visitor.words).map_err(&tell)?).collect();
    Ok(Frame::of(&app, &visitor, "/catalog", visitor.words.say("nav.catalog")).with(blocks))
}

//! The catalog: what there is, the dial of each program in words, and the whole document; nothing is published before its
//! difference was shown. Single items have forms of their own: [`super::items`].

use std::sync::Arc;

use axum::extract::{Form, State};
use serde::Deserialize;
use shared::catalog::document::Document;
use shared::catalog::document::earning::{Each, EarningRule};
use shared::catalog::document::level::Level;
use shared::catalog::document::policy::{Bearer, OfflineMode};
use shared::catalog::document::program::Program;
use shared::ids::Code;
use shared::money::Money;
use shared::page::words::Words;

use super::session::Visitor;
use super::view::{Block, Cell, Field, FormBlock, Frame, Row, Shown, Table};
use crate::app::{App, AppError, Done, catalog, roles};

/// `/catalog`.
pub(super) async fn page(State(app): State<Arc<App>>, visitor: Visitor) -> Shown {
    visitor.must(roles::READ)?;
    shown(&app, &visitor, Vec::new())
}

fn shown(app: &App, visitor: &Visitor, first: Vec<Block>) -> Shown {
    let words = &visitor.words;
    let version = app.catalog().map_err(visitor.told())?.version.version;
    let about = words.fill("catalog.version", &[("version", &version.to_string())]);
    let blocks = first.into_iter().chain([ways(visitor)]).chain(lists(app, visitor).map_err(visitor.told())?);
    Ok(Frame::of(app, visitor, "/catalog", words.say("nav.catalog")).about(about).with(blocks.collect()))
}

/// What else can be done with the catalog.
fn ways(visitor: &Visitor) -> Block {
    let whole = [
        ("/catalog/preview", "try.title", roles::READ),
        ("/catalog/document", "catalog.document", roles::ADMIN),
    ];
    let may = whole.into_iter().filter(|(_, _, may)| may.contains(&visitor.who.role));
    Block::Links(may.map(|(to, key, _)| (to.to_owned(), visitor.words.say(key).to_owned())).collect())
}

fn lists(app: &App, visitor: &Visitor) -> Done<Vec<Block>> {
    let document = &app.catalog()?.version.document;
    let shelf = Shelf { words: &visitor.words, edits: roles::ADMIN.contains(&visitor.who.role) };
    let all = [shelf.earning(document), shelf.buying(document), shelf.ground(document)];
    Ok(all.into_iter().flatten().collect())
}

/// Lists of items, each a way to its form.
struct Shelf<'a> {
    words: &'a Words,
    /// Whether new ones may be made.
    edits: bool,
}

impl Shelf<'_> {
    fn list(&self, sort: &str, heads: &[&str], rows: impl Iterator<Item = Vec<Cell>>) -> Block {
        let words = self.words;
        let more = (format!("/catalog/{sort}"), words.say(&format!("new.{sort}")).to_owned());
        Block::Table(Table {
            title: words.say(&format!("sort.{sort}")).to_owned(),
            columns: heads.iter().map(|key| (words.say(key).to_owned(), false)).collect(),
            rows: rows.map(|cells| Row { cells, ..Row::default() }).collect(),
            empty: words.say("catalog.empty").to_owned(),
            more: Some(more).filter(|_| self.edits).into_iter().collect(),
            ..Table::default()
        })
    }

    /// Programs, their rules and campaigns.
    fn earning(&self, document: &Document) -> Vec<Block> {
        let words = self.words;
        let programs = document.programs.iter().map(|it| {
            let name = Cell::link(it.name.clone(), format!("/catalog/programs/{}", it.code));
            vec![
                Cell { small: it.code.to_string(), ..name },
                levels(it).into(),
                dial(words, it).into(),
                waterfall(words, &it.overdraft.offline).into(),
            ]
        });
        let rules = document.earning_rules.iter().map(|it| {
            vec![way("earning-rules", &it.code), it.program.to_string().into(), earns(words, it).into()]
        });
        let campaigns = document.campaigns.iter().map(|it| {
            let name =
                Cell { small: format!("{} ×{}", it.program, it.multiplier), ..it.name.clone().into() };
            vec![way("campaigns", &it.code), name, format!("{} – {}", it.from, it.until).into()]
        });
        vec![
            self.list(
                "programs",
                &["program", "catalog.levels", "catalog.dial", "catalog.waterfall"],
                programs,
            ),
            self.list("earning-rules", &["code", "program", "what"], rules),
            self.list("campaigns", &["code", "members.name", "range"], campaigns),
        ]
    }

    /// What members buy, and for how much.
    fn buying(&self, document: &Document) -> Vec<Block> {
        let given = || self.words.say("catalog.not_sold").to_owned();
        let rewards = document.rewards.iter().map(|it| {
            let points = it.points.map_or_else(given, |it| it.to_string());
            let (name, program) = (it.name.clone().into(), it.program.to_string().into());
            vec![way("rewards", &it.code), name, program, points.into()]
        });
        let schemes = document.pricing_schemes.iter().map(|it| {
            let off = it.off.as_ref().map(money).or(it.percent.map(|it| format!("{it} %")));
            let (name, program) = (it.name.clone().into(), it.program.to_string().into());
            vec![way("pricing-schemes", &it.code), name, program, off.unwrap_or_default().into()]
        });
        let books = document.pricebooks.iter().map(|it| {
            let (name, program) = (it.name.clone().into(), it.program.to_string().into());
            vec![way("pricebooks", &it.code), name, program, it.items.len().to_string().into()]
        });
        let heads = |last| ["code", "members.name", "program", last];
        vec![
            self.list("rewards", &heads("points"), rewards),
            self.list("pricing-schemes", &heads("catalog.off"), schemes),
            self.list("pricebooks", &heads("catalog.items"), books),
        ]
    }

    /// What programs stand on: currencies, and outlets.
    fn ground(&self, document: &Document) -> Vec<Block> {
        let currencies = document.currencies.iter().map(|it| {
            let worth = it.cash_value.as_ref().map(money).unwrap_or_default();
            vec![way("currencies", &it.code), it.name.clone().into(), worth.into()]
        });
        let conversions = document.conversions.iter().map(|it| {
            let what = format!("{} {} {}", it.from, self.words.say("then"), it.to);
            vec![way("conversions", &it.code), what.into(), it.rate.to_string().into()]
        });
        let outlets = document
            .outlets
            .iter()
            .map(|it| vec![way("outlets", &it.code), it.name.clone().into(), it.time_zone.clone().into()]);
        vec![
            self.list("currencies", &["code", "members.name", "catalog.worth"], currencies),
            self.list("conversions", &["code", "what", "f.rate"], conversions),
            self.list("outlets", &["code", "members.name", "catalog.zone"], outlets),
        ]
    }
}

/// The way to an item's form.
fn way(sort: &str, code: &Code) -> Cell {
    Cell::link(code.to_string(), format!("/catalog/{sort}/{code}"))
}

fn money(amount: &Money) -> String {
    format!("{} {}", amount.currency, amount.amount)
}

/// What a rule gives for what, in words.
fn earns(words: &Words, rule: &EarningRule) -> String {
    let per = match (&rule.per, &rule.each) {
        (Some(per), _) => format!("{} {}", per.currency, per.amount),
        (None, Some(Each::Item)) => words.say("catalog.each_item").to_owned(),
        (None, Some(Each::Activity(code))) => code.to_string(),
        (None, Some(Each::Visit) | None) => words.say("catalog.each_visit").to_owned(),
    };
    let values = [("points", &*rule.points.to_string()), ("currency", rule.currency.as_str()), ("per", &per)];
    words.fill("catalog.rule", &values)
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
    bearers.iter().map(one).collect::<Vec<_>>().join(&format!(" {} ", words.say("then")))
}

/// What a program does with no line, and who bears what is short: in sentences.
pub(super) fn sentences(words: &Words, program: &Program) -> Vec<Block> {
    let who = waterfall(words, &program.overdraft.offline);
    vec![
        Block::note("", dial(words, program)),
        Block::note("warn", words.fill("catalog.short", &[("who", &who)])),
    ]
}

/// The catalog with its new version told first.
pub(super) fn published(app: &App, visitor: &Visitor, version: u64) -> Shown {
    let text = visitor.words.fill("catalog.published", &[("version", &version.to_string())]);
    shown(app, visitor, vec![Block::note("good", text)])
}

fn preview(app: &App, visitor: &Visitor, next: Document, version: u64) -> Shown {
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
    let mut blocks = vec![table];
    if !found.is_empty() {
        blocks.push(publish);
        blocks.push(super::preview::form(
            words,
            &visitor.names(app)?,
            &super::preview::Tried::default(),
            &json,
        ));
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
        return preview(&app, &visitor, document, asked.version);
    }
    let who = visitor.who.clone();
    let made = catalog::replace(&app, who, document, Some(asked.version)).await.map_err(&tell)?;
    published(&app, &visitor, made.version.version)
}

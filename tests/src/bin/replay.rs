//! `replay [--tenth|--whole] [--settings all|NAME,…] [--seed N] [--outage-hours H] [--outage-share S] [--orders N]
//! [--pull-days N] [--days N] [--dir DIR]`

use std::io::Write as _;
use std::process::ExitCode;

use system_tests::replay::dial::{self, Dial, Line};
use system_tests::replay::{self, Options, Told};

const USAGE: &str = "usage: replay [--tenth|--whole] [--settings all|NAME,…] [--seed N] [--outage-hours H] \
                     [--outage-share S] [--orders N] [--pull-days N] [--days N] [--dir DIR]\n\
                     Replays a year of real receipts: by default those of a tenth of the households, lines down for 24 h \
                     at a time in a share of 0.1, taken in again in 10 other orders. With --settings, once for each setting of the dial (refuse, reserved, \
                     reserved_plus_allowance, trust), with a table in the end.";

fn main() -> ExitCode {
    let (options, settings) = match read(std::env::args().skip(1)) {
        Ok(read) => read,
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "replay: {why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let done = if settings.is_empty() { one(&options).map(drop) } else { each(&options, &settings) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "replay: {why}");
            ExitCode::FAILURE
        }
    }
}

fn say(line: &str) {
    // whoever closed the pipe has seen enough
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn one(options: &Options) -> Result<Line, String> {
    replay::run(options, Told::new(say))
}

/// One setting after the other, and their table.
fn each(options: &Options, settings: &[Dial]) -> Result<(), String> {
    let mut lines = Vec::new();
    for dial in settings {
        let options = Options { dial: *dial, closes: true, ..options.clone() };
        lines.push((*dial, one(&options).map_err(|why| format!("{}: {why}", dial.name()))?));
    }
    say(dial::table(&lines).trim_end());
    Ok(())
}

fn settings(text: &str) -> Option<Vec<Dial>> {
    if text == "all" { Some(Dial::ALL.to_vec()) } else { text.split(',').map(Dial::named).collect() }
}

fn read(mut arguments: impl Iterator<Item = String>) -> Result<(Options, Vec<Dial>), String> {
    let (mut options, mut dials) = (Options::default(), Vec::new());
    while let Some(name) = arguments.next() {
        if name == "--tenth" || name == "--whole" {
            options.whole = name == "--whole";
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("`{name}` is no option, or lacks its value"))?;
        let wrong = || format!("{name}: `{value}` will not do");
        match name.as_str() {
            "--seed" => options.seed = value.parse().map_err(|_| wrong())?,
            "--outage-hours" => options.outage_hours = value.parse().map_err(|_| wrong())?,
            "--outage-share" => options.outage_millionths = millionths(&value).ok_or_else(wrong)?,
            "--orders" => options.orders = value.parse().map_err(|_| wrong())?,
            "--pull-days" => options.pull_days = value.parse().map_err(|_| wrong())?,
            "--days" => options.days = Some(value.parse().map_err(|_| wrong())?),
            "--settings" => dials = settings(&value).ok_or_else(wrong)?,
            "--dir" => options.dir = Some(value.into()),
            _ => return Err(format!("there is no option `{name}`")),
        }
    }
    Ok((options, dials))
}

/// A share between 0 and 1, such as `0.1`.
fn millionths(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 6 {
        return None;
    }
    let all = format!("{whole}{part:0<6}").parse().ok()?;
    (all <= 1_000_000).then_some(all)
}

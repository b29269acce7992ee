//! `replay [--tenth|--whole] [--seed N] [--outage-hours H] [--outage-share S] [--orders N] [--pull-days N] [--days N]
//! [--dir DIR]`

use std::io::Write as _;
use std::process::ExitCode;

use system_tests::replay::{self, Options, Told};

const USAGE: &str = "usage: replay [--tenth|--whole] [--seed N] [--outage-hours H] [--outage-share S] [--orders N] \
                     [--pull-days N] [--days N] [--dir DIR]\n\
                     Replays a year of real receipts: by default those of a tenth of the households, lines down for 24 h \
                     at a time in a share of 0.1, taken in again in 10 other orders.";

fn main() -> ExitCode {
    let options = match read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "replay: {why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let told = Told::new(|line| {
        // whoever closed the pipe has seen enough
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    });
    match replay::run(&options, told) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "replay: {why}");
            ExitCode::FAILURE
        }
    }
}

fn read(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
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
            "--dir" => options.dir = Some(value.into()),
            _ => return Err(format!("there is no option `{name}`")),
        }
    }
    Ok(options)
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

//! `bars [--only NAME]… [--rounds N] [--members N] [--big N] [--server-members N]
//! [--day ENTRIES,ACCOUNTS] [--dir DIR]`

use std::io::Write as _;
use std::process::ExitCode;

use system_tests::bars::{self, Options, reopening};

const USAGE: &str = "usage: bars [--only NAME]… [--rounds N] [--members N] [--big N] [--server-members N] \
                     [--day ENTRIES,ACCOUNTS] [--dir DIR]\n\
                     Measures the bars: ratios within this run, medians of interleaved rounds. NAME is one of counts, earn, \
                     clients, scan, reopen, load, size, memory, glass, \
                     rules, server, authorising, settling, binaries. --big N measures a till with N members too.";

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == reopening::CHILD) {
        reopening::child(&arguments.split_off(1));
        return ExitCode::SUCCESS;
    }
    match read(arguments.into_iter()) {
        Ok(options) => {
            bars::run(&options, &mut |line| {
                // whoever closed the pipe has seen enough
                let _ = writeln!(std::io::stdout().lock(), "{line}");
            });
            ExitCode::SUCCESS
        }
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "bars: {why}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn read(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("`{name}` is no option, or lacks its value"))?;
        let wrong = || format!("{name}: `{value}` will not do");
        match name.as_str() {
            "--only" => options.only.extend(value.split(',').map(str::to_owned)),
            "--rounds" => options.rounds = value.parse().map_err(|_| wrong())?,
            "--members" => options.members = value.parse().map_err(|_| wrong())?,
            "--big" => options.big = Some(value.parse().map_err(|_| wrong())?),
            "--server-members" => options.centre_members = value.parse().map_err(|_| wrong())?,
            "--day" => options.day = day(&value).ok_or_else(wrong)?,
            "--dir" => options.dir = Some(value.into()),
            _ => return Err(format!("there is no option `{name}`")),
        }
    }
    Ok(options)
}

fn day(text: &str) -> Option<(u32, u32)> {
    let (entries, accounts) = text.split_once(',')?;
    let counts = (entries.parse().ok()?, accounts.parse().ok()?);
    (counts.0 > 0 && counts.1 > 0).then_some(counts)
}

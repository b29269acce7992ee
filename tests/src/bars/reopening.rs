//! Bars of opening again after `kill -9`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use edge::store::{Store, StoreOptions};

use super::Options;
use super::earning::{CLIENTS, Open, asks, earn, waiter};
use super::ground::Ground;
use super::measure::{Rounds, brief, number, timed};
use super::table::Table;

/// The word by which this program becomes the till that is killed.
pub const CHILD: &str = "--child-earns";
/// Entries that a reopening replays at the most, with room.
const MANY: u32 = 1_500;

/// Earns so many times after a durable commit of the cache, says so, and waits to be killed.
pub fn child(arguments: &[String]) {
    let [dir, earns] = arguments else { panic!("a folder and a number") };
    let earns: u32 = earns.parse().expect("a number");
    let till = Open::start(Path::new(dir));
    let (app, asks, left) = (&till.till.app, asks(), AtomicU32::new(earns));
    earn(&waiter(), app, 0, &asks);
    app.store().settle().wait().expect("the cache is committed");
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let runtime = waiter();
                let next = |left: u32| left.checked_sub(1);
                while let Ok(member) = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
                    earn(&runtime, app, member % 1_000, &asks);
                }
            });
        }
    });
    let _ = writeln!(std::io::stdout(), "done");
    std::thread::sleep(std::time::Duration::from_mins(1));
}

/// A till that earned so many times in a process that was killed then.
fn killed(dir: &Path, earns: u32) {
    let own = std::env::current_exe().expect("the bench knows its own program");
    let mut child = Command::new(own)
        .args([CHILD, &dir.display().to_string(), &earns.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a till in a process of its own");
    let mut line = String::new();
    if let Some(out) = child.stdout.take() {
        BufReader::new(out).read_line(&mut line).expect("its word");
    }
    assert_eq!(line.trim(), "done", "the till that is to be killed has failed");
    child.kill().expect("it is killed");
    child.wait().expect("it has ended");
}

/// Opens after kills with few and with many entries to replay; answers the times of the first in ms.
pub fn after_a_kill(options: &Options, ground: &Ground, table: &mut Table<'_>) -> Rounds {
    let (mut opens, mut replays) = (Rounds::default(), Rounds::default());
    for _ in 0..options.rounds {
        let mut told = Vec::new();
        for earns in [0, MANY] {
            killed(&ground.dir(), earns);
            let (took, store) =
                timed(|| Store::open(&ground.dir(), StoreOptions::default()).expect("it opens"));
            told.push((took, store.counters().waiting));
            store.stop().wait().expect("it closes");
            drop(store);
        }
        let [(open, few), (more, many)] = told[..] else { continue };
        table.note(&format!("open {} with {few} to replay, {} with {many}", brief(open), brief(more)));
        opens.add(open.as_secs_f64() * 1e3);
        let each = (more.as_secs_f64() - open.as_secs_f64()) / number((many - few).max(1));
        replays.add(each * 1e6);
    }
    let members = ground.members.count;
    table.ratio(&format!("reopen after kill -9: open, in ms, {members} members"), opens.clone(), 10.0);
    table.ratio("reopen after kill -9: replay of 1,000 entries, in ms", replays, 60.0);
    opens
}

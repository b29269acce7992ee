//! Authorising online: tills that ask at the same time, beside the same server's `/healthz`.

use std::time::Instant;

use edge::sync::client::Signer;
use shared::account::AccountId;
use shared::ids::{CurrencyId, Seq};
use shared::points::Points;
use shared::wire::{Authorize, Authorized};

use super::super::Options;
use super::super::measure::{Rounds, Times, brief};
use super::super::table::Table;
use super::super::wire::Caller;
use super::{Centre, PUSHES};
use crate::harness::scratch::Scratch;
use crate::sim::rng::Rng;

/// Questions of each till in a round.
const QUESTIONS: usize = 250;

/// Eight tills ask for points at the same time, round by round; and as many ask whether the server is there.
pub fn measure(options: &Options, table: &mut Table<'_>) {
    let folder = Scratch::new("authorising");
    let dir = folder.path().join("data");
    std::fs::create_dir_all(&dir).expect("a folder");
    let centre = Centre::open(&dir, options.centre_members);
    table.note(&format!("a server with {} members", centre.members.len()));
    let signers: Vec<Signer> = (0..PUSHES)
        .map(|till| {
            let pusher = centre.enrol(till);
            Signer { node: pusher.node, key: pusher.key }
        })
        .collect();
    let (url, _) = centre.serve();
    let (mut ratios, mut p50s, mut p99s) = (Rounds::default(), Rounds::default(), Rounds::default());
    for round in 0..=options.rounds {
        let seed = u64::try_from(round).unwrap_or(0) * 100;
        let asked = at_once(&signers, |till, signer| ask(&centre, &url, signer, seed + till));
        let greeted = at_once(&signers, |_, _| greet(&url));
        if round == 0 {
            // connections and caches are warm from here on
            continue;
        }
        table.note(&format!(
            "{PUSHES} tills, p50 / p99: authorising {} / {}, /healthz {} / {}",
            brief(asked.p50()),
            brief(asked.percentile(99)),
            brief(greeted.p50()),
            brief(greeted.percentile(99)),
        ));
        ratios.ratio(asked.p50(), greeted.p50());
        p50s.add(asked.p50().as_secs_f64() * 1e3);
        p99s.add(asked.percentile(99).as_secs_f64() * 1e3);
    }
    table.figure(&format!("authorising online at {PUSHES} concurrent tills, p50, ms"), &p50s);
    table.figure("the same, p99, ms", &p99s);
    table.figure("the same, p50 ÷ that of /healthz", &ratios);
    centre.app.close();
}

/// Does something on a thread for each till at the same time; all their times.
fn at_once(signers: &[Signer], act: impl Fn(u64, &Signer) -> Times + Sync) -> Times {
    let mut all = Times::default();
    std::thread::scope(|scope| {
        let act = &act;
        let tills = (0..).zip(signers).map(|(till, signer)| scope.spawn(move || act(till, signer)));
        let tills: Vec<_> = tills.collect();
        for till in tills {
            all.extend(till.join().expect("a till's thread"));
        }
    });
    all
}

/// A till asks for one point of somebody, and again.
fn ask(centre: &Centre, url: &str, signer: &Signer, seed: u64) -> Times {
    let (client, mut rng) = (Centre::client(url), Rng::new(seed ^ 0xa5c));
    let mut times = Times::default();
    for _ in 0..QUESTIONS {
        let membership = &centre.members[rng.index(centre.members.len())];
        let account = AccountId { set: membership.set, currency: CurrencyId(1) };
        let ask = Authorize {
            node: signer.node,
            intent: Seq(1),
            key: rng.key(),
            account,
            points: Points(1),
            wait_ms: 0,
        };
        let begun = Instant::now();
        let answer = centre.runtime.block_on(client.authorize(signer, &ask)).expect("the server answers");
        times.add(begun.elapsed());
        assert!(matches!(answer, Authorized::Held { .. }), "{answer:?}");
    }
    times
}

fn greet(url: &str) -> Times {
    let mut caller = Caller::new(url, "");
    let mut times = Times::default();
    for _ in 0..QUESTIONS {
        times.time(|| caller.must(200, "GET", "/healthz", ""));
    }
    times
}

//! The world of a run: time, the network between tills and server, and what befalls them.

use std::sync::Arc;

use shared::catalog::Catalog;
use shared::entry::{Authority, Idem, Line, Party};
use shared::ids::{NodeId, OutletId, Seq, TillId};
use shared::sync::Journal as _;
use shared::time::{Day, Millis};
use shared::wire::{Authorize, Authorized, Pull, Push, PushReply};

use super::rights::Rights;
use super::rng::Rng;
use super::server::{Page, Server};
use super::till::Till;
use super::{Setup, Tally, check, rights, scene};

mod deeds;
mod mishaps;
mod reserve;
mod talk;

/// What travels.
#[derive(Clone, Debug)]
enum Message {
    Push { number: u64, push: Push },
    Pushed { number: u64, node: NodeId, reply: PushReply },
    Pull { pull: Pull },
    Page { number: u64, snapshot: bool, page: Option<Box<Page>> },
    Authorize(Authorize),
    Authorized { asked: (u128, Seq), answer: Authorized },
}

/// A message under way, to or from a till's start.
#[derive(Clone, Debug)]
struct Sent {
    due: Millis,
    till: usize,
    boot: u64,
    message: Message,
}

/// What a receipt says: enough to bring goods back anywhere.
#[derive(Clone, Debug)]
struct Printed {
    outlet: OutletId,
    receipt: String,
    day: Day,
    lines: usize,
}

/// A sale that a POS may send again.
#[derive(Clone, Debug)]
struct Asked {
    outlet: OutletId,
    idem: Idem,
    lines: Vec<Line>,
    party: Party,
}

/// Everything there is.
pub struct World {
    rng: Rng,
    setup: Setup,
    now: Millis,
    /// The server.
    pub server: Server,
    /// The tills.
    pub tills: Vec<Till>,
    backup: Option<Server>,
    images: Vec<(usize, Till)>,
    net: Vec<Sent>,
    catalogs: [Arc<Catalog>; 2],
    printed: Vec<Printed>,
    asked: Vec<Asked>,
    numbers: u64,
    quiet: bool,
    tally: Tally,
    rights: Rights,
}

impl World {
    /// A new world.
    #[must_use]
    pub fn new(mut rng: Rng, setup: Setup) -> Self {
        let catalogs = scene::catalogs();
        let now = Millis(1_700_000_000_000);
        let balances: Vec<i64> =
            (0..scene::MEMBERS).map(|_| i64::try_from(rng.below(200)).unwrap_or(0)).collect();
        let mut server = Server::new(setup.buckets, &catalogs[0], &balances, now);
        let mut tills = Vec::new();
        for number in 1..=u32::try_from(rng.between(2, 4)).unwrap_or(2) {
            let outlet = scene::OUTLETS[usize::try_from(number % 2).unwrap_or(0)];
            let node = server.enrol(outlet, TillId(number), now);
            let mut till = Till::new(outlet, TillId(number), node, &catalogs[0]);
            till.skew = i64::try_from(rng.below(1_200_000)).unwrap_or(0) - 600_000;
            tills.push(till);
        }
        Self {
            rng,
            setup,
            now,
            server,
            tills,
            backup: None,
            images: Vec::new(),
            net: Vec::new(),
            catalogs,
            printed: Vec::new(),
            asked: Vec::new(),
            numbers: 100,
            quiet: false,
            tally: Tally::default(),
            rights: Rights::default(),
        }
    }

    /// Plays a run to its end.
    ///
    /// # Errors
    /// The invariant that was broken, and at which step.
    pub fn play(&mut self) -> Result<(), String> {
        for step in 0..self.setup.steps {
            self.step()
                .and_then(|()| check::always(&self.server.books))
                .and_then(|()| self.rights.step(&self.server.books))
                .map_err(|text| format!("step {step}: {text}"))?;
        }
        self.calm().map_err(|text| format!("becoming quiet: {text}"))?;
        self.rights.step(&self.server.books).map_err(|text| format!("at quiet: {text}"))?;
        rights::at_quiet(&self.server.books).map_err(|text| format!("at quiet: {text}"))?;
        check::at_quiet(&self.server.books, &self.tills).map_err(|text| format!("at quiet: {text}"))
    }

    /// What the run came across.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let books = &self.server.books;
        let count = |n: usize| u64::try_from(n).unwrap_or(0);
        let kinds =
            |case: &&shared::books::Case| matches!(case.kind, shared::books::CaseKind::Overdraft { .. });
        let judged = || books.receipts.values().filter_map(|receipt| receipt.judged.as_ref());
        let stood = |authority| {
            count(judged().flat_map(|judged| &judged.authorities).filter(|a| **a == Some(authority)).count())
        };
        // what frees a right without redeeming anything
        let is_return =
            |judged: &shared::books::Judged| judged.authorities.is_empty() && !judged.freed.is_empty();
        Tally {
            entries: count(books.entries.len()),
            forks: count(books.forks.len()),
            overdrafts: count(books.cases.values().filter(kinds).count()),
            reversals: count(judged().filter(|judged| judged.returned.is_some()).count()),
            duplicates: count(judged().filter(|judged| judged.duplicate_of.is_some()).count()),
            online: stood(Authority::Online),
            reserved: stood(Authority::Reserved),
            late: stood(Authority::Late),
            returned: count(judged().filter(|judged| is_return(judged)).count()),
            ..self.tally
        }
    }

    fn step(&mut self) -> Result<(), String> {
        self.now = self.now.after(self.rng.between(1_000, 240_000));
        self.deliver()?;
        let till = self.rng.index(self.tills.len());
        match self.rng.below(100) {
            0..42 => self.act(till),
            42..82 => self.tick(till),
            82..87 => {
                self.tally.lost_shares += self.server.end_lost_shares(self.now);
                self.tally.cuts += u64::try_from(self.server.settle(self.now)?).unwrap_or(0);
            }
            87..92 => self.office(),
            92..96 => self.tills[till].line = self.rng.chance(60),
            _ if self.setup.chaos => self.befall(till),
            _ => {}
        }
        self.tally.parked = self.tally.parked.max(u64::try_from(self.server.books.parked.len()).unwrap_or(0));
        Ok(())
    }

    /// Everything comes to rest: lines are up, nothing is lost, all is told, posted, settled and pulled.
    fn calm(&mut self) -> Result<(), String> {
        self.quiet = true;
        self.net.clear();
        for till in &mut self.tills {
            till.line = true;
            till.pushing = None;
            till.chain.sync.on_pull_lost();
        }
        if self.rng.chance(70) {
            self.server.learn(&self.catalogs[1].clone(), false, self.now);
        }
        // whoever waits for an answer that was lost gives up
        self.now = self.now.after(700_000);
        self.exchange()?;
        // the lineages that nobody writes any more are not waited for
        self.now = self.now.after(2 * scene::LONGEST_WAIT_MS);
        self.server.retry_all(self.now);
        for _ in 0..3 {
            self.exchange()?;
            self.tally.lost_shares += self.server.end_lost_shares(self.now);
            self.tally.cuts += u64::try_from(self.server.settle(self.now)?).unwrap_or(0);
            check::always(&self.server.books)?;
        }
        self.exchange()
    }

    /// Lets all tills talk until they have nothing more to say.
    fn exchange(&mut self) -> Result<(), String> {
        for till in &mut self.tills {
            till.pull_until = Millis(0);
        }
        let mut pulls = vec![0_u32; self.tills.len()];
        for _ in 0..400 {
            self.now = self.now.after(1_000);
            let mut idle = true;
            for (place, pulls) in pulls.iter_mut().enumerate() {
                let rests = self.rests(place);
                if !rests || *pulls < 3 {
                    *pulls = if rests { *pulls + 1 } else { 0 };
                    idle = false;
                    self.tick(place);
                }
                self.deliver()?;
            }
            if idle && self.net.is_empty() {
                return Ok(());
            }
        }
        let cursor = self.server.cursor();
        let restless = (0..self.tills.len()).filter(|place| !self.rests(*place)).map(|place| {
            let till = &self.tills[place];
            let old: Vec<_> = till
                .old
                .iter()
                .filter(|chain| !chain.is_told())
                .map(|chain| (&chain.sync, chain.head()))
                .collect();
            format!(
                "{:?} {:?} ask {:?} head {:?} old {old:?}",
                till.till,
                till.chain.sync,
                till.ask.is_some(),
                till.chain.head()
            )
        });
        Err(format!("I12: the tills do not come to rest at {cursor:?}: {:?}", restless.collect::<Vec<_>>()))
    }

    fn rests(&self, place: usize) -> bool {
        let till = &self.tills[place];
        let pulled = till.chain.sync.cursor.as_ref() == Some(&self.server.cursor());
        let told = till.chains().all(super::till::Chain::is_told);
        told && pulled && till.ask.is_none() && till.pushing.is_none() && till.chain.sync.fence.is_none()
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn send(&mut self, till: usize, message: &Message) {
        let copies = if self.quiet || !self.rng.chance(10) { 1 } else { 2 };
        for _ in 0..copies {
            if !self.quiet && (!self.tills[till].line || self.rng.chance(8)) {
                continue;
            }
            let delay = match self.rng.below(10) {
                _ if self.quiet => 0,
                0..7 => self.rng.below(1_000),
                _ => self.rng.below(1_500_000),
            };
            let boot = self.tills[till].boot;
            self.net.push(Sent { due: self.now.after(delay), till, boot, message: message.clone() });
        }
    }
}

//! The one path by which anything is written.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use shared::account::AccountId;
use shared::api::transaction::Transaction;
use shared::decide::{Command, Deed, Draft, Grounds, decide, when};
use shared::entry::reward::vouchers_of;
use shared::entry::{Actor, EntryKind, Idem, Intent, SaleRef};
use shared::ids::Dot;
use shared::refusal::{Problem, Refusal};
use shared::request::Asked;
use shared::time::Millis;
use shared::view::{Facts, KnownSale, Place};
use shared::voucher::Voucher;

use super::facts::Loader;
use super::repeat::{Keying, Seen};
use super::{App, Error, sessions, show};
use crate::store::{Decided, View, Written};

/// What is to be written.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// What is asked.
    pub(crate) asked: Asked,
    /// Under which key it is known again.
    pub(crate) keying: Keying,
    /// The transaction that it gives back or undoes.
    pub(crate) of: Option<Dot>,
    /// The same as the server knows it, where this till does not.
    pub(crate) remote: Option<KnownSale>,
}

/// What was written, now or the first time.
pub(crate) struct Done {
    pub(crate) written: Written,
    pub(crate) replayed: bool,
    /// The transaction as it is shown, where that was asked for and it was written now.
    pub(crate) shown: Option<Result<Transaction, Error>>,
}

/// A decision: what to append, and on what; or the first coming of a repeat.
enum Verdict {
    Append(Box<Draft>, Box<Facts>),
    Repeat(Dot),
}

/// What of it is answered.
enum Answer {
    /// It was appended, on these facts; then how it is shown.
    Appended(Box<Facts>, Option<Box<Result<Transaction, Error>>>),
    Repeat(Dot),
}

/// Everything that is needed to decide one wish.
struct Case {
    place: Place,
    command: Command,
    of: Option<Dot>,
    remote: Option<KnownSale>,
    clock_untrusted: bool,
    now: Millis,
}

impl App {
    /// Does what is wished, once.
    pub(crate) async fn write(&self, wish: Wish) -> Result<Done, Error> {
        self.write_as(wish, false).await
    }

    /// The same; `shows` whether what is written is shown as a transaction.
    pub(crate) async fn write_as(&self, wish: Wish, shows: bool) -> Result<Done, Error> {
        let now = self.now();
        let view = self.store().read()?;
        let idem = match wish.keying.find(&view, now)? {
            Seen::Never(idem) => idem,
            Seen::As(dot) => return repeat(&view, dot),
        };
        // while the server answers, the clock is the server's
        if self.link().is_online() && !self.clock().is_untrusted() {
            when::check_day(wish.asked.business_date, wish.asked.occurred_at, now)?;
        }
        let mut case = self.case(wish, idem, now);
        let open = self.climb(&view, &mut case.command, now).await?;
        drop(view);
        let done = self.commit(case, shows).await;
        if done.is_err() {
            self.give_up(open).await;
        }
        done
    }

    fn case(&self, wish: Wish, idem: Option<Idem>, now: Millis) -> Case {
        let identity = self.identity();
        let cashier = sessions::signed_in().or(wish.asked.cashier);
        let actor = Actor::Till { outlet: identity.outlet, till: identity.till, cashier };
        Case {
            place: self.place(),
            command: Command {
                actor,
                idem,
                business_date: wish.asked.business_date,
                occurred_at: wish.asked.occurred_at,
                grounds: Grounds::Offline,
                deed: wish.asked.deed,
            },
            of: wish.of,
            remote: wish.remote,
            clock_untrusted: self.clock().is_untrusted(),
            now,
        }
    }

    async fn commit(&self, case: Case, shows: bool) -> Result<Done, Error> {
        let now = case.now;
        let decide = move |view: &View| {
            Ok(match case.decide(view) {
                Ok(Verdict::Append(draft, facts)) => {
                    Decided::Append(*draft, Ok(Answer::Appended(facts, None)))
                }
                Ok(Verdict::Repeat(dot)) => Decided::Answer(Ok(Answer::Repeat(dot))),
                Err(error) => Decided::Answer(Err(error)),
            })
        };
        let show = move |view: &View, written: &Written, answer: &mut Result<Answer, Error>| {
            if let (true, Ok(Answer::Appended(facts, shown))) = (shows, answer) {
                *shown = Some(Box::new(show::shown(view, (written, Some(facts)), now)));
            }
        };
        let committed = self.store().commit_prepared(decide, show).await?;
        match (committed.answer?, committed.written) {
            (Answer::Appended(_, shown), Some(written)) => {
                self.0.written.notify_one();
                Ok(Done { written, replayed: false, shown: shown.map(|shown| *shown) })
            }
            (Answer::Repeat(dot), _) => repeat(&self.store().read()?, dot),
            (Answer::Appended(..), None) => Err(Error::Broken("the store appended nothing".to_owned())),
        }
    }

    /// Writes a deed of the till's own, which nobody repeats.
    pub(super) async fn note(&self, deed: Deed) -> Result<Written, Error> {
        self.note_by(deed, None).await
    }

    /// The same, by somebody.
    pub(super) async fn note_by(&self, deed: Deed, cashier: Option<String>) -> Result<Written, Error> {
        let identity = self.identity();
        let case = Case {
            place: self.place(),
            command: Command {
                actor: Actor::Till { outlet: identity.outlet, till: identity.till, cashier },
                idem: None,
                business_date: None,
                occurred_at: None,
                grounds: Grounds::Offline,
                deed,
            },
            of: None,
            remote: None,
            clock_untrusted: false,
            now: self.now(),
        };
        Ok(self.commit(case, false).await?.written)
    }

    /// Gives up what was set aside for a command that came to nothing. What cannot be written now is released when the
    /// store is opened again.
    async fn give_up(&self, open: Vec<Intent>) {
        for intent in open {
            if let Err(error) = self.note(Deed::Release(intent)).await {
                tracing::warn!(%error, "a hold could not be given up");
            }
        }
    }
}

/// The answer to a repeat: the first one's entry.
fn repeat(view: &View, dot: Dot) -> Result<Done, Error> {
    let missing = || Error::Broken(format!("{dot} is known by its key only"));
    Ok(Done { written: view.entry(dot)?.ok_or_else(missing)?, replayed: true, shown: None })
}

impl Case {
    /// Decides on a view that holds all that was decided before, in this group too.
    fn decide(mut self, view: &View) -> Result<Verdict, Error> {
        if let Some(idem) = self.command.idem
            && let Seen::As(dot) = Keying::Fixed(idem).find(view, self.now)?
        {
            return Ok(Verdict::Repeat(dot));
        }
        let catalog = view.catalog();
        self.prepare(view)?;
        let loader = Loader { view, catalog: &catalog, now: self.now };
        let mut facts = loader.facts(self.place, &self.command, self.of, self.clock_untrusted)?;
        if let (None, Some(remote)) = (&facts.sale, &mut self.remote) {
            // what was given back here already, and the server may not have been told yet
            let here = view.returned(remote.entry.dot)?;
            give_back(remote, here.lines, here.voided);
        }
        facts.sale = both(facts.sale.take(), self.remote.take());
        let vouchers = facts.sale.iter().flat_map(|sale| vouchers_of(&sale.entry.kind));
        let vouchers: Vec<AccountId> = vouchers.map(Voucher::account).collect();
        for account in vouchers {
            facts.accounts.insert(account, view.account(account)?);
        }
        let draft = decide(&facts, &catalog, &self.command, self.now)?;
        Ok(Verdict::Append(Box::new(draft), Box::new(facts)))
    }

    /// Fills in what only the latest view can tell: whether the sale that a return names is known after all, and the
    /// next free member numbers.
    fn prepare(&mut self, view: &View) -> Result<(), Error> {
        if let Deed::BlindRefund(returning, of) = &self.command.deed {
            self.of = self.of.or(sale_of(view, of)?);
            if self.of.is_some() || self.remote.is_some() {
                self.command.deed = Deed::Refund(returning.clone());
            }
        }
        if let Deed::Enrol(enrolling) = &mut self.command.deed {
            let catalog = view.catalog();
            for membership in enrolling.memberships.iter_mut().filter(|it| it.number.is_empty()) {
                let Some(program) = catalog.program(membership.program.as_str()) else { continue };
                membership.number = view.next_number(program.id)?.ok_or_else(no_numbers)?;
            }
        }
        Ok(())
    }
}

/// A transaction as this till and the server know it together. What either has seen given back is given back; the server
/// does not have what this till has not told yet, and this till not what others did.
fn both(here: Option<KnownSale>, there: Option<KnownSale>) -> Option<KnownSale> {
    let (Some(mut sale), Some(there)) = (here.clone(), there.clone()) else { return here.or(there) };
    give_back(&mut sale, there.returned, there.voided);
    if sale.attributed.is_empty() {
        (sale.attributed, sale.attributed_to) = (there.attributed, there.attributed_to);
    }
    Some(sale)
}

/// Adds what another has seen given back of a transaction.
fn give_back(sale: &mut KnownSale, lines: BTreeMap<u16, Decimal>, voided: bool) {
    for (line, quantity) in lines {
        let known = sale.returned.entry(line).or_default();
        *known = quantity.max(*known);
    }
    sale.voided |= voided;
}

fn no_numbers() -> Refusal {
    let detail =
        "This till has no member numbers left for this program; it gets new ones once there is a line.";
    Refusal::new(Problem::OnlineOnly, detail)
}

/// The sale that a receipt names, where this till knows it: the newest, where a number was used again.
pub(super) fn sale_of(view: &View, of: &SaleRef) -> Result<Option<Dot>, Error> {
    if of.dot.is_some() {
        return Ok(of.dot);
    }
    for dot in view.by_receipt(of.outlet, &of.receipt)? {
        let Some(written) = view.entry(dot)? else { continue };
        let dated = of.business_date.is_none_or(|date| date == written.entry.business_date);
        if dated && matches!(written.entry.kind, EntryKind::Sale(_)) {
            return Ok(Some(dot));
        }
    }
    Ok(None)
}

/// What a redemption under grounds of the server's may draw.
pub(super) fn grounds(held: &[Intent]) -> Grounds {
    Grounds::Held(held.iter().map(|intent| (intent.account, intent.points)).collect())
}

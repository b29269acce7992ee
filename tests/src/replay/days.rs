//! The year, day by day and receipt by receipt.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{NaiveDate, NaiveDateTime};
use shared::api::transaction::Transaction;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::baskets::{BLOCK, Basket, Baskets, card};
use super::dial::Dial;
use super::fleet::Shops;
use super::plan::Plan;
use super::shop::{Answer, Shop};
use super::{AllSold, Options, Sold, Told};
use crate::harness::office::Office;

/// Tills that work at the same time.
const AT_ONCE: usize = 24;
/// How long the last rounds may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long it takes a till to hear what the server asks of it.
const HEARD: Duration = Duration::from_millis(60);

/// Everything that takes part.
pub struct World {
    baskets: Arc<Baskets>,
    plan: Plan,
    office: Mutex<Office>,
    shops: Shops,
    sold: Mutex<AllSold>,
    counts: Mutex<BTreeMap<&'static str, u64>>,
    done: AtomicUsize,
    hands: Semaphore,
    /// Every so many days every till pulls.
    pull_days: usize,
    dial: Dial,
    asked: AtomicU64,
    refused: Mutex<BTreeMap<String, u64>>,
    /// The stores where a household was served with a line.
    visited: Mutex<BTreeMap<u32, BTreeSet<u32>>>,
    /// The places of each store's receipts.
    by_store: BTreeMap<u32, Vec<usize>>,
    /// When the line of a store that sold without one is back, and to whom it had sold.
    backs: BTreeMap<(NaiveDateTime, u32), BTreeSet<u32>>,
}

fn morning(day: NaiveDate) -> NaiveDateTime {
    day.and_time(chrono::NaiveTime::MIN)
}

impl World {
    /// Puts it together.
    #[must_use]
    pub fn new(
        baskets: Arc<Baskets>,
        plan: Plan,
        (office, shops): (Office, Shops),
        options: &Options,
    ) -> Self {
        let mut by_store: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        let mut backs: BTreeMap<(NaiveDateTime, u32), BTreeSet<u32>> = BTreeMap::new();
        for (place, basket) in baskets.all.iter().enumerate() {
            by_store.entry(basket.store).or_default().push(place);
            if plan.is_out(basket.store, basket.at) {
                let back = plan.back_at(basket.store, basket.at);
                backs.entry((back, basket.store)).or_default().insert(basket.household);
            }
        }
        Self {
            pull_days: options.pull_days.max(1),
            dial: options.dial,
            asked: AtomicU64::new(0),
            refused: Mutex::default(),
            visited: Mutex::default(),
            by_store,
            backs,
            baskets,
            plan,
            office: Mutex::new(office),
            shops,
            sold: Mutex::default(),
            counts: Mutex::default(),
            done: AtomicUsize::new(0),
            hands: Semaphore::new(AT_ONCE),
        }
    }

    /// What was acknowledged.
    ///
    /// # Errors
    /// Never, unless somebody panicked.
    pub fn sold(&self) -> Result<AllSold, String> {
        self.sold.lock().map(|sold| sold.clone()).map_err(|error| error.to_string())
    }

    /// Head office and the tills, when all is done.
    ///
    /// # Errors
    /// Somebody panicked.
    pub fn into_parts(self) -> Result<(Office, Shops), String> {
        Ok((self.office.into_inner().map_err(|error| error.to_string())?, self.shops))
    }

    /// Whether a till's next receipt comes with the line down, and before another morning with the line up.
    fn sells_from_morning(&self, store: u32, day: NaiveDate) -> bool {
        let places = self.by_store.get(&store).map_or(&[][..], Vec::as_slice);
        let later = |place: &usize| self.baskets.all.get(*place).is_none_or(|basket| basket.at.date() < day);
        let next = places.get(places.partition_point(later)).and_then(|place| self.baskets.all.get(*place));
        let Some(next) = next.filter(|next| self.plan.is_out(store, next.at)) else { return false };
        let mut mornings = day.iter_days().skip(1).take_while(|day| *day <= next.at.date());
        mornings.all(|day| self.plan.is_out(store, morning(day)))
    }

    fn count(&self, what: &'static str) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
    }

    fn visit(&self, basket: &Basket) {
        let mut visited = self.visited.lock().unwrap_or_else(PoisonError::into_inner);
        visited.entry(basket.household).or_default().insert(basket.store);
    }

    /// The stores where a household was served with a line.
    fn visited_by(&self, household: u32) -> BTreeSet<u32> {
        let visited = self.visited.lock().unwrap_or_else(PoisonError::into_inner);
        visited.get(&household).cloned().unwrap_or_default()
    }

    fn refuse(&self, code: &str) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner).entry(code.to_owned()).or_default() += 1;
    }

    /// How many redemptions were asked for, and why some were refused.
    pub fn asked(&self) -> (u64, BTreeMap<String, u64>) {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (self.asked.load(Ordering::Relaxed), refused)
    }

    /// Tells what was counted on the way.
    pub fn tally(&self, told: &mut Told) {
        for (what, count) in &*self.counts.lock().unwrap_or_else(PoisonError::into_inner) {
            told.figure(&format!("{what}: {count}"));
        }
    }
}

/// Plays all days.
///
/// # Errors
/// A till does something that no till may do.
pub async fn play(world: &Arc<World>, told: &mut Told) -> Result<(), String> {
    for (number, (day, range)) in world.baskets.days().into_iter().enumerate() {
        open_day(world, day, number % world.pull_days == 0).await?;
        work(world, day, range).await?;
        if number % 28 == 27 {
            let done = world.done.load(Ordering::Relaxed);
            told.figure(&format!("{day}: {done} baskets are done"));
        }
    }
    Ok(())
}

/// In the morning tills with a line pull: on some days all of them, so that the watermark moves; on the others those
/// that will sell from what they have then. What else a till pulled in the morning it would pull again before it sells.
async fn open_day(world: &Arc<World>, day: NaiveDate, everybody: bool) -> Result<(), String> {
    let mut tasks = JoinSet::new();
    for store in world.shops.all.keys().copied() {
        if world.plan.is_out(store, morning(day)) || !(everybody || world.sells_from_morning(store, day)) {
            continue;
        }
        let world = Arc::clone(world);
        tasks.spawn(async move {
            let _hand = world.hands.acquire().await.map_err(|error| error.to_string())?;
            meet(&world, store).await
        });
    }
    all(tasks).await
}

/// What happens at a store.
enum Turn {
    /// A receipt, by its place.
    Basket(usize),
    /// The line is back, and the till tells what it sold meanwhile.
    Back,
}

/// A store's day, in order: what happens, what must be done before, and who waits for it.
type Turns = Vec<(Turn, Vec<watch::Receiver<bool>>, watch::Sender<bool>)>;

/// A day's turns by store, chained so that each household's happen in the order of time.
fn turns(world: &World, day: NaiveDate, range: Range<usize>) -> BTreeMap<u32, Turns> {
    let mut stores: BTreeMap<u32, Turns> = BTreeMap::new();
    let mut before: BTreeMap<u32, Vec<watch::Receiver<bool>>> = BTreeMap::new();
    let tonight = day.succ_opt().map_or(NaiveDateTime::MAX, morning);
    let mut backs = world.backs.range((morning(day), 0)..(tonight, 0)).peekable();
    let mut tell_back = |stores: &mut BTreeMap<u32, Turns>, before: &mut BTreeMap<u32, Vec<_>>, until| {
        while let Some(((_, store), households)) = backs.next_if(|((at, _), _)| *at <= until) {
            let (tell, hear) = watch::channel(false);
            stores.entry(*store).or_default().push((Turn::Back, Vec::new(), tell));
            for household in households {
                before.entry(*household).or_default().push(hear.clone());
            }
        }
    };
    for place in range {
        let Some(basket) = world.baskets.all.get(place) else { continue };
        tell_back(&mut stores, &mut before, basket.at);
        let (tell, hear) = watch::channel(false);
        let waits = before.insert(basket.household, vec![hear]).unwrap_or_default();
        stores.entry(basket.store).or_default().push((Turn::Basket(place), waits, tell));
    }
    tell_back(&mut stores, &mut before, tonight);
    stores
}

/// A day: each store by itself, a household's turns in their order.
async fn work(world: &Arc<World>, day: NaiveDate, range: Range<usize>) -> Result<(), String> {
    let mut tasks = JoinSet::new();
    for (store, turns) in turns(world, day, range) {
        let world = Arc::clone(world);
        tasks.spawn(async move {
            for (turn, before, tell) in turns {
                for mut before in before {
                    // one that is gone is done, or has failed and ends it all
                    let _ = before.wait_for(|done| *done).await;
                }
                let _hand = world.hands.acquire().await.map_err(|error| error.to_string())?;
                match turn {
                    Turn::Basket(place) => {
                        serve(&world, place).await.map_err(|why| format!("basket {place}: {why}"))?;
                    }
                    Turn::Back => meet(&world, store).await?,
                }
                // nobody may wait for it
                let _ = tell.send(true);
            }
            Ok(())
        });
    }
    all(tasks).await
}

/// A till with a line pushes and pulls.
async fn meet(world: &World, store: u32) -> Result<(), String> {
    let Some(shop) = world.shops.all.get(&store) else { return Err("no such store".into()) };
    let mut shop = shop.lock().await;
    shop.connect(true).await?;
    if shop.round().await.is_err() {
        world.count("rounds that found no server although the line was up");
    }
    shop.rest().await
}

async fn all(mut tasks: JoinSet<Result<(), String>>) -> Result<(), String> {
    while let Some(done) = tasks.join_next().await {
        done.map_err(|error| error.to_string())??;
    }
    Ok(())
}

/// One receipt at its till.
async fn serve(world: &Arc<World>, place: usize) -> Result<(), String> {
    let Some(basket) = world.baskets.all.get(place) else { return Ok(()) };
    let Some(shop) = world.shops.all.get(&basket.store) else { return Err("no such store".into()) };
    let mut shop = shop.lock().await;
    let up = !world.plan.is_out(basket.store, basket.at);
    shop.connect(up).await?;
    world.count(if up { "baskets with the line up" } else { "baskets with the line down" });
    if up && shop.round().await.is_err() {
        world.count("rounds that found no server although the line was up");
    }
    let looks = basket.may_redeem() || world.dial.reserves();
    let (balance, spendable) = if looks { shop.shows(&card(basket.household)).await? } else { (0, 0) };
    // what is reserved elsewhere is the member's too, and asked for
    let has = if world.dial.reserves() { balance } else { spendable };
    let redeems = basket.may_redeem() && has >= BLOCK;
    world.asked.fetch_add(u64::from(redeems), Ordering::Relaxed);
    let selling = sell(world, &shop, basket, place, redeems);
    let transaction = if redeems && up && spendable < BLOCK {
        tokio::join!(selling, give_back(world, basket)).0?
    } else {
        selling.await?
    };
    // where points are reserved with a pull too, as the scan asked for a right
    let pulls = world.dial.reserves();
    let untold = up && if pulls { shop.round().await.is_err() } else { shop.tell().await.is_err() };
    if untold {
        world.count("pushes that found no server although the line was up");
    }
    shop.rest().await?;
    drop(shop);
    if up && world.dial.reserves() {
        world.visit(basket);
    }
    world.sold.lock().unwrap_or_else(PoisonError::into_inner).insert(place, sold(&transaction)?);
    let done = world.done.fetch_add(1, Ordering::Relaxed) + 1;
    if world.plan.server_kills.contains(&done) {
        kill_server(world).await?;
    }
    Ok(())
}

/// While the server waits for what it asked other tills for, those with a line where the household was served hear of it. A
/// till that runs waits at the server and hears it at once; here each of them is told by hand, unless it is busy.
async fn give_back(world: &World, basket: &Basket) {
    world.count("times that tills were asked for what was reserved for them");
    for _ in 0..2 {
        tokio::time::sleep(HEARD).await;
        for store in world.visited_by(basket.household) {
            let shop = world.shops.all.get(&store).filter(|_| !world.plan.is_out(store, basket.at));
            // waiting for it could be waiting for somebody who waits for this one
            if let Some(mut shop) = shop.and_then(|shop| shop.try_lock().ok()) {
                let met = async {
                    shop.connect(true).await?;
                    shop.round().await?;
                    shop.rest().await
                };
                if met.await.is_err() {
                    world.count("rounds that found no server although the line was up");
                }
            }
        }
    }
}

/// Sends a sale until it is answered, and every tenth once more; where its redemption is refused, without it.
async fn sell(
    world: &World,
    shop: &Shop,
    basket: &Basket,
    place: usize,
    redeems: bool,
) -> Result<Transaction, String> {
    let sale = world.baskets.sale(basket, redeems);
    let mut before = None;
    if world.plan.kills.contains(&place) {
        before = shop.sell_and_kill(&sale, world.plan.kill_after_us(place)).await?;
        let word =
            if before.is_some() { "tills killed, sale answered" } else { "tills killed, sale unanswered" };
        world.count(word);
    }
    let mut answer = shop.sell(&sale).await?;
    if let (true, Answer::Refused(code)) = (redeems, &answer) {
        if !world.dial.may_refuse(code) {
            return Err(format!("a redemption is refused as {code}"));
        }
        world.refuse(code);
        world.count("redemptions that were refused; sold without");
        let plain = world.baskets.sale(basket, false);
        answer = shop.sell(&plain).await?;
    } else if Plan::is_sent_twice(place) {
        world.count("requests sent twice");
        before = Some(std::mem::replace(&mut answer, shop.sell(&sale).await?));
    }
    let (transaction, replayed) = match answer {
        Answer::Sold { transaction, replayed } => (*transaction, replayed),
        Answer::Refused(code) => return Err(format!("the sale is refused as {code}")),
    };
    match before {
        Some(Answer::Sold { transaction: first, .. }) if first.id != transaction.id => {
            Err(format!("it was answered as {} and then as {}", first.id, transaction.id))
        }
        Some(Answer::Sold { .. }) if !replayed => Err("a repeat does not say that it is one".into()),
        _ => Ok(transaction),
    }
}

fn sold(transaction: &Transaction) -> Result<Sold, String> {
    let number = |text: &str| text.parse::<i64>().map_err(|_| format!("`{text}` is no number of points"));
    let (mut earned, mut redeemed) = (0, 0);
    for it in &transaction.earned {
        earned += number(&it.points)?;
    }
    for it in &transaction.redeemed {
        redeemed += number(&it.points)?;
    }
    let authority = transaction.redeemed.first().and_then(|it| it.authority.clone());
    Ok(Sold { id: transaction.id.clone(), earned, redeemed, authority })
}

/// Kills the server while tills are at work, and starts it again.
async fn kill_server(world: &Arc<World>) -> Result<(), String> {
    let own = Arc::clone(world);
    let restart = move || {
        let begun = Instant::now();
        let mut office = own.office.lock().unwrap_or_else(PoisonError::into_inner);
        office.kill();
        office.start();
        begun.elapsed()
    };
    let took = tokio::task::spawn_blocking(restart).await.map_err(|error| error.to_string())?;
    world.count("times the server was killed and came back");
    if took > PATIENCE {
        return Err(format!("the server took {} s to come back", took.as_secs()));
    }
    Ok(())
}

/// All lines are up; all tills push until everything is acknowledged, and say once more that it is, so that the
/// watermark passes all of it; then the server settles.
///
/// # Errors
/// A till is not heard, or something stays unsettled.
pub async fn quieten(world: &Arc<World>, told: &mut Told) -> Result<(), String> {
    for _ in 0..2 {
        let mut tasks = JoinSet::new();
        for shop in world.shops.all.values() {
            let (world, shop) = (Arc::clone(world), Arc::clone(shop));
            tasks.spawn(async move {
                let _hand = world.hands.acquire().await.map_err(|error| error.to_string())?;
                empty(&mut *shop.lock().await).await
            });
        }
        all(tasks).await?;
    }
    let own = Arc::clone(world);
    let settling = move || {
        let office = own.office.lock().unwrap_or_else(PoisonError::into_inner);
        office.liability_when_settled()
    };
    let report = tokio::task::spawn_blocking(settling).await.map_err(|error| error.to_string())?;
    told.check(
        report["points"] == report["ledger"] && report["suspense"] == "0",
        &format!(
            "the liability report: accounts {}, ledger {}, suspense {}",
            report["points"], report["ledger"], report["suspense"]
        ),
    );
    Ok(())
}

async fn empty(shop: &mut Shop) -> Result<(), String> {
    let begun = Instant::now();
    shop.connect(true).await?;
    loop {
        let done = shop.round().await;
        let pending = shop.pending().await?;
        if done.is_ok() && pending == 0 {
            return shop.rest().await;
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!("a till has {pending} entries that the server does not take: {done:?}"));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

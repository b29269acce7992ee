//! The simulator: many tills and a server under one seed.
//!
//! The server is the core over books in memory, the tills write entries and speak the real sync state machine; between
//! them messages are lost, doubled and reordered, lines go down, disks are restored from old images and copied, the
//! server is restored from a backup, entries park and post later. At every step and at quiet the invariants are checked
//! ([`check`]); then the journals are replayed in other orders with the recorded inputs ([`replay`]) and must give the
//! same books. A failure names its seed, and the seed gives the failure again.

#![expect(clippy::missing_panics_doc, reason = "what a run is made of is whole, or the run ends there")]

pub mod caps;
pub mod check;
pub mod laws;
pub mod replay;
pub mod rights;
pub mod rng;
pub mod scene;
pub mod server;
pub mod till;
pub mod world;

use rng::Rng;

/// How a run is set up.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Buckets of the server.
    pub buckets: u16,
    /// Steps before everything becomes quiet.
    pub steps: u32,
    /// Whether disks are restored and copied, and the server restored.
    pub chaos: bool,
    /// How many other orders are replayed.
    pub replays: u32,
    /// Whether goods come back with no receipt, and such returns are undone.
    pub unlinked: bool,
}

impl Setup {
    /// The usual run.
    #[must_use]
    pub fn usual(buckets: u16) -> Self {
        Self { buckets, steps: 220, chaos: true, replays: 2, unlinked: false }
    }
}

/// What a run came across.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Entries at the server in the end.
    pub entries: u64,
    /// Cuts.
    pub cuts: u64,
    /// Branches.
    pub forks: u64,
    /// Overdrafts that were settled.
    pub overdrafts: u64,
    /// Entries that were parked at some time.
    pub parked: u64,
    /// Reversals.
    pub reversals: u64,
    /// Redemptions that the server held points for.
    pub online: u64,
    /// Times that a till bootstrapped again.
    pub bootstraps: u64,
    /// Times that the server was restored.
    pub restores: u64,
    /// Duplicates that were closed.
    pub duplicates: u64,
    /// Rights granted or topped up.
    pub granted: u64,
    /// Redemptions that stood on a right.
    pub reserved: u64,
    /// Rights given back by their holders.
    pub returned: u64,
    /// Rights reclaimed.
    pub reclaimed: u64,
    /// Redemptions that came too late.
    pub late: u64,
    /// Shares in holds that the server ended in a till's place.
    pub lost_shares: u64,
    /// Returns with no receipt that were undone.
    pub undone: u64,
}

impl Tally {
    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        self.entries += other.entries;
        self.cuts += other.cuts;
        self.forks += other.forks;
        self.overdrafts += other.overdrafts;
        self.parked += other.parked;
        self.reversals += other.reversals;
        self.online += other.online;
        self.bootstraps += other.bootstraps;
        self.restores += other.restores;
        self.duplicates += other.duplicates;
        self.granted += other.granted;
        self.reserved += other.reserved;
        self.returned += other.returned;
        self.reclaimed += other.reclaimed;
        self.late += other.late;
        self.lost_shares += other.lost_shares;
        self.undone += other.undone;
    }
}

/// Runs one seed.
///
/// # Errors
/// What was found broken, and when.
pub fn run(seed: u64, setup: Setup) -> Result<Tally, String> {
    let named = |text: String| format!("seed {seed} with {} buckets: {text}", setup.buckets);
    let mut world = world::World::new(Rng::new(seed), setup);
    world.play().map_err(named)?;
    let hash = check::state_hash(&world.server.books);
    for order in 0..setup.replays {
        replay::replay(&world.server.books, seed.wrapping_add(u64::from(order)), hash).map_err(named)?;
    }
    Ok(world.tally())
}

//! Opening and closing the stores' tills.

use std::collections::BTreeMap;
use std::sync::Arc;

use edge::sync::transport::Http;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::baskets::Baskets;
use super::days::World;
use super::plan::Plan;
use super::shop::{Apart, Here, Shop};
use super::{Options, Told, centre};
use crate::harness::office::Office;
use crate::harness::scratch::Scratch;
use crate::harness::till::Till;

/// Tills that are enrolled at the same time.
const AT_ONCE: usize = 8;

/// The stores' tills.
#[derive(Default)]
pub struct Shops {
    /// By store.
    pub all: BTreeMap<u32, Arc<Mutex<Shop>>>,
    /// Where those in this process keep their stores.
    folder: Option<Scratch>,
}

impl Shops {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

/// Opens head office and a till in each store.
///
/// # Errors
/// Something of it does not start.
pub async fn open(options: &Options, baskets: &Arc<Baskets>, plan: &Plan) -> Result<(Office, Shops), String> {
    if let Some(dir) = &options.dir {
        Scratch::keep_in(dir);
    }
    let (stores, households) = (baskets.stores(), baskets.households());
    let all: Vec<u32> = stores.keys().copied().collect();
    let (apart, dial) = (plan.apart.clone(), options.dial);
    let opened = tokio::task::spawn_blocking(move || {
        let office = centre::open(all.iter().copied(), &households, dial);
        let (mut codes, mut tills) = (Vec::new(), Vec::new());
        for store in all {
            if apart.contains(&store) {
                tills.push((store, Till::open(&office, &centre::outlet(store), &format!("till-{store}"))));
            } else {
                codes.push((store, office.new_till(&centre::outlet(store), &format!("till-{store}")).1));
            }
        }
        (office, codes, tills)
    });
    let (office, codes, tills) = opened.await.map_err(|error| error.to_string())?;
    let folder = Scratch::new("tills");
    let url = format!("http://127.0.0.1:{}", office.port());
    let mut shops = Shops::default();
    for (store, till) in tills {
        shops.all.insert(store, Arc::new(Mutex::new(Shop::Apart(Apart::new(till)))));
    }
    for (store, here) in enrol(codes, &folder, &url).await? {
        shops.all.insert(store, Arc::new(Mutex::new(Shop::Here(Box::new(here)))));
    }
    shops.folder = Some(folder);
    for shop in shops.all.values() {
        let mut shop = shop.lock().await;
        shop.round().await?;
        shop.rest().await?;
    }
    Ok((office, shops))
}

async fn enrol(codes: Vec<(u32, String)>, folder: &Scratch, url: &str) -> Result<Vec<(u32, Here)>, String> {
    let http = Http::new(url)?;
    let (mut opening, mut opened) = (JoinSet::new(), Vec::new());
    for (store, code) in codes {
        if opening.len() >= AT_ONCE
            && let Some(done) = opening.join_next().await
        {
            opened.push(flat(done)?);
        }
        let (place, url, http) = (folder.path().join(store.to_string()), url.to_owned(), http.clone());
        opening.spawn(async move { Ok((store, Here::open(&place, &url, &code, http).await?)) });
    }
    while let Some(done) = opening.join_next().await {
        opened.push(flat(done)?);
    }
    Ok(opened)
}

/// What a task came to.
fn flat<T>(done: Result<Result<T, String>, tokio::task::JoinError>) -> Result<T, String> {
    done.map_err(|error| error.to_string())?
}

/// Closes all tills; head office goes on.
///
/// # Errors
/// A till cannot be closed.
pub async fn close(world: Arc<World>, told: &mut Told) -> Result<Office, String> {
    let world = Arc::into_inner(world).ok_or("somebody is still at a till")?;
    let (mut office, shops) = world.into_parts()?;
    let mut apart_kib = 0;
    for shop in shops.all.values() {
        apart_kib += shop.lock().await.resident_kib().await;
    }
    let here = own_peak_kib();
    let server = office.daemon().resident_kib();
    let mebibytes = |kib: u64| kib / 1024;
    told.figure(&format!(
        "memory: {} MiB at the most in this process ({} tills, the receipts), {} MiB in {} tills' own, {} MiB in the server's",
        mebibytes(here),
        shops.len().saturating_sub(super::plan::APART),
        mebibytes(apart_kib),
        super::plan::APART.min(shops.len()),
        mebibytes(server),
    ));
    let (mut bytes, mut most) = (0, 0);
    for shop in shops.all.values() {
        let size = size_bytes(&shop.lock().await.folder().await?);
        (bytes, most) = (bytes + size, most.max(size));
    }
    told.figure(&format!(
        "disk: {} MiB in all tills, {} MiB in the largest, {} MiB at the server",
        bytes >> 20,
        most >> 20,
        size_bytes(office.folder()) >> 20
    ));
    for shop in shops.all.into_values() {
        let shop = Arc::into_inner(shop).ok_or("somebody is still at a till")?.into_inner();
        shop.close().await?;
    }
    Ok(office)
}

/// The most memory that this process ever held, in KiB.
fn own_peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// What files take on disk, preallocated or written.
fn size_bytes(folder: &std::path::Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => size_bytes(&entry.path()),
        Ok(data) => data.blocks() * 512,
        Err(_) => 0,
    });
    sizes.sum()
}

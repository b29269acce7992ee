//! The demo: a server and three tills in two outlets on loopback, to play with at once; or, with `--play`, the story of a
//! card that is redeemed at two tills with no line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

mod client;
mod story;
mod world;

use client::Failure;
use world::World;

/// A server and three tills in two outlets on this machine, with a catalog and members.
#[derive(Parser)]
#[command(name = "demo", version)]
struct Args {
    /// Plays the story of a card redeemed twice, checks every figure, and ends
    #[arg(long)]
    play: bool,
    /// How many members to enrol
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    members: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    // fails only where one is installed already, which serves as well
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = std::env::temp_dir().join(format!("tillkeep-demo-{}", uuid::Uuid::now_v7()));
    let ended = run(&args, &dir).await;
    // the directory is the demo's own; one that cannot be removed is left to the system
    let _ = std::fs::remove_dir_all(&dir);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("demo: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args, dir: &PathBuf) -> Result<(), Failure> {
    std::fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let world = World::build(dir, args.members).await?;
    let ended = if args.play { story::play(&world).await } else { stay(&world).await };
    world.stop().await;
    ended
}

/// Says what there is and what to try, and stays until it is interrupted.
async fn stay(world: &World) -> Result<(), Failure> {
    introduce(world);
    tokio::signal::ctrl_c().await.map_err(|error| format!("no signals here: {error}"))
}

#[expect(clippy::print_stdout, reason = "what to try is what this program is for")]
fn introduce(world: &World) {
    println!("Head office  {}   token {}", world.office.url, world.office.token);
    for till in &world.tills {
        println!("{:<18} {}   token {}", till.name, till.client.url, till.client.token);
    }
    println!("\nMembers (card, name, points):");
    for member in world.members.iter().take(5) {
        println!("  {}  {:<16} {:>5}", member.card, member.name, member.points);
    }
    let (Some(first), Some(member)) = (world.tills.first(), world.members.first()) else { return };
    let (url, token, card) = (&first.client.url, &first.client.token, &member.card);
    println!(
        r#"
Try, in another terminal:

  # scan a card at {name}
  curl -s {url}/api/cards/{card} -H 'Authorization: Bearer {token}'

  # cut its line on purpose, and sell all the same, with 500 points
  curl -s {url}/api/network -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{{"mode":"offline"}}'
  curl -s {url}/api/transactions -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \
    -d '{{"receipt":"R-1","currency":"MYR","card":"{card}","lines":[{{"sku":"8801","quantity":"2","unit_price":"10.00"}}],"redeem":[{{"currency":"PTS","points":"500"}}]}}'

  # what waits there; then let it tell the server, and look at head office's ledger
  curl -s {url}/api/queue -H 'Authorization: Bearer {token}'
  curl -s {url}/api/network -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{{"mode":"auto"}}'
  curl -s -X POST {url}/api/sync -H 'Authorization: Bearer {token}'
  curl -s {office}/api/ledger -H 'Authorization: Bearer {office_token}'

Ctrl C ends everything. `--play` plays the story of a card redeemed twice."#,
        name = first.name,
        office = world.office.url,
        office_token = world.office.token,
    );
}

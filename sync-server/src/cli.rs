//! The command line: `run`, and the commands that work whether a daemon runs or not.

use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use shared::api::office::NewToken;

use crate::app::App;
use crate::http::tls::Files;
use crate::local::{self, Command, socket};
use crate::{Options, Server};

mod config;
mod simulate;
mod terminal;

use terminal::Terminal;

/// Exit status of a command that failed.
const FAILED: u8 = 1;
/// Exit status of wrong usage.
const WRONG_USAGE: u8 = 2;

/// Tillkeep's centre: takes every till's journal in, settles it, and keeps head office's books.
#[derive(Debug, Parser)]
#[command(name = "tillkeep-server", version, about)]
struct Cli {
    /// A TOML file of settings: `data_dir`, `listen`, `tls_cert`, `tls_key`, `head_timeout_ms`, `smtp_url`, `database_url`. Flags and TILLKEEP_… go before it.
    #[arg(long, global = true, env = "TILLKEEP_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Answer with JSON, for programs.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    home: Home,
    #[command(subcommand)]
    verb: Verb,
}

/// Where the store is.
#[derive(Debug, Args)]
struct Home {
    /// The directory of the embedded store.
    #[arg(long, global = true, env = "TILLKEEP_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A PostgreSQL database instead of a directory; not there yet.
    #[arg(long, global = true, env = "TILLKEEP_DATABASE_URL", value_name = "URL")]
    database_url: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Runs the daemon; prints its URL when it is ready.
    Run {
        /// The address to listen on [default: 127.0.0.1:7400]; port 0 takes a free one.
        #[arg(long, env = "TILLKEEP_LISTEN", value_name = "ADDR")]
        listen: Option<SocketAddr>,
        /// A certificate chain in PEM, the server's own first: serves TLS with it. Needs --tls-key.
        #[arg(long, env = "TILLKEEP_TLS_CERT", value_name = "FILE")]
        tls_cert: Option<PathBuf>,
        /// The certificate's private key in PEM.
        #[arg(long, env = "TILLKEEP_TLS_KEY", value_name = "FILE")]
        tls_key: Option<PathBuf>,
        /// How long a connection may take over a request's head before it is closed, in ms [default: 60000]
        #[arg(long, env = "TILLKEEP_HEAD_TIMEOUT_MS", value_name = "MS")]
        head_timeout_ms: Option<u64>,
        /// The mail server that notifications go to, such as smtps://name:password@mail.example.com or
        /// smtp://mail.example.com:587?tls=required; without one, e-mail waits.
        #[arg(long, env = "TILLKEEP_SMTP_URL", value_name = "URL", hide_env_values = true)]
        smtp_url: Option<String>,
    },
    /// Tokens.
    #[command(subcommand)]
    Token(TokenVerb),
    /// Re-walks every chain, control total and seal; 0 only if all hold.
    Verify,
    /// Takes members or a catalog in from a file.
    #[command(subcommand)]
    Import(ImportVerb),
    /// Writes the books out.
    #[command(subcommand)]
    Export(ExportVerb),
    /// Copies the whole store into one file, while the server runs too. The file has the server's keys in it.
    Backup {
        /// The file; it must not be there yet.
        to: PathBuf,
    },
    /// Puts a backup into the data directory of a server that is stopped, once it is verified. Tills notice: they fetch
    /// their members again, and push what was sold since the backup.
    Restore {
        /// The file that `backup` wrote.
        from: PathBuf,
        /// Put it in the place of a store that is there.
        #[arg(long)]
        replace: bool,
    },
    /// Tries the settings of the dial on a chain's own receipts; needs no store.
    Simulate(simulate::Simulate),
}

#[derive(Debug, Subcommand)]
enum TokenVerb {
    /// Makes a token and prints it, once.
    Create {
        /// `pos`, `office`, `admin`, `reader` or `member`.
        #[arg(long, value_parser = ["pos", "office", "admin", "reader", "member"])]
        role: String,
        /// A name, for the audit.
        #[arg(long)]
        name: String,
        /// The outlet's code; a `pos` token needs one.
        #[arg(long, value_name = "CODE")]
        outlet: Option<String>,
        /// The customer's id; a `member` token needs one.
        #[arg(long, value_name = "ID")]
        customer: Option<String>,
        /// Minutes until it expires; left out, never (a `member` token: 60).
        #[arg(long)]
        minutes: Option<u64>,
    },
}

#[derive(Debug, Subcommand)]
enum ImportVerb {
    /// CSV with the header external_id,name,phone,email,birth_date,program,member_number,card,currency,balance,enrolled_on.
    /// Bad rows are named with line and reason; the good ones are in. Safe to run again.
    Members {
        /// The file.
        file: PathBuf,
    },
    /// A catalog document in JSON or TOML, checked as a whole.
    Catalog {
        /// The file.
        file: PathBuf,
        /// Only tell what it would change.
        #[arg(long)]
        diff: bool,
    },
}

#[derive(Debug, Subcommand)]
enum ExportVerb {
    /// The general ledger, a line a leg: CSV, or JSON lines with --json.
    Ledger,
}

/// Runs the command line.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(text) => {
            terminal::complain(&text);
            ExitCode::from(WRONG_USAGE)
        }
    }
}

/// Does what was asked; an error is wrong usage.
fn run(cli: Cli) -> Result<bool, String> {
    if let Verb::Simulate(asked) = &cli.verb {
        return simulate::run(asked, cli.json);
    }
    let settings = config::read(cli.config.as_deref())?;
    if cli.home.database_url.or(settings.database_url).is_some() {
        return Err("--database-url: PostgreSQL is not there yet; use --data-dir".to_owned());
    }
    let directory = cli.home.data_dir.or(settings.data_dir);
    let directory = directory
        .ok_or("--data-dir DIR says where the store is (or TILLKEEP_DATA_DIR, or the config file)")?;
    let mut terminal = Terminal::new(cli.json);
    match cli.verb {
        Verb::Simulate(asked) => simulate::run(&asked, cli.json),
        Verb::Run { listen, tls_cert, tls_key, head_timeout_ms, smtp_url } => {
            let listen = listen.or(settings.listen).unwrap_or(config::LISTEN);
            let tls = match (tls_cert.or(settings.tls_cert), tls_key.or(settings.tls_key)) {
                (Some(certificates), Some(key)) => Some(Files { certificates, key }),
                (None, None) => None,
                _ => return Err("--tls-cert and --tls-key go together".to_owned()),
            };
            let smtp_url = smtp_url.or(settings.smtp_url);
            smtp_url.as_deref().map_or(Ok(()), crate::jobs::mail::check)?;
            let head_ms = head_timeout_ms.or(settings.head_timeout_ms).unwrap_or(crate::HEAD_MS);
            let options = Options { listen, tls, head_ms, smtp_url, ..Options::local(directory) };
            Ok(daemon(options))
        }
        Verb::Token(TokenVerb::Create { role, name, outlet, customer, minutes }) => {
            let request = NewToken { name, role, outlet, programs: None, customer_id: customer, minutes };
            terminal.show(|answer| answer["token"].as_str().unwrap_or_default().to_owned());
            Ok(command(&directory, Command::TokenCreate(request), std::io::empty(), &mut terminal))
        }
        Verb::Verify => Ok(command(&directory, Command::Verify, std::io::empty(), &mut terminal)),
        Verb::Import(ImportVerb::Members { file }) => {
            let input = std::fs::File::open(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            if input.metadata().is_ok_and(|data| data.is_dir()) {
                return Err(format!("{}: is a directory; one file is read", file.display()));
            }
            let bytes = input.metadata().map_or(0, |data| data.len());
            Ok(command(&directory, Command::ImportMembers { bytes }, input, &mut terminal))
        }
        Verb::Import(ImportVerb::Catalog { file, diff }) => {
            let text =
                std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            let name = file.display().to_string();
            terminal.show(if diff { changed } else { taken });
            let wanted = Command::ImportCatalog { name, text, diff };
            Ok(command(&directory, wanted, std::io::empty(), &mut terminal))
        }
        Verb::Export(ExportVerb::Ledger) => {
            let wanted = Command::ExportLedger { json: cli.json };
            Ok(command(&directory, wanted, std::io::empty(), &mut terminal))
        }
        Verb::Backup { to } => {
            let to = std::path::absolute(&to).map_err(|error| format!("{}: {error}", to.display()))?;
            terminal.show(|answer| {
                format!("{}: {} bytes", answer["file"].as_str().unwrap_or_default(), answer["bytes"])
            });
            Ok(command(&directory, Command::Backup { to }, std::io::empty(), &mut terminal))
        }
        Verb::Restore { from, replace } => Ok(restore(&from, &directory, replace, &mut terminal)),
    }
}

/// The catalog version that was made.
fn taken(answer: &serde_json::Value) -> String {
    format!("catalog version {}", answer["version"])
}

/// A change that a catalog would make, in words.
fn changed(answer: &serde_json::Value) -> String {
    let text = |field: &str| answer[field].as_str().unwrap_or_default().to_owned();
    format!("{} {} {}", text("change"), text("list"), text("code")).trim().to_owned()
}

/// Runs a command by the daemon that has the store, or on the store itself.
fn command(directory: &Path, wanted: Command, input: impl Read + Send, terminal: &mut Terminal) -> bool {
    let mut input = input;
    match socket::ask(directory, &wanted, &mut input, terminal) {
        Some(Ok(done)) => return done,
        Some(Err(error)) => {
            terminal::complain(&error.to_string());
            return false;
        }
        None => {}
    }
    // a directory that is there may become a server's; one that is not there is more likely misspelt
    let founds = wanted.may_found() && directory.is_dir();
    if !founds && !App::is_in(directory) {
        terminal::complain(&format!(
            "there is no server in {}: `tillkeep-server run --data-dir` makes one; is the path right?",
            directory.display()
        ));
        return false;
    }
    match App::open(directory) {
        Ok(app) => {
            let done = local::run(&app, wanted, &mut input, terminal);
            app.close();
            done
        }
        Err(error) => {
            terminal::complain(&error.to_string());
            false
        }
    }
}

/// Puts a backup back; no daemon may have the directory.
fn restore(from: &Path, directory: &Path, replace: bool, terminal: &mut Terminal) -> bool {
    match crate::app::backup::restore(from, directory, replace, terminal) {
        Ok(done) => done,
        Err(error) => {
            terminal::complain(&error.to_string());
            false
        }
    }
}

fn daemon(options: Options) -> bool {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::INFO).init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal::complain(&error.to_string());
            return false;
        }
    };
    runtime.block_on(async {
        match Server::start(options).await {
            Ok(running) => {
                terminal::say(&running.url);
                told_to_stop().await;
                running.stop().await;
                true
            }
            Err(error) => {
                terminal::complain(&error.to_string());
                false
            }
        }
    })
}

/// Waits for SIGTERM or SIGINT.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminate {
            Some(signal) => signal.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}

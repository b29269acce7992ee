//! The command line: `tillkeep-edge enrol`, `run`, `token create`, `status`, `queue`, `verify`, `salvage`, `backup`,
//! `export-queue`. Data go to stdout, messages to stderr; exit status 0 is done, 1 failed, 2 wrong usage.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

mod config;
mod counter;
mod desk;
mod enrol;
mod run;
pub mod socket;

use config::Config;

/// The till's daemon: it keeps what the till knows, decides at the till, and reconciles with head office.
#[derive(Parser, Debug)]
#[command(name = "tillkeep-edge", version, about, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Args, Debug)]
struct Common {
    /// A TOML file with any of these settings; flags and environment variables come first
    #[arg(long, env = "TILLKEEP_CONFIG", global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the till keeps everything
    #[arg(long, env = "TILLKEEP_DATA_DIR", global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Answers as JSON, for programs
    #[arg(long, global = true)]
    json: bool,
    /// How much is told on stderr [default: info]
    #[arg(long, env = "TILLKEEP_LOG", global = true, value_name = "LEVEL")]
    log: Option<Level>,
}

/// How much is logged.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Makes this till's store and keys, enrols it and fetches what it needs; resumes where it was cut off
    Enrol {
        /// The server's URL
        #[arg(long, env = "TILLKEEP_SERVER", value_name = "URL")]
        server: Option<String>,
        /// The one-time code that head office gave
        #[arg(long, env = "TILLKEEP_CODE", value_name = "CODE", hide_env_values = true)]
        code: String,
        /// Who signs the server's certificate, in PEM [default: whom this machine trusts]
        #[arg(long, env = "TILLKEEP_CA", value_name = "FILE")]
        ca: Option<PathBuf>,
    },
    /// Runs the till's daemon; prints one line with its URL when it is ready
    Run {
        /// Where it listens; port 0 is any free one [default: 127.0.0.1:7411]
        #[arg(long, env = "TILLKEEP_LISTEN", value_name = "ADDR")]
        listen: Option<SocketAddr>,
        /// The server's URL, where it is another than at the enrolment
        #[arg(long, env = "TILLKEEP_SERVER", value_name = "URL")]
        server: Option<String>,
        /// How long a redemption waits for the server before the policy for no line decides, in ms [default: 400]
        #[arg(long, env = "TILLKEEP_AUTHORIZE_BUDGET_MS", value_name = "MS")]
        authorize_budget_ms: Option<u64>,
        /// How long a connection may take over a request's head before it is closed, in ms [default: 60000]
        #[arg(long, env = "TILLKEEP_HEAD_TIMEOUT_MS", value_name = "MS")]
        head_timeout_ms: Option<u64>,
        /// Who signs the server's certificate, in PEM [default: whom this machine trusts]
        #[arg(long, env = "TILLKEEP_CA", value_name = "FILE")]
        ca: Option<PathBuf>,
    },
    /// Tokens for the POS at this till
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// How the till is
    Status,
    /// What waits for the server, or was put aside by it
    Queue {
        /// Entries that the server put aside, with the reasons
        #[arg(long)]
        parked: bool,
    },
    /// Re-walks the store; exit status 0 only if all of it holds
    Verify,
    /// Puts a damaged journal together again from what verifies; the damaged files stay, under other names
    Salvage,
    /// Copies the store to an empty directory, while it is in use too
    Backup {
        /// Where to; the directory is made
        to: PathBuf,
    },
    /// Writes the entries that the server does not have, one JSON object a line
    ExportQueue,
}

#[derive(Subcommand, Debug)]
enum TokenCommand {
    /// Makes a token of the role `pos` and prints it, this once
    Create {
        /// What the token is for
        #[arg(long)]
        name: String,
    },
}

/// Threads that answer, at the least.
const THREADS: usize = 4;
const NO_DATA_DIR: &str = "say where the till keeps everything: --data-dir DIR (or TILLKEEP_DATA_DIR)";
/// The exit status of a wrong usage.
const WRONG_USAGE: u8 = 2;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    // a wrong usage ends here, with exit status 2
    let cli = Cli::parse();
    let config = match Config::read(cli.common.config.as_deref()) {
        Ok(config) => config,
        Err(error) => {
            complain(&error);
            return ExitCode::from(WRONG_USAGE);
        }
    };
    if cli.common.data_dir.is_none() && config.data_dir.is_none() {
        complain(NO_DATA_DIR);
        return ExitCode::from(WRONG_USAGE);
    }
    match start(cli, config) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli, config: Config) -> Result<ExitCode, String> {
    log(cli.common.log.or(config.log).unwrap_or(Level::Info));
    // a thread may wait for the disk: others answer meanwhile
    let threads = std::thread::available_parallelism().map_or(1, usize::from).max(THREADS);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(dispatch(cli, config))
}

async fn dispatch(cli: Cli, config: Config) -> Result<ExitCode, String> {
    let data_dir = cli.common.data_dir.or(config.data_dir.clone()).ok_or(NO_DATA_DIR)?;
    let json = cli.common.json;
    match cli.command {
        Command::Enrol { server, code, ca } => {
            let server = server.or(config.server.clone()).ok_or("say which server: --server URL")?;
            let ca = ca.or(config.ca.clone());
            enrol::enrol(&data_dir, &server, ca.as_deref(), &code, json).await
        }
        Command::Run { listen, server, authorize_budget_ms, head_timeout_ms, ca } => {
            let config = Config {
                listen: listen.or(config.listen),
                server: server.or(config.server.clone()),
                authorize_budget_ms: authorize_budget_ms.or(config.authorize_budget_ms),
                head_timeout_ms: head_timeout_ms.or(config.head_timeout_ms),
                ca: ca.or(config.ca.clone()),
                ..config
            };
            run::run(&data_dir, &config, json).await
        }
        Command::Token { command: TokenCommand::Create { name } } => {
            desk::token(&data_dir, &name, json).await
        }
        Command::Status => desk::status(&data_dir, json).await,
        Command::Queue { parked } => desk::queue(&data_dir, parked, json).await,
        Command::Verify => desk::verify(&data_dir, json).await,
        Command::Salvage => desk::salvage(&data_dir, json),
        Command::Backup { to } => desk::backup(&data_dir, &to, json).await,
        Command::ExportQueue => desk::export_queue(&data_dir).await,
    }
}

fn log(level: Level) {
    use tracing_subscriber::filter::LevelFilter;
    let level = match level {
        Level::Off => LevelFilter::OFF,
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(level);
    // a log that is set up already stays
    let _ = log.with_target(false).try_init();
}

/// Data, on stdout.
fn tell(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| error.to_string())
}

/// A message, on stderr.
fn complain(text: &str) {
    // with nowhere to complain there is nothing left to do
    let _ = writeln!(std::io::stderr(), "tillkeep-edge: {text}");
}

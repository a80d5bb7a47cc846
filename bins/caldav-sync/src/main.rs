//! `caldav-sync`: command line, configuration, logging, and the wiring of everything else.
//!
//! `serve` is the program; `demo` is the same program beside two simulators and a scripted life;
//! `healthcheck` asks a running one; `doctor`, `backup`, `restore`, `key` and `rekey` are for whoever
//! runs it. What is synced and how is none of this crate's business: it
//! hands a configuration to [`app::App`] and a listener to [`web::server`].
//!
//! **Architecture invariant:** the simulators are used by `demo` and by tests, never by `serve`.

mod announce;
mod backup;
mod cli;
mod config;
mod config_check;
mod demo;
mod doctor;
mod failure;
mod healthcheck;
mod key;
mod logging;
mod rekey;
mod restore;
mod serve;
mod signals;
mod terminal;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command, ConfigAction, KeyCommand};
use config::environment::Environment;
use failure::Failure;
use logging::Purpose;

fn main() -> ExitCode {
    // Ends with exit code 2 when the command line is wrong.
    let cli = Cli::parse();
    match start(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // If nobody reads standard error there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "caldav-sync: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn start(cli: Cli) -> Result<(), Failure> {
    let command = cli.command.unwrap_or(Command::Serve);
    let environment = Environment::of_process(cli.config);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| Failure::System {
            doing: "starting the runtime",
            source,
        })?;
    let done = runtime.block_on(async {
        match command {
            Command::Serve => {
                logging::start(&environment, Purpose::Serve)?;
                serve::run(&environment).await
            }
            Command::Demo { port } => {
                logging::start(&environment, Purpose::Demo)?;
                demo::run(port).await
            }
            Command::Healthcheck => healthcheck::run(&environment).await,
            Command::Doctor { json } => doctor::run(&environment, json).await,
            Command::Backup {
                file,
                force,
                with_key,
            } => {
                let request = backup::Request {
                    file,
                    force,
                    with_key,
                };
                backup::run(&environment, &request)
            }
            Command::Restore { file, key } => restore::run(&environment, &file, key.as_ref()),
            Command::Key {
                command: KeyCommand::Reset,
            } => key::reset(&environment),
            Command::Rekey => rekey::run(&environment),
            Command::Config {
                action: ConfigAction::Check,
            } => config_check::run(&environment),
        }
    });
    // What still blocks a thread does not keep the program from ending.
    runtime.shutdown_background();
    done
}

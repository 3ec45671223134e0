//! The binary: command line, settings and wiring. Arguments come in, a process with an exit code goes out; it holds no
//! rules of the product. Read `commands` for what it can be asked, `serve` for how the rooms are put together.

mod backup;
mod bench;
mod client;
mod commands;
mod demo;
mod doctor;
mod failure;
mod output;
mod push;
mod serve;
mod settings;

use std::process::ExitCode;

use clap::Parser;

/// Events are many small values, made and dropped on several threads: the system's allocator would take a fifth of the
/// time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let outcome = commands::Cli::parse().run();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::words(&failure.to_string());
            ExitCode::from(failure.exit_code())
        }
    }
}

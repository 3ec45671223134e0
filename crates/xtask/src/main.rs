//! Developer commands: `cargo run -p xtask -- tidy` checks what the compiler cannot, `count` counts what an event costs.
//! The workspace's files come in, findings with what to do go out. Read `tidy` first.

mod count;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo run -p xtask -- tidy | count [--update]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tidy"] => finish(tidy::run(&tidy::workspace_root())),
        ["count"] => held(count::run(&tidy::workspace_root(), false)),
        ["count", "--update"] => held(count::run(&tidy::workspace_root(), true)),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn finish(outcome: anyhow::Result<tidy::Report>) -> ExitCode {
    match outcome {
        Ok(report) => {
            for finding in &report.findings {
                println!("{finding}");
            }
            println!("{}", report.summary);
            ExitCode::from(u8::from(!report.findings.is_empty()))
        }
        Err(error) => {
            eprintln!("tidy could not run: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn held(outcome: anyhow::Result<bool>) -> ExitCode {
    match outcome {
        Ok(holds) => ExitCode::from(u8::from(!holds)),
        Err(error) => {
            eprintln!("counting could not run: {error:#}");
            ExitCode::from(2)
        }
    }
}

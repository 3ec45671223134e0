//! `cebe backfill`: history from files, loaded behind live traffic; the files may be NDJSON or CSV with a mapping.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cebe_adapter::csv::{self, Mapping};
use clap::Args;
use flate2::{Compression, write::GzEncoder};
use indicatif::ProgressBar;
use serde_json::Value;

use super::{Context, list_of};
use crate::client::{Client, address, encoded};
use crate::failure::Failure;
use crate::{output, push};

/// Pause between two looks at a running backfill.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const COLUMNS: [&str; 7] = ["id", "name", "state", "percent_complete", "events", "events_total", "eta_s"];

/// Load history: NDJSON or a JSON array, plain, gzip or zstd; CSV with a mapping file. Without files: list backfills
#[derive(Debug, Args)]
pub(crate) struct Backfill {
    /// Files of events
    files: Vec<PathBuf>,
    /// The files are CSV; how columns become fields (TOML)
    #[arg(long, value_name = "MAPPING")]
    map: Option<PathBuf>,
    /// Module of events that name none
    #[arg(long)]
    module: Option<String>,
    /// What to call it [default: the file's name]
    #[arg(long)]
    name: Option<String>,
    /// Do not wait until everything is loaded
    #[arg(long)]
    detach: bool,
    /// How long to go on trying when the server is away, in seconds
    #[arg(long, default_value_t = 120)]
    patience: u64,
}

impl Backfill {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client();
        if self.files.is_empty() {
            let answer = client.get("/v1/backfills", &[])?;
            context.show(&answer, |answer| output::rows(list_of(answer), &COLUMNS));
            return Ok(());
        }
        let mapping = self.map.as_deref().map(mapping).transpose()?;
        // Every file is looked at before the first is sent.
        let prepared: Vec<(&PathBuf, File)> = self
            .files
            .iter()
            .map(|path| Ok((path, prepare(path, mapping.as_ref())?)))
            .collect::<Result<_, Failure>>()?;
        let mut ends = Vec::new();
        for (path, file) in prepared {
            let posted = self.send(&client, path, file)?;
            ends.push(if self.detach { posted } else { self.follow(&client, &posted)? });
        }
        let shown = Value::Array(ends);
        context.show(&shown, |shown| list_of(shown).iter().map(output::sheet).collect::<Vec<_>>().join("\n\n"));
        judge(list_of(&shown), self.detach)
    }

    /// Uploads a file, again from its start when the connection breaks: nothing is kept of a broken upload.
    fn send(&self, client: &Client, path: &Path, mut file: File) -> Result<Value, Failure> {
        let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut query = vec![("name", self.name.clone().unwrap_or(file_name))];
        query.extend(self.module.clone().map(|module| ("module", module)));
        let address = address("/v1/backfills", &query);
        let give_up = Instant::now() + Duration::from_secs(self.patience);
        loop {
            let bytes = file.seek(SeekFrom::End(0)).map_err(|error| unreadable(path, &error))?;
            file.rewind().map_err(|error| unreadable(path, &error))?;
            let bar = output::progress(Some(bytes), "bytes sent");
            let stream = bar.wrap_read(file.try_clone().map_err(|error| unreadable(path, &error))?);
            let sent = client.upload(&address, &[("content-type", "application/x-ndjson")], stream);
            bar.finish_and_clear();
            let failure = match sent {
                Ok(answer) if (200..300).contains(&answer.status) => return Ok(answer.body),
                Ok(answer) => Failure::from_answer(answer.status, &answer.body),
                Err(failure) => failure,
            };
            wait_or_give_up(failure, give_up)?;
        }
    }

    /// Waits for the end; a server that starts again in between goes on by itself.
    fn follow(&self, client: &Client, posted: &Value) -> Result<Value, Failure> {
        let path = format!("/v1/backfills/{}", encoded(posted["id"].as_str().unwrap_or_default()));
        let bar = output::progress(Some(0), "events");
        let mut give_up = Instant::now() + Duration::from_secs(self.patience);
        loop {
            match client.get(&path, &[]) {
                Ok(seen) => {
                    give_up = Instant::now() + Duration::from_secs(self.patience);
                    show(&bar, &seen);
                    if seen["state"] != "running" {
                        bar.finish_and_clear();
                        return Ok(seen);
                    }
                    std::thread::sleep(LOOK_EVERY);
                }
                Err(failure) => wait_or_give_up(failure, give_up)?,
            }
        }
    }
}

fn wait_or_give_up(failure: Failure, give_up: Instant) -> Result<(), Failure> {
    let again = matches!(failure, Failure::NotNow { .. } | Failure::Unreachable { .. });
    if !again || Instant::now() >= give_up {
        return Err(failure);
    }
    std::thread::sleep(Duration::from_secs(1));
    Ok(())
}

fn show(bar: &ProgressBar, seen: &Value) {
    bar.set_length(seen["events_total"].as_u64().unwrap_or_default());
    bar.set_position(seen["events"].as_u64().unwrap_or_default());
    bar.set_message(seen["eta_s"].as_i64().map(|left| format!("{left} s left")).unwrap_or_default());
}

/// The answer is no when something was not taken as it was sent.
fn judge(ends: &[Value], detached: bool) -> Result<(), Failure> {
    if let Some(failed) = ends.iter().find(|end| end["state"] == "failed") {
        return Err(Failure::No(format!("a backfill failed: {}", output::cell(&failed["message"]))));
    }
    let count = |name: &str| ends.iter().map(|end| end["outcomes"][name].as_u64().unwrap_or(0)).sum::<u64>();
    if count("ignored") > 0 {
        output::words("ignored events come from modules that are switched off: cebe source enable MODULE");
    }
    match count("quarantined") + count("conflict") {
        refused if refused > 0 && !detached => Err(Failure::No(format!("{refused} events were not taken as sent"))),
        _ => Ok(()),
    }
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::Usage(format!("cannot read {}: {error}", path.display()))
}

fn mapping(path: &Path) -> Result<Mapping, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    Mapping::parse(&text).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))
}

/// A file of lines: NDJSON as it is, an array or CSV turned into it.
fn prepare(path: &Path, mapping: Option<&Mapping>) -> Result<File, Failure> {
    let open = || File::open(path).map_err(|error| unreadable(path, &error));
    let plain = || push::inflated(Box::new(open()?)).map_err(|error| unreadable(path, &error));
    if let Some(mapping) = mapping {
        return packed(|out| {
            let rows = csv::events(mapping, plain()?, &mut |event| writeln!(out, "{event}"));
            rows.map(drop).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))
        });
    }
    let first = plain()?.bytes().find(|byte| byte.as_ref().map_or(true, |byte| !byte.is_ascii_whitespace()));
    match first.transpose().map_err(|error| unreadable(path, &error))? {
        Some(b'[') => packed(|out| {
            let lines = push::lines_of(Box::new(open()?)).map_err(|error| unreadable(path, &error))?;
            for line in lines {
                let line = line.map_err(|error| unreadable(path, &error))?;
                out.write_all(&line).and_then(|()| out.write_all(b"\n")).map_err(|error| unreadable(path, &error))?;
            }
            Ok(())
        }),
        Some(_) => open(),
        None => Err(Failure::Usage(format!("{} holds no events", path.display()))),
    }
}

/// A temporary file of packed lines.
fn packed(fill: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> Result<File, Failure> {
    let shown = |error: std::io::Error| Failure::Machine(anyhow::anyhow!("cannot write a temporary file: {error}"));
    let mut out = GzEncoder::new(BufWriter::new(tempfile::tempfile().map_err(shown)?), Compression::fast());
    fill(&mut out)?;
    let written = out.finish().map_err(shown)?;
    written.into_inner().map_err(|error| shown(error.into_error()))
}

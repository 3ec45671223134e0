//! `cebe backup`: the whole store into one file, from a running server or from the folder of a stopped one.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::Context;
use crate::backup::{Check, Source, Summary, take};
use crate::failure::Failure;
use crate::output;
use crate::serve::open_both;

/// Back the whole store up into one file while the server works. The master key is not in it
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// File to write, or a folder to write a file into that is named by the time; nothing is overwritten
    to: PathBuf,
    /// Folder of a stopped store, instead of asking a server
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
}

impl Backup {
    /// Settings that the flags give.
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        self.data.iter().map(|folder| ("data", folder.clone())).collect()
    }

    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let file = self.file()?;
        let part = PathBuf::from(format!("{}.part", file.display()));
        let written = self.write(&part, context).and_then(|()| checked(&part));
        let summary = written.and_then(|summary| named(&part, &file).map(|()| summary)).inspect_err(|_| {
            // What is not whole is no backup; when it cannot be removed, its name says so.
            let _ = fs::remove_file(&part);
        })?;
        let bytes = fs::metadata(&file).map_or(0, |facts| facts.len());
        let mut shown = json!(summary);
        shown["file"] = json!(file.display().to_string());
        shown["bytes"] = json!(bytes);
        context.show(&shown, output::sheet);
        output::words(
            "the master key is not in it: keep a copy of that elsewhere; without it no sealed value can be read",
        );
        Ok(())
    }

    fn file(&self) -> Result<PathBuf, Failure> {
        let named = || jiff::Timestamp::now().strftime("cebe-%Y%m%dT%H%M%SZ.backup").to_string();
        let file = if self.to.is_dir() { self.to.join(named()) } else { self.to.clone() };
        match file.exists() {
            true => Err(Failure::Usage(format!("{} is there already and is not overwritten", file.display()))),
            false => Ok(file),
        }
    }

    fn write(&self, part: &Path, context: &Context) -> Result<(), Failure> {
        let file = File::create(part).map_err(|error| unwritable(part, &error))?;
        let bar = output::progress(None, "bytes");
        let mut to = bar.wrap_write(io::BufWriter::new(file));
        match &self.data {
            Some(folder) => {
                let source = stopped(folder, context)?;
                take(&source, &mut to).map_err(|error| Failure::Store(error.to_string()))?;
            }
            None => {
                let mut stream = context.client().download("/v1/backup")?;
                copy(&mut *stream, &mut to, part)?;
            }
        }
        to.flush().map_err(|error| unwritable(part, &error))?;
        bar.finish_and_clear();
        Ok(())
    }
}

fn stopped(folder: &str, context: &Context) -> Result<Source, Failure> {
    let data = Path::new(folder);
    if !data.join("central").is_dir() {
        return Err(Failure::Store(format!("there is no store in {folder}")));
    }
    let (queue, central) = open_both(data, &context.effective.settings)?;
    Ok(Source { queue: Arc::new(queue), central: Arc::new(central), data: data.to_owned() })
}

/// Copies an answer into the file; tells the two apart when one of them fails.
fn copy(from: &mut dyn Read, to: &mut impl Write, part: &Path) -> Result<(), Failure> {
    let mut piece = vec![0; 256 * 1024];
    loop {
        let read = from.read(&mut piece).map_err(|error| Failure::NotNow {
            status: 200,
            message: format!("the backup was cut on its way ({error}); take it again"),
        })?;
        if read == 0 {
            return Ok(());
        }
        to.write_all(&piece[..read]).map_err(|error| unwritable(part, &error))?;
    }
}

/// Reads what was written once more: a backup that does not check out is none.
fn checked(part: &Path) -> Result<Summary, Failure> {
    let file = File::open(part).map_err(|error| unwritable(part, &error))?;
    let bar = output::progress(file.metadata().ok().map(|facts| facts.len()), "bytes checked");
    let summary = Check::whole(io::BufReader::new(&file), &|position| bar.set_position(position));
    bar.finish_and_clear();
    let summary = summary.map_err(|error| Failure::No(error.to_string()))?;
    file.sync_all().map_err(|error| unwritable(part, &error))?;
    Ok(summary)
}

fn named(part: &Path, file: &Path) -> Result<(), Failure> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let named = fs::rename(part, file).and_then(|()| File::open(folder)?.sync_all());
    named.map_err(|error| unwritable(file, &error))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::Usage(format!("cannot write {}: {error}", path.display()))
}

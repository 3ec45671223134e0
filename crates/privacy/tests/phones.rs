//! Phone numbers of every region in every spelling, against what libphonenumber makes of them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use cebe_privacy::{detect, mask, normalise};
use flate2::read::GzDecoder;

/// One row of the recorded data.
struct Spelling {
    region: String,
    text: String,
    e164: String,
    valid: bool,
}

fn shared_folder() -> PathBuf {
    let beside_workspace = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    std::env::var_os("CEBE_SHARED").map_or_else(beside_workspace, PathBuf::from)
}

/// The rows, or none when the data is not on this machine.
fn spellings() -> Option<Vec<Spelling>> {
    let path = shared_folder().join("data/phones/phones_e164.csv.gz");
    let Ok(file) = File::open(&path) else {
        println!("no phone data at {}, nothing compared", path.display());
        return None;
    };
    let mut csv = String::new();
    GzDecoder::new(file).read_to_string(&mut csv).expect("the data is gzipped text");
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().expect("the data has a header").split(',').collect();
    let column = |name: &str| header.iter().position(|column| *column == name).expect("the header names it");
    let (region, text) = (column("default_region"), column("input"));
    let (e164, valid) = (column("libphonenumber_e164"), column("libphonenumber_valid"));
    let read = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields.len(), header.len(), "{line}");
        Spelling {
            region: fields[region].to_owned(),
            text: fields[text].to_owned(),
            e164: fields[e164].to_owned(),
            valid: fields[valid] == "1",
        }
    };
    Some(lines.map(read).collect())
}

/// ANCHOR-TP-3: every spelling of a number is the identifier that libphonenumber gives.
#[test]
fn every_valid_spelling_becomes_its_e164() {
    let Some(spellings) = spellings() else { return };
    let valid: Vec<_> = spellings.iter().filter(|spelling| spelling.valid).collect();
    assert!(valid.len() > 3_000, "the data holds {} valid rows", valid.len());
    let wrong: Vec<String> = valid
        .iter()
        .filter_map(|spelling| {
            let got = normalise::phone(&spelling.text, Some(&spelling.region));
            let as_expected = got.as_deref() == Some(&spelling.e164);
            (!as_expected).then(|| format!("{} in {}: {got:?}, not {}", spelling.text, spelling.region, spelling.e164))
        })
        .collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// PII-OPEN, ANCHOR-TP-7: the detector hides every international spelling, and masks hide the middle of every number.
#[test]
fn every_number_is_hidden_by_detector_and_mask() {
    let Some(spellings) = spellings() else { return };
    for Spelling { text, e164, .. } in spellings.iter().filter(|spelling| spelling.valid) {
        let planted = format!("reach me: {text} (evenings)");
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        assert!(digits < 7 || !detect::scrub(&planted).text.contains(text), "{text}");
        let masked = mask::phone(e164);
        assert!(masked.starts_with('+') && masked.contains("•••••"), "{e164}: {masked}");
        assert!(masked.bytes().filter(u8::is_ascii_digit).count() + 4 < e164.len(), "{e164}: {masked}");
    }
}

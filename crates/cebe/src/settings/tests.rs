//! Each source of settings replaces the one before, and nothing secret is shown.

use std::io::Write;

use super::*;

fn nothing(_: &str) -> Option<String> {
    None
}

#[test]
fn every_source_replaces_the_one_before() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "listen = \"a:1\"\ncompany = \"a\"\nrole = \"a\"").unwrap();
    let variable = |name: &str| matches!(name, "CEBE_COMPANY" | "CEBE_ROLE").then(|| "b".to_owned());
    let effective = load(Some(file.path()), &variable, &[("role", "c".to_owned())]).unwrap();
    let settings = &effective.settings;
    assert_eq!((settings.listen.as_str(), settings.company.as_str(), settings.role.as_str()), ("a:1", "b", "c"));
    assert_eq!(settings.data, Settings::default().data);
    let origins = ["data", "listen", "company", "role"].map(|name| effective.origins[name]);
    assert_eq!(origins, [Origin::Default, Origin::File, Origin::Environment, Origin::Flag]);
}

#[test]
fn a_name_that_is_no_setting_is_refused() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "listn = \"a:1\"").unwrap();
    let error = load(Some(file.path()), &nothing, &[]).unwrap_err();
    assert!(error.to_string().contains("listn"), "{error}");
}

#[test]
fn numbers_are_numbers_wherever_they_come_from() {
    let seven = |name: &str| (name == "CEBE_TICK_EVERY_S").then(|| "7".to_owned());
    assert_eq!(load(None, &seven, &[]).unwrap().settings.tick_every_s, 7);
    let word = |name: &str| (name == "CEBE_TICK_EVERY_S").then(|| "seven".to_owned());
    assert!(load(None, &word, &[]).is_err());
}

#[test]
fn secrets_are_starred() {
    let effective = load(None, &nothing, &[("key", "very-secret".to_owned())]).unwrap();
    let printed = format!("{:?}", effective.lines());
    assert!(printed.contains("*****") && !printed.contains("very-secret"));
}

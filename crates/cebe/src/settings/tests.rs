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
fn choices_are_true_or_false() {
    let given = |text: &'static str| move |name: &str| (name == "CEBE_POSTGRES_MIGRATE").then(|| text.to_owned());
    assert!(load(None, &nothing, &[]).unwrap().settings.postgres_migrate);
    assert!(!load(None, &given("false"), &[]).unwrap().settings.postgres_migrate);
    assert!(load(None, &given("no"), &[]).unwrap_err().to_string().contains("true or false"));
}

#[test]
fn secrets_are_starred() {
    let flags = ["key", "admin_key", "alerts_webhook_url"].map(|name| (name, "very-secret".to_owned()));
    let effective = load(None, &nothing, &flags).unwrap();
    let printed = format!("{:?}", effective.lines());
    assert_eq!(printed.matches("*****").count(), 3);
    assert!(!printed.contains("very-secret"));
}

#[test]
fn a_secret_comes_from_its_file_unless_it_is_given() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "from-the-file").unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let variable = |name: &str| (name == "CEBE_KEY_FILE").then(|| path.clone());
    let effective = load(None, &variable, &[]).unwrap();
    assert_eq!((effective.settings.key.as_str(), effective.origins["key"]), ("from-the-file", Origin::Environment));
    assert!(!format!("{:?}", effective.lines()).contains("from-the-file"));
    assert_eq!(load(None, &variable, &[("key", "given".to_owned())]).unwrap().settings.key, "given");
    let nowhere = [("admin_key_file", "/nowhere".to_owned())];
    assert!(load(None, &nothing, &nowhere).unwrap_err().to_string().contains("admin_key_file"));
}

#[test]
fn a_section_of_the_file_begins_the_name() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "[alerts]\nwebhook_url = \"http://a\"\nevery_s = 5").unwrap();
    let settings = load(Some(file.path()), &nothing, &[]).unwrap().settings;
    assert_eq!((settings.alerts_webhook_url.as_str(), settings.alerts_every_s), ("http://a", 5));
}

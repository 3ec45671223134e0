//! Each check is good, doubtful and bad where it should be.

use std::fs;

use super::*;

fn settings(data: &std::path::Path) -> Settings {
    Settings { data: data.to_str().unwrap().to_owned(), ..Settings::default() }
}

#[test]
fn room_and_open_files_are_judged_by_their_bounds() {
    let states = [0.1, 0.75, 0.85].map(|used| machine::room(used, 1.0).state);
    assert_eq!(states, [State::Good, State::Doubtful, State::Bad]);
    assert_eq!(machine::files(20_000, 10_000).state, State::Good);
    let few = machine::files(1_024, 10_000);
    assert_eq!(few.state, State::Doubtful);
    assert!(few.advice.contains("LimitNOFILE=11000"), "{}", few.advice);
}

#[test]
fn half_a_store_is_bad() {
    let folder = tempfile::tempdir().unwrap();
    let look = || store::folder(&settings(folder.path())).state;
    assert_eq!(look(), State::Good);
    fs::create_dir(folder.path().join("central")).unwrap();
    assert_eq!(look(), State::Bad);
    fs::create_dir(folder.path().join("queue")).unwrap();
    fs::write(folder.path().join("queue/store.json"), "{}").unwrap();
    assert_eq!(look(), State::Good);
}

#[test]
fn data_from_the_future_means_a_wrong_clock() {
    let folder = tempfile::tempdir().unwrap();
    let file = fs::File::create(folder.path().join("a")).unwrap();
    assert_eq!(machine::clock(&settings(folder.path())).state, State::Good);
    file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(7_200)).unwrap();
    assert_eq!(machine::clock(&settings(folder.path())).state, State::Bad);
}

#[cfg(unix)]
#[test]
fn the_master_key_is_there_whole_and_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("master.key");
    let look = || store::master_key(&settings(folder.path()));
    assert_eq!(look().state, State::Good, "the first start makes it");
    fs::create_dir(folder.path().join("central")).unwrap();
    assert_eq!(look().state, State::Bad, "a used store without its key");
    fs::write(&key, "ab").unwrap();
    assert_eq!(look().state, State::Bad, "too short");
    fs::write(&key, "0".repeat(128)).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(look().advice.starts_with("chmod 600"), "{:?}", look());
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(look().state, State::Doubtful, "beside the data");
    let named = Settings { master_key_file: key.to_str().unwrap().to_owned(), ..settings(folder.path()) };
    assert_eq!(store::master_key(&named).state, State::Good);
    assert!(!format!("{:?}", store::master_key(&named)).contains("0000"), "the key itself is never shown");
}

//! The table of roles and the bounds of a grant.

use super::*;

const ACTIONS: [Action; 22] = [
    Action::PublishEvents,
    Action::Read,
    Action::ReadQuarantine,
    Action::ReadOperations,
    Action::Export,
    Action::WriteSources,
    Action::WriteCompanies,
    Action::WriteFields,
    Action::WriteCatalog,
    Action::Replay,
    Action::Backfill,
    Action::Reconcile,
    Action::Verify,
    Action::Unlink,
    Action::Erase,
    Action::ReadKeys,
    Action::WriteKeys,
    Action::ReadTeams,
    Action::WriteTeams,
    Action::ReadAudit,
    Action::Backup,
    Action::Reveal,
];

fn only(names: &[&str]) -> Scope {
    Scope::Only(names.iter().map(ToString::to_string).collect())
}

fn grant(role: Role, reveal: bool, teams: Vec<TeamView>) -> Grant {
    Grant { key_id: "k1".into(), role, companies: only(&["acme"]), modules: Scope::All, teams, reveal }
}

fn allowed(role: Role) -> Vec<Action> {
    ACTIONS.into_iter().filter(|action| role.may(*action)).collect()
}

#[test]
fn each_role_may_do_exactly_what_the_table_says() {
    assert_eq!(allowed(Role::Publisher), [Action::PublishEvents]);
    assert_eq!(allowed(Role::Reader), [Action::Read]);
    assert_eq!(allowed(Role::Analyst), ACTIONS[1..5]);
    assert_eq!(allowed(Role::Operator), ACTIONS[1..14]);
    assert_eq!(allowed(Role::Admin), ACTIONS[..21]);
}

/// CORE-CON-SEC-1: seeing a value is a right of its own; a key that cannot read cannot reveal either.
#[test]
fn reveal_comes_with_the_key_and_never_with_the_role() {
    for role in [Role::Publisher, Role::Reader, Role::Analyst, Role::Operator, Role::Admin] {
        assert!(!role.may(Action::Reveal));
        assert!(!grant(role, false, vec![TeamView::everything()]).may(Action::Reveal));
        assert_eq!(grant(role, true, vec![TeamView::everything()]).may(Action::Reveal), role != Role::Publisher);
    }
}

/// CORE-CON-SEC-2: a key reads the modules of its teams and no others.
#[test]
fn a_key_reads_the_union_of_its_teams() {
    let chat = TeamView { modules: only(&["chat", "ticket"]), pii_classes: only(&["name"]) };
    let ads = TeamView { modules: only(&["ads"]), pii_classes: only(&["contact"]) };
    let key = grant(Role::Reader, true, vec![chat, ads]);
    assert!(key.may_read_module("ticket") && key.may_read_module("ads"));
    assert!(!key.may_read_module("loyalty"));
    assert!(key.may_reveal("chat", "name") && key.may_reveal("ads", "contact"));
    assert!(!key.may_reveal("chat", "contact"), "one team's module and another's class are no right");
}

/// CORE-CON-SEC-2
#[test]
fn without_a_team_nothing_is_read_and_the_keys_own_modules_bound_every_team() {
    assert!(!grant(Role::Admin, true, Vec::new()).may_read_module("chat"));
    let mut key = grant(Role::Analyst, true, vec![TeamView::everything()]);
    assert!(key.may_read_module("chat") && key.may_reveal("chat", "contact"));
    key.modules = only(&["ticket"]);
    assert!(!key.may_read_module("chat") && !key.may_reveal("chat", "contact"));
}

#[test]
fn a_publisher_reads_nothing() {
    let key = grant(Role::Publisher, false, vec![TeamView::everything()]);
    assert!(key.allows_module("chat") && key.allows_company("acme"));
    assert!(!key.may_read_module("chat") && !key.allows_company("other"));
}

#[test]
fn scopes_are_written_as_lists_and_read_from_a_name_too() {
    let read = |json: &str| serde_json::from_str::<Scope>(json).unwrap();
    assert_eq!(read(r#"["*"]"#), Scope::All);
    assert_eq!(read(r#""*""#), Scope::All);
    assert_eq!(read(r#""a""#), only(&["a"]));
    assert_eq!(read("[]"), only(&[]));
    assert_eq!(serde_json::to_string(&Scope::All).unwrap(), r#"["*"]"#);
    assert_eq!(serde_json::to_string(&Role::Operator).unwrap(), r#""operator""#);
}

#[test]
fn a_grant_survives_both_codecs() {
    let chat = TeamView { modules: only(&["chat"]), pii_classes: Scope::All };
    let key = grant(Role::Operator, true, vec![chat, TeamView::everything()]);
    let json = serde_json::to_string(&key).unwrap();
    assert_eq!(serde_json::from_str::<Grant>(&json).unwrap(), key);
    let mut buffer = [0; 256];
    let bytes = postcard::to_slice(&key, &mut buffer).unwrap();
    assert_eq!(postcard::from_bytes::<Grant>(bytes).unwrap(), key);
}

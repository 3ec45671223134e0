//! NATS servers with accounts: an operator, the account that servers use themselves, one of ours, and a user of it with a
//! file of credentials.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use nkeys::KeyPair;
use serde_json::{Value, json};

/// What a server is configured with, and what a client needs.
pub(crate) struct Accounts {
    pub(crate) server: String,
    pub(crate) credentials: String,
}

/// Accounts of their own, drawn anew.
pub(crate) fn draw() -> Accounts {
    let (operator, system) = (KeyPair::new_operator(), KeyPair::new_account());
    let (account, user) = (KeyPair::new_account(), KeyPair::new_user());
    let all = json!({"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1,
        "leaf": -1});
    let mut with_streams = all.clone();
    for limit in ["mem_storage", "disk_storage", "streams", "consumer"] {
        with_streams[limit] = json!(-1);
    }
    let of_operator = json!({"type": "operator", "version": 2, "system_account": system.public_key()});
    let of_account = |limits: Value| json!({"type": "account", "version": 2, "limits": limits});
    let of_user = json!({"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1});
    let [operator_jwt, system_jwt, account_jwt] =
        [(&operator, of_operator), (&system, of_account(all)), (&account, of_account(with_streams))]
            .map(|(subject, claims)| signed(&operator, subject, claims));
    let user_jwt = signed(&account, &user, of_user);
    let server = format!(
        "operator: {operator_jwt}\nresolver: MEMORY\nresolver_preload: {{\n  {}: {system_jwt}\n  {}: {account_jwt}\n}}\n",
        system.public_key(),
        account.public_key(),
    );
    let seed = user.seed().unwrap();
    let credentials = format!(
        "-----BEGIN NATS USER JWT-----\n{user_jwt}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    );
    Accounts { server, credentials }
}

fn signed(issuer: &KeyPair, subject: &KeyPair, claims: Value) -> String {
    let head = json!({"typ": "JWT", "alg": "ed25519-nkey"});
    let body = json!({"iat": 1_764_000_000, "iss": issuer.public_key(), "sub": subject.public_key(), "name": "test",
        "nats": claims});
    let told = [head, body].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    format!("{told}.{}", URL_SAFE_NO_PAD.encode(issuer.sign(told.as_bytes()).unwrap()))
}

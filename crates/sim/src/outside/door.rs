//! Request bodies, through the whole door: unpacked, cut, read, checked, concealed, appended, and applied by the worker.

use crate::{Broken, client::Answer, world::World};
use axum::{body::Body, http::Request};
use std::cell::RefCell;

/// Bodies that one world takes: then a fresh one, so that memory stays what it is.
const BODIES_MAX: usize = 500;

thread_local! {
    static DOOR: RefCell<Option<(World, usize)>> = const { RefCell::new(None) };
}

/// How it is packed and cut (first byte), then the body.
pub(super) fn body(bytes: &[u8]) {
    let Some((mode, body)) = bytes.split_first() else { return };
    let mut request = Request::post("/v1/events?verbose=true");
    request = match mode % 3 {
        0 => request,
        1 => request.header("content-encoding", "gzip"),
        _ => request.header("content-encoding", "zstd"),
    };
    if mode & 8 != 0 {
        request = request.header("content-type", "application/x-ndjson");
    }
    let request = request.header("x-company-id", "acme").body(Body::from(body.to_vec()));
    let answer = answered(request.expect("the request is one")).expect("the door answers");
    let count = |name: &str| answer.body[name].as_u64().unwrap_or(0);
    match answer.status {
        200 => {
            let results = answer.body["results"].as_array().map_or(0, Vec::len) as u64;
            let sum = count("accepted") + count("ignored") + count("quarantined");
            assert_eq!(sum, results, "every event has one outcome");
        }
        400 | 413 | 415 => {}
        other => panic!("the door answered {other}: {}", answer.body),
    }
}

fn answered(request: Request<Body>) -> Result<Answer, Broken> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|error| Broken::new(1, error.to_string()))?;
    let _inside = runtime.enter();
    DOOR.with_borrow_mut(|door| {
        let (mut world, bodies) = match door.take() {
            Some((world, bodies)) if bodies < BODIES_MAX => (world, bodies),
            _ => (World::calm()?, 0),
        };
        let answer = world.post(request)?;
        *door = Some((world, bodies + 1));
        Ok(answer)
    })
}

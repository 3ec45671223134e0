//! Who is calling: the key of a request's `Authorization` header, looked up by its hash.

use crate::view::{ControlView, KeyView};
use axum::http::{HeaderMap, header::AUTHORIZATION};
use cebe_privacy::keys::KeyHash;
use std::sync::Arc;

/// Why a request is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No usable `Authorization` header.
    #[error("no key was given")]
    Missing,
    /// A key that does not exist, or no longer.
    #[error("the key is not known")]
    Unknown,
}

/// The key behind a request.
pub(crate) fn find<'a>(view: &'a ControlView, headers: &HeaderMap) -> Result<&'a Arc<KeyView>, AuthError> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or(AuthError::Missing)?;
    let key = presented(header).ok_or(AuthError::Missing)?;
    view.keys.get(&KeyHash::of(&key)).ok_or(AuthError::Unknown)
}

/// The key in `Bearer <key>`, or the user name in `Basic`.
fn presented(header: &str) -> Option<String> {
    let (scheme, rest) = header.trim().split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return (!rest.is_empty()).then(|| rest.to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(from_base64(rest)?).ok()?;
    let user = decoded.split_once(':').map_or(decoded.as_str(), |(user, _)| user);
    (!user.is_empty()).then(|| user.to_owned())
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::presented;

    #[test]
    fn a_key_is_a_bearer_token_or_a_basic_user_name() {
        assert_eq!(presented("Bearer cebe_abc").as_deref(), Some("cebe_abc"));
        assert_eq!(presented("bearer  cebe_abc ").as_deref(), Some("cebe_abc"));
        assert_eq!(presented("Basic Y2ViZV9hYmM6").as_deref(), Some("cebe_abc"));
        assert_eq!(presented("Basic ???"), None);
        assert_eq!(presented("Bearer "), None);
        assert_eq!(presented("cebe_abc"), None);
    }
}

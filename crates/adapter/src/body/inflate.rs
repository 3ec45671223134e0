//! gzip and zstd with a cap on what comes out, so that a small body cannot become a large one.

use std::io::Read;

/// A zstd frame may ask for a window of 16 MiB, more than any allowed body needs, and not for more.
const WINDOW_LOG_MAX: u32 = 24;

/// Why a body was not inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InflateError {
    /// More than the limit would come out.
    #[error("the body is larger than allowed after inflation")]
    TooLarge,
    /// Not what its encoding says.
    #[error("the body is not what its content-encoding says")]
    Damaged,
    /// An encoding that is not known.
    #[error("the content-encoding is not known")]
    Unknown,
}

/// The body as it was before it was packed, at most `bytes_max` of it. `encoding` is the header's value, if there is one.
pub(crate) fn inflate(
    body: bytes::Bytes,
    encoding: Option<&str>,
    bytes_max: usize,
) -> Result<bytes::Bytes, InflateError> {
    match encoding.map(str::trim).map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "identity") => Ok(body),
        Some("gzip" | "x-gzip") => bounded(flate2::read::MultiGzDecoder::new(&body[..]), bytes_max),
        Some("zstd") => {
            let mut packed = zstd::Decoder::new(&body[..]).map_err(|_| InflateError::Damaged)?;
            packed.window_log_max(WINDOW_LOG_MAX).map_err(|_| InflateError::Damaged)?;
            bounded(packed, bytes_max)
        }
        Some(_) => Err(InflateError::Unknown),
    }
}

fn bounded(packed: impl Read, bytes_max: usize) -> Result<bytes::Bytes, InflateError> {
    let mut plain = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    packed.take(limit + 1).read_to_end(&mut plain).map_err(|_| InflateError::Damaged)?;
    if plain.len() > bytes_max {
        return Err(InflateError::TooLarge);
    }
    Ok(plain.into())
}

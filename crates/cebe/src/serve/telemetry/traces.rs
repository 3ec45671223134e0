//! Traces for who collects them: spans of requests, posted by OTLP (HTTP, protobuf). Nothing is traced unless an address is
//! set. Spans carry routes, statuses and request ids, never an address as it was asked.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context, Result};
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use ureq::Agent;

use crate::settings::Settings;

/// How long the collector may take.
const POST_MAX: Duration = Duration::from_secs(5);

/// Posts spans until it is dropped, which posts what is left.
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Starts to post, when an address is set.
    pub(super) fn start(settings: &Settings) -> Result<Option<Self>> {
        if settings.traces_url.is_empty() {
            return Ok(None);
        }
        let agent = Agent::config_builder().timeout_global(Some(POST_MAX)).http_status_as_error(false).build().into();
        let exporter =
            SpanExporter::builder().with_http().with_http_client(Post(agent)).with_endpoint(&settings.traces_url);
        let exporter =
            exporter.build().with_context(|| format!("traces cannot be posted to {}", settings.traces_url))?;
        let share = Sampler::TraceIdRatioBased(1.0 / settings.traces_one_in.max(1) as f64);
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(share)))
            .with_resource(Resource::builder_empty().with_service_name("cebe").build());
        Ok(Some(Self(provider.build())))
    }

    /// What makes spans.
    pub(super) fn tracer(&self) -> SdkTracer {
        self.0.tracer("cebe")
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(POST_MAX) {
            tracing::warn!(%error, "the last traces were not posted");
        }
    }
}

/// The client that the rest of this binary uses, as the exporter wants it. It is called on a thread of its own.
#[derive(Debug)]
struct Post(Agent);

impl HttpClient for Post {
    fn send_bytes<'a, 'answer>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'answer>>
    where
        'a: 'answer,
        Self: 'answer,
    {
        let (parts, body) = request.into_parts();
        let sent = self.0.run(Request::from_parts(parts, body.to_vec())).map_err(HttpError::from).and_then(|answer| {
            let (parts, body) = answer.into_parts();
            let bytes = body.into_with_config().limit(64 * 1024).read_to_vec()?;
            Ok(Response::from_parts(parts, bytes.into()))
        });
        Box::pin(std::future::ready(sent))
    }
}

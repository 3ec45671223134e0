//! What a queue on JetStream must bear beyond the contract: servers that die and come back, streams that are lost, other
//! processes that append and trim.
#![allow(clippy::unwrap_used, reason = "an unwrap is how a test fails")]

#[path = "support/accounts.rs"]
mod accounts;
mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use async_nats::jetstream;
use bytes::Bytes;
use cebe_queue::{
    AppendError, Appended, JetStream, JetStreamError, JetStreamSettings, JetStreamShard, Lane, PerLane, Position,
    Queue, ReadError, ReadLimit, TAG_BYTES_MAX,
};
use support::nats::{MAX_PAYLOAD_BYTES, Nats};
use support::{ALL, append, block_on, contents, everything, record, records};

/// Long enough that only what never comes reaches it.
const NEVER: Duration = Duration::from_secs(60);

fn settings(url: String) -> JetStreamSettings {
    JetStreamSettings { url, trim_age_ms: 0, ..JetStreamSettings::default() }
}

fn open(url: String) -> JetStream {
    JetStream::open(settings(url)).unwrap()
}

fn refused(settings: JetStreamSettings) -> JetStreamError {
    JetStream::open(settings).err().unwrap()
}

/// Runs something against the servers' own interface.
fn with_context<T>(url: &str, work: impl AsyncFnOnce(jetstream::Context) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { work(jetstream::new(async_nats::connect(url).await.unwrap())).await })
}

/// Appends from several threads until told to stop; what was acknowledged is kept by its name.
struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<BTreeMap<Bytes, Position>>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Load {
    fn start(queue: &Arc<JetStreamShard>) -> Load {
        let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let threads = (0..4).map(|appender| {
            let (queue, stop, acknowledged) = (Arc::clone(queue), Arc::clone(&stop), Arc::clone(&acknowledged));
            thread::spawn(move || run(appender, &queue, &stop, &acknowledged))
        });
        let threads = threads.collect();
        Load { stop, acknowledged, threads }
    }

    fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Waits until so many more were acknowledged.
    fn more(&self, more: usize) {
        let (wanted, until) = (self.count() + more, Instant::now() + NEVER);
        while self.count() < wanted {
            assert!(Instant::now() < until, "appends go on");
            thread::yield_now();
        }
    }

    fn end(self) -> BTreeMap<Bytes, Position> {
        self.stop.store(true, Ordering::SeqCst);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        Arc::into_inner(self.acknowledged).unwrap().into_inner().unwrap()
    }
}

fn run(appender: usize, queue: &JetStreamShard, stop: &AtomicBool, acknowledged: &Mutex<BTreeMap<Bytes, Position>>) {
    for n in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let batch = records(appender * 1_000_000 + n, 3, 100);
        match append(queue, Lane::Live, batch.clone()) {
            Ok(Appended { first, .. }) => {
                let places = batch.into_iter().zip(0..).map(|(record, index)| (record, first.plus(index)));
                acknowledged.lock().unwrap().extend(places);
            }
            Err(AppendError::Unanswered { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Everything that was acknowledged stands where it was said to, and nothing stands there twice.
fn check(queue: &JetStreamShard, acknowledged: &BTreeMap<Bytes, Position>) {
    let stored = everything(queue, Lane::Live);
    let places: BTreeMap<Bytes, Position> =
        stored.iter().map(|(position, record)| (record.clone(), *position)).collect();
    assert_eq!(places.len(), stored.len(), "nothing is there twice");
    for (record, position) in acknowledged {
        assert_eq!(places.get(record), Some(position));
    }
}

/// CORE-CON-SLA, law 1.
#[test]
fn a_killed_server_loses_nothing_acknowledged() {
    let mut server = Nats::start();
    let queue = Arc::new(open(server.url()).shard("3").unwrap());
    let load = Load::start(&queue);
    for _ in 0..3 {
        load.more(60);
        server.kill();
        server.restart();
    }
    load.more(60);
    let acknowledged = load.end();
    check(&queue, &acknowledged);
    let fresh = open(server.url()).shard("3").unwrap();
    check(&fresh, &acknowledged);
    assert_eq!(fresh.end(Lane::Live), queue.end(Lane::Live));
}

/// Law 1, with a server of three that goes and comes back; each in turn.
#[test]
fn a_cluster_bears_the_loss_of_each_server_in_turn() {
    let mut servers = Nats::start_three(MAX_PAYLOAD_BYTES);
    let url = servers.iter().map(Nats::url).collect::<Vec<_>>().join(",");
    let settings = JetStreamSettings { replicas: 3, open_max: NEVER, ..settings(url) };
    let queue = Arc::new(JetStream::open(settings.clone()).unwrap().shard("0").unwrap());
    let load = Load::start(&queue);
    for server in &mut servers {
        load.more(60);
        server.kill();
        load.more(60);
        server.restart();
        caught_up(&server.url());
    }
    load.more(60);
    let acknowledged = load.end();
    check(&queue, &acknowledged);
    check(&JetStream::open(settings).unwrap().shard("0").unwrap(), &acknowledged);
}

/// Waits until every copy of the live lane is current again.
fn caught_up(url: &str) {
    let until = Instant::now() + NEVER;
    let current = async |context: &jetstream::Context| {
        let Ok(stream) = context.get_stream("cebe_live").await else { return false };
        let cluster = stream.cached_info().cluster.clone().unwrap();
        cluster.leader.is_some() && cluster.replicas.iter().all(|replica| replica.current && !replica.offline)
    };
    let options = || async_nats::ConnectOptions::new().retry_on_initial_connect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let context = jetstream::new(options().connect(url).await.unwrap());
        while !current(&context).await {
            assert!(Instant::now() < until, "the server catches up");
        }
    });
}

#[test]
fn another_process_sees_what_this_one_does() {
    let server = Nats::start();
    let (here, there) = (open(server.url()).shard("1").unwrap(), open(server.url()).shard("1").unwrap());
    let other = open(server.url()).shard("2").unwrap();
    thread::scope(|scope| {
        let woken = scope.spawn(|| there.wait(PerLane::default(), NEVER));
        append(&other, Lane::Live, records(7, 2, 10)).unwrap();
        append(&here, Lane::Backfill, records(0, 3, 10)).unwrap();
        assert_eq!(woken.join().unwrap().backfill, here.end(Lane::Backfill));
    });
    assert_eq!(contents(&there, Lane::Backfill), records(0, 3, 10));
    assert!(contents(&there, Lane::Live).is_empty(), "another shard's records are not seen");
    for n in 1..9 {
        append(&here, Lane::Backfill, records(n, 3, 10)).unwrap();
    }
    let first = there.read(Lane::Backfill, Position::START, ReadLimit { records_max: 2, bytes_max: 99 }).unwrap();
    assert_eq!(first.len(), 2);
    let keep = here.trim(Lane::Backfill, here.end(Lane::Backfill)).unwrap();
    assert_eq!(keep, here.end(Lane::Backfill));
    let gone = there.frames(Lane::Backfill, Position::START, 99);
    assert!(
        matches!(gone, Err(ReadError::Trimmed { first, .. }) if first == keep),
        "what is missing is said: {gone:?}"
    );
    let fresh = open(server.url()).shard("1").unwrap();
    assert_eq!((fresh.facts().lanes.backfill.first, fresh.end(Lane::Backfill)), (keep, keep));
    assert_eq!(contents(&other, Lane::Live), records(7, 2, 10), "trimming one shard leaves the others");
}

#[test]
fn what_does_not_fit_in_a_message_is_refused_and_large_tags_are_kept() {
    let server = Nats::start();
    let queue = open(server.url()).shard("0").unwrap();
    let large = append(&queue, Lane::Live, vec![record(0, 0, MAX_PAYLOAD_BYTES)]);
    let Err(error @ AppendError::TooLarge { .. }) = large else { panic!("{large:?}") };
    assert!(error.to_string().contains("max_payload"), "{error}");
    let fits = vec![Bytes::from(vec![b'a'; 4 * MAX_PAYLOAD_BYTES])];
    append(&queue, Lane::Live, fits.clone()).expect("what is sent is what counts: it is compressed");
    let tag = Bytes::from(vec![9; TAG_BYTES_MAX / 4]);
    block_on(queue.append(Lane::Live, tag.clone(), records(1, 2, 40))).unwrap();
    let frames = queue.frames(Lane::Live, Position::START, 9).unwrap();
    assert_eq!(frames.iter().map(|frame| frame.tag.clone()).collect::<Vec<_>>(), [Bytes::new(), tag]);
    assert_eq!(contents(&queue, Lane::Live), [fits, records(1, 2, 40)].concat());
}

/// ANCHOR-RISK-6: servers that hang fill no memory. What is sent again meanwhile is stored once.
#[test]
fn what_waits_for_a_hanging_server_is_bounded_and_stored_once() {
    let server = Nats::start();
    let answer_max = Duration::from_millis(200);
    let settings = JetStreamSettings { waiting_bytes_max: 20_000, answer_max, ..settings(server.url()) };
    let queue = JetStream::open(settings).unwrap().shard("0").unwrap();
    server.pause();
    let mut waiting = Vec::new();
    let refused = loop {
        let mut appended = queue.append(Lane::Live, Bytes::new(), records(waiting.len(), 1, 1_000));
        match futures_util::FutureExt::now_or_never(&mut appended) {
            Some(refused) => break refused,
            None => waiting.push(appended),
        }
        assert!(waiting.len() < 40, "it never gets busy");
    };
    assert!(matches!(refused, Err(AppendError::Busy { lane: Lane::Live, .. })), "{refused:?}");
    let facts = queue.facts().lanes.live;
    assert_eq!(facts.waiting_appends, waiting.len() as u64);
    assert!(facts.waiting_bytes <= 20_000);
    let nothing = queue.wait(PerLane::default(), 5 * answer_max);
    assert_eq!(nothing, PerLane::default(), "every append was sent more than once, and none was answered");
    server.resume();
    let count = waiting.len();
    waiting.into_iter().for_each(|appended| assert_eq!(block_on(appended).unwrap().count, 1));
    assert_eq!(everything(&queue, Lane::Live).len(), count);
}

#[test]
fn a_lost_stream_stops_the_queue_and_is_named() {
    let server = Nats::start();
    let url = server.url();
    let queue = open(url.clone());
    let shard = queue.shard("0").unwrap();
    append(&shard, Lane::Live, records(0, 2, 20)).unwrap();
    with_context(&url, async |context| context.delete_stream("cebe_live").await.unwrap());
    let stopped = append(&shard, Lane::Live, records(1, 2, 20));
    assert!(matches!(stopped, Err(AppendError::Stopped { .. } | AppendError::Unanswered { .. })), "{stopped:?}");
    let missing = JetStreamError::Missing { stream: "cebe_live".into() };
    assert_eq!(refused(settings(url)), missing);
    assert_eq!(queue.stopped(), Some(missing));
    assert!(shard.facts().stopped);
    assert!(shard.read(Lane::Live, Position::START, ALL).is_err());
}

#[test]
fn a_stream_made_again_stops_the_queue() {
    let server = Nats::start();
    let url = server.url();
    let queue = open(url.clone());
    let shard = queue.shard("0").unwrap();
    append(&shard, Lane::Live, records(0, 2, 20)).unwrap();
    append(&shard, Lane::Live, records(1, 2, 20)).unwrap();
    with_context(&url, async |context| {
        let config = context.get_stream("cebe_live").await.unwrap().cached_info().config.clone();
        context.delete_stream("cebe_live").await.unwrap();
        context.create_stream(config).await.unwrap();
    });
    let stopped = append(&shard, Lane::Live, records(2, 2, 20));
    assert!(matches!(stopped, Err(AppendError::Stopped { .. })), "{stopped:?}");
    let why = queue.stopped().unwrap();
    assert!(matches!(why, JetStreamError::Reset { .. } | JetStreamError::Replaced { .. }), "{why}");
}

#[test]
fn a_stream_of_another_store_is_refused_at_the_start() {
    let server = Nats::start();
    let url = server.url();
    let expected = open(url.clone()).store();
    let other = JetStreamSettings { prefix: "other".into(), ..settings(url.clone()) };
    let found = JetStream::open(other).unwrap().store();
    with_context(&url, async |context| {
        let config = async |name| context.get_stream(name).await.unwrap().cached_info().config.clone();
        let mixed = jetstream::stream::Config {
            description: config("other_live").await.description,
            ..config("cebe_live").await
        };
        context.update_stream(&mixed).await.unwrap();
    });
    let stream = "cebe_live".to_owned();
    assert_eq!(refused(settings(url)), JetStreamError::Recreated { stream, found, expected });
}

#[test]
fn what_is_wrong_with_streams_is_said_at_the_start() {
    let server = Nats::start();
    let url = server.url();
    let too_many = JetStreamSettings { replicas: 3, ..settings(url.clone()) };
    assert!(matches!(refused(too_many.clone()), JetStreamError::Refused { .. }), "one server keeps no three copies");
    let store = open(url.clone()).store();
    assert_eq!(open(url.clone()).store(), store, "the same store at every start");
    assert!(matches!(refused(too_many), JetStreamError::TooFewReplicas { found: 1, asked: 3, .. }));
    let prefix = JetStreamSettings { prefix: "a.b".into(), ..settings(url.clone()) };
    assert!(matches!(refused(prefix), JetStreamError::Prefix { .. }));
    with_context(&url, async |context| {
        let mut config = context.get_stream("cebe_live").await.unwrap().cached_info().config.clone();
        config.max_age = Duration::from_secs(3_600);
        context.update_stream(&config).await.unwrap();
    });
    let unsafe_age = refused(settings(url.clone()));
    assert!(unsafe_age.to_string().contains("a largest age"), "{unsafe_age}");
    let foreign = jetstream::stream::Config { name: "mine_floors".into(), ..Default::default() };
    with_context(&url, async |context| drop(context.create_stream(foreign).await.unwrap()));
    let mine = JetStreamSettings { prefix: "mine".into(), ..settings(url) };
    assert!(matches!(refused(mine), JetStreamError::Foreign { .. }));
    let nobody = JetStreamSettings { open_max: Duration::ZERO, ..settings("nats://u:secret@127.0.0.1:1".into()) };
    let unreachable = refused(nobody);
    assert!(matches!(unreachable, JetStreamError::Unreachable { .. }) && !unreachable.to_string().contains("secret"));
}

/// Only who is known gets in, by user and password, token or credentials; who is not is told so at once.
#[test]
fn servers_that_ask_who_is_there_are_told() {
    let user = Nats::configured("authorization { user: cebe, password: \"p@ss/word\" }\n", &[]);
    let at = |who: &str, server: &Nats| settings(server.url().replace("//", &format!("//{who}")));
    let shard = JetStream::open(at("cebe:p%40ss%2Fword@", &user)).unwrap().shard("0").unwrap();
    append(&shard, Lane::Live, records(0, 2, 20)).unwrap();
    let token = Nats::configured("authorization { token: \"s3cret\" }\n", &[]);
    JetStream::open(at("s3cret@", &token)).unwrap();
    for (who, server) in [("", &user), ("cebe:wrong@", &user), ("wrong@", &token), ("", &token)] {
        let refused = refused(at(who, server));
        assert_eq!(refused, JetStreamError::NotAllowed { url: server.url() }, "{refused}");
    }
    let wrong = JetStreamSettings { credentials_file: Some("/nowhere.creds".into()), ..settings(user.url()) };
    assert!(matches!(refused(wrong), JetStreamError::File { .. }));
    assert!(matches!(refused(settings("http://a b".into())), JetStreamError::Address { .. }));
}

/// Accounts are told apart by files of credentials.
#[test]
fn a_file_of_credentials_opens_its_account() {
    let (ours, others) = (accounts::draw(), accounts::draw());
    let files = [("ours.creds", &*ours.credentials), ("others.creds", &others.credentials)];
    let server = Nats::configured(&ours.server, &files);
    let known_by =
        |file: &str| JetStreamSettings { credentials_file: Some(server.file(file)), ..settings(server.url()) };
    let shard = JetStream::open(known_by("ours.creds")).unwrap().shard("0").unwrap();
    append(&shard, Lane::Live, records(0, 2, 20)).unwrap();
    for stranger in [known_by("others.creds"), settings(server.url())] {
        assert_eq!(refused(stranger), JetStreamError::NotAllowed { url: server.url() });
    }
}

/// Under TLS only servers with a certificate of the named authority are spoken to, and they may ask for ours.
#[test]
fn tls_is_spoken_with_the_right_servers_only() {
    let own = || rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (server, stranger) = (own(), own());
    let [certificate, other] = [&server, &stranger].map(|own| own.cert.pem());
    let [key, other_key] = [&server, &stranger].map(|own| own.signing_key.serialize_pem());
    let files = [("cert.pem", &*certificate), ("key.pem", &key), ("other.pem", &other), ("other-key.pem", &other_key)];
    let tls = "tls { cert_file: \"{dir}/cert.pem\", key_file: \"{dir}/key.pem\", timeout: 5 ";
    let nats = Nats::configured(&format!("{tls} }}\n"), &files);
    let trusting = |nats: &Nats, name: &str| JetStreamSettings {
        ca_file: Some(nats.file(name)),
        open_max: Duration::ZERO,
        ..settings(nats.url())
    };
    let shard = JetStream::open(trusting(&nats, "cert.pem")).unwrap().shard("0").unwrap();
    append(&shard, Lane::Live, records(0, 2, 20)).unwrap();
    let refusal = refused(trusting(&nats, "other.pem"));
    assert!(refusal.to_string().contains("certificate"), "{refusal}");
    assert!(matches!(refused(trusting(&nats, "absent.pem")), JetStreamError::File { .. }));

    let asking = Nats::configured(&format!("{tls}, verify: true, ca_file: \"{{dir}}/other.pem\" }}\n"), &files);
    let known = Some((asking.file("other.pem"), asking.file("other-key.pem")));
    JetStream::open(JetStreamSettings { client_certificate: known, ..trusting(&asking, "cert.pem") }).unwrap();
    let unknown = refused(trusting(&asking, "cert.pem"));
    assert!(matches!(unknown, JetStreamError::Unreachable { .. }), "{unknown}");
}

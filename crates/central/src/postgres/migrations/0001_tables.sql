-- The tables of CEBE. Company first everywhere, so that they can be distributed by it. Texts sort by their bytes.
-- Columns called `packed`, `exact` or `long_key` are the engine's own: everything a query needs stands beside them.

CREATE TYPE cebe.node_kind AS ENUM (
    'entity', 'customer_id', 'phone', 'email', 'bsuid', 'member_id', 'platform_user_id', 'ad_click_id', 'room_id',
    'device_id', 'anonymous_id'
);

-- One row: which installation this is.
CREATE TABLE cebe.installation (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    format_version int NOT NULL,
    store_id bytea
);

-- Where each shard stands, moved by every commit; 255 is the one of an installation with a single writer.
CREATE TABLE cebe.shards (
    shard smallint PRIMARY KEY,
    epoch bigint NOT NULL,
    commits bigint NOT NULL DEFAULT 0,
    control_version bigint NOT NULL DEFAULT 0,
    live_position bigint,
    backfill_position bigint,
    newest_id bytea,
    committed_at timestamptz
) WITH (fillfactor = 50);

CREATE TABLE cebe.leases (
    shard smallint PRIMARY KEY,
    node text,
    epoch bigint NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL DEFAULT 'epoch'
) WITH (fillfactor = 50);

-- 64 shards of companies and the one of the installation, for ever.
INSERT INTO cebe.leases (shard) SELECT generate_series(0, 64);

CREATE TABLE cebe.cluster_nodes (
    node text PRIMARY KEY,
    seen_at timestamptz NOT NULL DEFAULT 'epoch',
    alive_until timestamptz NOT NULL DEFAULT 'epoch',
    draining boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);

-- The event log: every applied event, masked, by month of receipt. `log_*` is its address: month and number of the commit
-- that brought it, then its place in it.
CREATE TABLE cebe.events (
    company_id text COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL,
    log_month int NOT NULL,
    log_commit bigint NOT NULL,
    log_block int NOT NULL,
    log_slot smallint NOT NULL,
    source_module text COLLATE "C" NOT NULL,
    event_name text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    event_timestamp timestamptz NOT NULL,
    sent_at timestamptz,
    anchor_kind cebe.node_kind,
    anchor_id text COLLATE "C",
    identifiers text[] NOT NULL,
    customer_references jsonb,
    actor_kind text,
    actor_id text,
    actor_name jsonb,
    trigger_from text,
    description text,
    attributes jsonb NOT NULL,
    warnings text[] NOT NULL,
    derived boolean NOT NULL,
    lane smallint NOT NULL,
    queue_index bigint NOT NULL,
    exact bytea NOT NULL,
    PRIMARY KEY (company_id, log_commit, log_month, log_block, log_slot, received_at)
) PARTITION BY RANGE (received_at);

-- What is remembered of every event for ever: a late copy is a duplicate even when the event is gone. `id` is 1 and the
-- bytes of a UUID, or 2 and a hash of any other id.
CREATE TABLE cebe.dedup (
    company_id text COLLATE "C" NOT NULL,
    source_module text COLLATE "C" NOT NULL,
    event_name text COLLATE "C" NOT NULL,
    id bytea NOT NULL,
    content bytea NOT NULL,
    received_at timestamptz NOT NULL,
    event_timestamp timestamptz NOT NULL,
    lane smallint NOT NULL,
    queue_index bigint NOT NULL,
    retired boolean NOT NULL,
    log_month int,
    log_commit bigint,
    log_block int,
    log_slot smallint,
    long_key bytea,
    PRIMARY KEY (company_id, source_module, event_name, id)
);

-- Addresses of the events of everybody they are about, newest first: `place` sorts by time, descending.
CREATE TABLE cebe.timeline (
    company_id text COLLATE "C" NOT NULL,
    anchor_kind cebe.node_kind NOT NULL,
    anchor_id text COLLATE "C" NOT NULL,
    place bytea NOT NULL,
    log_month int NOT NULL,
    log_commit bigint NOT NULL,
    log_block int NOT NULL,
    log_slot smallint NOT NULL,
    long_key bytea,
    PRIMARY KEY (company_id, anchor_kind, anchor_id, place)
);

-- Ids and identifiers: links, and who they are together with.
CREATE TABLE cebe.identities (
    company_id text COLLATE "C" NOT NULL,
    node_kind cebe.node_kind NOT NULL,
    node_id text COLLATE "C" NOT NULL,
    events bigint NOT NULL,
    first_seen_at timestamptz,
    links int NOT NULL,
    together text[] NOT NULL,
    blocked boolean NOT NULL,
    erased boolean NOT NULL,
    packed bytea NOT NULL,
    long_key bytea,
    PRIMARY KEY (company_id, node_kind, node_id)
);

-- Facts: of a business id (`owner_kind` entity), or of a person's id.
CREATE TABLE cebe.facts (
    company_id text COLLATE "C" NOT NULL,
    owner_kind cebe.node_kind NOT NULL,
    owner_id text COLLATE "C" NOT NULL,
    fact text COLLATE "C" NOT NULL,
    business_key text COLLATE "C" NOT NULL,
    entries int NOT NULL,
    truncated bigint NOT NULL,
    packed bytea NOT NULL,
    long_key bytea,
    PRIMARY KEY (company_id, owner_kind, owner_id, fact, business_key)
) WITH (fillfactor = 80);

-- What metrics are made of: sums in millionths (money) or milliseconds (time) by hour and dimensions.
CREATE TABLE cebe.points (
    company_id text COLLATE "C" NOT NULL,
    component text COLLATE "C" NOT NULL,
    bucket timestamptz NOT NULL,
    dimensions text[] COLLATE "C" NOT NULL,
    live_sum numeric NOT NULL,
    live_count bigint NOT NULL,
    sealed_sum numeric NOT NULL,
    sealed_count bigint NOT NULL,
    long_key bytea,
    PRIMARY KEY (company_id, component, bucket, dimensions)
) WITH (fillfactor = 80);

CREATE TABLE cebe.activity (
    company_id text COLLATE "C" NOT NULL,
    component text COLLATE "C" NOT NULL,
    day date NOT NULL,
    anchor_kind cebe.node_kind NOT NULL,
    anchor_id text COLLATE "C" NOT NULL,
    marks bigint NOT NULL,
    long_key bytea,
    PRIMARY KEY (company_id, component, day, anchor_kind, anchor_id)
);

CREATE TABLE cebe.tallies (
    company_id text COLLATE "C" NOT NULL,
    anchor_kind cebe.node_kind NOT NULL,
    anchor_id text COLLATE "C" NOT NULL,
    component text COLLATE "C" NOT NULL,
    sum numeric NOT NULL,
    count bigint NOT NULL,
    long_key bytea,
    PRIMARY KEY (company_id, anchor_kind, anchor_id, component)
);

-- Which facts of business ids concern whom.
CREATE TABLE cebe.held (
    company_id text COLLATE "C" NOT NULL,
    anchor_kind cebe.node_kind NOT NULL,
    anchor_id text COLLATE "C" NOT NULL,
    fact text COLLATE "C" NOT NULL,
    business_key text COLLATE "C" NOT NULL,
    long_key bytea,
    PRIMARY KEY (company_id, anchor_kind, anchor_id, fact, business_key)
);

-- Sealed personal data. Granted to nobody but CEBE itself.
CREATE TABLE cebe.vault (
    company_id text COLLATE "C" NOT NULL,
    token bytea NOT NULL,
    sealed bytea NOT NULL,
    long_key bytea,
    PRIMARY KEY (company_id, token)
);

CREATE TABLE cebe.quarantine (
    company_id text COLLATE "C" NOT NULL,
    receipt text COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL,
    source_module text NOT NULL,
    code text NOT NULL,
    packed bytea NOT NULL,
    long_key bytea,
    PRIMARY KEY (company_id, receipt)
);

CREATE TABLE cebe.conflicts (
    company_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL,
    source_module text NOT NULL,
    event_name text NOT NULL,
    event_id text NOT NULL,
    packed bytea NOT NULL,
    long_key bytea,
    PRIMARY KEY (company_id, id)
);

CREATE TABLE cebe.outcomes (
    company_id text COLLATE "C" NOT NULL,
    source_module text COLLATE "C" NOT NULL,
    hour timestamptz NOT NULL,
    received bigint NOT NULL,
    applied bigint NOT NULL,
    duplicate bigint NOT NULL,
    duplicate_derived bigint NOT NULL,
    conflict bigint NOT NULL,
    ignored bigint NOT NULL,
    quarantined bigint NOT NULL,
    no_identity bigint NOT NULL,
    warnings bigint NOT NULL,
    long_key bytea,
    PRIMARY KEY (company_id, source_module, hour)
) WITH (fillfactor = 80);

CREATE TABLE cebe.latencies (
    company_id text COLLATE "C" NOT NULL,
    source_module text COLLATE "C" NOT NULL,
    hour timestamptz NOT NULL,
    packed bytea NOT NULL,
    long_key bytea,
    PRIMARY KEY (company_id, source_module, hour)
) WITH (fillfactor = 80);

CREATE TABLE cebe.last_seen (
    company_id text COLLATE "C" NOT NULL,
    source_module text COLLATE "C" NOT NULL,
    event_name text COLLATE "C" NOT NULL,
    received_at timestamptz,
    applied_at timestamptz,
    long_key bytea,
    PRIMARY KEY (company_id, source_module, event_name)
) WITH (fillfactor = 80);

-- Applied events by name and hour, of `event_timestamp` (0) or `received_at` (1), with the digest of their ids.
CREATE TABLE cebe.arrivals (
    company_id text COLLATE "C" NOT NULL,
    source_module text COLLATE "C" NOT NULL,
    by_time smallint NOT NULL,
    event_name text COLLATE "C" NOT NULL,
    hour timestamptz NOT NULL,
    count bigint NOT NULL,
    id_digest bigint NOT NULL,
    long_key bytea,
    PRIMARY KEY (company_id, source_module, by_time, event_name, hour)
) WITH (fillfactor = 80);

-- Settings, keys, flags, audits, by the shard that wrote them. Granted to nobody but CEBE itself.
CREATE TABLE cebe.control (
    kind smallint NOT NULL,
    id text COLLATE "C" NOT NULL,
    shard smallint NOT NULL,
    packed bytea NOT NULL,
    long_key bytea,
    PRIMARY KEY (kind, id, shard)
);

-- Who may read which companies with SQL. The owner of the tables is not bound by it.
CREATE TABLE cebe.readers (
    role_name name NOT NULL,
    company_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (role_name, company_id)
);

-- The companies of whoever asks.
CREATE FUNCTION cebe.my_companies() RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT company_id FROM cebe.readers WHERE role_name = session_user $$;

-- What may be read with SQL, and by whom: rows of one's own companies. Partitions are not granted, only their parent is.
DO $$
DECLARE
    readable text;
BEGIN
    FOREACH readable IN ARRAY ARRAY['events', 'timeline', 'identities', 'facts', 'points', 'activity', 'tallies',
        'held', 'outcomes', 'latencies', 'last_seen', 'arrivals']
    LOOP
        EXECUTE format('ALTER TABLE cebe.%I ENABLE ROW LEVEL SECURITY', readable);
        EXECUTE format('CREATE POLICY own_companies ON cebe.%I FOR SELECT USING (company_id IN (SELECT cebe.my_companies()))',
            readable);
    END LOOP;
END $$;

-- Lets a role read the companies named, and no others, with SQL. The role itself is made by whoever runs the database.
CREATE FUNCTION cebe.allow_reader(reader name, companies text[]) RETURNS void LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA cebe TO %I', reader);
    EXECUTE format('GRANT SELECT ON cebe.events, cebe.timeline, cebe.identities, cebe.facts, cebe.points, '
        'cebe.activity, cebe.tallies, cebe.held, cebe.outcomes, cebe.latencies, cebe.last_seen, cebe.arrivals TO %I', reader);
    EXECUTE format('GRANT EXECUTE ON FUNCTION cebe.my_companies() TO %I', reader);
    DELETE FROM cebe.readers WHERE role_name = reader;
    INSERT INTO cebe.readers SELECT reader, unnest(companies);
END $$;
REVOKE ALL ON FUNCTION cebe.allow_reader(name, text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION cebe.my_companies() FROM PUBLIC;

-- What the rival keeps: events once each, a customer's timeline, and counters that are ready to be read.
CREATE TABLE events (
    company_id    text        NOT NULL,
    source_module text        NOT NULL,
    event_name    text        NOT NULL,
    event_id      uuid        NOT NULL,
    customer      text,
    happened_at   timestamptz NOT NULL,
    received_at   timestamptz NOT NULL DEFAULT now(),
    attributes    jsonb       NOT NULL,
    -- The same key as CEBE's; the id first, because it comes nearly in order.
    PRIMARY KEY (event_id, company_id, source_module, event_name)
);
CREATE INDEX timeline ON events (company_id, customer, happened_at DESC);

CREATE TABLE customers (
    company_id text NOT NULL,
    customer   text NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen  timestamptz NOT NULL,
    events     bigint NOT NULL,
    orders     bigint NOT NULL,
    spent      numeric NOT NULL,
    PRIMARY KEY (company_id, customer)
) WITH (fillfactor = 80);

CREATE TABLE identifiers (
    company_id text NOT NULL,
    kind       text NOT NULL,
    value      text NOT NULL,
    customer   text NOT NULL,
    PRIMARY KEY (company_id, kind, value, customer)
);

CREATE TABLE hourly (
    company_id text NOT NULL,
    event_name text NOT NULL,
    hour       timestamptz NOT NULL,
    campaign   text NOT NULL,
    channel    text NOT NULL,
    count      bigint NOT NULL,
    sum        numeric NOT NULL,
    PRIMARY KEY (company_id, event_name, hour, campaign, channel)
) WITH (fillfactor = 70);

CREATE TABLE active (
    company_id text NOT NULL,
    event_name text NOT NULL,
    day        date NOT NULL,
    customer   text NOT NULL,
    PRIMARY KEY (company_id, event_name, day, customer)
);

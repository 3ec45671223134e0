-- Takes a batch in: rows whose key is new are stored, and kept aside for the counters. Rows are taken in key order here and
-- there, so that two writers never wait for each other in a circle.
WITH incoming AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::bigint[], $7::jsonb[],
                         $8::text[], $9::text[])
        AS t (company_id, source_module, event_name, event_id, customer, at_us, attributes, kind, value)
), stored AS (
    INSERT INTO events (company_id, source_module, event_name, event_id, customer, happened_at, attributes)
    SELECT company_id, source_module, event_name, event_id, customer, to_timestamp(at_us / 1000000.0), attributes
    FROM incoming ORDER BY event_id, company_id, source_module, event_name
    ON CONFLICT DO NOTHING
    RETURNING company_id, event_name, event_id, customer, happened_at, attributes
)
INSERT INTO fresh
SELECT DISTINCT ON (s.event_id, s.company_id, s.event_name) s.company_id, s.event_name, s.customer, s.happened_at,
       coalesce(s.attributes ->> 'campaign_id', ''), coalesce(s.attributes ->> 'channel', ''),
       coalesce((coalesce(s.attributes ->> 'paid_amount', s.attributes ->> 'total_value',
                          s.attributes ->> 'ad_spend', s.attributes ->> 'deal_value'))::numeric, 0),
       i.kind, i.value
FROM stored s JOIN incoming i USING (event_id, company_id, event_name)

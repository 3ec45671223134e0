-- Every counter from the rows that were new, set by set.
INSERT INTO hourly AS h (company_id, event_name, hour, campaign, channel, count, sum)
SELECT company_id, event_name, date_trunc('hour', happened_at), campaign, channel, count(*), sum(amount)
FROM fresh GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
ON CONFLICT (company_id, event_name, hour, campaign, channel)
DO UPDATE SET count = h.count + excluded.count, sum = h.sum + excluded.sum;

INSERT INTO customers AS c (company_id, customer, first_seen, last_seen, events, orders, spent)
SELECT company_id, customer, min(happened_at), max(happened_at), count(*),
       count(*) FILTER (WHERE event_name = 'order.created'),
       coalesce(sum(amount) FILTER (WHERE event_name = 'order.paid'), 0)
FROM fresh WHERE customer IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (company_id, customer)
DO UPDATE SET first_seen = least(c.first_seen, excluded.first_seen),
              last_seen = greatest(c.last_seen, excluded.last_seen),
              events = c.events + excluded.events,
              orders = c.orders + excluded.orders,
              spent = c.spent + excluded.spent;

INSERT INTO active (company_id, event_name, day, customer)
SELECT DISTINCT company_id, event_name, (happened_at AT TIME ZONE 'Asia/Jakarta')::date, customer
FROM fresh WHERE customer IS NOT NULL ORDER BY 1, 2, 3, 4
ON CONFLICT DO NOTHING;

INSERT INTO identifiers (company_id, kind, value, customer)
SELECT DISTINCT company_id, kind, value, customer
FROM fresh WHERE value IS NOT NULL AND customer IS NOT NULL ORDER BY 1, 2, 3, 4
ON CONFLICT DO NOTHING;

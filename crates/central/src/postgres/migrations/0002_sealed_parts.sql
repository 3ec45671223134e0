-- What expired events left of people's activity and tallies stands apart from what the log gives, as it does in points.
ALTER TABLE cebe.activity RENAME COLUMN marks TO live;
ALTER TABLE cebe.activity ADD COLUMN sealed bigint NOT NULL DEFAULT 0;
ALTER TABLE cebe.activity ALTER COLUMN sealed DROP DEFAULT;

ALTER TABLE cebe.tallies RENAME COLUMN sum TO live_sum;
ALTER TABLE cebe.tallies RENAME COLUMN count TO live_count;
ALTER TABLE cebe.tallies ADD COLUMN sealed_sum numeric NOT NULL DEFAULT 0;
ALTER TABLE cebe.tallies ADD COLUMN sealed_count bigint NOT NULL DEFAULT 0;
ALTER TABLE cebe.tallies ALTER COLUMN sealed_sum DROP DEFAULT;
ALTER TABLE cebe.tallies ALTER COLUMN sealed_count DROP DEFAULT;

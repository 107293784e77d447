-- The journal: what was received, what of it still waits, and what is held back.
-- Safe before and after the new code: it only adds.
--
-- Frames mix the deliveries of many tenants (and arrive before anyone knows whose they are), so
-- these tables have no tenant in their keys and, on Citus, stay on the coordinator.

-- Append-only. Kept for replay until they expire. Bodies are compressed already, so PostgreSQL
-- shall not try again (STORAGE EXTERNAL). Ids are ordered by time: no other index is needed.
CREATE TABLE journal.frames (
  id uuid PRIMARY KEY,
  partition smallint NOT NULL CHECK (partition >= 0),
  appended_at timestamptz NOT NULL DEFAULT now(),
  deliveries integer NOT NULL CHECK (deliveries > 0),
  body bytea NOT NULL
);
ALTER TABLE journal.frames ALTER COLUMN body SET STORAGE EXTERNAL;

-- One row for each frame that is not settled; settling deletes it. Small, and churns: vacuum by count.
CREATE TABLE journal.pending (
  partition smallint NOT NULL,
  frame_id uuid NOT NULL,
  deliveries integer NOT NULL CHECK (deliveries > 0),
  appended_at timestamptz NOT NULL DEFAULT now(),
  attempt integer NOT NULL DEFAULT 0,
  not_before timestamptz,
  reason text,
  PRIMARY KEY (partition, frame_id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- Deliveries that cannot be applied yet: hopeless as they are (parked), or of a shop that is not
-- connected (unrouted). A delivery is in one of the two, once; its repeats are only counted.
CREATE TABLE journal.held (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('parked', 'unrouted')),
  delivery_key bytea NOT NULL UNIQUE,
  partition smallint NOT NULL,
  shop text NOT NULL,
  topic text NOT NULL,
  webhook_id text NOT NULL,
  tenant_id bigint,
  store_id bigint,
  reason text NOT NULL,
  detail text NOT NULL,
  delivery bytea NOT NULL,
  deliveries integer NOT NULL CHECK (deliveries > 0),
  attempt integer NOT NULL DEFAULT 0,
  not_before timestamptz,
  held_at timestamptz NOT NULL DEFAULT now(),
  released_at timestamptz,
  CHECK (released_at IS NULL OR kind = 'parked')
);
CREATE INDEX held_released ON journal.held (partition) WHERE released_at IS NOT NULL;
CREATE INDEX held_unrouted ON journal.held (shop) WHERE kind = 'unrouted';
CREATE INDEX held_tenant ON journal.held (tenant_id, id);

-- How many deliveries were applied. One row for each partition, written only by the worker that has
-- the partition, inside its own transaction: exact after any crash, and nobody waits for it.
CREATE TABLE journal.progress (
  partition smallint PRIMARY KEY,
  applied bigint NOT NULL
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

ALTER TABLE journal.frames ENABLE ROW LEVEL SECURITY;
ALTER TABLE journal.frames FORCE ROW LEVEL SECURITY;
ALTER TABLE journal.pending ENABLE ROW LEVEL SECURITY;
ALTER TABLE journal.pending FORCE ROW LEVEL SECURITY;
ALTER TABLE journal.held ENABLE ROW LEVEL SECURITY;
ALTER TABLE journal.held FORCE ROW LEVEL SECURITY;
ALTER TABLE journal.progress ENABLE ROW LEVEL SECURITY;
ALTER TABLE journal.progress FORCE ROW LEVEL SECURITY;

-- The worker sees all of it: a frame has many tenants, and a held delivery may have none yet.
-- What it applies to a tenant's tables is still bound by the tenants of its transaction.
CREATE POLICY worker ON journal.frames TO tillstream_worker USING (true) WITH CHECK (true);
CREATE POLICY worker ON journal.pending TO tillstream_worker USING (true) WITH CHECK (true);
CREATE POLICY worker ON journal.held TO tillstream_worker USING (true) WITH CHECK (true);
CREATE POLICY worker ON journal.progress TO tillstream_worker USING (true) WITH CHECK (true);

-- The API reads and releases what is held of its own tenant, and nothing else of the journal.
CREATE POLICY api ON journal.held TO tillstream_api
  USING (tenant_id = (SELECT shops.current_tenant()))
  WITH CHECK (tenant_id = (SELECT shops.current_tenant()));

-- The owner, forced like everyone, reads for journal.status() below.
CREATE POLICY owner ON journal.pending FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner ON journal.held FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner ON journal.progress FOR SELECT TO CURRENT_USER USING (true);

GRANT SELECT, INSERT, DELETE ON journal.frames TO tillstream_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON journal.pending, journal.held, journal.progress TO tillstream_worker;
GRANT SELECT, UPDATE (released_at, not_before, attempt) ON journal.held TO tillstream_api;

-- The held deliveries that may be tried (again): released ones, and unrouted ones whose shop is
-- connected by now. PL/pgSQL, so that shops.route is planned once and looked up when called.
CREATE FUNCTION journal.due_held(moment timestamptz) RETURNS SETOF journal.held
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
BEGIN
  RETURN QUERY
    SELECT h.* FROM journal.held h
    WHERE h.released_at IS NOT NULL AND (h.not_before IS NULL OR h.not_before <= moment);
  RETURN QUERY
    SELECT h.* FROM journal.held h
    WHERE h.kind = 'unrouted' AND (h.not_before IS NULL OR h.not_before <= moment)
      AND h.shop IN (
        SELECT r.domain FROM shops.route(
          ARRAY(SELECT DISTINCT u.shop FROM journal.held u WHERE u.kind = 'unrouted')) r);
END $$;
REVOKE ALL ON FUNCTION journal.due_held(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION journal.due_held(timestamptz) TO tillstream_worker;

-- Locks free partitions that have something due, going round from `first`, and returns their frames.
-- A lock belongs to the session, so what a dead worker had is free again by itself; the session's
-- own partitions are passed in `mine`, since a session would get its own lock once more. It takes
-- `widest` more partitions at most, which leaves the other workers theirs.
-- VOLATILE matters: each statement below sees what was committed before it, so the frames are read
-- with a snapshot taken after the lock and never show what the last holder settled.
CREATE FUNCTION journal.claim(
  partitions integer, first integer, mine integer[], widest integer, most integer, moment timestamptz,
  OUT partition integer, OUT frame_id uuid, OUT attempt integer, OUT deliveries integer, OUT body bytea)
  RETURNS SETOF record LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog
  -- Statistics of a table that churns are always wrong; frames are to be looked up by key.
  SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  ready integer[];
  candidate integer;
  share integer;
  taken integer;
  total integer := 0;
  left_over integer := most;
  behind integer;
  locked integer := 0;
BEGIN
  ready := ARRAY(
    SELECT n FROM generate_series(0, partitions - 1) n
    WHERE n <> ALL (mine) AND EXISTS (
      SELECT FROM journal.pending p
      WHERE p.partition = n AND (p.not_before IS NULL OR p.not_before <= moment))
    ORDER BY (n - first + partitions) % partitions);
  behind := least(cardinality(ready), widest);
  FOREACH candidate IN ARRAY ready LOOP
    EXIT WHEN left_over <= 0 OR locked >= widest;
    -- An even share of what is left: a busy partition takes no more, a quiet one leaves its rest.
    share := ceil(left_over::numeric / greatest(behind, 1));
    behind := behind - 1;
    CONTINUE WHEN NOT pg_try_advisory_lock(7211840, candidate);
    taken := 0;
    FOR partition, frame_id, attempt, deliveries, body IN
      SELECT p.partition, p.frame_id, p.attempt, p.deliveries, f.body
      FROM journal.pending p LEFT JOIN journal.frames f ON f.id = p.frame_id
      WHERE p.partition = candidate AND (p.not_before IS NULL OR p.not_before <= moment)
      ORDER BY p.frame_id
    LOOP
      -- Whole frames: the first one may exceed the share, and the very first even `most`.
      EXIT WHEN taken > 0 AND taken + deliveries > share;
      EXIT WHEN total > 0 AND deliveries > left_over;
      RETURN NEXT;
      taken := taken + deliveries;
      total := total + deliveries;
      left_over := left_over - deliveries;
      EXIT WHEN taken >= share;
    END LOOP;
    IF taken = 0 THEN
      PERFORM pg_advisory_unlock(7211840, candidate);
    ELSE
      locked := locked + 1;
    END IF;
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION journal.claim(integer, integer, integer[], integer, integer, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION journal.claim(integer, integer, integer[], integer, integer, timestamptz) TO tillstream_worker;

-- Totals over everyone, nothing of anyone: hence readable by the API too. One statement, so all
-- numbers are of one moment. Held deliveries that are due count as waiting, not as held.
CREATE FUNCTION journal.status(
  OUT applied bigint, OUT parked bigint, OUT unrouted bigint, OUT waiting bigint, OUT oldest_waiting_at timestamptz)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  SELECT
    coalesce((SELECT sum(p.applied) FROM journal.progress p), 0),
    h.parked - coalesce(d.parked, 0), h.unrouted - coalesce(d.unrouted, 0),
    w.waiting + coalesce(d.parked + d.unrouted, 0), least(w.oldest, d.oldest)
  INTO applied, parked, unrouted, waiting, oldest_waiting_at
  FROM
    (SELECT coalesce(sum(deliveries), 0) AS waiting, min(appended_at) AS oldest FROM journal.pending) w,
    (SELECT coalesce(sum(deliveries) FILTER (WHERE kind = 'parked'), 0) AS parked,
            coalesce(sum(deliveries) FILTER (WHERE kind = 'unrouted'), 0) AS unrouted FROM journal.held) h,
    (SELECT coalesce(sum(deliveries) FILTER (WHERE kind = 'parked'), 0) AS parked,
            coalesce(sum(deliveries) FILTER (WHERE kind = 'unrouted'), 0) AS unrouted,
            min(coalesce(released_at, held_at)) AS oldest FROM journal.due_held('infinity')) d;
END $$;
REVOKE ALL ON FUNCTION journal.status() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION journal.status() TO tillstream_api, tillstream_worker;

-- Limits: taken by claims and given up by whatever ends a claim, in the same transactions; see R__work.sql for who calls
-- these. How many are running is how many rows of limit_holders there are, so nothing is counted that could be forgotten.
--
-- A queue is not looked at further than its limit has room (queue_rooms), and nothing of it moves. A task that its DAG or
-- its key keeps back leaves the queue, into lock_waits, as one does that waits for a lock, and by the same rules: it goes
-- and comes back only under the row of that limit, becomes ready again as a candidate, and whatever takes a candidate away
-- but leaves its place free calls the next one. What must hold: while there are free places and tasks of a queue wait for
-- them, as many candidates stand in that queue as there are free places, or nobody waits.
--
-- The rows of limits come before those of locks in the order in which rows are held, ids ascending. A claim waits for none.

-- What limits allow: for keys by the rule that fits best.
CREATE OR REPLACE VIEW limit_terms AS
SELECT l.id, l.tenant_id, l.kind, l.name, l.weight, l.is_paused, l.tokens, l.tokens_at, l.due_at,
       CASE WHEN l.kind <> 'key' THEN l.max_running WHEN r.pattern IS NULL THEN 1 ELSE r.max_running END AS max_running,
       CASE WHEN l.kind = 'key' THEN r.rate_limit ELSE l.rate_limit END AS rate_limit,
       CASE WHEN l.kind = 'key' THEN r.rate_ms ELSE l.rate_ms END AS rate_ms
FROM limits l
LEFT JOIN LATERAL (
    SELECT x.pattern, x.max_running, x.rate_limit, x.rate_ms
    FROM limit_rules x
    WHERE l.kind = 'key' AND x.tenant_id = l.tenant_id
      AND (x.pattern = l.name OR (right(x.pattern, 1) = '*' AND starts_with(l.name, left(x.pattern, -1))))
    ORDER BY x.pattern = l.name DESC, length(x.pattern) DESC
    LIMIT 1
) r ON true;

-- How many tokens there are now: all after a time without use, and as many more as came since they were counted.
CREATE OR REPLACE FUNCTION tokens_now(tokens float8, tokens_at timestamptz, rate_limit int, rate_ms bigint, at timestamptz)
RETURNS float8
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN rate_limit IS NOT NULL THEN coalesce(
    least(rate_limit,
          tokens + greatest(0, extract(epoch FROM at - tokens_at)::float8 * 1000) * rate_limit / rate_ms),
    rate_limit) END;

-- When the next whole token is there; now where it is.
CREATE OR REPLACE FUNCTION next_token(tokens float8, rate_limit int, rate_ms bigint, at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN at + ceil(greatest(0, 1 - tokens) * rate_ms / rate_limit * 1000) * interval '1 microsecond';

-- Holds the rows of limits, in one order for all.
CREATE OR REPLACE FUNCTION hold_limits(p_limits bigint[]) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    PERFORM l.id
    FROM (SELECT DISTINCT u.id FROM unnest(p_limits) u(id) WHERE u.id IS NOT NULL ORDER BY u.id) u
    CROSS JOIN LATERAL (SELECT x.id FROM limits x WHERE x.id = u.id OFFSET 0 FOR NO KEY UPDATE) l;
END $f$;

-- How wanted places are shared by lines of these weights, of which the claimer holds so much already and that have so much
-- to give: one place after the other goes to the line that has the least for its weight, the first of equals. The same rule
-- as QueueShares.of.
CREATE OR REPLACE FUNCTION queue_shares(p_wanted int, p_weights int[], p_held int[], p_ready int[]) RETURNS int[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    WITH given AS (
        SELECT g.ordinal, count(*)::int AS places
        FROM (SELECT q.ordinal
              FROM unnest(p_weights, p_held, p_ready) WITH ORDINALITY q(weight, held, ready, ordinal)
              CROSS JOIN LATERAL generate_series(1, least(q.ready, p_wanted)) n(place)
              ORDER BY (q.held + n.place)::numeric / q.weight, q.ordinal
              LIMIT p_wanted) g
        GROUP BY g.ordinal
    )
    SELECT array_agg(coalesce(g.places, 0) ORDER BY q.ordinal)
    FROM unnest(p_weights) WITH ORDINALITY q(weight, ordinal)
    LEFT JOIN given g ON g.ordinal = q.ordinal);

-- How many tasks may be taken of each of these queues at most, null where as many as are wanted; all null where nothing was
-- set for any of them. The rows of those that count are held, and one that somebody else holds at this moment has no room:
-- has_more. Where weights were set, what is wanted is shared by them.
CREATE OR REPLACE FUNCTION queue_rooms(p_node uuid, p_queues text[], p_wanted int, OUT rooms int[], OUT has_more boolean)
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now      timestamptz := clock_timestamp();
    v_weights  boolean;
    v_had      bigint[];
    v_shares   int[];
BEGIN
    has_more := false;
    v_weights := EXISTS (
        SELECT FROM limits l WHERE l.tenant_id = 1 AND l.kind = 'queue' AND l.name = ANY (p_queues) AND l.weight <> 1);
    IF v_weights THEN
        -- Where shares count, the others' are counted too.
        INSERT INTO limits (tenant_id, kind, name)
        SELECT 1, 'queue', q.name FROM unnest(p_queues) q(name)
        WHERE NOT EXISTS (SELECT FROM limits x WHERE x.tenant_id = 1 AND x.kind = 'queue' AND x.name = q.name OFFSET 0)
        ORDER BY q.name
        ON CONFLICT DO NOTHING;
    END IF;
    SELECT coalesce(array_agg(h.id), '{}') INTO v_had
    FROM (SELECT l.id FROM limits l
          WHERE l.tenant_id = 1 AND l.kind = 'queue' AND l.name = ANY (p_queues) AND NOT l.is_paused
            AND num_nonnulls(l.max_running, l.rate_limit) > 0
          FOR NO KEY UPDATE SKIP LOCKED) h;

    SELECT array_agg(CASE WHEN q.is_paused OR q.is_busy THEN 0
                          WHEN num_nonnulls(q.max_running, q.tokens) > 0
                          THEN greatest(0, least(q.max_running - q.running, floor(q.tokens)))::int END ORDER BY q.ordinal),
           bool_or(q.is_busy)
    INTO rooms, has_more
    FROM (SELECT a.ordinal, l.max_running, l.is_paused,
                 NOT l.is_paused AND num_nonnulls(l.max_running, l.rate_limit) > 0 AND l.id <> ALL (v_had) AS is_busy,
                 tokens_now(l.tokens, l.tokens_at, l.rate_limit, l.rate_ms, v_now) AS tokens,
                 CASE WHEN l.max_running IS NOT NULL
                      THEN (SELECT count(*) FROM limit_holders h WHERE h.limit_id = l.id) END AS running
          FROM unnest(p_queues) WITH ORDINALITY a(name, ordinal)
          LEFT JOIN limits l ON l.tenant_id = 1 AND l.kind = 'queue' AND l.name = a.name) q;
    has_more := coalesce(has_more, false);

    -- Whoever finds no token sees to it that somebody looks when there is one.
    UPDATE limits l
    SET due_at = next_token(tokens_now(l.tokens, l.tokens_at, l.rate_limit, l.rate_ms, v_now), l.rate_limit, l.rate_ms, v_now)
    WHERE l.id = ANY (v_had) AND l.due_at IS NULL
      AND tokens_now(l.tokens, l.tokens_at, l.rate_limit, l.rate_ms, v_now) < 1;

    IF v_weights THEN
        SELECT queue_shares(p_wanted, array_agg(s.weight ORDER BY s.ordinal), array_agg(s.held ORDER BY s.ordinal),
                            array_agg(s.ready ORDER BY s.ordinal))
        INTO v_shares
        FROM (SELECT a.ordinal, coalesce(l.weight, 1) AS weight,
                     (SELECT count(*)::int FROM limit_holders h WHERE h.limit_id = l.id AND h.node_id = p_node) AS held,
                     r.count AS ready
              FROM unnest(p_queues, rooms) WITH ORDINALITY a(name, room, ordinal)
              LEFT JOIN limits l ON l.tenant_id = 1 AND l.kind = 'queue' AND l.name = a.name
              CROSS JOIN LATERAL (
                  SELECT count(*)::int FROM (
                      SELECT x.id
                      FROM ready_places(ARRAY[a.name]) p
                      CROSS JOIN LATERAL (
                          SELECT y.id FROM task_ready y
                          WHERE y.generation = p.generation AND y.queue = p.queue AND y.latest_start >= p.starts_from
                          ORDER BY y.latest_start, y.id LIMIT least(a.room, p_wanted)) x
                      LIMIT least(a.room, p_wanted)) o
              ) r) s;
        rooms := v_shares;
        -- What others hold at this moment was counted too.
        has_more := has_more OR (SELECT sum(s.share) FROM unnest(v_shares) s(share)) = p_wanted;
    END IF;
END $f$;

-- The rooms that these queues have left when these tasks are taken.
CREATE OR REPLACE FUNCTION rooms_left(p_queues text[], p_rooms int[], p_ids uuid[]) RETURNS int[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    RETURN (
        SELECT array_agg(q.room - coalesce(t.count, 0)::int ORDER BY q.ordinal)
        FROM unnest(p_queues, p_rooms) WITH ORDINALITY q(name, room, ordinal)
        LEFT JOIN (
            SELECT i.queue, count(*) FROM unnest(p_ids) c(id)
            CROSS JOIN LATERAL (SELECT x.queue FROM task_instances x WHERE x.id = c.id OFFSET 0) i
            GROUP BY i.queue
        ) t ON t.queue = q.name);
END $f$;

-- Counts these claims for their queues.
CREATE OR REPLACE FUNCTION take_queue_places(p_node uuid, p_ids uuid[]) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now  timestamptz := clock_timestamp();
BEGIN
    WITH taken AS (
        INSERT INTO limit_holders (task_id, limit_id, node_id)
        SELECT c.id, l.id, p_node
        FROM unnest(p_ids) c(id)
        CROSS JOIN LATERAL (SELECT x.queue FROM task_instances x WHERE x.id = c.id OFFSET 0) i
        CROSS JOIN LATERAL (
            SELECT x.id FROM limits x WHERE x.tenant_id = 1 AND x.kind = 'queue' AND x.name = i.queue OFFSET 0) l
        RETURNING limit_id
    ), counted AS MATERIALIZED (
        SELECT t.limit_id, count(*)::int AS count FROM taken t GROUP BY t.limit_id
    )
    UPDATE limits l
    SET tokens = tokens_now(l.tokens, l.tokens_at, l.rate_limit, l.rate_ms, v_now) - c.count, tokens_at = v_now
    FROM counted c
    WHERE l.id = c.limit_id AND l.rate_limit IS NOT NULL;
END $f$;

-- Takes the locks and the places that these ready tasks need, the most urgent first: all of it or nothing. What is said of
-- take_locks holds here too.
CREATE OR REPLACE FUNCTION take_places(
    p_node uuid, p_ids uuid[], p_may_add boolean, OUT taken uuid[], OUT numbers bigint[], OUT busy uuid[], OUT queues text[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now         timestamptz := clock_timestamp();
    v_is_locking  boolean[];
    v_limits      bigint[];
    v_tenants     int[];
    v_keys        text[];
    v_had         bigint[];
    v_rooms       bigint[];
    v_tokens      float8[];
    v_used        int[];
    v_left        int[];
    v_place       int;
    v_locks       record;
    v_waiting     uuid[] := '{}';
    v_waits_for   bigint[] := '{}';
    v_holding     uuid[] := '{}';
    v_held        bigint[] := '{}';
    v_freed       uuid[] := '{}';
    v_dry         bigint[] := '{}';
BEGIN
    SELECT array_agg(n.is_locking ORDER BY n.ordinal), array_agg(n.limit_id ORDER BY n.ordinal),
           array_agg(n.tenant_id ORDER BY n.ordinal), array_agg(n.concurrency_key ORDER BY n.ordinal)
    INTO v_is_locking, v_limits, v_tenants, v_keys
    FROM (SELECT u.ordinal, num_nonnulls(v.lock_id, t.lock_id) > 0 AS is_locking, v.limit_id, i.tenant_id, i.concurrency_key
          FROM unnest(p_ids) WITH ORDINALITY u(id, ordinal)
          CROSS JOIN LATERAL (SELECT x.version_id FROM task_ready x WHERE x.id = u.id OFFSET 0) r
          LEFT JOIN dag_versions v ON v.id = r.version_id
          LEFT JOIN dag_tasks t ON t.version_id = r.version_id AND t.task_no = task_no_of(u.id)
          LEFT JOIN LATERAL (
              SELECT x.tenant_id, x.concurrency_key FROM task_instances x
              WHERE x.id = u.id AND r.version_id = 0 OFFSET 0) i ON true) n;
    IF num_nonnulls(VARIADIC v_limits) = 0 AND num_nonnulls(VARIADIC v_keys) = 0 THEN
        SELECT k.taken, k.numbers, k.busy, k.queues INTO taken, numbers, busy, queues FROM take_locks(p_ids) k;
        RETURN;
    END IF;

    IF num_nonnulls(VARIADIC v_keys) > 0 THEN
        -- Here alone a claim may wait for another one, so it does that once, before it holds any row of a limit's.
        IF p_may_add THEN
            INSERT INTO limits (tenant_id, kind, name)
            SELECT DISTINCT k.tenant, 'key'::limit_kind, k.key
            FROM unnest(v_tenants, v_keys) k(tenant, key)
            WHERE k.key IS NOT NULL AND NOT EXISTS (
                SELECT FROM limits x WHERE x.tenant_id = k.tenant AND x.kind = 'key' AND x.name = k.key OFFSET 0)
            ORDER BY k.tenant, k.key
            ON CONFLICT DO NOTHING;
        END IF;
        SELECT array_agg(CASE WHEN n.key IS NULL THEN n.limit_id ELSE coalesce(l.id, 0) END ORDER BY n.ordinal) INTO v_limits
        FROM unnest(v_limits, v_tenants, v_keys) WITH ORDINALITY n(limit_id, tenant, key, ordinal)
        LEFT JOIN LATERAL (
            SELECT x.id FROM limits x
            WHERE x.tenant_id = n.tenant AND x.kind = 'key' AND x.name = n.key OFFSET 0) l ON true;
    END IF;
    SELECT coalesce(array_agg(h.id), '{}') INTO v_had
    FROM (SELECT l.id FROM limits l WHERE l.id = ANY (v_limits) FOR NO KEY UPDATE SKIP LOCKED) h;
    SELECT array_agg(t.id), array_agg(t.max_running - (SELECT count(*) FROM limit_holders x WHERE x.limit_id = t.id)),
           array_agg(tokens_now(t.tokens, t.tokens_at, t.rate_limit, t.rate_ms, v_now))
    INTO v_had, v_rooms, v_tokens
    FROM limit_terms t WHERE t.id = ANY (v_had);
    v_used := array_fill(0, ARRAY[coalesce(cardinality(v_had), 0)]);
    v_left := v_used;
    SELECT k.taken, k.numbers, k.busy, k.queues INTO v_locks
    FROM take_locks(ARRAY(
        SELECT n.id FROM unnest(p_ids, v_is_locking, v_limits) WITH ORDINALITY n(id, is_locking, limit_id, ordinal)
        WHERE n.is_locking AND (n.limit_id IS NULL OR n.limit_id = ANY (v_had)) ORDER BY n.ordinal)) k;

    taken := '{}';
    numbers := '{}';
    busy := '{}';
    queues := v_locks.queues;
    FOR i IN 1 .. cardinality(p_ids) LOOP
        v_place := array_position(v_had, v_limits[i]);
        IF (v_limits[i] IS NOT NULL AND v_place IS NULL) OR p_ids[i] = ANY (v_locks.busy) THEN
            busy := busy || p_ids[i];
        ELSIF v_is_locking[i] AND p_ids[i] <> ALL (v_locks.taken) THEN
            -- It waits for a lock now, and leaves a place to others.
            IF v_place IS NOT NULL THEN
                v_left[v_place] := v_left[v_place] + 1;
            END IF;
        ELSIF v_rooms[v_place] <= 0 OR v_tokens[v_place] < 1 THEN
            v_waiting := v_waiting || p_ids[i];
            v_waits_for := v_waits_for || v_limits[i];
            IF v_is_locking[i] THEN
                v_freed := v_freed || p_ids[i];
            END IF;
            IF NOT coalesce(v_rooms[v_place] <= 0, false) THEN
                v_dry := v_dry || v_limits[i];
            END IF;
        ELSE
            IF v_place IS NOT NULL THEN
                v_rooms[v_place] := v_rooms[v_place] - 1;
                v_tokens[v_place] := v_tokens[v_place] - 1;
                v_used[v_place] := v_used[v_place] + 1;
                v_holding := v_holding || p_ids[i];
                v_held := v_held || v_limits[i];
            END IF;
            taken := taken || p_ids[i];
            numbers := numbers || v_locks.numbers[array_position(v_locks.taken, p_ids[i])];
        END IF;
    END LOOP;

    INSERT INTO limit_holders (task_id, limit_id, node_id)
    SELECT h.id, h.limit_id, p_node FROM unnest(v_holding, v_held) h(id, limit_id);
    UPDATE limits l
    SET tokens = CASE WHEN h.used > 0 THEN h.tokens ELSE l.tokens END,
        tokens_at = CASE WHEN h.used > 0 THEN v_now ELSE l.tokens_at END,
        due_at = CASE WHEN l.id = ANY (v_dry)
                      THEN least(l.due_at, next_token(h.tokens, t.rate_limit, t.rate_ms, v_now)) ELSE l.due_at END
    FROM unnest(v_had, v_tokens, v_used) h(id, tokens, used)
    JOIN limit_terms t ON t.id = h.id
    WHERE l.id = h.id AND h.tokens IS NOT NULL AND (h.used > 0 OR l.id = ANY (v_dry));
    WITH gone AS (
        DELETE FROM task_ready r WHERE r.id = ANY (v_waiting)
        RETURNING r.id, r.queue, r.latest_start, r.version_id, r.attempt, r.failures, r.ready_at
    )
    INSERT INTO lock_waits (id, lock_id, queue, latest_start, version_id, attempt, failures, ready_at)
    SELECT g.id, w.lock, g.queue, g.latest_start, g.version_id, g.attempt, g.failures, g.ready_at
    FROM gone g JOIN unnest(v_waiting, v_waits_for) w(id, lock) ON w.id = g.id;
    IF cardinality(v_freed) > 0 THEN
        queues := queues || release_locks(v_freed);
    END IF;
    IF EXISTS (SELECT FROM unnest(v_left) f(count) WHERE f.count > 0) THEN
        queues := queues || (
            SELECT wake_waiters(array_agg(h.id), array_agg(least(h.count, h.room)::int))
            FROM unnest(v_had, v_left, v_rooms) h(id, count, room) WHERE h.count > 0 AND coalesce(h.room > 0, true));
    END IF;
END $f$;

-- Gives up the places of claims that end; answers the queues in which more may be claimed by it. Only where a limit counts
-- how many are running is anybody called, and its row held.
CREATE OR REPLACE FUNCTION release_places(p_ids uuid[]) RETURNS text[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_limits  bigint[];
    v_ids     bigint[];
    v_counts  int[];
    v_queues  text[];
BEGIN
    SELECT array_agg(t.id) INTO v_limits
    FROM (SELECT DISTINCT h.limit_id AS id FROM limit_holders h WHERE h.task_id = ANY (p_ids)) h
    CROSS JOIN LATERAL (SELECT x.id FROM limit_terms x WHERE x.id = h.id AND x.max_running IS NOT NULL OFFSET 0) t;
    PERFORM hold_limits(v_limits);
    WITH gone AS (
        DELETE FROM limit_holders h WHERE h.task_id = ANY (p_ids) RETURNING h.limit_id
    )
    SELECT array_agg(l.id) FILTER (WHERE l.kind <> 'queue'), array_agg(c.count) FILTER (WHERE l.kind <> 'queue'),
           coalesce(array_agg(l.name) FILTER (WHERE l.kind = 'queue'), '{}')
    INTO v_ids, v_counts, v_queues
    FROM (SELECT g.limit_id, count(*)::int AS count FROM gone g GROUP BY g.limit_id) c
    JOIN limits l ON l.id = c.limit_id
    WHERE l.id = ANY (v_limits);
    IF v_ids IS NOT NULL THEN
        v_queues := v_queues || wake_waiters(v_ids, v_counts);
    END IF;
    RETURN v_queues;
END $f$;

-- Lets more of what waits for limits be claimed where the time has come; answers the queues and in how many milliseconds
-- the next one is due. What somebody else holds at this moment is looked at the next time.
CREATE OR REPLACE FUNCTION wake_limits(p_limit int, OUT woken int, OUT queues text[], OUT next_due_ms bigint)
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now    timestamptz := clock_timestamp();
    v_had    bigint[];
    v_ids    bigint[];
    v_frees  int[];
BEGIN
    SELECT array_agg(d.id) INTO v_had
    FROM (SELECT x.id FROM limits x WHERE x.due_at <= statement_timestamp()
          ORDER BY x.due_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED) d;
    woken := coalesce(cardinality(v_had), 0);
    queues := '{}';
    IF woken > 0 THEN
        SELECT array_agg(t.id) FILTER (WHERE t.kind <> 'queue'), array_agg(t.free) FILTER (WHERE t.kind <> 'queue'),
               coalesce(array_agg(t.name) FILTER (WHERE t.kind = 'queue'), '{}')
        INTO v_ids, v_frees, queues
        FROM (SELECT x.id, x.kind, x.name,
                     free_places(x.id) AS free
              FROM limit_terms x WHERE x.id = ANY (v_had)) t;
        IF v_ids IS NOT NULL THEN
            queues := queues || wake_waiters(v_ids, v_frees);
        END IF;
        -- A thousand at a time of those that nothing keeps back any more; of the others when more tokens are there.
        UPDATE limits l
        SET due_at = CASE
            WHEN l.kind = 'queue' OR NOT EXISTS (SELECT FROM lock_waits w WHERE w.lock_id = l.id) THEN NULL
            WHEN f.free = 1000 THEN v_now
            WHEN t.rate_limit IS NOT NULL
                THEN v_now + greatest(50, ceil(t.rate_ms::float8 / t.rate_limit)) * interval '1 millisecond' END
        FROM limit_terms t
        LEFT JOIN unnest(v_ids, v_frees) f(id, free) ON f.id = t.id
        WHERE l.id = ANY (v_had) AND t.id = l.id;
    END IF;
    SELECT CASE WHEN t.due_at IS NOT NULL
                THEN greatest(1, ceil(extract(epoch FROM t.due_at - clock_timestamp()) * 1000))::bigint END
    INTO next_due_ms
    FROM (SELECT min(x.due_at) AS due_at FROM limits x WHERE x.due_at IS NOT NULL) t;
END $f$;

-- How many of those who wait for a limit could be claimed now; at most 1000.
CREATE OR REPLACE FUNCTION free_places(p_limit bigint) RETURNS int
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    RETURN (
        SELECT greatest(0, least(x.max_running - (SELECT count(*) FROM limit_holders h WHERE h.limit_id = x.id),
                                 floor(tokens_now(x.tokens, x.tokens_at, x.rate_limit, x.rate_ms, clock_timestamp())),
                                 1000))::int
        FROM limit_terms x WHERE x.id = p_limit);
END $f$;

-- Takes single tasks that are ready out of the queue, or from where they wait for a limit, for whoever ends or changes them;
-- what is claimed meanwhile is not among those that are gone. Their places are for others: answers the queues of these.
CREATE OR REPLACE FUNCTION withdraw_tasks(
    p_ids uuid[], OUT gone uuid[], OUT attempts smallint[], OUT failures smallint[], OUT queues text[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_limits  bigint[];
BEGIN
    -- A key that nobody has claimed yet gets its row here: without one a claim could move tasks behind our back.
    INSERT INTO limits (tenant_id, kind, name)
    SELECT DISTINCT i.tenant_id, 'key'::limit_kind, i.concurrency_key
    FROM unnest(p_ids) u(id)
    CROSS JOIN LATERAL (
        SELECT x.tenant_id, x.concurrency_key FROM task_instances x
        WHERE x.id = u.id AND x.concurrency_key IS NOT NULL OFFSET 0) i
    WHERE NOT EXISTS (
        SELECT FROM limits x WHERE x.tenant_id = i.tenant_id AND x.kind = 'key' AND x.name = i.concurrency_key OFFSET 0)
    ORDER BY 1, 3
    ON CONFLICT DO NOTHING;
    SELECT array_agg(DISTINCT l.id) INTO v_limits
    FROM unnest(p_ids) u(id)
    CROSS JOIN LATERAL (
        SELECT x.tenant_id, x.concurrency_key FROM task_instances x
        WHERE x.id = u.id AND x.concurrency_key IS NOT NULL OFFSET 0) i
    CROSS JOIN LATERAL (
        SELECT x.id FROM limits x WHERE x.tenant_id = i.tenant_id AND x.kind = 'key' AND x.name = i.concurrency_key OFFSET 0) l;
    PERFORM hold_limits(v_limits);
    WITH waiting AS (
        DELETE FROM lock_waits w WHERE w.id = ANY (p_ids) RETURNING w.id, w.attempt, w.failures
    ), ready AS (
        DELETE FROM task_ready r WHERE r.id = ANY (p_ids) RETURNING r.id, r.attempt, r.failures
    )
    SELECT coalesce(array_agg(g.id), '{}'), coalesce(array_agg(g.attempt), '{}'), coalesce(array_agg(g.failures), '{}')
    INTO gone, attempts, failures
    FROM (SELECT * FROM waiting UNION ALL SELECT * FROM ready) g;
    queues := '{}';
    IF v_limits IS NOT NULL THEN
        queues := wake_waiters(v_limits, ARRAY(
            SELECT free_places(l.id) FROM unnest(v_limits) WITH ORDINALITY l(id, ordinal) ORDER BY l.ordinal));
    END IF;
END $f$;

-- Sets what a queue allows; what is null does not limit. Answers nothing: whoever waits is looked at when due_at has come.
CREATE OR REPLACE FUNCTION set_queue(p_name text, p_weight int, p_max int, p_rate_limit int, p_rate_ms bigint) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now  timestamptz := clock_timestamp();
BEGIN
    INSERT INTO queues (name) VALUES (p_name) ON CONFLICT DO NOTHING;
    IF p_max IS NOT NULL AND NOT EXISTS (
        SELECT FROM limits l WHERE l.tenant_id = 1 AND l.kind = 'queue' AND l.name = p_name AND l.max_running IS NOT NULL) THEN
        -- What runs already counts too. No claim ends or begins before it is counted: each changes a batch, and looks for
        -- limits after that.
        PERFORM set_config('lock_timeout', '2s', true);
        LOCK TABLE claim_batches IN SHARE ROW EXCLUSIVE MODE;
        PERFORM add_queue(p_name);
        INSERT INTO limit_holders (task_id, limit_id, node_id)
        SELECT m.id, l.id, b.node_id
        FROM claim_batches b
        CROSS JOIN LATERAL unnest(b.ids, b.attempts) m(id, attempt)
        CROSS JOIN LATERAL (SELECT x.queue FROM task_instances x WHERE x.id = m.id OFFSET 0) i
        LEFT JOIN task_attempts a ON a.task_id = m.id AND a.attempt = m.attempt
        JOIN limits l ON l.tenant_id = 1 AND l.kind = 'queue' AND l.name = i.queue
        WHERE i.queue = p_name AND a.outcome IS NULL
        ON CONFLICT DO NOTHING;
    ELSE
        PERFORM add_queue(p_name);
    END IF;
    UPDATE limits l
    SET weight = p_weight, max_running = p_max, rate_limit = p_rate_limit, rate_ms = p_rate_ms,
        tokens = least(p_rate_limit, tokens_now(l.tokens, l.tokens_at, l.rate_limit, l.rate_ms, v_now)),
        tokens_at = CASE WHEN num_nonnulls(p_rate_limit, l.rate_limit) > 0 THEN v_now END,
        due_at = v_now
    WHERE l.tenant_id = 1 AND l.kind = 'queue' AND l.name = p_name;
END $f$;

CREATE OR REPLACE FUNCTION add_queue(p_name text) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    INSERT INTO limits (tenant_id, kind, name)
    SELECT 1, 'queue', p_name
    WHERE NOT EXISTS (SELECT FROM limits l WHERE l.tenant_id = 1 AND l.kind = 'queue' AND l.name = p_name)
    ON CONFLICT DO NOTHING;
END $f$;

-- Keeps the tasks of a queue from being claimed, or lets them be claimed again; false where there is no such queue.
CREATE OR REPLACE FUNCTION pause_queue(p_name text, p_is_paused boolean) RETURNS boolean
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    IF NOT EXISTS (SELECT FROM queues q WHERE q.name = p_name) THEN
        RETURN false;
    END IF;
    IF p_is_paused THEN
        PERFORM add_queue(p_name);
    END IF;
    UPDATE limits l SET is_paused = p_is_paused, due_at = CASE WHEN NOT p_is_paused THEN clock_timestamp() END
    WHERE l.tenant_id = 1 AND l.kind = 'queue' AND l.name = p_name AND l.is_paused <> p_is_paused;
    RETURN true;
END $f$;

-- Forgets all that was set for a queue; false where nothing was.
CREATE OR REPLACE FUNCTION reset_queue(p_name text) RETURNS boolean
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_id  bigint;
BEGIN
    DELETE FROM limits l WHERE l.tenant_id = 1 AND l.kind = 'queue' AND l.name = p_name RETURNING l.id INTO v_id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM limit_holders h WHERE h.limit_id = v_id;
    RETURN true;
END $f$;

-- Lets those be looked at who wait for keys of this form.
CREATE OR REPLACE FUNCTION call_keys(p_tenant int, p_pattern text) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_ids  bigint[];
BEGIN
    SELECT array_agg(l.id) INTO v_ids
    FROM limits l
    WHERE l.tenant_id = p_tenant AND l.kind = 'key'
      AND (l.name = p_pattern OR (right(p_pattern, 1) = '*' AND starts_with(l.name, left(p_pattern, -1))))
      AND EXISTS (SELECT FROM lock_waits w WHERE w.lock_id = l.id);
    PERFORM hold_limits(v_ids);
    UPDATE limits l SET due_at = clock_timestamp() WHERE l.id = ANY (v_ids);
END $f$;

-- Sets what a key, or all that begin alike, may do: 'set', or 'full' where the tenant has p_most such settings.
CREATE OR REPLACE FUNCTION set_limit(
    p_tenant int, p_pattern text, p_max int, p_rate_limit int, p_rate_ms bigint, p_most int) RETURNS text
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    IF (SELECT count(*) FROM limit_rules r WHERE r.tenant_id = p_tenant AND r.pattern <> p_pattern) >= p_most THEN
        RETURN 'full';
    END IF;
    INSERT INTO limit_rules AS r (tenant_id, pattern, max_running, rate_limit, rate_ms)
    VALUES (p_tenant, p_pattern, p_max, p_rate_limit, p_rate_ms)
    ON CONFLICT (tenant_id, pattern) DO UPDATE
    SET max_running = EXCLUDED.max_running, rate_limit = EXCLUDED.rate_limit, rate_ms = EXCLUDED.rate_ms;
    PERFORM call_keys(p_tenant, p_pattern);
    RETURN 'set';
END $f$;

-- Forgets it; false where there is none.
CREATE OR REPLACE FUNCTION delete_limit(p_tenant int, p_pattern text) RETURNS boolean
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    DELETE FROM limit_rules r WHERE r.tenant_id = p_tenant AND r.pattern = p_pattern;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM call_keys(p_tenant, p_pattern);
    RETURN true;
END $f$;

-- The limit of a DAG as its newest version says; its id where that names one. The DAG's row is held.
CREATE OR REPLACE FUNCTION limit_dag(p_tenant int, p_dag uuid, p_max int, p_rate_limit int, p_rate_ms bigint) RETURNS bigint
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now  timestamptz := clock_timestamp();
    v_id   bigint;
BEGIN
    UPDATE limits l
    SET max_running = p_max, rate_limit = p_rate_limit, rate_ms = p_rate_ms,
        tokens = least(p_rate_limit, tokens_now(l.tokens, l.tokens_at, l.rate_limit, l.rate_ms, v_now)),
        tokens_at = CASE WHEN num_nonnulls(p_rate_limit, l.rate_limit) > 0 THEN v_now END,
        due_at = v_now
    WHERE l.tenant_id = p_tenant AND l.kind = 'dag' AND l.name = p_dag::text
    RETURNING l.id INTO v_id;
    IF v_id IS NULL AND num_nonnulls(p_max, p_rate_limit) > 0 THEN
        INSERT INTO limits AS l (tenant_id, kind, name, max_running, rate_limit, rate_ms)
        VALUES (p_tenant, 'dag', p_dag::text, p_max, p_rate_limit, p_rate_ms)
        RETURNING l.id INTO v_id;
    END IF;
    RETURN CASE WHEN num_nonnulls(p_max, p_rate_limit) > 0 THEN v_id END;
END $f$;

-- Deletes rows of keys that nobody has and nobody waits for, those with a rate once that was not used for a day; at most
-- p_limit. Whoever has the key next makes its row anew. Answers how many.
CREATE OR REPLACE FUNCTION purge_idle_keys(p_limit int) RETURNS int
LANGUAGE plpgsql
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
DECLARE
    v_ids    bigint[];
    v_count  int;
BEGIN
    SELECT array_agg(i.id) INTO v_ids
    FROM (SELECT l.id FROM limits l
          WHERE l.kind = 'key' AND (l.tokens_at IS NULL OR l.tokens_at < statement_timestamp() - interval '1 day')
            AND NOT EXISTS (SELECT FROM limit_holders h WHERE h.limit_id = l.id)
            AND NOT EXISTS (SELECT FROM lock_waits w WHERE w.lock_id = l.id)
          ORDER BY l.id LIMIT p_limit FOR UPDATE SKIP LOCKED) i;
    DELETE FROM limits l
    WHERE l.id = ANY (v_ids)
      AND NOT EXISTS (SELECT FROM limit_holders h WHERE h.limit_id = l.id)
      AND NOT EXISTS (SELECT FROM lock_waits w WHERE w.lock_id = l.id);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $f$;

-- What a ready task waits for of locks and limits, and who has it: up to 20 tasks or runs. No row where it waits for none.
CREATE OR REPLACE FUNCTION limit_holders_of(p_task uuid)
RETURNS TABLE (kind text, name text, is_paused boolean, max_running int, running int, rate_limit int, rate_ms bigint,
               next_token_at timestamptz, holders uuid[])
LANGUAGE sql STABLE
AS $f$
    SELECT 'lock', l.name, false, 1, num_nonnulls(l.holder), NULL, NULL, NULL, array_remove(ARRAY[l.holder], NULL)
    FROM lock_waits w JOIN locks l ON l.id = w.lock_id
    WHERE w.id = p_task
    UNION ALL
    SELECT t.kind::text, t.name, t.is_paused, t.max_running, c.count, t.rate_limit, t.rate_ms,
           CASE WHEN k.tokens < 1 THEN next_token(k.tokens, t.rate_limit, t.rate_ms, statement_timestamp()) END,
           ARRAY(SELECT h.task_id FROM limit_holders h WHERE h.limit_id = t.id ORDER BY h.task_id LIMIT 20)
    FROM (SELECT w.lock_id AS id, false AS is_line FROM lock_waits w WHERE w.id = p_task
          UNION ALL
          SELECT l.id, true FROM task_ready r
          JOIN limits l ON l.tenant_id = 1 AND l.kind = 'queue' AND l.name = r.queue
          WHERE r.id = p_task) w
    JOIN limit_terms t ON t.id = w.id
    CROSS JOIN LATERAL (SELECT count(*)::int FROM limit_holders h WHERE h.limit_id = t.id) c
    CROSS JOIN LATERAL (
        SELECT tokens_now(t.tokens, t.tokens_at, t.rate_limit, t.rate_ms, statement_timestamp()) AS tokens) k
    WHERE NOT w.is_line OR t.is_paused OR c.count >= t.max_running OR k.tokens < 1
$f$;

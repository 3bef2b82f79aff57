-- What is done to single tasks that are there: cancelled with all below them, retried with what that revives, tied to one
-- another, put off, and kept open until their children have ended.
--
-- The order of locks is that of R__tasks.sql: keys, claim batches, slots, limits, rows. Whoever moves a task from one place to
-- another in another direction than its life does holds its slot alone; a cancel holds all slots alone, looks at the places
-- of a task in the order of its life, and in the end makes sure that it has missed none.

-- How many tasks one transaction of a cascade ends or revives.
CREATE OR REPLACE FUNCTION cascade_room() RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 10000;

-- Leaves the record of tasks that end cancelled without an attempt under way, and why: their latest attempt's, or one
-- numbered 0 where none ever began.
CREATE OR REPLACE FUNCTION record_cancelled(p_ids uuid[], p_errors text[]) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now  timestamptz := clock_timestamp();
BEGIN
    WITH ended AS MATERIALIZED (
        SELECT u.id, u.error, a.attempt
        FROM unnest(p_ids, p_errors) u(id, error)
        LEFT JOIN LATERAL (
            SELECT x.attempt FROM task_attempts x WHERE x.task_id = u.id ORDER BY x.attempt DESC LIMIT 1) a ON true
    ), recorded AS (
        INSERT INTO task_attempts (task_id, attempt, fence, outcome, state, finished_at, error)
        SELECT e.id, 0, 0, 'cancelled', 'cancelled', v_now, e.error FROM ended e WHERE e.attempt IS NULL
    )
    UPDATE task_attempts a SET state = 'cancelled', error = coalesce(e.error, a.error)
    FROM (SELECT x.place, d.error
          FROM ended d
          CROSS JOIN LATERAL (
              SELECT y.ctid AS place FROM task_attempts y WHERE y.task_id = d.id AND y.attempt = d.attempt OFFSET 0) x
          WHERE d.attempt IS NOT NULL) e
    WHERE a.ctid = e.place;
END $f$;

-- The children of this task behind one of them, in the order of their ids. Asked for by both columns together: only the index of
-- parents has them so, whereas a parent and an order of ids may look like a walk through the ids of all tasks.
CREATE OR REPLACE FUNCTION children_behind(p_parent uuid, p_after uuid, p_limit int) RETURNS SETOF uuid
LANGUAGE sql STABLE AS $f$
    SELECT x.id FROM task_instances x
    WHERE (x.parent_id, x.id) > (p_parent, p_after)
      AND (x.parent_id, x.id) <= (p_parent, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid) AND x.parent_id IS NOT NULL
    ORDER BY x.parent_id, x.id LIMIT p_limit
$f$;

-- The first p_room tasks below these, each level whole before the next one begins, with their parents; of each of these
-- parents only children behind its p_afters. No task is told twice, also where p_parents are below one another. What is left is
-- told as the parents and afters that go on from there.
CREATE OR REPLACE FUNCTION tasks_below(
    p_parents uuid[], p_afters uuid[], p_room int,
    OUT ids uuid[], OUT parents uuid[], OUT left_parents uuid[], OUT left_afters uuid[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_none    CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    v_level   uuid[] := p_parents;
    v_afters  uuid[] := p_afters;
    v_ids     uuid[];
    v_by      uuid[];
    v_last    int;
BEGIN
    ids := '{}';
    parents := '{}';
    left_parents := '{}';
    left_afters := '{}';
    WHILE cardinality(v_level) > 0 LOOP
        IF p_room = 0 THEN
            left_parents := left_parents || v_level;
            left_afters := left_afters || v_afters;
            RETURN;
        END IF;
        SELECT coalesce(array_agg(c.id ORDER BY c.ordinal, c.id), '{}'), array_agg(c.parent ORDER BY c.ordinal, c.id)
        INTO v_ids, v_by
        FROM (SELECT f.ordinal, f.parent, k.id
              FROM unnest(v_level, v_afters) WITH ORDINALITY f(parent, after, ordinal)
              CROSS JOIN LATERAL children_behind(f.parent, f.after, p_room) k(id)
              ORDER BY f.ordinal, k.id
              LIMIT p_room) c;
        IF cardinality(v_ids) = p_room THEN
            v_last := array_position(v_level, v_by[p_room]);
            left_parents := left_parents || v_level[v_last:];
            left_afters := left_afters || v_ids[p_room] || v_afters[v_last + 1:];
        END IF;
        p_room := p_room - cardinality(v_ids);
        ids := ids || v_ids;
        parents := parents || v_by;
        -- Those that were asked for themselves have been gone into.
        v_level := CASE WHEN cardinality(p_parents) = 1 THEN v_ids ELSE ARRAY(
            SELECT u.id FROM unnest(v_ids) u(id) EXCEPT SELECT p.id FROM unnest(p_parents) p(id) ORDER BY 1) END;
        v_afters := array_fill(v_none, ARRAY[cardinality(v_level)]);
    END LOOP;
END $f$;

-- Cancels these tasks, and of what is below p_parents as much as one transaction does; what is left is in tree_cancels.
-- What is not claimed ends at once, with what waits for it; for what is, a request is left that its node reads. Answers
-- these nodes and the queues in which tasks became ready.
CREATE OR REPLACE FUNCTION cancel_tasks(
    p_ids uuid[], p_parents uuid[], p_afters uuid[], OUT nodes uuid[], OUT queues text[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_room      int := cascade_room();
    v_below     record;
    v_ids       uuid[];
    v_fences    bigint[];
    v_gone      uuid[];
    v_new       bigint[];
    v_claimed   uuid[];
    v_ready     record;
BEGIN
    SELECT * INTO v_below FROM tasks_below(p_parents, p_afters, v_room);
    v_ids := p_ids || v_below.ids;
    v_fences := ARRAY(
        SELECT DISTINCT b.fence FROM claim_batches b CROSS JOIN unnest(b.ids) m(id) JOIN unnest(v_ids) u(id) ON u.id = m.id);
    PERFORM b.fence FROM claim_batches b WHERE b.fence = ANY (v_fences) ORDER BY b.fence FOR NO KEY UPDATE;
    PERFORM hold_slots(NULL, true);
    -- Who submits a child has its parent's slot alone: none comes to be from here on.
    SELECT * INTO v_below FROM tasks_below(p_parents, p_afters, v_room);
    v_ids := p_ids || v_below.ids;

    PERFORM w.id
    FROM (SELECT u.id FROM unnest(v_ids) u(id) ORDER BY u.id) u
    CROSS JOIN LATERAL (SELECT x.id FROM task_wait x WHERE x.id = u.id OFFSET 0 FOR UPDATE) w;
    WITH gone AS (DELETE FROM task_wait w WHERE w.id = ANY (v_ids) RETURNING w.id)
    SELECT coalesce(array_agg(g.id), '{}') INTO v_gone FROM gone g;
    WITH gone AS (DELETE FROM task_timers t WHERE t.ref = ANY (v_ids) RETURNING t.ref)
    SELECT v_gone || coalesce(array_agg(g.ref), '{}') INTO v_gone FROM gone g;
    SELECT * INTO v_ready FROM withdraw_tasks(v_ids);
    v_gone := v_gone || v_ready.gone;
    queues := v_ready.queues;
    IF EXISTS (SELECT FROM task_parents) THEN
        -- Its own attempt is over, and its children are cancelled with it.
        WITH gone AS (
            DELETE FROM task_parents p WHERE p.task_id = ANY (v_ids) AND (p.open IS NOT NULL OR p.task_id = ANY (v_gone))
            RETURNING p.task_id, p.open
        )
        SELECT v_gone || coalesce(array_agg(g.task_id) FILTER (WHERE g.open IS NOT NULL), '{}') INTO v_gone FROM gone g;
    END IF;

    -- What was claimed just now: here nobody is waited for.
    v_new := ARRAY(
        SELECT DISTINCT b.fence FROM claim_batches b CROSS JOIN unnest(b.ids) m(id) JOIN unnest(v_ids) u(id) ON u.id = m.id
        WHERE b.fence <> ALL (v_fences));
    IF cardinality(v_new) > 0 THEN
        v_fences := v_fences || ARRAY(
            SELECT b.fence FROM claim_batches b WHERE b.fence = ANY (v_new) FOR NO KEY UPDATE SKIP LOCKED);
    END IF;
    WITH claimed AS MATERIALIZED (
        SELECT m.id, b.node_id, b.fence
        FROM claim_batches b
        CROSS JOIN LATERAL unnest(b.ids, b.attempts) m(id, attempt)
        JOIN unnest(v_ids) u(id) ON u.id = m.id
        LEFT JOIN task_attempts a ON a.task_id = m.id AND a.attempt = m.attempt
        WHERE b.fence = ANY (v_fences) AND a.outcome IS NULL
    ), asked AS (
        INSERT INTO cancel_requests (task_id, node_id, fence)
        SELECT c.id, c.node_id, c.fence FROM claimed c
        ON CONFLICT (task_id) DO NOTHING
    )
    SELECT array_agg(DISTINCT c.node_id), array_agg(c.id) INTO nodes, v_claimed FROM claimed c;

    INSERT INTO tree_cancels AS t (task_id, after_id)
    SELECT l.parent, l.after
    FROM unnest(v_below.left_parents, v_below.left_afters) l(parent, after)
    CROSS JOIN LATERAL children_behind(l.parent, l.after, 1) k(id)
    ON CONFLICT (task_id) DO UPDATE SET after_id = least(t.after_id, EXCLUDED.after_id);

    -- What was claimed, handed back or woken just now is in neither: then all is done once more.
    IF EXISTS (
        SELECT FROM unnest(v_ids) u(id)
        LEFT JOIN LATERAL (
            SELECT x.state FROM task_attempts x WHERE x.task_id = u.id ORDER BY x.attempt DESC LIMIT 1) a ON true
        WHERE (a.state < 'succeeded') IS NOT FALSE
          AND NOT EXISTS (SELECT FROM unnest(v_gone || v_claimed) g(id) WHERE g.id = u.id)) THEN
        RAISE EXCEPTION 'a task was on its way from one place to another' USING ERRCODE = 'serialization_failure';
    END IF;
    PERFORM record_cancelled(
        ARRAY(SELECT g.id FROM unnest(v_gone) WITH ORDINALITY g(id, ordinal) ORDER BY g.ordinal),
        ARRAY(SELECT 'cancelled_with_parent: task ' || k.parent || ' was cancelled'
              FROM unnest(v_gone) WITH ORDINALITY g(id, ordinal)
              LEFT JOIN unnest(v_below.ids, v_below.parents) k(id, parent) ON k.id = g.id
              ORDER BY g.ordinal));
    queues := queues || settle_tasks(ARRAY(
        SELECT (g.id, NULL, task_no_of(g.id), 0, 'ready', 'cancelled', 0, 0, NULL, NULL)::task_change
        FROM unnest(v_gone) g(id)));
END $f$;

-- Whether this tenant has such a single task, and 'fresh' where it does and the key, if there is one, is new: else
-- 'unknown', 'repeated' or 'conflict'.
CREATE OR REPLACE FUNCTION begin_call(p_tenant int, p_id uuid, p_operation text, p_key text, p_hash text) RETURNS text
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    IF gone_tenants(ARRAY[p_tenant]) IS NOT NULL
       OR NOT EXISTS (SELECT FROM task_instances i
                      WHERE i.id = p_id AND i.tenant_id = p_tenant AND i.source IS NOT NULL) THEN
        RETURN 'unknown';
    ELSIF p_key IS NULL THEN
        RETURN 'fresh';
    END IF;
    RETURN (SELECT c.verdict FROM claim_key(p_tenant, p_operation, p_key, p_hash, p_id) c);
END $f$;

-- Forgets the key of a call that was refused: it may be made again under it.
CREATE OR REPLACE FUNCTION refuse_call(p_tenant int, p_operation text, p_key text) RETURNS void
LANGUAGE plpgsql AS $f$
BEGIN
    IF p_key IS NOT NULL THEN
        DELETE FROM idempotency_keys k
        WHERE k.tenant_id = p_tenant AND k.operation = p_operation AND k.key = p_key;
    END IF;
END $f$;

-- Cancels a task with all that is below it and all that waits for any of these: 'done' also where all of it has ended,
-- 'repeated', 'conflict' or 'unknown'.
CREATE OR REPLACE FUNCTION cancel_task(
    p_tenant int, p_id uuid, p_operation text, p_key text, p_hash text,
    OUT verdict text, OUT nodes uuid[], OUT queues text[])
LANGUAGE plpgsql SET enable_seqscan = off AS $f$
#variable_conflict use_column
BEGIN
    verdict := begin_call(p_tenant, p_id, p_operation, p_key, p_hash);
    IF verdict = 'fresh' THEN
        verdict := 'done';
        SELECT c.nodes, c.queues INTO nodes, queues
        FROM cancel_tasks(ARRAY[p_id], ARRAY[p_id], ARRAY['00000000-0000-0000-0000-000000000000'::uuid]) c;
    END IF;
END $f$;

-- Goes on with a cascade that was too long for one transaction. Answers whether there was any.
CREATE OR REPLACE FUNCTION continue_cascades(OUT went_on boolean, OUT nodes uuid[], OUT queues text[])
LANGUAGE plpgsql SET enable_seqscan = off AS $f$
#variable_conflict use_column
DECLARE
    v_ids     uuid[];
    v_afters  uuid[];
BEGIN
    went_on := true;
    IF EXISTS (SELECT FROM tree_cancels) THEN
        WITH gone AS (
            DELETE FROM tree_cancels t
            WHERE t.ctid = ANY (ARRAY(
                SELECT x.ctid FROM tree_cancels x ORDER BY x.task_id LIMIT 1000 FOR UPDATE SKIP LOCKED))
            RETURNING t.task_id, t.after_id
        )
        SELECT array_agg(g.task_id ORDER BY g.task_id), array_agg(g.after_id ORDER BY g.task_id)
        INTO v_ids, v_afters FROM gone g;
        IF v_ids IS NOT NULL THEN
            SELECT c.nodes, c.queues INTO nodes, queues FROM cancel_tasks('{}', v_ids, v_afters) c;
            RETURN;
        END IF;
    END IF;
    IF EXISTS (SELECT FROM task_cascades) THEN
        PERFORM hold_slots(NULL, true);
        WITH gone AS (
            DELETE FROM task_cascades t
            WHERE t.ctid = ANY (ARRAY(
                SELECT x.ctid FROM task_cascades x ORDER BY x.prerequisite_id LIMIT 1000 FOR UPDATE SKIP LOCKED))
            RETURNING t.prerequisite_id AS id
        )
        SELECT array_agg(g.id) INTO v_ids
        FROM gone g
        CROSS JOIN LATERAL (
            SELECT x.state FROM task_attempts x WHERE x.task_id = g.id ORDER BY x.attempt DESC LIMIT 1) a
        WHERE a.state > 'succeeded';
        IF v_ids IS NOT NULL THEN
            queues := settle_ended(NULL, NULL, v_ids, true);
            RETURN;
        END IF;
    END IF;
    IF EXISTS (SELECT FROM task_revivals) THEN
        PERFORM hold_slots(NULL, true);
        WITH gone AS (
            DELETE FROM task_revivals t
            WHERE t.ctid = ANY (ARRAY(
                SELECT x.ctid FROM task_revivals x ORDER BY x.prerequisite_id LIMIT 1000 FOR UPDATE SKIP LOCKED))
            RETURNING t.prerequisite_id
        )
        SELECT array_agg(g.prerequisite_id) INTO v_ids FROM gone g;
        IF v_ids IS NOT NULL THEN
            queues := revive_dependents(v_ids);
            RETURN;
        END IF;
    END IF;
    went_on := false;
END $f$;

-- Makes tasks that ended badly wait or ready again, with so many unmet prerequisites; all slots are held alone. Their
-- attempts stay, the next one has the next number, and no failure is charged yet. Answers the queues.
CREATE OR REPLACE FUNCTION reopen_tasks(p_ids uuid[], p_unmet int[]) RETURNS text[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now     timestamptz := clock_timestamp();
    v_queues  text[];
BEGIN
    -- The record of one that never began tells no more than that it had ended.
    DELETE FROM task_attempts a WHERE a.task_id = ANY (p_ids) AND a.attempt = 0;
    UPDATE task_attempts a SET state = sent_back_state(a.outcome)
    FROM (SELECT u.id, x.attempt FROM unnest(p_ids) u(id)
          CROSS JOIN LATERAL (
              SELECT y.attempt FROM task_attempts y WHERE y.task_id = u.id ORDER BY y.attempt DESC LIMIT 1) x) l
    WHERE a.task_id = l.id AND a.attempt = l.attempt;
    PERFORM mark_redriven(p_ids, 'retry');
    DELETE FROM task_cascades c WHERE c.prerequisite_id = ANY (p_ids);
    UPDATE task_instances i SET updated_at = v_now WHERE i.id = ANY (p_ids);

    WITH reopened AS MATERIALIZED (
        SELECT u.unmet, i.*, coalesce(a.attempt, 0)::smallint AS attempt
        FROM unnest(p_ids, p_unmet) u(id, unmet)
        CROSS JOIN LATERAL (
            SELECT x.id, x.queue, x.priority, x.must_start_by, x.not_before, x.parent_id, x.created_at, x.waits_for_children,
                   x.concurrency_key
            FROM task_instances x WHERE x.id = u.id OFFSET 0) i
        LEFT JOIN LATERAL (
            SELECT x.attempt FROM task_attempts x WHERE x.task_id = u.id ORDER BY x.attempt DESC LIMIT 1) a ON true
    ), blocked AS (
        INSERT INTO task_wait (id, version_id, unmet, queue, priority, must_start_by, attempt)
        SELECT r.id, 0, r.unmet, r.queue, r.priority, r.must_start_by, r.attempt FROM reopened r WHERE r.unmet > 0
    ), delayed AS (
        INSERT INTO task_timers (ref, kind, due_at, attempt, failures)
        SELECT r.id, 'delay', r.not_before, r.attempt, 0 FROM reopened r WHERE r.unmet = 0 AND r.not_before > v_now
    ), ready AS (
        INSERT INTO task_ready (id, queue, latest_start, version_id, attempt, has_locks, ready_at)
        SELECT r.id, r.queue, latest_start(v_now, r.priority, r.must_start_by), 0, r.attempt,
               CASE WHEN r.concurrency_key IS NOT NULL THEN true END, v_now
        FROM reopened r WHERE r.unmet = 0 AND (r.not_before > v_now) IS NOT TRUE
        RETURNING queue
    ), families AS (
        INSERT INTO task_parents (task_id, counts_from)
        SELECT r.id, v_now FROM reopened r WHERE r.waits_for_children
        ON CONFLICT (task_id) DO UPDATE SET counts_from = EXCLUDED.counts_from
    ), parents AS (
        UPDATE task_parents p SET open = p.open + c.count, bad = greatest(0, p.bad - c.bad)
        FROM (SELECT r.parent_id, count(*)::int AS count,
                     count(*) FILTER (WHERE (r.created_at < q.counts_from) IS NOT TRUE)::int AS bad
              FROM reopened r
              JOIN task_parents q ON q.task_id = r.parent_id AND q.open IS NOT NULL
              GROUP BY r.parent_id) c
        WHERE p.task_id = c.parent_id
    )
    SELECT coalesce(array_agg(DISTINCT r.queue), '{}') INTO v_queues FROM ready r;
    RETURN v_queues;
END $f$;

-- Revives what was cancelled because these tasks had ended badly, and what was because of that, unless another one that it
-- waits for has ended badly too, or its unique key is another task's by now. All slots are held alone. Answers the queues.
CREATE OR REPLACE FUNCTION revive_dependents(p_ids uuid[]) RETURNS text[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_room    int := cascade_room();
    v_level   uuid[] := p_ids;
    v_all     uuid[] := p_ids;
    v_ids     uuid[];
    v_unmet   int[];
    v_taken   uuid[];
    v_queues  text[] := '{}';
BEGIN
    WHILE v_level IS NOT NULL LOOP
        SELECT array_agg(d.id ORDER BY d.id), array_agg(d.unmet ORDER BY d.id) INTO v_ids, v_unmet
        FROM (SELECT c.id, w.unmet
              FROM (SELECT DISTINCT e.id
                    FROM unnest(v_level) u(id)
                    CROSS JOIN LATERAL (
                        SELECT x.dependent_id AS id FROM task_dependencies x
                        WHERE x.prerequisite_id = u.id AND x.resolved_at IS NULL OFFSET 0) e) c
              CROSS JOIN LATERAL (
                  SELECT x.state, x.error FROM task_attempts x WHERE x.task_id = c.id ORDER BY x.attempt DESC LIMIT 1) a
              CROSS JOIN LATERAL (
                  SELECT x.tenant_id, x.unique_key FROM task_instances x WHERE x.id = c.id OFFSET 0) i
              CROSS JOIN LATERAL (
                  SELECT count(*)::int AS unmet, count(*) FILTER (WHERE p.state > 'succeeded') AS dead
                  FROM (SELECT x.prerequisite_id AS id FROM task_dependencies x
                        WHERE x.dependent_id = c.id AND x.resolved_at IS NULL OFFSET 0) e
                  LEFT JOIN LATERAL (
                      SELECT x.state FROM task_attempts x WHERE x.task_id = e.id ORDER BY x.attempt DESC LIMIT 1) p ON true
              ) w
              WHERE a.state = 'cancelled' AND starts_with(a.error, 'prerequisite_failed: ') AND w.dead = 0
                AND (i.unique_key IS NULL
                     OR NOT EXISTS (SELECT FROM unique_keys k WHERE k.tenant_id = i.tenant_id AND k.key = i.unique_key))
              ORDER BY c.id
              LIMIT v_room + 1) d;
        EXIT WHEN v_ids IS NULL;
        IF cardinality(v_ids) > v_room THEN
            INSERT INTO task_revivals (prerequisite_id) SELECT u.id FROM unnest(v_level) u(id) ON CONFLICT DO NOTHING;
            v_ids := v_ids[:v_room];
            v_unmet := v_unmet[:v_room];
        END IF;
        WITH had AS MATERIALIZED (
            SELECT u.id, i.tenant_id, i.unique_key
            FROM unnest(v_ids) u(id)
            CROSS JOIN LATERAL (
                SELECT x.tenant_id, x.unique_key FROM task_instances x
                WHERE x.id = u.id AND x.unique_key IS NOT NULL OFFSET 0) i
        ), got AS (
            INSERT INTO unique_keys (tenant_id, key, task_id)
            SELECT h.tenant_id, h.unique_key, h.id FROM had h ORDER BY h.tenant_id, h.unique_key
            ON CONFLICT DO NOTHING
            RETURNING task_id
        )
        SELECT array_agg(h.id) INTO v_taken FROM had h WHERE h.id NOT IN (SELECT g.task_id FROM got g);
        IF v_taken IS NOT NULL THEN
            SELECT array_agg(r.id ORDER BY r.id), array_agg(r.unmet ORDER BY r.id) INTO v_ids, v_unmet
            FROM unnest(v_ids, v_unmet) r(id, unmet) WHERE r.id <> ALL (v_taken);
            EXIT WHEN v_ids IS NULL;
        END IF;
        v_queues := v_queues || reopen_tasks(v_ids, v_unmet);
        v_all := v_all || v_ids;
        v_room := v_room - cardinality(v_ids);
        v_level := v_ids;
        IF v_room <= 0 THEN
            INSERT INTO task_revivals (prerequisite_id)
            SELECT u.id FROM unnest(v_level) u(id)
            CROSS JOIN LATERAL (
                SELECT x.id FROM task_dependencies x
                WHERE x.prerequisite_id = u.id AND x.resolved_at IS NULL LIMIT 1) e
            ON CONFLICT DO NOTHING;
            EXIT;
        END IF;
    END LOOP;
    -- They are waited for again, and with them what they wait for.
    PERFORM hand_down(v_all || ARRAY(
        SELECT DISTINCT e.prerequisite_id
        FROM unnest(v_all) u(id)
        CROSS JOIN LATERAL (
            SELECT x.prerequisite_id FROM task_dependencies x
            WHERE x.dependent_id = u.id AND x.resolved_at IS NULL OFFSET 0) e));
    RETURN v_queues;
END $f$;

-- Tries a task again that ended badly: 'retried', 'repeated', 'conflict', 'unknown', 'open' (it has not ended), 'succeeded',
-- 'key_taken' (other has its unique key) or 'prerequisite' (other, which it waits for, has ended badly as well).
CREATE OR REPLACE FUNCTION retry_task(
    p_tenant int, p_id uuid, p_operation text, p_key text, p_hash text,
    OUT verdict text, OUT other uuid, OUT queues text[])
LANGUAGE plpgsql SET enable_seqscan = off AS $f$
#variable_conflict use_column
DECLARE
    v_key    text;
    v_state  task_state;
    v_unmet  int;
BEGIN
    verdict := begin_call(p_tenant, p_id, p_operation, p_key, p_hash);
    IF verdict <> 'fresh' THEN
        RETURN;
    END IF;
    verdict := 'retried';
    SELECT i.unique_key INTO v_key FROM task_instances i WHERE i.id = p_id;
    IF v_key IS NOT NULL THEN
        INSERT INTO unique_keys (tenant_id, key, task_id) VALUES (p_tenant, v_key, p_id) ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            SELECT u.task_id INTO other FROM unique_keys u WHERE u.tenant_id = p_tenant AND u.key = v_key;
            IF other IS DISTINCT FROM p_id THEN
                verdict := 'key_taken';
                PERFORM refuse_call(p_tenant, p_operation, p_key);
                RETURN;
            END IF;
            other := NULL;
        END IF;
    END IF;
    -- What waits for it may wait for any other task as well, and none of these may end now.
    PERFORM hold_slots(NULL, true);
    SELECT a.state INTO v_state FROM task_attempts a WHERE a.task_id = p_id ORDER BY a.attempt DESC LIMIT 1;
    SELECT count(*)::int, (array_agg(e.id) FILTER (WHERE p.state > 'succeeded'))[1] INTO v_unmet, other
    FROM (SELECT x.prerequisite_id AS id FROM task_dependencies x
          WHERE x.dependent_id = p_id AND x.resolved_at IS NULL) e
    LEFT JOIN LATERAL (
        SELECT x.state FROM task_attempts x WHERE x.task_id = e.id ORDER BY x.attempt DESC LIMIT 1) p ON true;
    verdict := CASE WHEN NOT EXISTS (SELECT FROM task_instances i WHERE i.id = p_id) THEN 'unknown'
                    WHEN (v_state >= 'succeeded') IS NOT TRUE THEN 'open'
                    WHEN v_state = 'succeeded' THEN 'succeeded'
                    WHEN other IS NOT NULL THEN 'prerequisite'
                    ELSE 'retried' END;
    IF verdict = 'retried' AND v_key IS NOT NULL THEN
        -- It may have ended, and given its key up, only after that was looked for.
        INSERT INTO unique_keys (tenant_id, key, task_id) VALUES (p_tenant, v_key, p_id) ON CONFLICT DO NOTHING;
        IF NOT EXISTS (SELECT FROM unique_keys u WHERE u.tenant_id = p_tenant AND u.key = v_key AND u.task_id = p_id) THEN
            RAISE EXCEPTION 'the unique key has changed hands' USING ERRCODE = 'serialization_failure';
        END IF;
    END IF;
    IF verdict = 'retried' THEN
        queues := reopen_tasks(ARRAY[p_id], ARRAY[v_unmet]) || revive_dependents(ARRAY[p_id]);
    ELSE
        IF verdict <> 'open' THEN
            DELETE FROM unique_keys u WHERE u.task_id = p_id;
        END IF;
        PERFORM refuse_call(p_tenant, p_operation, p_key);
    END IF;
END $f$;

-- Lets one single task wait for another one: 'added', 'repeated', 'conflict', 'unknown', or why not: 'self_dependency',
-- 'unknown_prerequisite', 'duplicate', 'begun' or 'ended' (the dependent has), 'ended_badly' (the prerequisite has), 'cycle',
-- 'too_many_dependencies', 'too_deep'.
CREATE OR REPLACE FUNCTION insert_dependency(
    p_tenant int, p_dependent uuid, p_prerequisite uuid, p_type text, p_max_dependencies int, p_max_depth int,
    p_operation text, p_key text, p_hash text, OUT verdict text)
LANGUAGE plpgsql SET enable_seqscan = off AS $f$
#variable_conflict use_column
DECLARE
    v_is_met  boolean;
    v_deeper  uuid[];
BEGIN
    verdict := begin_call(p_tenant, p_dependent, p_operation, p_key, p_hash);
    IF verdict <> 'fresh' THEN
        RETURN;
    END IF;
    verdict := NULL;
    IF p_dependent = p_prerequisite THEN
        verdict := 'self_dependency';
    ELSE
        -- Two additions that only together close a circle: the second one sees the first.
        PERFORM hold_graphs(ARRAY[p_tenant], true);
        PERFORM hold_slots(ARRAY[p_dependent, p_prerequisite], true);
        verdict := dependency_refused(p_tenant, p_dependent, p_prerequisite, p_max_dependencies);
    END IF;
    IF verdict IS NULL THEN
        v_is_met := (SELECT a.state FROM task_attempts a WHERE a.task_id = p_prerequisite ORDER BY a.attempt DESC LIMIT 1)
            IS NOT DISTINCT FROM 'succeeded';
        v_deeper := deepen(p_dependent, p_prerequisite, p_max_depth);
        IF v_deeper IS NULL THEN
            verdict := 'too_deep';
        ELSIF NOT v_is_met AND NOT block_once_more(p_dependent) THEN
            RAISE EXCEPTION 'task % was claimed just now', p_dependent USING ERRCODE = 'serialization_failure';
        END IF;
    END IF;
    IF verdict IS NOT NULL THEN
        PERFORM refuse_call(p_tenant, p_operation, p_key);
        RETURN;
    END IF;
    verdict := 'added';
    INSERT INTO task_dependencies (dependent_id, prerequisite_id, dependency_type, resolved_at)
    VALUES (p_dependent, p_prerequisite, p_type::dependency_type, CASE WHEN v_is_met THEN clock_timestamp() END);
    UPDATE task_instances i SET updated_at = clock_timestamp() WHERE i.id = p_dependent;
    PERFORM hand_down(v_deeper || ARRAY[p_dependent, p_prerequisite]);
END $f$;

-- Holds the graphs of these tenants until the transaction ends: alone for whoever may close a circle, or puts tasks deeper that
-- others wait for, and shared for whoever adds new tasks behind such. Before slots.
DROP FUNCTION IF EXISTS hold_graphs(int[]);
CREATE OR REPLACE FUNCTION hold_graphs(p_tenants int[], p_alone boolean) RETURNS void
LANGUAGE plpgsql AS $f$
DECLARE
    v_space   CONSTANT int := 1330795087;
    v_tenant  int;
BEGIN
    FOR v_tenant IN SELECT DISTINCT t.id FROM unnest(p_tenants) t(id) ORDER BY t.id LOOP
        IF p_alone THEN
            PERFORM pg_advisory_xact_lock(v_space, v_tenant);
        ELSE
            PERFORM pg_advisory_xact_lock_shared(v_space, v_tenant);
        END IF;
    END LOOP;
END $f$;

CREATE OR REPLACE FUNCTION has_succeeded(p_id uuid) RETURNS boolean
LANGUAGE sql STABLE AS $f$
    SELECT (SELECT x.state FROM task_attempts x WHERE x.task_id = p_id ORDER BY x.attempt DESC LIMIT 1) IS NOT DISTINCT FROM 'succeeded'
$f$;

-- The children that a task waits for, now or once it is tried again: so too those of one that ended badly, which has no row in
-- task_parents.
CREATE OR REPLACE FUNCTION children_waited_for(p_id uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE AS $f$
    SELECT c.id
    FROM (SELECT x.id FROM task_instances x WHERE x.id = p_id AND x.waits_for_children OFFSET 0) p
    CROSS JOIN LATERAL (SELECT y.id FROM task_instances y WHERE y.parent_id = p.id OFFSET 0) c
    WHERE NOT has_succeeded(p.id)
$f$;

-- All that a task waits for, directly or not, with itself: prerequisites that are not met, and the children of those that
-- wait for their children. The arrays tell what is about to be added: edges, and children of parents that wait.
CREATE OR REPLACE FUNCTION waits_for(
    p_id uuid, p_from uuid[], p_to uuid[], p_parents uuid[], p_children uuid[])
RETURNS SETOF uuid
LANGUAGE sql STABLE
AS $f$
    WITH RECURSIVE ahead(id) AS (
        SELECT p_id
        UNION
        SELECT e.id FROM ahead a
        CROSS JOIN LATERAL (
            SELECT x.prerequisite_id AS id FROM task_dependencies x
            WHERE x.dependent_id = a.id AND x.resolved_at IS NULL
            UNION ALL
            SELECT u.id FROM unnest(p_from, p_to) u(by, id) WHERE u.by = a.id
            UNION ALL
            SELECT u.id FROM unnest(p_parents, p_children) u(by, id) WHERE u.by = a.id
            UNION ALL
            SELECT c.id FROM children_waited_for(a.id) c(id)) e
    )
    SELECT a.id FROM ahead a
$f$;

-- Which of the tasks about to be added would wait for parents that wait for them. First all children are followed together, which is
-- enough to know that there is none; a child for itself only where somebody waits for its parent. Lists are long, so all is joined
-- by hashes, whatever the planner thinks of them.
CREATE OR REPLACE FUNCTION children_behind_parents(
    p_ids uuid[], p_parents uuid[], p_waits boolean[], p_from uuid[], p_to uuid[])
RETURNS TABLE (ordinal int, parent uuid)
LANGUAGE plpgsql SET enable_nestloop = off AS $f$
#variable_conflict use_column
DECLARE
    v_waiting   uuid[];
    v_parents   uuid[];
    v_children  uuid[];
    v_from      uuid[];
    v_to        uuid[];
    v_level     uuid[];
    v_seen      uuid[];
    v_met       uuid[] := '{}';
BEGIN
    v_waiting := ARRAY(
        SELECT d.id FROM (SELECT DISTINCT c.id FROM unnest(p_parents) c(id)) d
        CROSS JOIN LATERAL (SELECT FROM task_instances x WHERE x.id = d.id AND x.waits_for_children OFFSET 0) p
        WHERE NOT has_succeeded(d.id)
        UNION
        (SELECT w.id FROM unnest(p_ids, p_waits) w(id, waits) WHERE w.waits INTERSECT SELECT c.id FROM unnest(p_parents) c(id)));
    IF cardinality(v_waiting) = 0 THEN
        RETURN;
    END IF;
    SELECT array_agg(c.parent), array_agg(c.id) INTO v_parents, v_children
    FROM unnest(p_ids, p_parents) c(id, parent) JOIN unnest(v_waiting) w(id) ON w.id = c.parent;
    v_from := p_from || v_parents;
    v_to := p_to || v_children;

    v_level := ARRAY(SELECT c.id FROM unnest(v_children) c(id) INTERSECT SELECT e.id FROM unnest(v_from) e(id));
    v_seen := v_level;
    WHILE cardinality(v_level) > 0 LOOP
        v_level := ARRAY(
            SELECT x.id FROM unnest(v_level) u(id)
            CROSS JOIN LATERAL (
                SELECT d.prerequisite_id AS id FROM task_dependencies d
                WHERE d.dependent_id = u.id AND d.resolved_at IS NULL OFFSET 0) x
            UNION
            SELECT e.id FROM unnest(v_level) u(id) JOIN unnest(v_from, v_to) e(by, id) ON e.by = u.id
            UNION
            SELECT x.id FROM unnest(v_level) u(id)
            CROSS JOIN LATERAL children_waited_for(u.id) x(id));
        v_met := v_met || v_level;
        v_level := ARRAY(SELECT l.id FROM unnest(v_level) l(id) EXCEPT SELECT k.id FROM unnest(v_seen) k(id));
        v_seen := v_seen || v_level;
    END LOOP;

    v_met := ARRAY(SELECT w.id FROM unnest(v_waiting) w(id) INTERSECT SELECT m.id FROM unnest(v_met) m(id));
    IF cardinality(v_met) > 0 THEN
        RETURN QUERY
            SELECT c.ordinal::int, c.parent
            FROM unnest(p_ids, p_parents) WITH ORDINALITY c(id, parent, ordinal) JOIN unnest(v_met) m(id) ON m.id = c.parent
            WHERE c.parent IN (SELECT w.id FROM waits_for(c.id, p_from, p_to, v_parents, v_children) w(id));
    END IF;
END $f$;

-- Why a task can not come to wait for this one; null where it can. Both slots are held alone.
CREATE OR REPLACE FUNCTION dependency_refused(p_tenant int, p_dependent uuid, p_prerequisite uuid, p_max int) RETURNS text
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    IF NOT EXISTS (SELECT FROM task_instances i
                   WHERE i.id = p_prerequisite AND i.tenant_id = p_tenant AND i.source IS NOT NULL) THEN
        RETURN 'unknown_prerequisite';
    ELSIF EXISTS (SELECT FROM task_dependencies d
                  WHERE d.dependent_id = p_dependent AND d.prerequisite_id = p_prerequisite) THEN
        RETURN 'duplicate';
    ELSIF NOT EXISTS (SELECT FROM task_wait w WHERE w.id = p_dependent)
          AND NOT EXISTS (SELECT FROM task_timers t WHERE t.ref = p_dependent AND t.kind = 'delay')
          AND NOT EXISTS (SELECT FROM task_ready r WHERE r.id = p_dependent)
          AND NOT EXISTS (SELECT FROM lock_waits w WHERE w.id = p_dependent) THEN
        RETURN CASE WHEN (SELECT a.state >= 'succeeded' FROM task_attempts a
                          WHERE a.task_id = p_dependent ORDER BY a.attempt DESC LIMIT 1) THEN 'ended' ELSE 'begun' END;
    ELSIF (SELECT a.state > 'succeeded' FROM task_attempts a
           WHERE a.task_id = p_prerequisite ORDER BY a.attempt DESC LIMIT 1) THEN
        RETURN 'ended_badly';
    ELSIF (SELECT count(*) FROM task_dependencies d WHERE d.dependent_id = p_dependent) >= p_max THEN
        RETURN 'too_many_dependencies';
    ELSIF p_dependent = ANY (ARRAY(SELECT w.id FROM waits_for(p_prerequisite, NULL, NULL, NULL, NULL) w(id))) THEN
        RETURN 'cycle';
    END IF;
    RETURN NULL;
END $f$;

-- Puts a task, and what waits for it, at least one level below this prerequisite; answers those that are deeper now. Null, and
-- nothing is changed, where it would be too deep or where more than a cascade's room stand behind it.
CREATE OR REPLACE FUNCTION deepen(p_dependent uuid, p_prerequisite uuid, p_max int) RETURNS uuid[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_depth   int;
    v_level   uuid[] := ARRAY[p_dependent];
    v_ids     uuid[] := '{}';
    v_depths  int[] := '{}';
BEGIN
    SELECT i.depth + 1 INTO v_depth FROM task_instances i WHERE i.id = p_prerequisite;
    LOOP
        SELECT array_agg(i.id ORDER BY i.id) INTO v_level
        FROM (SELECT DISTINCT u.id FROM unnest(v_level) u(id)) u
        CROSS JOIN LATERAL (
            SELECT x.id FROM task_instances x WHERE x.id = u.id AND x.depth < v_depth OFFSET 0) i;
        EXIT WHEN v_level IS NULL;
        IF v_depth > p_max OR cardinality(v_ids) + cardinality(v_level) > cascade_room() THEN
            RETURN NULL;
        END IF;
        v_ids := v_ids || v_level;
        v_depths := v_depths || array_fill(v_depth, ARRAY[cardinality(v_level)]);
        v_depth := v_depth + 1;
        v_level := ARRAY(
            SELECT e.id FROM unnest(v_level) u(id)
            CROSS JOIN LATERAL (
                SELECT x.dependent_id AS id FROM task_dependencies x WHERE x.prerequisite_id = u.id OFFSET 0) e);
    END LOOP;
    UPDATE task_instances i SET depth = n.depth
    FROM (SELECT u.id, max(u.depth)::smallint AS depth FROM unnest(v_ids, v_depths) u(id, depth) GROUP BY u.id) n
    WHERE i.id = n.id;
    RETURN v_ids;
END $f$;

-- One more prerequisite for a task that has not begun, whose slot is held alone; false where it has.
CREATE OR REPLACE FUNCTION block_once_more(p_id uuid) RETURNS boolean
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_attempt  smallint;
    v_left     record;
BEGIN
    UPDATE task_wait w SET unmet = w.unmet + 1 WHERE w.id = p_id;
    IF FOUND THEN
        RETURN true;
    END IF;
    DELETE FROM task_timers t WHERE t.ref = p_id AND t.kind = 'delay' RETURNING t.attempt INTO v_attempt;
    IF NOT FOUND THEN
        SELECT * INTO v_left FROM withdraw_tasks(ARRAY[p_id]);
        IF cardinality(v_left.gone) = 0 THEN
            RETURN false;
        END IF;
        v_attempt := v_left.attempts[1];
    END IF;
    INSERT INTO task_wait (id, version_id, unmet, queue, priority, must_start_by, attempt)
    SELECT i.id, 0, 1, i.queue, i.priority, i.must_start_by, v_attempt FROM task_instances i WHERE i.id = p_id;
    RETURN true;
END $f$;

-- Counts a prerequisite as met, whatever it is: whether there was such an edge that was not. Answers the queues too.
CREATE OR REPLACE FUNCTION resolve_dependency(
    p_tenant int, p_dependent uuid, p_prerequisite uuid, OUT resolved boolean, OUT queues text[])
LANGUAGE plpgsql SET enable_seqscan = off AS $f$
#variable_conflict use_column
BEGIN
    PERFORM hold_slots(ARRAY[p_dependent, p_prerequisite], true);
    UPDATE task_dependencies d SET resolved_at = clock_timestamp()
    WHERE d.dependent_id = p_dependent AND d.prerequisite_id = p_prerequisite AND d.resolved_at IS NULL
      AND EXISTS (SELECT FROM task_instances i WHERE i.id = p_dependent AND i.tenant_id = p_tenant);
    resolved := FOUND;
    IF resolved THEN
        queues := release_tasks(ARRAY[p_dependent], ARRAY[1]);
        PERFORM hand_down(ARRAY[p_prerequisite]);
    END IF;
END $f$;

-- Puts a task off that has not begun, until p_until or by p_ms: 'snoozed', 'repeated', 'conflict', 'unknown', 'begun' or 'ended'.
CREATE OR REPLACE FUNCTION snooze_task(
    p_tenant int, p_id uuid, p_until timestamptz, p_ms bigint, p_operation text, p_key text, p_hash text,
    OUT verdict text, OUT due_in_ms bigint)
LANGUAGE plpgsql SET enable_seqscan = off AS $f$
#variable_conflict use_column
DECLARE
    v_now      timestamptz := clock_timestamp();
    v_until    timestamptz := coalesce(p_until, v_now + p_ms * interval '1 millisecond');
    v_attempt  smallint;
    v_left     record;
BEGIN
    verdict := begin_call(p_tenant, p_id, p_operation, p_key, p_hash);
    IF verdict <> 'fresh' THEN
        RETURN;
    END IF;
    verdict := 'snoozed';
    due_in_ms := greatest(0, ceil(extract(epoch FROM v_until - v_now) * 1000))::bigint;
    PERFORM hold_slots(ARRAY[p_id], true);
    PERFORM w.id FROM task_wait w WHERE w.id = p_id FOR UPDATE;
    IF NOT FOUND THEN
        UPDATE task_timers t SET due_at = v_until WHERE t.ref = p_id AND t.kind = 'delay';
        IF NOT FOUND THEN
            SELECT * INTO v_left FROM withdraw_tasks(ARRAY[p_id]);
            IF cardinality(v_left.gone) = 0 THEN
                verdict := CASE WHEN (SELECT a.state >= 'succeeded' FROM task_attempts a
                                      WHERE a.task_id = p_id ORDER BY a.attempt DESC LIMIT 1)
                                THEN 'ended' ELSE 'begun' END;
                PERFORM refuse_call(p_tenant, p_operation, p_key);
                RETURN;
            END IF;
            INSERT INTO task_timers (ref, kind, due_at, attempt, failures)
            VALUES (p_id, 'delay', v_until, v_left.attempts[1], v_left.failures[1]);
        END IF;
    END IF;
    UPDATE task_instances i SET not_before = v_until, updated_at = v_now WHERE i.id = p_id;
END $f$;

-- What follows from the ends of single tasks, whose slots are held: of p_done, which succeeded, of p_bad, which did not, and
-- of p_cascading, whose dependents a transaction before has left. Where all slots are held alone what waits for those that
-- ended badly is cancelled, and the ends of children are told to the parents that wait for them, which may
-- end by it: where they are not, there is nothing of this. Answers the queues in which tasks became ready.
CREATE OR REPLACE FUNCTION settle_ended(
    p_done uuid[], p_bad uuid[], p_cascading uuid[], p_is_alone boolean) RETURNS text[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now        timestamptz := clock_timestamp();
    v_done       uuid[] := p_done;
    v_bad        uuid[] := p_bad;
    v_from       uuid[] := CASE WHEN p_is_alone THEN p_bad || p_cascading END;
    v_in_family  boolean := p_is_alone AND EXISTS (SELECT FROM task_parents);
    v_cancelled  uuid[];
    v_ids        uuid[];
    v_counts     int[];
    v_queues     text[] := '{}';
BEGIN
    LOOP
        IF EXISTS (SELECT FROM unique_keys) THEN
            DELETE FROM unique_keys u WHERE u.task_id = ANY (v_done || v_bad);
        END IF;
        WITH met AS (
            UPDATE task_dependencies d SET resolved_at = v_now
            WHERE d.ctid = ANY (ARRAY(
                SELECT e.place
                FROM unnest(v_done) u(id)
                CROSS JOIN LATERAL (
                    SELECT x.ctid AS place FROM task_dependencies x
                    WHERE x.prerequisite_id = u.id AND x.resolved_at IS NULL OFFSET 0) e))
            RETURNING d.dependent_id
        )
        SELECT array_agg(m.id ORDER BY m.id), array_agg(m.count ORDER BY m.id) INTO v_ids, v_counts
        FROM (SELECT m.dependent_id AS id, count(*)::int AS count FROM met m GROUP BY m.dependent_id) m;
        IF v_ids IS NOT NULL THEN
            v_queues := v_queues || release_tasks(v_ids, v_counts);
        END IF;
        v_cancelled := NULL;
        IF cardinality(v_from) > 0 THEN
            v_cancelled := cancel_dependents(v_from);
        END IF;
        EXIT WHEN NOT v_in_family;
        SELECT e.done, e.bad INTO v_done, v_bad FROM end_children(v_done, v_bad || v_cancelled) e;
        EXIT WHEN v_done IS NULL AND v_bad IS NULL;
        v_from := v_bad;
    END LOOP;
    RETURN v_queues;
END $f$;

-- Of tasks that just ended, those whose end waits for their children: who has open ones does not end yet, and who has none,
-- but some that ended badly, has failed. All slots are held alone: no child comes to be, and none ends, meanwhile. Answers
-- the changes that stay, as they now are.
DROP FUNCTION IF EXISTS keep_parents_open(task_change[]);
CREATE FUNCTION keep_parents_open(p_changes task_change[], OUT changes task_change[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now     timestamptz := clock_timestamp();
    v_ids     uuid[];
    v_open    int[];
    v_bad     int[];
    v_failed  uuid[];
    v_waiting uuid[];
BEGIN
    SELECT array_agg(p.task_id ORDER BY p.task_id) INTO v_ids
    FROM unnest(p_changes) c JOIN task_parents p ON p.task_id = c.id WHERE c.to_state = 'succeeded';
    DELETE FROM task_parents p
    WHERE p.task_id = ANY (ARRAY(SELECT c.id FROM unnest(p_changes) c WHERE c.to_state > 'succeeded'));
    SELECT array_agg(n.id), array_agg(n.open), array_agg(n.bad) INTO v_ids, v_open, v_bad
    -- Those that end now as well are counted as open: their ends are told hereafter, and some of them do not end yet.
    FROM (SELECT u.id, count(*) FILTER (WHERE k.id IS NOT NULL AND (k.is_over AND NOT k.ends_now) IS NOT TRUE)::int AS open,
                 count(*) FILTER (WHERE k.is_bad AND NOT k.ends_now AND (k.created_at < p.counts_from) IS NOT TRUE)::int AS bad
          FROM unnest(v_ids) u(id)
          JOIN task_parents p ON p.task_id = u.id
          LEFT JOIN LATERAL (
              SELECT x.id, x.created_at, a.state >= 'succeeded' AS is_over, a.state > 'succeeded' AS is_bad,
                     x.id IN (SELECT c.id FROM unnest(p_changes) c WHERE c.to_state >= 'succeeded') AS ends_now
              FROM task_instances x
              LEFT JOIN LATERAL (
                  SELECT y.state FROM task_attempts y WHERE y.task_id = x.id ORDER BY y.attempt DESC LIMIT 1) a ON true
              WHERE x.parent_id = u.id
          ) k ON true
          GROUP BY u.id) n;
    UPDATE task_parents p SET open = n.open, bad = n.bad
    FROM unnest(v_ids, v_open, v_bad) n(id, open, bad) WHERE p.task_id = n.id AND n.open > 0;
    DELETE FROM task_parents p
    USING unnest(v_ids, v_open) n(id, open) WHERE p.task_id = n.id AND n.open = 0;
    v_waiting := ARRAY(SELECT n.id FROM unnest(v_ids, v_open) n(id, open) WHERE n.open > 0);
    v_failed := ARRAY(SELECT n.id FROM unnest(v_ids, v_open, v_bad) n(id, open, bad) WHERE n.open = 0 AND n.bad > 0);
    UPDATE task_attempts a SET state = 'blocked'
    FROM unnest(p_changes) c WHERE a.task_id = c.id AND a.attempt = c.attempt AND c.id = ANY (v_waiting);
    PERFORM fail_parents(v_failed);
    changes := ARRAY(
        SELECT (c.id, c.run_id, c.task_no, c.version_id, c.from_state,
                CASE WHEN c.id = ANY (v_failed) THEN 'failed' ELSE c.to_state END,
                c.attempt, c.fence, c.worker_no, c.started_at)::task_change
        FROM unnest(p_changes) c WHERE c.id <> ALL (v_waiting));
END $f$;

-- Records of tasks whose own attempt succeeded that they failed by their children.
CREATE OR REPLACE FUNCTION fail_parents(p_ids uuid[]) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    WITH failed AS (
        UPDATE task_attempts a
        SET state = 'failed', finished_at = clock_timestamp(),
            error = 'child_failed: its own attempt succeeded, but not all of its children did'
        FROM (SELECT u.id, x.attempt FROM unnest(p_ids) u(id)
              CROSS JOIN LATERAL (
                  SELECT y.attempt FROM task_attempts y WHERE y.task_id = u.id ORDER BY y.attempt DESC LIMIT 1) x) l
        WHERE a.task_id = l.id AND a.attempt = l.attempt
        RETURNING a.task_id, a.attempt, a.error
    )
    INSERT INTO dead_letters (task_id, attempt, tenant_id, run_id, outcome, error)
    SELECT f.task_id, f.attempt, i.tenant_id, NULL, 'failed', f.error
    FROM failed f JOIN task_instances i ON i.id = f.task_id;
END $f$;

-- Tells the parents that wait for these children, of which p_bad did not succeed, that they have ended. Answers the parents that end by it.
CREATE OR REPLACE FUNCTION end_children(p_done uuid[], p_bad uuid[], OUT done uuid[], OUT bad uuid[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_ids     uuid[];
    v_counts  int[];
    v_bad     int[];
BEGIN
    SELECT array_agg(n.id ORDER BY n.id), array_agg(n.count ORDER BY n.id), array_agg(n.bad ORDER BY n.id)
    INTO v_ids, v_counts, v_bad
    FROM (SELECT p.task_id AS id, count(*)::int AS count,
                 count(*) FILTER (WHERE u.is_bad AND (i.created_at < p.counts_from) IS NOT TRUE)::int AS bad
          FROM (SELECT x.id, false AS is_bad FROM unnest(p_done) x(id)
                UNION ALL SELECT x.id, true FROM unnest(p_bad) x(id)) u
          CROSS JOIN LATERAL (
              SELECT x.parent_id, x.created_at FROM task_instances x
              WHERE x.id = u.id AND x.parent_id IS NOT NULL OFFSET 0) i
          JOIN task_parents p ON p.task_id = i.parent_id AND p.open IS NOT NULL
          GROUP BY p.task_id) n;
    IF v_ids IS NULL THEN
        RETURN;
    END IF;
    PERFORM p.task_id FROM task_parents p WHERE p.task_id = ANY (v_ids) ORDER BY p.task_id FOR UPDATE;
    WITH counted AS MATERIALIZED (
        SELECT p.task_id AS id, p.open - n.count AS open, p.bad + n.bad AS bad
        FROM unnest(v_ids, v_counts, v_bad) n(id, count, bad) JOIN task_parents p ON p.task_id = n.id
    ), lowered AS (
        UPDATE task_parents p SET open = c.open, bad = c.bad FROM counted c WHERE p.task_id = c.id AND c.open > 0
    ), gone AS (
        DELETE FROM task_parents p USING counted c WHERE p.task_id = c.id AND c.open <= 0
    )
    SELECT array_agg(c.id) FILTER (WHERE c.bad = 0), array_agg(c.id) FILTER (WHERE c.bad > 0) INTO done, bad
    FROM counted c WHERE c.open <= 0;
    UPDATE task_attempts a SET state = 'succeeded', finished_at = clock_timestamp()
    FROM (SELECT u.id, x.attempt FROM unnest(done) u(id)
          CROSS JOIN LATERAL (
              SELECT y.attempt FROM task_attempts y WHERE y.task_id = u.id ORDER BY y.attempt DESC LIMIT 1) x) l
    WHERE a.task_id = l.id AND a.attempt = l.attempt;
    IF bad IS NOT NULL THEN
        PERFORM fail_parents(bad);
    END IF;
END $f$;

-- Single tasks that are to be tried again though they were asked to end, since that was asked while the end of their attempt
-- was on its way: they end. Answers the changes as they now are.
CREATE OR REPLACE FUNCTION end_asked_retries(p_changes task_change[]) RETURNS task_change[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_ids  uuid[];
BEGIN
    SELECT array_agg(c.id) INTO v_ids
    FROM unnest(p_changes) c JOIN cancel_requests q ON q.task_id = c.id
    WHERE c.to_state = 'retrying' AND c.task_no < 0;
    IF v_ids IS NULL THEN
        RETURN p_changes;
    END IF;
    DELETE FROM task_timers t WHERE t.ref = ANY (v_ids);
    UPDATE task_attempts a SET state = 'cancelled'
    FROM unnest(p_changes) c WHERE c.id = ANY (v_ids) AND a.task_id = c.id AND a.attempt = c.attempt;
    RETURN ARRAY(
        SELECT (c.id, c.run_id, c.task_no, c.version_id, c.from_state,
                CASE WHEN c.id = ANY (v_ids) THEN 'cancelled' ELSE c.to_state END,
                c.attempt, c.fence, c.worker_no, c.started_at)::task_change
        FROM unnest(p_changes) c);
END $f$;

-- Generations of ready tasks: where claims look, and how a new one takes the place of one whose head is costly.

-- Where the ready tasks of these queues may stand.
DROP FUNCTION IF EXISTS ready_places(text[]);
CREATE FUNCTION ready_places(p_queues text[])
RETURNS TABLE (queue text, generation int, starts_from timestamptz, ordinal bigint)
LANGUAGE sql STABLE AS $f$
    SELECT q.name, g.generation, g.starts_from, q.ordinal
    FROM unnest(p_queues) WITH ORDINALITY q(name, ordinal) CROSS JOIN ready_generations g WHERE g.queue = ''
    UNION ALL
    SELECT q.name, g.generation, g.starts_from, q.ordinal
    FROM unnest(p_queues) WITH ORDINALITY q(name, ordinal) JOIN ready_generations g ON g.queue = q.name WHERE g.queue <> ''
$f$;

-- The same as arrays: the places of the queue at i are those from firsts[i] to lasts[i]. So none of many queues has to look
-- through the places of all.
CREATE OR REPLACE FUNCTION queue_places(
    p_queues text[], OUT generations int[], OUT starts timestamptz[], OUT firsts int[], OUT lasts int[])
LANGUAGE plpgsql STABLE
-- Told too few of them by statistics that are behind, the planner would look through all places for each queue.
SET enable_nestloop = off
AS $f$
#variable_conflict use_column
DECLARE
    v_differ  boolean;
BEGIN
    SELECT array_agg(g.generation) FILTER (WHERE g.queue = ''), array_agg(g.starts_from) FILTER (WHERE g.queue = ''),
           bool_or(g.queue <> '')
    INTO generations, starts, v_differ
    FROM ready_generations g;
    IF NOT v_differ THEN
        firsts := array_fill(1, ARRAY[cardinality(p_queues)]);
        lasts := array_fill(cardinality(generations), ARRAY[cardinality(p_queues)]);
        RETURN;
    END IF;
    WITH places AS MATERIALIZED (
        SELECT p.ordinal, p.generation, p.starts_from, row_number() OVER (ORDER BY p.ordinal) AS n FROM ready_places(p_queues) p
    )
    SELECT (SELECT array_agg(p.generation ORDER BY p.n) FROM places p), (SELECT array_agg(p.starts_from ORDER BY p.n) FROM places p),
           array_agg(q.first ORDER BY q.ordinal), array_agg(q.last ORDER BY q.ordinal)
    INTO generations, starts, firsts, lasts
    FROM (SELECT p.ordinal, min(p.n)::int AS first, max(p.n)::int AS last FROM places p GROUP BY p.ordinal) q;
END $f$;

-- Those of these queues that have ready tasks. Of many queues most have none, and each that is looked at costs a claim some pages.
CREATE OR REPLACE FUNCTION queues_with_ready(p_queues text[]) RETURNS text[]
LANGUAGE plpgsql STABLE AS $f$
#variable_conflict use_column
BEGIN
    RETURN ARRAY(
        WITH RECURSIVE line AS (
            SELECT DISTINCT g.generation, ''::text COLLATE "C" AS queue FROM ready_generations g
            UNION ALL
            SELECT l.generation, n.queue
            FROM line l
            CROSS JOIN LATERAL (
                SELECT x.queue FROM task_ready x
                WHERE x.generation = l.generation AND x.queue > l.queue ORDER BY x.queue, x.latest_start LIMIT 1) n
        )
        SELECT q.name FROM unnest(p_queues) q(name) WHERE q.name IN (SELECT l.queue FROM line l));
END $f$;

-- How many pages are touched to find the first hundred tasks of these queues in this generation. Looked at twice: the first look
-- lets the index forget what nobody can see any more, and what it cannot forget is what the second one pays for.
CREATE OR REPLACE FUNCTION head_pages(p_generation int, p_queues text[]) RETURNS bigint
LANGUAGE plpgsql AS $f$
DECLARE
    v_head  text := format('
        SELECT count(o.id)
        FROM unnest(%L::text[]) q(name)
        CROSS JOIN LATERAL (
            SELECT x.id FROM task_ready x WHERE x.generation = %s AND x.queue = q.name
            ORDER BY x.latest_start, x.id LIMIT 100) o', p_queues, p_generation);
    v_plan  json;
BEGIN
    EXECUTE v_head;
    EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF, FORMAT JSON)' || v_head INTO v_plan;
    RETURN (v_plan -> 0 -> 'Plan' ->> 'Shared Hit Blocks')::bigint + (v_plan -> 0 -> 'Plan' ->> 'Shared Read Blocks')::bigint;
END $f$;

-- Brings the generations one step further, each in a transaction of its own: a new one is announced to claims; then it is the
-- one that tasks are written to; then the one before is closed, once nobody writes to it any more. What is left in it moves to
-- the new one if it is little. If it is much, it stays, and claims are told where it begins; what is left in the next one moves
-- there, so that a task moves once and a queue stands in three generations at most. A new one is announced where the heads of
-- these queues have become costly. Answers whether another step is to be made at once, and the queues whose tasks moved:
-- whoever claimed meanwhile passed them over.
CREATE OR REPLACE FUNCTION turn_generations(p_queues text[], OUT goes_on boolean, OUT moved text[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    c_moves_max  CONSTANT int := 2000;
    c_pages_max  CONSTANT int := 200;
    c_pages_each CONSTANT int := 6;
    c_patience   CONSTANT interval := '2 seconds';
    v_begun      timestamptz := clock_timestamp();
    v_seed       text := random()::text;
    v_newest     int;
    v_current    int;
    v_is_new     boolean := false;
    v_old        record;
    v_writers    text[];
    v_left       record;
    v_queue      text;
    v_home       int;
    v_count      int;
BEGIN
    goes_on := false;
    moved := '{}';
    IF NOT pg_try_advisory_xact_lock(hashtextextended('orrery.generations', 0)) THEN
        RETURN;
    END IF;
    v_current := pg_sequence_last_value('ready_generation_seq');
    SELECT max(g.generation) INTO v_newest FROM ready_generations g WHERE g.queue = '';
    IF v_newest IS NULL OR v_newest < v_current THEN
        -- A dump that was made while a generation began has the one and not the other.
        INSERT INTO ready_generations (generation) VALUES (v_current);
    ELSIF v_newest > v_current THEN
        PERFORM setval('ready_generation_seq', v_newest);
        v_current := v_newest;
        v_is_new := true;
    END IF;

    -- Whoever writes to the table takes its lock before it looks for the generation: who takes it from now on finds the new one.
    FOR v_old IN SELECT g.generation, g.writers FROM ready_generations g
                 WHERE g.queue = '' AND g.generation < v_current ORDER BY g.generation LOOP
        SELECT coalesce(array_agg(DISTINCT l.virtualtransaction), '{}') INTO v_writers
        FROM pg_locks l
        WHERE l.locktype = 'relation' AND l.relation = 'task_ready'::regclass AND l.mode = 'RowExclusiveLock'
          AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
          AND l.pid IS DISTINCT FROM pg_backend_pid()
          AND (v_old.writers IS NULL OR l.virtualtransaction = ANY (v_old.writers));
        IF v_writers <> '{}' THEN
            UPDATE ready_generations g SET writers = v_writers
            WHERE g.generation = v_old.generation AND g.queue = '' AND g.writers IS DISTINCT FROM v_writers;
            goes_on := v_is_new;
            CONTINUE;
        END IF;
        INSERT INTO ready_generations (generation, queue, starts_from)
        WITH RECURSIVE line AS (
            (SELECT x.queue, x.latest_start FROM task_ready x
             WHERE x.generation = v_old.generation ORDER BY x.queue, x.latest_start LIMIT 1)
            UNION ALL
            SELECT n.queue, n.latest_start
            FROM line l
            CROSS JOIN LATERAL (
                SELECT x.queue, x.latest_start FROM task_ready x
                WHERE x.generation = v_old.generation AND x.queue > l.queue
                ORDER BY x.queue, x.latest_start LIMIT 1) n
        )
        SELECT v_old.generation, l.queue, l.latest_start FROM line l;
        DELETE FROM ready_generations g WHERE g.generation = v_old.generation AND g.queue = '';
    END LOOP;

    -- v_home: the generation of this queue in which much is left. Nobody but us writes to it, so that nothing comes before what
    -- is its first task now. Where there are very many queues, some have to wait for the next time: by lot.
    FOR v_old IN SELECT g.generation, g.queue, g.starts_from FROM ready_generations g
                 WHERE g.queue <> '' ORDER BY hashtext(g.queue || v_seed), g.queue, g.generation LOOP
        EXIT WHEN clock_timestamp() > v_begun + c_patience;
        SELECT array_agg(x.id) AS ids, min(x.latest_start) AS starts_from, count(*) > c_moves_max AS is_much INTO v_left
        FROM (SELECT r.id, r.latest_start FROM task_ready r
              WHERE r.generation = v_old.generation AND r.queue = v_old.queue AND r.latest_start >= v_old.starts_from
              ORDER BY r.latest_start, r.id LIMIT c_moves_max + 1) x;
        IF v_left.ids IS NULL THEN
            DELETE FROM ready_generations g WHERE g.generation = v_old.generation AND g.queue = v_old.queue;
            CONTINUE;
        END IF;
        UPDATE ready_generations g SET starts_from = v_left.starts_from
        WHERE g.generation = v_old.generation AND g.queue = v_old.queue AND g.starts_from < v_left.starts_from;
        IF v_queue IS DISTINCT FROM v_old.queue THEN
            v_queue := v_old.queue;
            v_home := NULL;
        END IF;
        IF v_home IS NULL AND v_left.is_much THEN
            v_home := v_old.generation;
            CONTINUE;
        END IF;
        -- What somebody else holds at this moment is being claimed, or moves the next time.
        WITH free AS MATERIALIZED (
            SELECT r.ctid AS place FROM task_ready r WHERE r.id = ANY (v_left.ids) FOR UPDATE SKIP LOCKED
        ), moving AS (
            UPDATE task_ready r SET generation = coalesce(v_home, v_current)
            FROM free f WHERE r.ctid = f.place RETURNING r.id
        )
        SELECT count(*) INTO v_count FROM moving;
        IF v_count > 0 THEN
            UPDATE ready_generations g SET starts_from = v_left.starts_from
            WHERE g.generation = v_home AND g.queue = v_old.queue AND g.starts_from > v_left.starts_from;
            moved := moved || v_old.queue;
            goes_on := true;
        END IF;
    END LOOP;

    IF NOT EXISTS (SELECT FROM ready_generations g WHERE g.queue = '' AND g.generation < v_current)
            AND NOT EXISTS (SELECT FROM ready_generations g WHERE g.queue <> '' GROUP BY g.queue HAVING count(*) > 1)
            AND head_pages(v_current, p_queues || ARRAY(
                SELECT 'agent/' || n.tenant_id || '/' || h.name
                FROM nodes n CROSS JOIN LATERAL unnest(n.handlers) h(name)
                WHERE n.mode = 'remote' AND n.fenced_at IS NULL LIMIT 100)) > c_pages_max + c_pages_each * cardinality(p_queues) THEN
        INSERT INTO ready_generations (generation) VALUES (v_current + 1);
        goes_on := true;
    END IF;
END $f$;

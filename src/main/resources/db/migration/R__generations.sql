-- Generations of ready tasks: where claims look, and how a new one takes the place of one whose head is costly.

-- Where the ready tasks of these queues may stand.
CREATE OR REPLACE FUNCTION ready_places(p_queues text[])
RETURNS TABLE (queue text, generation int, starts_from timestamptz)
LANGUAGE sql STABLE AS $f$
    SELECT q.name, g.generation, g.starts_from
    FROM unnest(p_queues) q(name)
    JOIN ready_generations g ON g.queue IN ('', q.name)
$f$;

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
    -- is its first task now.
    FOR v_old IN SELECT g.generation, g.queue, g.starts_from FROM ready_generations g
                 WHERE g.queue <> '' ORDER BY g.queue, g.generation LOOP
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
                WHERE n.mode = 'remote' AND n.fenced_at IS NULL LIMIT 100)) > c_pages_max THEN
        INSERT INTO ready_generations (generation) VALUES (v_current + 1);
        goes_on := true;
    END IF;
END $f$;

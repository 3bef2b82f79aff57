-- Named locks, taken by claims and given up by whatever ends an attempt or a run; see R__work.sql for who calls these.
--
-- A task whose lock is held stands in lock_waits. It goes there, and comes back from there, only under the row of that
-- lock: so who gives a lock up, and has waited for its row, sees all who wait, and who holds the row waits for no row of
-- a waiter.
--
-- Who waits for a lock that becomes free is not given it, since nobody knows when a node has room for it. It becomes
-- ready again, as a candidate: the first waiter of each queue, since another queue may have no node, or none with room.
-- What must hold: while a lock is free and tasks of a queue wait for it, a candidate for it stands in that queue. So
-- whatever takes a candidate away but leaves the lock free (it is cancelled; it waits for its other lock) calls the
-- next one.

-- Holds the rows of locks, in one order for all.
CREATE OR REPLACE FUNCTION hold_locks(p_locks int[]) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    PERFORM l.id
    FROM (SELECT DISTINCT u.id FROM unnest(p_locks) u(id) WHERE u.id IS NOT NULL ORDER BY u.id) u
    CROSS JOIN LATERAL (SELECT x.id FROM locks x WHERE x.id = u.id OFFSET 0 FOR NO KEY UPDATE) l;
END $f$;

-- Makes the first waiters of each queue for these locks and limits ready, as many as there are places (null: one); answers
-- their queues. The rows of these locks and limits are held.
DROP FUNCTION IF EXISTS wake_waiters(int[]);
CREATE OR REPLACE FUNCTION wake_waiters(p_locks bigint[], p_places int[] DEFAULT NULL) RETURNS text[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_ids     uuid[];
    v_queues  text[];
BEGIN
    WITH RECURSIVE line AS (
        SELECT l.id AS lock_id, l.places, w.queue
        FROM unnest(p_locks, p_places) l(id, places)
        CROSS JOIN LATERAL (
            SELECT x.queue FROM lock_waits x WHERE x.lock_id = l.id ORDER BY x.queue LIMIT 1
        ) w
        UNION ALL
        SELECT f.lock_id, f.places, w.queue
        FROM line f
        CROSS JOIN LATERAL (
            SELECT x.queue FROM lock_waits x WHERE x.lock_id = f.lock_id AND x.queue > f.queue ORDER BY x.queue LIMIT 1
        ) w
    ), first AS (
        SELECT w.id
        FROM line f
        CROSS JOIN LATERAL (
            SELECT x.id FROM lock_waits x
            WHERE x.lock_id = f.lock_id AND x.queue = f.queue
            ORDER BY x.latest_start, x.id
            LIMIT coalesce(f.places, 1)
        ) w
    )
    SELECT array_agg(f.id) INTO v_ids FROM first f;
    IF v_ids IS NULL THEN
        RETURN '{}';
    END IF;
    -- Whoever changes the urgency of tasks holds their rows, in this order.
    PERFORM w.id
    FROM (SELECT u.id FROM unnest(v_ids) u(id) ORDER BY u.id) u
    CROSS JOIN LATERAL (SELECT x.id FROM lock_waits x WHERE x.id = u.id OFFSET 0 FOR UPDATE) w;
    WITH woken AS (
        DELETE FROM lock_waits w WHERE w.id = ANY (v_ids)
        RETURNING w.id, w.queue, w.latest_start, w.version_id, w.attempt, w.failures, w.ready_at
    ), ready AS (
        INSERT INTO task_ready (id, queue, latest_start, version_id, attempt, failures, has_locks, ready_at)
        SELECT w.id, w.queue, w.latest_start, w.version_id, w.attempt, w.failures, true, w.ready_at FROM woken w
    )
    SELECT coalesce(array_agg(DISTINCT w.queue), '{}') INTO v_queues FROM woken w;
    RETURN v_queues;
END $f$;

-- Frees whatever these runs and tasks hold; answers the queues in which others became ready by it. Only their run's row
-- allows that, and a claim takes only what is free: what is found here is still theirs when its row is held.
CREATE OR REPLACE FUNCTION release_locks(p_holders uuid[]) RETURNS text[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_locks  int[];
BEGIN
    SELECT array_agg(l.id) INTO v_locks FROM locks l WHERE l.holder = ANY (p_holders);
    IF v_locks IS NULL THEN
        RETURN '{}';
    END IF;
    PERFORM hold_locks(v_locks);
    UPDATE locks l SET holder = NULL, taken_at = NULL WHERE l.id = ANY (v_locks);
    RETURN wake_waiters(v_locks);
END $f$;

-- Takes what these ready tasks need, the most urgent first: all of it or nothing. Their rows are held and still stand in
-- task_ready; those of taken are for the caller to take away. numbers are, parallel to taken, those of the task's own
-- lock, else of its DAG's; null where it needs none. Who needs a lock that is held goes to lock_waits. No row is waited
-- for: where one is held by somebody else at this moment the task stays where it is, as one of busy. Answers the queues in
-- which other tasks became ready.
CREATE OR REPLACE FUNCTION take_locks(
    p_ids uuid[], OUT taken uuid[], OUT numbers bigint[], OUT busy uuid[], OUT queues text[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_runs         uuid[];
    v_run_locks    int[];
    v_task_locks   int[];
    v_known        int[];
    v_known_by     uuid[];
    v_known_no     bigint[];
    v_had          int[];
    v_holders      uuid[];
    v_fences       bigint[];
    v_run_lock     int;
    v_task_lock    int;
    v_is_own       boolean;
    v_waiting      uuid[] := '{}';
    v_waits_for    int[] := '{}';
    v_left_free    int[] := '{}';
    v_begun        uuid[] := '{}';
    v_begun_locks  int[] := '{}';
    v_queues       text[];
BEGIN
    taken := '{}';
    numbers := '{}';
    busy := '{}';
    SELECT array_agg(n.run ORDER BY n.ordinal), array_agg(n.run_lock ORDER BY n.ordinal),
           array_agg(n.task_lock ORDER BY n.ordinal)
    INTO v_runs, v_run_locks, v_task_locks
    FROM (SELECT u.ordinal, run_of(u.id) AS run, v.lock_id AS run_lock, t.lock_id AS task_lock
          FROM unnest(p_ids) WITH ORDINALITY u(id, ordinal)
          CROSS JOIN LATERAL (SELECT x.version_id FROM task_ready x WHERE x.id = u.id OFFSET 0) r
          JOIN dag_versions v ON v.id = r.version_id
          JOIN dag_tasks t ON t.version_id = r.version_id AND t.task_no = task_no_of(u.id)) n;

    -- A run that holds its lock goes on holding it while it has a ready task, and that task is in our hands: there its
    -- row need not be held, and the tasks of one run do not stand in each other's way.
    SELECT array_agg(l.id), array_agg(l.holder), array_agg(l.fence) INTO v_known, v_known_by, v_known_no
    FROM locks l WHERE l.id = ANY (v_run_locks) AND l.holder = ANY (v_runs);
    SELECT array_agg(h.id), array_agg(h.holder), array_agg(h.fence) INTO v_had, v_holders, v_fences
    FROM (SELECT l.id, l.holder, l.fence FROM locks l
          WHERE l.id = ANY (ARRAY(
              SELECT n.task_lock FROM unnest(v_task_locks) n(task_lock)
              UNION
              SELECT n.run_lock FROM unnest(v_runs, v_run_locks) n(run, run_lock)
              WHERE v_known_by[array_position(v_known, n.run_lock)] IS DISTINCT FROM n.run))
          FOR NO KEY UPDATE SKIP LOCKED) h;

    FOR i IN 1 .. cardinality(p_ids) LOOP
        v_run_lock := array_position(v_had, v_run_locks[i]);
        v_task_lock := array_position(v_had, v_task_locks[i]);
        v_is_own := v_run_locks[i] IS NULL
            OR v_known_by[array_position(v_known, v_run_locks[i])] IS NOT DISTINCT FROM v_runs[i]
            OR v_holders[v_run_lock] IS NOT DISTINCT FROM v_runs[i];
        IF (NOT v_is_own AND v_run_lock IS NULL) OR (v_task_locks[i] IS NOT NULL AND v_task_lock IS NULL) THEN
            busy := busy || p_ids[i];
        ELSIF NOT v_is_own AND v_holders[v_run_lock] IS NOT NULL THEN
            v_waiting := v_waiting || p_ids[i];
            v_waits_for := v_waits_for || v_run_locks[i];
            v_left_free := v_left_free || v_task_locks[i];
        ELSIF v_holders[v_task_lock] IS NOT NULL THEN
            v_waiting := v_waiting || p_ids[i];
            v_waits_for := v_waits_for || v_task_locks[i];
            v_left_free := v_left_free || v_run_locks[i];
        ELSE
            IF NOT v_is_own THEN
                v_holders[v_run_lock] := v_runs[i];
                v_fences[v_run_lock] := v_fences[v_run_lock] + 1;
                v_begun := v_begun || v_runs[i];
                v_begun_locks := v_begun_locks || v_run_locks[i];
            END IF;
            IF v_task_lock IS NOT NULL THEN
                v_holders[v_task_lock] := p_ids[i];
                v_fences[v_task_lock] := v_fences[v_task_lock] + 1;
            END IF;
            taken := taken || p_ids[i];
            numbers := numbers || coalesce(v_fences[v_task_lock], v_fences[v_run_lock],
                                           v_known_no[array_position(v_known, v_run_locks[i])]);
        END IF;
    END LOOP;

    UPDATE locks l SET holder = h.holder, fence = h.fence, taken_at = clock_timestamp()
    FROM unnest(v_had, v_holders, v_fences) h(id, holder, fence)
    WHERE l.id = h.id AND l.fence < h.fence;
    WITH gone AS (
        DELETE FROM task_ready r WHERE r.id = ANY (v_waiting)
        RETURNING r.id, r.queue, r.latest_start, r.version_id, r.attempt, r.failures
    )
    INSERT INTO lock_waits (id, lock_id, queue, latest_start, version_id, attempt, failures)
    SELECT g.id, w.lock, g.queue, g.latest_start, g.version_id, g.attempt, g.failures
    FROM gone g JOIN unnest(v_waiting, v_waits_for) w(id, lock) ON w.id = g.id;

    -- A run that has its lock waits for it no more, with none of its tasks.
    WITH woken AS (
        DELETE FROM lock_waits w USING unnest(v_begun, v_begun_locks) b(run, lock)
        WHERE w.id BETWEEN b.run AND instance_id(b.run, 2147483647) AND w.lock_id = b.lock
        RETURNING w.id, w.queue, w.latest_start, w.version_id, w.attempt, w.failures
    ), ready AS (
        INSERT INTO task_ready (id, queue, latest_start, version_id, attempt, failures, has_locks)
        SELECT w.id, w.queue, w.latest_start, w.version_id, w.attempt, w.failures, true FROM woken w
    )
    SELECT coalesce(array_agg(DISTINCT w.queue), '{}') INTO queues FROM woken w;
    v_queues := wake_waiters(ARRAY(
        SELECT h.id FROM unnest(v_had, v_holders) h(id, holder) WHERE h.holder IS NULL AND h.id = ANY (v_left_free)));
    queues := queues || v_queues;
END $f$;

-- The life of a task instance, as functions: each is one decision and one transaction, in one round trip.
--
-- Every function locks first and looks in later statements: a statement's snapshot is older than the locks it waited for.
-- The order of locks is the same everywhere: runs, then claim batches, then named locks (see R__locks.sql), then the rows
-- of tasks; ids ascending, and each kind all at once. All that changes tasks of a run but a claim holds the run's row, so
-- the tables behind it need no locks of their own, and the history of a run is numbered in the order of its commits; a
-- claim only skips what is locked, and whoever ends tasks looks at ready rows before claims, each in a statement of its
-- own, so that a task which is claimed meanwhile is met further down. Named locks are the one exception: whoever holds
-- one's row moves tasks of any run between task_ready and lock_waits, so a cancel holds those of its run first.

-- The id of the task with this number in a run: the run's id with the number in its last 32 bits.
CREATE OR REPLACE FUNCTION instance_id(run uuid, task_no int) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN overlay(run::text PLACING lpad(to_hex(task_no), 8, '0') FROM 29)::uuid;

CREATE OR REPLACE FUNCTION run_of(id uuid) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN overlay(id::text PLACING '00000000' FROM 29)::uuid;

CREATE OR REPLACE FUNCTION task_no_of(id uuid) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ('x' || right(id::text, 8))::bit(32)::int;

-- When a task that is ready now ought to start at the latest; the same rule as Urgency.latestStart, whose patience is
-- rounded to milliseconds, halves upwards.
CREATE OR REPLACE FUNCTION latest_start(ready_at timestamptz, priority real, must_start_by timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN greatest(ready_at, least(
    ready_at + floor((10 - priority::float8) * 30000 + 0.5) * interval '1 millisecond', must_start_by));

-- Creates runs of the current versions of DAGs, all in one go; answers each in the order asked: 'created', 'repeated'
-- (the key was used for the same request: run_id is the run it made), 'conflict' (for another one), or 'no_dag'.
-- A key is null where the request had none. Told again after a lost answer, with the same ids, it answers the same.
-- Where their tasks are more than p_task_limit together, only the first of the requests are carried out and answered: as
-- many as stay within the limit, but at least one. p_traceparents are the traces that runs were given; null: none was.
DROP FUNCTION IF EXISTS create_runs(
    uuid[], int[], uuid[], text[], text[], timestamptz[], text[], text[], text[], int);
CREATE OR REPLACE FUNCTION create_runs(
    p_runs uuid[], p_tenants int[], p_dags uuid[], p_triggers text[], p_params text[], p_logical_times timestamptz[],
    p_operations text[], p_keys text[], p_hashes text[], p_task_limit int DEFAULT NULL, p_traceparents text[] DEFAULT NULL)
RETURNS TABLE (ordinal int, verdict text, run_id uuid, dag_version int, dag_name text, created_at timestamptz)
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now        timestamptz := clock_timestamp();
    v_count      int := cardinality(p_runs);
    v_gone       int[];
    v_fresh      int[];
    v_new        int[];
    v_versions   int[];
    v_has_locks  boolean[];
    v_is_alone   boolean[];
BEGIN
    IF v_count > 1 AND p_task_limit IS NOT NULL THEN
        SELECT greatest(1, count(*) FILTER (WHERE s.tasks <= p_task_limit)) INTO v_count
        FROM (SELECT sum(coalesce(d.task_count, 0)) OVER (ORDER BY a.ordinal) AS tasks
              FROM unnest(p_dags) WITH ORDINALITY a(dag, ordinal) LEFT JOIN dags d ON d.id = a.dag) s;
        IF v_count < cardinality(p_runs) THEN
            p_runs := p_runs[:v_count];
            p_tenants := p_tenants[:v_count];
            p_dags := p_dags[:v_count];
            p_triggers := p_triggers[:v_count];
            p_params := p_params[:v_count];
            p_logical_times := p_logical_times[:v_count];
            p_operations := p_operations[:v_count];
            p_keys := p_keys[:v_count];
            p_hashes := p_hashes[:v_count];
        END IF;
    END IF;

    v_gone := gone_tenants(p_tenants);
    IF v_gone IS NOT NULL THEN
        p_dags := ARRAY(SELECT CASE WHEN a.tenant <> ALL (v_gone) THEN a.dag END
                        FROM unnest(p_dags, p_tenants) WITH ORDINALITY a(dag, tenant, ordinal) ORDER BY a.ordinal);
    END IF;

    -- Holds the DAGs against deletion, once for each and not once for each run.
    PERFORM d.id FROM dags d
    WHERE d.id = ANY (p_dags) AND d.deleted_at IS NULL ORDER BY d.id FOR KEY SHARE;

    -- An equal key in another open transaction is waited for here, and read below.
    IF EXISTS (SELECT FROM unnest(p_keys) k(key) WHERE k.key IS NOT NULL) THEN
        WITH asked AS MATERIALIZED (
            SELECT a.ordinal::int, a.tenant, a.operation, a.key, a.hash, a.run
            FROM unnest(p_tenants, p_operations, p_keys, p_hashes, p_runs, p_dags)
                 WITH ORDINALITY a(tenant, operation, key, hash, run, dag, ordinal)
            JOIN dags d ON d.id = a.dag AND d.tenant_id = a.tenant AND d.deleted_at IS NULL
            WHERE a.key IS NOT NULL
        ), kept AS (
            INSERT INTO idempotency_keys AS i (tenant_id, operation, key, request_hash, reference, created_at)
            SELECT DISTINCT ON (a.tenant, a.operation, a.key) a.tenant, a.operation, a.key, a.hash, a.run, v_now
            FROM asked a ORDER BY a.tenant, a.operation, a.key, a.ordinal
            ON CONFLICT DO NOTHING
            RETURNING i.reference
        )
        SELECT array_agg(a.ordinal) INTO v_fresh FROM asked a JOIN kept k ON k.reference = a.run;
    END IF;

    -- OFFSET 0: else a plan that was made while there were few runs would read all of them, to look the new ones up there.
    SELECT array_agg(a.ordinal), array_agg(v.id), array_agg(v.has_locks),
           array_agg(CASE WHEN v.task_count = 1 THEN true END)
    INTO v_new, v_versions, v_has_locks, v_is_alone
    FROM unnest(p_dags, p_tenants, p_keys) WITH ORDINALITY a(dag, tenant, key, ordinal)
    JOIN dags d ON d.id = a.dag AND d.tenant_id = a.tenant AND d.deleted_at IS NULL
    JOIN dag_versions v ON v.dag_id = d.id AND v.version = d.version
    WHERE (a.key IS NULL AND NOT EXISTS (SELECT FROM dag_runs r WHERE r.id = p_runs[a.ordinal] OFFSET 0))
       OR a.ordinal::int = ANY (v_fresh);

    IF v_new IS NOT NULL THEN
        -- A schedule's run is prepared a moment before its time, and is there from then on.
        WITH new AS MATERIALIZED (
            SELECT p_runs[n.ordinal] AS run, p_tenants[n.ordinal] AS tenant, n.version, n.has_locks, n.is_alone,
                   greatest(v_now, CASE WHEN p_triggers[n.ordinal] = 'schedule' THEN p_logical_times[n.ordinal] END)
                       AS created_at,
                   p_dags[n.ordinal] AS dag, p_triggers[n.ordinal] AS cause,
                   p_params[n.ordinal] AS params, p_logical_times[n.ordinal] AS logical_time,
                   p_traceparents[n.ordinal] AS traceparent
            FROM unnest(v_new, v_versions, v_has_locks, v_is_alone) n(ordinal, version, has_locks, is_alone)
        ), tasks AS MATERIALIZED (
            SELECT instance_id(n.run, t.task_no) AS id, n.run, n.tenant, n.version, t.task_id, t.queue, t.priority,
                   t.dependency_count, n.has_locks, n.is_alone, n.created_at
            FROM new n
            CROSS JOIN LATERAL (SELECT * FROM dag_tasks t WHERE t.version_id = n.version ORDER BY t.task_no) t
        ), runs AS (
            INSERT INTO dag_runs (id, tenant_id, dag_id, version_id, dag_version, triggered_by, logical_time,
                                  remaining, created_at, has_locks)
            SELECT n.run, n.tenant, n.dag, n.version, v.version, n.cause::run_trigger, n.logical_time,
                   v.task_count, n.created_at, n.has_locks
            FROM new n JOIN dag_versions v ON v.id = n.version
        ), params AS (
            INSERT INTO run_params (run_id, params)
            SELECT n.run, n.params::json FROM new n WHERE n.params IS NOT NULL
        ), traces AS (
            INSERT INTO run_traces (run_id, traceparent)
            SELECT n.run, n.traceparent FROM new n WHERE n.traceparent IS NOT NULL
        ), instances AS (
            INSERT INTO task_instances (id, tenant_id, run_id, version_id, task_id, queue, priority, created_at)
            SELECT t.id, t.tenant, t.run, t.version, t.task_id, t.queue, t.priority, t.created_at FROM tasks t
        ), waiting AS (
            INSERT INTO task_wait (id, version_id, unmet, queue, priority)
            SELECT t.id, t.version, t.dependency_count, t.queue, t.priority
            FROM tasks t WHERE t.dependency_count > 0
        )
        INSERT INTO task_ready (id, queue, latest_start, version_id, has_locks, is_alone)
        SELECT t.id, t.queue, latest_start(v_now, t.priority, NULL), t.version, t.has_locks, t.is_alone
        FROM tasks t WHERE t.dependency_count = 0;
    END IF;

    RETURN QUERY
        SELECT a.ordinal::int,
               CASE WHEN r.id = a.run THEN 'created'
                    WHEN k.key IS NULL THEN 'no_dag'
                    WHEN k.request_hash = a.hash THEN 'repeated'
                    ELSE 'conflict' END,
               coalesce(r.id, k.reference), r.dag_version, d.name, r.created_at
        FROM unnest(p_runs, p_tenants, p_operations, p_keys, p_hashes)
             WITH ORDINALITY a(run, tenant, operation, key, hash, ordinal)
        LEFT JOIN idempotency_keys k ON k.tenant_id = a.tenant AND k.operation = a.operation AND k.key = a.key
        LEFT JOIN dag_runs r ON r.id = coalesce(k.reference, a.run)
        LEFT JOIN dags d ON d.id = r.dag_id
        ORDER BY a.ordinal;
END $f$;

-- What follows from tasks that changed their state: dependents of those that succeeded are released, all that stands
-- behind those that ended badly is skipped, runs are counted down and ended, the history is written, and what attempts and
-- runs that ended had locked is free for others. The runs are locked by the caller. Answers the queues in which tasks
-- became ready.
CREATE OR REPLACE FUNCTION settle(p_changes task_change[], p_node uuid) RETURNS text[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now         timestamptz := clock_timestamp();
    v_cancelling  uuid[];
    v_changes     task_change[] := p_changes;
    v_more        task_change[];
    v_queues      text[];
    v_locking     uuid[];
    v_ended       uuid[];
    v_waking      text[] := '{}';
BEGIN
    IF EXISTS (SELECT FROM unnest(p_changes) c WHERE c.task_no < 0) THEN
        v_waking := settle_tasks(ARRAY(SELECT c FROM unnest(p_changes) c WHERE c.task_no < 0));
        p_changes := ARRAY(SELECT c FROM unnest(p_changes) c WHERE c.task_no > 0);
        v_changes := p_changes;
        IF cardinality(p_changes) = 0 THEN
            RETURN v_waking;
        END IF;
    END IF;
    SELECT coalesce(array_agg(r.id) FILTER (WHERE r.state = 'cancelling'), '{}'),
           array_agg(r.id) FILTER (WHERE r.has_locks)
    INTO v_cancelling, v_locking
    FROM dag_runs r
    WHERE r.id = ANY (ARRAY(SELECT DISTINCT c.run_id FROM unnest(p_changes) c));

    -- Parents that end in one batch are counted together: a plain joined decrement would lose all but one. Rows are found
    -- one by one through their key and changed by their place, so that no plan can read the table for many of them.
    WITH met AS MATERIALIZED (
        SELECT c.run_id, e.downstream_no, count(*)::int AS count
        FROM unnest(p_changes) c
        CROSS JOIN LATERAL (
            SELECT x.downstream_no FROM dag_edges x
            WHERE x.version_id = c.version_id AND x.upstream_no = c.task_no OFFSET 0
        ) e
        WHERE c.to_state = 'succeeded' AND c.run_id <> ALL (v_cancelling)
        GROUP BY c.run_id, e.downstream_no
    ), blocked AS MATERIALIZED (
        SELECT w.place, w.unmet - m.count AS unmet
        FROM met m
        CROSS JOIN LATERAL (
            SELECT x.ctid AS place, x.unmet FROM task_wait x
            WHERE x.id = instance_id(m.run_id, m.downstream_no) OFFSET 0
        ) w
    ), lowered AS (
        UPDATE task_wait w SET unmet = b.unmet FROM blocked b WHERE w.ctid = b.place AND b.unmet > 0
    ), released AS (
        DELETE FROM task_wait w USING blocked b WHERE w.ctid = b.place AND b.unmet = 0
        RETURNING w.id, w.queue, w.priority, w.must_start_by, w.version_id
    ), ready AS (
        INSERT INTO task_ready (id, queue, latest_start, version_id, has_locks)
        SELECT r.id, r.queue, latest_start(v_now, r.priority, r.must_start_by), r.version_id,
               CASE WHEN v_locking IS NOT NULL AND run_of(r.id) = ANY (v_locking) THEN true END
        FROM released r
    )
    SELECT coalesce(array_agg(DISTINCT r.queue), '{}'),
           array_agg((r.id, run_of(r.id), task_no_of(r.id), r.version_id, 'blocked', 'ready', 0, 0, NULL, NULL)::task_change)
    INTO v_queues, v_more FROM released r;
    v_changes := v_changes || v_more;

    IF EXISTS (SELECT FROM unnest(p_changes) c
               WHERE c.to_state IN ('failed', 'timed_out', 'cancelled') AND c.run_id <> ALL (v_cancelling)) THEN
        WITH RECURSIVE behind(run_id, version_id, task_no) AS (
            SELECT c.run_id, c.version_id, e.downstream_no
            FROM unnest(p_changes) c
            JOIN dag_edges e ON e.version_id = c.version_id AND e.upstream_no = c.task_no
            WHERE c.to_state IN ('failed', 'timed_out', 'cancelled') AND c.run_id <> ALL (v_cancelling)
            UNION
            SELECT b.run_id, b.version_id, e.downstream_no
            FROM behind b
            JOIN dag_edges e ON e.version_id = b.version_id AND e.upstream_no = b.task_no
        ), skipped AS (
            DELETE FROM task_wait w
            WHERE w.id = ANY (ARRAY(SELECT instance_id(b.run_id, b.task_no) FROM behind b))
            RETURNING w.id, w.version_id
        ), recorded AS (
            INSERT INTO task_attempts (task_id, attempt, fence, outcome, state, finished_at)
            SELECT s.id, 0, 0, 'skipped', 'skipped', v_now FROM skipped s
        )
        SELECT array_agg((s.id, run_of(s.id), task_no_of(s.id), s.version_id, 'blocked', 'skipped', 0, 0, NULL, NULL)::task_change)
        INTO v_more FROM skipped s;
        v_changes := v_changes || v_more;
    END IF;

    WITH counted AS MATERIALIZED (
        SELECT c.run_id,
               count(*) FILTER (WHERE c.to_state >= 'succeeded')::int AS ended,
               count(*) FILTER (WHERE c.to_state IN ('failed', 'timed_out'))::int AS failed,
               count(*) FILTER (WHERE c.to_state = 'cancelled')::int AS cancelled,
               min(c.started_at) AS started_at,
               array_agg(c.task_no ORDER BY c.task_no) AS task_nos,
               array_agg(c.from_state ORDER BY c.task_no) AS froms,
               array_agg(c.to_state ORDER BY c.task_no) AS tos,
               array_agg(c.attempt ORDER BY c.task_no) AS attempts,
               array_agg(c.fence ORDER BY c.task_no) AS fences,
               array_agg(c.worker_no ORDER BY c.task_no) AS workers
        FROM unnest(v_changes) c
        GROUP BY c.run_id
    ), before AS MATERIALIZED (
        SELECT r.id, r.tenant_id, r.state, r.remaining, r.failed, r.cancelled, r.started_at
        FROM counted n
        CROSS JOIN LATERAL (SELECT * FROM dag_runs x WHERE x.id = n.run_id OFFSET 0) r
    ), after AS MATERIALIZED (
        SELECT b.id, b.tenant_id, b.state AS old_state, b.remaining - n.ended AS remaining,
               b.failed + n.failed AS failed, b.cancelled + n.cancelled AS cancelled,
               coalesce(b.started_at, n.started_at) AS started_at,
               CASE WHEN b.remaining > n.ended
                         THEN CASE WHEN b.state = 'pending' AND n.started_at IS NOT NULL THEN 'running' ELSE b.state END
                    WHEN b.state = 'cancelling' THEN 'cancelled'
                    WHEN b.failed + n.failed > 0 THEN 'failed'
                    WHEN b.cancelled + n.cancelled > 0 THEN 'cancelled'
                    ELSE 'succeeded' END::run_state AS state
        FROM before b JOIN counted n ON n.run_id = b.id
    ), updated AS (
        UPDATE dag_runs r
        SET remaining = a.remaining, failed = a.failed, cancelled = a.cancelled, started_at = a.started_at,
            state = a.state, completed_at = CASE WHEN a.remaining = 0 THEN v_now END
        FROM after a
        WHERE r.id = a.id
          AND (a.remaining <> r.remaining OR a.state <> r.state OR a.started_at IS DISTINCT FROM r.started_at)
    )
    INSERT INTO task_events (tenant_id, run_id, node_id, at, run_state, task_nos, froms, tos, attempts, fences, workers)
    SELECT a.tenant_id, n.run_id, p_node, v_now, CASE WHEN a.state <> a.old_state THEN a.state END,
           n.task_nos, n.froms, n.tos, n.attempts, n.fences, n.workers
    FROM counted n JOIN after a ON a.id = n.run_id;

    IF v_locking IS NOT NULL THEN
        -- In one go, runs and tasks: their locks are held in one order.
        SELECT array_agg(c.id) INTO v_ended
        FROM unnest(p_changes) c
        WHERE c.from_state IN ('queued', 'running') AND c.to_state <> 'running' AND c.run_id = ANY (v_locking);
        v_queues := v_queues || release_locks(v_ended || ARRAY(
            SELECT r.id FROM dag_runs r WHERE r.id = ANY (v_locking) AND r.remaining = 0));
    END IF;
    RETURN v_queues || v_waking;
END $f$;

-- Records starts and results of a node's claims. A row is accepted if its task stands in the open claim batch of its
-- fence and has no result yet; whatever else is stale and changes nothing. A start has a null outcome. Times are told as
-- microseconds before now, since only the database's clock counts. A result told twice (its first answer was lost) is
-- answered as accepted both times. Answers the accepted ids and the queues in which tasks became ready.
CREATE OR REPLACE FUNCTION commit_results(
    p_node uuid, p_ids uuid[], p_runs uuid[], p_task_nos int[], p_versions int[], p_attempts smallint[],
    p_fences bigint[], p_workers smallint[], p_outcomes text[], p_states text[], p_started_ago bigint[],
    p_errors text[], p_outputs text[], p_retry_after bigint[],
    OUT accepted uuid[], OUT queues text[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now         timestamptz := clock_timestamp();
    v_cancelling  uuid[];
    v_asked       uuid[];
    v_changes     task_change[];
    v_ends        int;
    v_queues      text[];
BEGIN
    PERFORM r.id
    FROM (SELECT DISTINCT u.id FROM unnest(p_runs) u(id) ORDER BY u.id) u
    CROSS JOIN LATERAL (SELECT x.id FROM dag_runs x WHERE x.id = u.id OFFSET 0 FOR NO KEY UPDATE) r;

    SELECT coalesce(array_agg(r.id), '{}') INTO v_cancelling
    FROM dag_runs r WHERE r.id = ANY (p_runs) AND r.state = 'cancelling';
    SELECT coalesce(array_agg(q.task_id), '{}') INTO v_asked
    FROM cancel_requests q WHERE q.task_id = ANY (p_ids);

    WITH batch AS MATERIALIZED (
        SELECT b.fence, b.ids, b.attempts, b.failures
        FROM claim_batches b
        WHERE b.fence = ANY (ARRAY(SELECT DISTINCT f.fence FROM unnest(p_fences) f(fence))) AND b.node_id = p_node
        ORDER BY b.fence
        FOR NO KEY UPDATE
    ), member AS MATERIALIZED (
        SELECT b.fence, m.id, m.attempt, m.failures
        FROM batch b CROSS JOIN LATERAL unnest(b.ids, b.attempts, b.failures) m(id, attempt, failures)
    ), report AS MATERIALIZED (
        SELECT r.id, r.run_id, r.task_no, r.version_id, m.attempt, r.fence, r.worker_no, r.outcome::attempt_outcome AS outcome,
               -- Whoever is asked to end is not tried again.
               CASE WHEN r.state = 'retrying' AND (r.run_id = ANY (v_cancelling) OR r.id = ANY (v_asked))
                    THEN 'cancelled' ELSE r.state END::task_state AS state,
               v_now - r.started_ago * interval '1 microsecond' AS started_at,
               r.error, r.output, r.retry_after, m.failures
        FROM unnest(p_ids, p_runs, p_task_nos, p_versions, p_fences, p_workers, p_outcomes, p_states, p_started_ago,
                    p_errors, p_outputs, p_retry_after)
             r(id, run_id, task_no, version_id, fence, worker_no, outcome, state, started_ago, error, output, retry_after)
        JOIN member m ON m.fence = r.fence AND m.id = r.id
    ), recorded AS (
        INSERT INTO task_attempts AS a (task_id, attempt, fence, node_id, worker_no, outcome, state, started_at,
                                        finished_at, error)
        SELECT r.id, r.attempt, r.fence, p_node, r.worker_no, r.outcome, r.state, r.started_at,
               CASE WHEN r.outcome IS NOT NULL THEN v_now END, r.error
        FROM report r
        ON CONFLICT (task_id, attempt) DO UPDATE
            SET outcome = EXCLUDED.outcome, state = EXCLUDED.state, finished_at = EXCLUDED.finished_at,
                error = EXCLUDED.error
            WHERE a.outcome IS NULL AND a.fence = EXCLUDED.fence AND EXCLUDED.outcome IS NOT NULL
        RETURNING a.task_id, xmax = 0 AS is_new
    ), kept AS MATERIALIZED (
        -- A join would compare each with each, since the planner expects one row. IS TRUE keeps it from making one of it.
        SELECT r.*, (r.id IN (SELECT d.task_id FROM recorded d WHERE d.is_new)) AS is_new
        FROM report r
        WHERE (r.id IN (SELECT d.task_id FROM recorded d)) IS TRUE
    ), outputs AS (
        INSERT INTO task_outputs (task_id, attempt, output)
        SELECT k.id, k.attempt, k.output::json FROM kept k WHERE k.output IS NOT NULL
    ), timers AS (
        INSERT INTO task_timers (ref, kind, due_at, attempt, failures)
        SELECT k.id, 'retry', v_now + k.retry_after * interval '1 millisecond', k.attempt,
               k.failures + CASE WHEN k.outcome = 'snoozed' THEN 0 ELSE 1 END
        FROM kept k WHERE k.state = 'retrying'
    ), letters AS (
        INSERT INTO dead_letters (task_id, attempt, tenant_id, run_id, outcome, error, created_at)
        SELECT k.id, k.attempt, i.tenant_id, i.run_id, k.outcome, k.error, v_now
        FROM kept k JOIN task_instances i ON i.id = k.id
        WHERE k.state IN ('failed', 'timed_out')
    )
    SELECT array_agg(k.id),
           array_agg((k.id, k.run_id, k.task_no, k.version_id,
                      CASE WHEN k.is_new THEN 'queued' ELSE 'running' END, k.state, k.attempt, k.fence, k.worker_no,
                      k.started_at)::task_change),
           count(*) FILTER (WHERE k.outcome IS NOT NULL)
    INTO accepted, v_changes, v_ends
    FROM kept k;

    IF v_ends > 0 THEN
        IF EXISTS (SELECT FROM unnest(v_changes) c WHERE c.to_state = 'retrying' AND c.task_no < 0) THEN
            v_changes := end_asked_retries(v_changes);
        END IF;
        PERFORM hold_slots_of(v_changes);
        v_queues := close_claims(v_changes);
    END IF;
    IF v_changes IS NOT NULL THEN
        queues := v_queues || settle(v_changes, p_node);
    END IF;

    -- Rare: something was stale, or came again after its answer was lost.
    IF coalesce(cardinality(accepted), 0) < cardinality(p_ids) THEN
        SELECT accepted || array_agg(a.task_id) INTO accepted
        FROM unnest(p_ids, p_attempts, p_fences, p_outcomes) r(id, attempt, fence, outcome)
        JOIN task_attempts a ON a.task_id = r.id AND a.attempt = r.attempt AND a.fence = r.fence
        WHERE r.outcome IS NOT NULL AND a.outcome = r.outcome::attempt_outcome
          AND r.id <> ALL (coalesce(accepted, '{}'));
    END IF;
END $f$;

-- Takes ended tasks out of their claim batches' counts (an empty batch goes), gives up their places within limits, and
-- forgets requests to end them. Answers the queues in which more may be claimed by it.
DROP FUNCTION IF EXISTS close_claims(task_change[]);
CREATE FUNCTION close_claims(p_changes task_change[]) RETURNS text[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_fences  bigint[];
    v_ended   int[];
BEGIN
    SELECT array_agg(n.fence), array_agg(n.ended) INTO v_fences, v_ended
    FROM (SELECT c.fence, count(*)::int AS ended FROM unnest(p_changes) c
          WHERE c.to_state <> 'running' GROUP BY c.fence) n;
    WITH emptied AS (
        DELETE FROM claim_batches b
        WHERE b.fence = ANY (v_fences) AND b.open_count <= v_ended[array_position(v_fences, b.fence)]
    )
    UPDATE claim_batches b SET open_count = b.open_count - v_ended[array_position(v_fences, b.fence)]
    WHERE b.fence = ANY (v_fences) AND b.open_count > v_ended[array_position(v_fences, b.fence)];
    DELETE FROM cancel_requests q WHERE q.task_id = ANY (ARRAY(
        SELECT c.id FROM unnest(p_changes) c WHERE c.to_state <> 'running'));
    IF EXISTS (SELECT FROM limit_holders) THEN
        RETURN release_places(ARRAY(SELECT c.id FROM unnest(p_changes) c WHERE c.to_state <> 'running'));
    END IF;
    RETURN '{}';
END $f$;

-- When the first of these tasks, which begin now, will have had its time. What has no limit of all attempts together is not
-- asked for them.
DROP FUNCTION IF EXISTS first_due(uuid[], int[]);
CREATE OR REPLACE FUNCTION first_due(p_ids uuid[], p_versions int[], p_attempts smallint[]) RETURNS timestamptz
LANGUAGE plpgsql AS $f$
DECLARE
    v_now  timestamptz := clock_timestamp();
BEGIN
    RETURN (SELECT min(CASE WHEN t.total_timeout_ms IS NULL AND i.definition ->> 'totalTimeout' IS NULL
                            THEN v_now + coalesce(t.timeout_ms, i.timeout_ms) * interval '1 millisecond'
                            ELSE attempt_ends(c.id, c.attempt, v_now) END)
            FROM unnest(p_ids, p_versions, p_attempts) c(id, version, attempt)
            LEFT JOIN dag_tasks t ON t.version_id = c.version AND t.task_no = task_no_of(c.id)
            LEFT JOIN task_instances i ON i.id = c.id AND c.version = 0);
END $f$;

-- Since when these tasks were ready, which had these latest starts; p_readies tells it of some.
CREATE OR REPLACE FUNCTION ready_times(p_ids uuid[], p_starts timestamptz[], p_readies timestamptz[]) RETURNS bigint[]
LANGUAGE plpgsql AS $f$
BEGIN
    RETURN (SELECT array_agg((extract(epoch FROM coalesce(c.ready, greatest(
                       i.created_at, c.start - floor((10 - i.priority::float8) * 30000 + 0.5) * interval '1 millisecond'))) * 1000)::bigint
                   ORDER BY c.ordinal)
            FROM unnest(p_ids, p_starts, p_readies) WITH ORDINALITY c(id, start, ready, ordinal)
            LEFT JOIN LATERAL (SELECT x.created_at, x.priority FROM task_instances x WHERE x.id = c.id OFFSET 0) i ON true);
END $f$;

-- Takes up to p_limit ready tasks, the earliest latest start first over all the queues. A fenced node gets none: its
-- row is held while the claim is under way, so a fence waits for claims in flight. Tasks that need named locks are taken
-- with them; in place of those that do not get them it looks further, a bounded number of times. Arrays are parallel
-- (lock_fences is null where nothing that was taken has locks, traceparents where no run was given a trace; what describe_tasks tells is null where it has nothing to tell). Answers
-- the queues in which other tasks became ready, and whether there is more that only could not be looked at now.
-- With p_traced it tells since when each was ready, in milliseconds since 1970: of a task of a run that is worked out from its
-- latest start, and too late where a deadline has put that forward.
DROP FUNCTION IF EXISTS claim_ready(uuid, text[], int);
DROP FUNCTION IF EXISTS claim_ready(uuid, text[], int, boolean);
CREATE FUNCTION claim_ready(
    p_node uuid, p_queues text[], p_limit int, p_traced boolean DEFAULT false,
    OUT fence bigint, OUT ids uuid[], OUT attempts smallint[], OUT failures smallint[], OUT versions int[],
    OUT lock_fences bigint[], OUT queues text[], OUT has_more boolean, OUT traceparents text[],
    OUT tenants int[], OUT tenant_names text[], OUT definitions text[], OUT inputs text[], OUT ready_since bigint[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_wanted   int := p_limit;
    v_readies  timestamptz[];
    v_rounds   int := 50;
    v_new      record;
    v_starts   timestamptz[];
    v_locks    record;
    v_taken    uuid[];
    v_numbers  bigint[];
    v_busy     uuid[] := '{}';
    v_mode     text;
    v_rooms    int[];
    v_left     int[];
    v_is_tight boolean;
    v_any_alone boolean := false;
    v_places   record;
    v_generations  int[];
    v_starts_from  timestamptz[];
BEGIN
    SELECT n.mode INTO v_mode FROM nodes n WHERE n.id = p_node AND n.fenced_at IS NULL FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF cardinality(p_queues) > 64 THEN
        p_queues := queues_with_ready(p_queues);
    END IF;
    IF EXISTS (SELECT FROM limits l WHERE l.tenant_id = 1 AND l.kind = 'queue' AND l.name = ANY (p_queues)) THEN
        SELECT r.rooms, r.rooms, r.has_more INTO v_rooms, v_left, v_is_tight FROM queue_rooms(p_node, p_queues, p_limit) r;
    END IF;
    v_places := queue_places(p_queues);
    v_generations := v_places.generations;
    v_starts_from := v_places.starts;
    LOOP
        -- By ctid: a LIMIT that is a parameter is planned as a tenth of the table, and IN (… LIMIT) can take too many. The
        -- starts, which cost as much as each of the others, are told only where locks mix the order.
        WITH head AS MATERIALIZED (
            SELECT array_agg(h.place) AS places, array_agg(h.id) FILTER (WHERE h.has_locks) AS locking
            FROM (SELECT head.place, head.id, head.has_locks
                  FROM unnest(p_queues, v_left, v_places.firsts, v_places.lasts) q(name, room, first, last)
                  CROSS JOIN LATERAL (
                      SELECT line.place, line.latest_start, line.id, line.has_locks
                      FROM generate_series(q.first, q.last) p
                      CROSS JOIN LATERAL (
                          SELECT x.ctid AS place, x.latest_start, x.id, x.has_locks FROM task_ready x
                          WHERE x.generation = v_generations[p] AND x.queue = q.name AND x.latest_start >= v_starts_from[p]
                            AND x.id <> ALL (v_busy)
                          ORDER BY x.latest_start, x.id
                          LIMIT least(v_wanted, q.room)
                          FOR UPDATE SKIP LOCKED
                      ) line
                      ORDER BY line.latest_start, line.id
                      LIMIT least(v_wanted, q.room)
                  ) head
                  ORDER BY head.latest_start, head.id
                  LIMIT v_wanted) h
        ), taken AS (
            DELETE FROM task_ready r
            WHERE r.ctid = ANY ((SELECT h.places FROM head h)::tid[]) AND r.has_locks IS NULL
            RETURNING r.id, r.latest_start, (r.attempt + 1)::smallint AS attempt, r.failures, r.version_id, r.is_alone,
                      r.ready_at
        )
        SELECT array_agg(t.id ORDER BY t.latest_start, t.id) AS ids,
               array_agg(t.attempt ORDER BY t.latest_start, t.id) AS attempts,
               array_agg(t.failures ORDER BY t.latest_start, t.id) AS failures,
               array_agg(t.version_id ORDER BY t.latest_start, t.id) AS versions,
               array_agg(t.latest_start ORDER BY t.latest_start, t.id)
                   FILTER (WHERE p_traced OR (SELECT h.locking FROM head h) IS NOT NULL OR v_rounds < 50) AS starts,
               array_agg(t.ready_at ORDER BY t.latest_start, t.id) FILTER (WHERE p_traced) AS readies,
               (SELECT h.locking FROM head h) AS locking, bool_or(t.is_alone) AS any_alone
        INTO v_new
        FROM taken t;
        ids := ids || v_new.ids;
        attempts := attempts || v_new.attempts;
        failures := failures || v_new.failures;
        versions := versions || v_new.versions;
        v_starts := v_starts || v_new.starts;
        v_readies := v_readies || v_new.readies;
        v_any_alone := v_any_alone OR v_new.any_alone IS TRUE;
        EXIT WHEN v_new.locking IS NULL;

        SELECT k.taken, k.numbers, k.busy, k.queues INTO v_locks
        FROM take_places(p_node, v_new.locking, v_rounds = 50) k;
        v_busy := v_busy || v_locks.busy;
        queues := queues || v_locks.queues;
        IF cardinality(v_locks.taken) > 0 THEN
            v_taken := v_taken || v_locks.taken;
            v_numbers := v_numbers || v_locks.numbers;
            WITH gone AS (
                DELETE FROM task_ready r WHERE r.id = ANY (v_locks.taken)
                RETURNING r.id, r.latest_start, (r.attempt + 1)::smallint AS attempt, r.failures, r.version_id, r.ready_at
            )
            SELECT array_agg(g.id) AS ids, array_agg(g.attempt) AS attempts, array_agg(g.failures) AS failures,
                   array_agg(g.version_id) AS versions, array_agg(g.latest_start) AS starts,
                   array_agg(g.ready_at) FILTER (WHERE p_traced) AS readies, v_new.locking
            INTO v_new
            FROM gone g;
            ids := ids || v_new.ids;
            attempts := attempts || v_new.attempts;
            failures := failures || v_new.failures;
            versions := versions || v_new.versions;
            v_starts := v_starts || v_new.starts;
            v_readies := v_readies || v_new.readies;
        END IF;
        v_wanted := p_limit - coalesce(cardinality(ids), 0);
        v_rounds := v_rounds - 1;
        EXIT WHEN v_wanted = 0 OR v_rounds = 0
            OR (cardinality(v_locks.taken) = cardinality(v_new.locking) AND cardinality(v_locks.queues) = 0);
        IF v_rooms IS NOT NULL THEN
            v_left := rooms_left(p_queues, v_rooms, ids);
        END IF;
    END LOOP;

    IF v_rounds < 50 THEN
        has_more := v_rounds = 0 OR cardinality(v_busy) > 0;
        SELECT array_agg(c.id ORDER BY c.start, c.id), array_agg(c.attempt ORDER BY c.start, c.id),
               array_agg(c.failures ORDER BY c.start, c.id), array_agg(c.version ORDER BY c.start, c.id),
               array_agg(k.number ORDER BY c.start, c.id),
               array_agg(c.start ORDER BY c.start, c.id), array_agg(c.ready ORDER BY c.start, c.id)
        INTO ids, attempts, failures, versions, lock_fences, v_starts, v_readies
        FROM unnest(ids, attempts, failures, versions, v_starts, v_readies) c(id, attempt, failures, version, start, ready)
        LEFT JOIN unnest(v_taken, v_numbers) k(id, number) ON k.id = c.id;
    END IF;
    IF v_is_tight AND cardinality(ids) IS DISTINCT FROM p_limit THEN
        has_more := true;
    END IF;
    IF ids IS NOT NULL THEN
        fence := nextval('fence_seq');
        INSERT INTO claim_batches (fence, node_id, open_count, ids, attempts, failures, due_at)
        VALUES (fence, p_node, cardinality(ids), ids, attempts, failures,
                CASE WHEN v_mode = 'remote' THEN first_due(ids, versions, attempts) END);
        -- Looked for anew behind the batch: see set_queue.
        IF EXISTS (SELECT FROM limits l WHERE l.tenant_id = 1 AND l.kind = 'queue' AND l.name = ANY (p_queues)) THEN
            PERFORM take_queue_places(p_node, ids);
        END IF;
        IF EXISTS (SELECT FROM run_traces) THEN
            SELECT array_agg(t.traceparent ORDER BY c.ordinal) INTO traceparents
            FROM unnest(ids) WITH ORDINALITY c(id, ordinal)
            LEFT JOIN LATERAL (SELECT x.traceparent FROM run_traces x WHERE x.run_id = run_of(c.id) OFFSET 0) t ON true
            HAVING count(t.traceparent) > 0;
        END IF;
        IF p_traced THEN
            ready_since := ready_times(ids, v_starts, v_readies);
        END IF;
        IF v_any_alone OR 0 = ANY (versions) THEN
            SELECT d.tenants, d.tenant_names, d.definitions, d.inputs
            INTO tenants, tenant_names, definitions, inputs
            FROM describe_tasks(ids, versions) d;
        END IF;
    END IF;
END $f$;

-- Records what a node reports and hands it the next tasks, in one round trip and one transaction.
DROP FUNCTION IF EXISTS commit_and_claim(
    uuid, uuid[], uuid[], int[], int[], smallint[], bigint[], smallint[], text[], text[], bigint[], text[], text[],
    bigint[], text[], int);
DROP FUNCTION IF EXISTS commit_and_claim(
    uuid, uuid[], uuid[], int[], int[], smallint[], bigint[], smallint[], text[], text[], bigint[], text[], text[],
    bigint[], text[], int, boolean);
CREATE FUNCTION commit_and_claim(
    p_node uuid, p_ids uuid[], p_runs uuid[], p_task_nos int[], p_versions int[], p_attempts smallint[],
    p_fences bigint[], p_workers smallint[], p_outcomes text[], p_states text[], p_started_ago bigint[],
    p_errors text[], p_outputs text[], p_retry_after bigint[], p_queues text[], p_limit int,
    p_traced boolean DEFAULT false,
    OUT accepted uuid[], OUT queues text[],
    OUT fence bigint, OUT ids uuid[], OUT attempts smallint[], OUT failures smallint[], OUT versions int[],
    OUT lock_fences bigint[], OUT has_more boolean, OUT traceparents text[],
    OUT tenants int[], OUT tenant_names text[], OUT definitions text[], OUT inputs text[], OUT ready_since bigint[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_queues  text[];
BEGIN
    IF cardinality(p_ids) > 0 THEN
        SELECT c.accepted, c.queues INTO accepted, queues
        FROM commit_results(p_node, p_ids, p_runs, p_task_nos, p_versions, p_attempts, p_fences, p_workers, p_outcomes,
                            p_states, p_started_ago, p_errors, p_outputs, p_retry_after) c;
    END IF;
    IF p_limit > 0 THEN
        SELECT c.fence, c.ids, c.attempts, c.failures, c.versions, c.lock_fences, c.queues, c.has_more, c.traceparents,
               c.tenants, c.tenant_names, c.definitions, c.inputs, c.ready_since
        INTO fence, ids, attempts, failures, versions, lock_fences, v_queues, has_more, traceparents,
             tenants, tenant_names, definitions, inputs, ready_since
        FROM claim_ready(p_node, p_queues, p_limit, p_traced) c;
        queues := queues || v_queues;
    END IF;
END $f$;

-- How many attempts at a task are known to have begun and were lost since it was last sent back, from the dead letters or by hand.
CREATE OR REPLACE FUNCTION lost_attempts(p_id uuid) RETURNS int
LANGUAGE plpgsql STABLE AS $f$
DECLARE
    v_before  smallint;
BEGIN
    SELECT max(a.attempt) INTO v_before FROM task_attempts a
    WHERE a.task_id = p_id
      AND (a.state = sent_back_state(a.outcome)
           OR EXISTS (SELECT FROM dead_letters l WHERE l.task_id = p_id AND l.attempt = a.attempt));
    RETURN (SELECT count(*) FROM task_attempts a
            WHERE a.task_id = p_id AND a.outcome = 'lost' AND a.started_at IS NOT NULL AND a.attempt > coalesce(v_before, 0));
END $f$;

-- Takes claims back from a node: 'handed_back' (the node gives up what it has not finished) or 'lost' (it is dead).
-- p_ids null means all that is open under these fences. What is handed back before it started keeps its attempt number
-- for the next claim; what had started counts as an attempt that is not charged. So does what is lost before its start was
-- told, since it may have begun all the same; by its number the next worker sees that it must tell the start first. What was asked to end, ends. Answers the queues.
CREATE OR REPLACE FUNCTION give_back(p_node uuid, p_fences bigint[], p_ids uuid[], p_outcome text) RETURNS text[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now      timestamptz := clock_timestamp();
    v_runs     uuid[];
    v_locking  uuid[];
    v_changes  task_change[];
    v_queues   text[];
BEGIN
    SELECT array_agg(DISTINCT run_of(m.id)) INTO v_runs
    FROM claim_batches b CROSS JOIN LATERAL unnest(b.ids) m(id)
    WHERE b.fence = ANY (p_fences) AND b.node_id = p_node AND (p_ids IS NULL OR m.id = ANY (p_ids));
    SELECT array_agg(r.id) FILTER (WHERE r.has_locks) INTO v_locking
    FROM (SELECT u.id FROM unnest(v_runs) u(id) ORDER BY u.id) u
    CROSS JOIN LATERAL (SELECT x.id, x.has_locks FROM dag_runs x WHERE x.id = u.id OFFSET 0 FOR NO KEY UPDATE) r;
    PERFORM b.fence FROM claim_batches b
    WHERE b.fence = ANY (p_fences) AND b.node_id = p_node ORDER BY b.fence FOR UPDATE;

    SELECT array_agg((m.id, run_of(m.id), task_no_of(m.id), i.version_id,
                      CASE WHEN a.task_id IS NULL THEN 'queued' ELSE 'running' END,
                      CASE WHEN r.state = 'cancelling' OR q.task_id IS NOT NULL THEN 'cancelled'
                           WHEN p_outcome = 'lost' AND a.task_id IS NOT NULL AND
                                lost_attempts(m.id) >= 2
                                THEN 'failed'
                           ELSE 'ready' END,
                      m.attempt, b.fence, a.worker_no, NULL)::task_change)
    INTO v_changes
    FROM claim_batches b
    CROSS JOIN LATERAL unnest(b.ids, b.attempts) m(id, attempt)
    JOIN task_instances i ON i.id = m.id
    LEFT JOIN dag_runs r ON r.id = i.run_id
    LEFT JOIN task_attempts a ON a.task_id = m.id AND a.attempt = m.attempt
    LEFT JOIN cancel_requests q ON q.task_id = m.id
    WHERE b.fence = ANY (p_fences) AND b.node_id = p_node AND (p_ids IS NULL OR m.id = ANY (p_ids))
      AND a.outcome IS NULL;
    IF v_changes IS NULL THEN
        RETURN '{}';
    END IF;
    PERFORM hold_slots_of(v_changes);
    PERFORM hold_urgency(ARRAY(SELECT c.id FROM unnest(v_changes) c WHERE c.to_state = 'ready'));

    WITH ready AS (
        INSERT INTO task_ready (id, queue, latest_start, version_id, attempt, failures, has_locks, ready_at)
        SELECT c.id, i.queue, latest_start(v_now, i.priority, i.must_start_by), i.version_id,
               CASE WHEN c.from_state = 'queued' AND p_outcome <> 'lost' THEN c.attempt - 1 ELSE c.attempt END, f.failures,
               CASE WHEN c.run_id = ANY (v_locking) OR i.concurrency_key IS NOT NULL THEN true END,
               CASE WHEN c.task_no < 0 THEN v_now END
        FROM unnest(v_changes) c
        JOIN task_instances i ON i.id = c.id
        JOIN claim_batches b ON b.fence = c.fence
        CROSS JOIN LATERAL (SELECT b.failures[array_position(b.ids, c.id)] AS failures) f
        WHERE c.to_state = 'ready'
        RETURNING queue
    )
    SELECT array_agg(DISTINCT r.queue) INTO v_queues FROM ready r;

    UPDATE task_attempts a
    SET outcome = p_outcome::attempt_outcome, state = c.to_state, finished_at = v_now,
        error = CASE WHEN c.to_state = 'failed'
                     THEN 'POISON: three nodes were lost while they ran this task, so it is not tried again' END
    FROM unnest(v_changes) c
    WHERE a.task_id = c.id AND a.attempt = c.attempt AND c.from_state = 'running';
    INSERT INTO task_attempts (task_id, attempt, fence, node_id, outcome, state, finished_at, error)
    SELECT c.id, c.attempt, c.fence, p_node, 'lost', 'ready', v_now, 'its node was lost; whether it had begun is not known'
    FROM unnest(v_changes) c
    WHERE p_outcome = 'lost' AND c.from_state = 'queued' AND c.to_state = 'ready';
    INSERT INTO dead_letters (task_id, attempt, tenant_id, run_id, outcome, error, created_at)
    SELECT a.task_id, a.attempt, i.tenant_id, i.run_id, a.outcome, a.error, v_now
    FROM unnest(v_changes) c
    JOIN task_attempts a ON a.task_id = c.id AND a.attempt = c.attempt
    JOIN task_instances i ON i.id = c.id
    WHERE c.to_state = 'failed';

    PERFORM end_unclaimed(v_changes, v_now);
    v_queues := v_queues || close_claims(v_changes);
    -- What is no longer in the batch can never be reported under its fence.
    UPDATE claim_batches b
    SET (ids, attempts, failures) = (
        SELECT array_agg(m.id), array_agg(m.attempt), array_agg(m.failures)
        FROM unnest(b.ids, b.attempts, b.failures) m(id, attempt, failures)
        WHERE m.id <> ALL (ARRAY(SELECT c.id FROM unnest(v_changes) c WHERE c.fence = b.fence)))
    WHERE b.fence = ANY (p_fences) AND b.node_id = p_node;
    RETURN coalesce(v_queues, '{}') || settle(v_changes, p_node);
END $f$;

-- Leaves the terminal record of tasks that end cancelled without an attempt under way: the latest attempt's row becomes
-- it, or a row numbered 0 where none ever began.
CREATE OR REPLACE FUNCTION end_unclaimed(p_changes task_change[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    WITH ended AS MATERIALIZED (
        SELECT c.id, (SELECT max(a.attempt) FROM task_attempts a WHERE a.task_id = c.id) AS attempt
        FROM unnest(p_changes) c
        WHERE c.to_state = 'cancelled' AND c.from_state <> 'running'
    ), recorded AS (
        INSERT INTO task_attempts (task_id, attempt, fence, outcome, state, finished_at)
        SELECT e.id, 0, 0, 'cancelled', 'cancelled', p_now FROM ended e WHERE e.attempt IS NULL
    )
    UPDATE task_attempts a SET state = 'cancelled'
    FROM ended e
    WHERE a.task_id = e.id AND a.attempt = e.attempt;
END $f$;

-- Cancels a run (p_task null) or one of its tasks. What is not claimed ends at once; for what is, a request is left
-- that its node reads. Answers false where there is no such run or task; all else is well, however often it is asked.
CREATE OR REPLACE FUNCTION cancel_work(
    p_tenant int, p_run uuid, p_task text, OUT known boolean, OUT nodes uuid[], OUT queues text[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now      timestamptz := clock_timestamp();
    v_state    run_state;
    v_version  int;
    v_locking  boolean;
    v_locks    int[];
    v_limit    bigint;
    v_first    uuid := p_run;
    v_last     uuid := instance_id(p_run, 2147483647);
    v_changes  task_change[];
    v_more     task_change[];
BEGIN
    SELECT r.state, r.version_id, r.has_locks INTO v_state, v_version, v_locking FROM dag_runs r
    WHERE r.id = p_run AND r.tenant_id = p_tenant FOR NO KEY UPDATE;
    known := FOUND;
    IF known AND p_task IS NOT NULL THEN
        SELECT i.id, i.id INTO v_first, v_last FROM task_instances i WHERE i.run_id = p_run AND i.task_id = p_task;
        known := FOUND;
    END IF;
    IF NOT known OR v_state >= 'succeeded' THEN
        RETURN;
    END IF;
    -- Who submits a child has its parent's slot alone: the last ones are there before they are looked for, and whoever comes
    -- later finds a parent that is told to end.
    PERFORM hold_slots(NULL, false);

    WITH woken AS (
        DELETE FROM task_timers t WHERE t.ref BETWEEN v_first AND v_last RETURNING t.ref, t.attempt
    )
    SELECT array_agg((w.ref, p_run, task_no_of(w.ref), NULL, 'retrying', 'cancelled', w.attempt, 0, NULL, NULL)::task_change)
    INTO v_changes FROM woken w;
    IF v_locking THEN
        SELECT v.limit_id INTO v_limit FROM dag_versions v WHERE v.id = v_version;
        PERFORM hold_limits(ARRAY[v_limit]);
        SELECT array_agg(n.id) INTO v_locks
        FROM (SELECT v.lock_id AS id FROM dag_versions v WHERE v.id = v_version
              UNION SELECT t.lock_id FROM dag_tasks t WHERE t.version_id = v_version) n;
        PERFORM hold_locks(v_locks);
        WITH gone AS (
            DELETE FROM lock_waits t WHERE t.id BETWEEN v_first AND v_last RETURNING t.id, t.attempt
        )
        SELECT array_agg((g.id, p_run, task_no_of(g.id), NULL, 'ready', 'cancelled', g.attempt, 0, NULL, NULL)::task_change)
        INTO v_more FROM gone g;
        v_changes := v_changes || v_more;
    END IF;
    WITH gone AS (
        DELETE FROM task_ready t WHERE t.id BETWEEN v_first AND v_last RETURNING t.id, t.attempt
    )
    SELECT array_agg((g.id, p_run, task_no_of(g.id), NULL, 'ready', 'cancelled', g.attempt, 0, NULL, NULL)::task_change)
    INTO v_more FROM gone g;
    v_changes := v_changes || v_more;
    WITH gone AS (
        DELETE FROM task_wait t WHERE t.id BETWEEN v_first AND v_last RETURNING t.id
    )
    SELECT array_agg((g.id, p_run, task_no_of(g.id), NULL, 'blocked', 'cancelled', 0, 0, NULL, NULL)::task_change)
    INTO v_more FROM gone g;
    v_changes := v_changes || v_more;

    WITH claimed AS MATERIALIZED (
        SELECT m.id, b.node_id, b.fence
        FROM claim_batches b
        CROSS JOIN LATERAL unnest(b.ids, b.attempts) m(id, attempt)
        LEFT JOIN task_attempts a ON a.task_id = m.id AND a.attempt = m.attempt
        WHERE m.id BETWEEN v_first AND v_last AND a.outcome IS NULL
    ), asked AS (
        INSERT INTO cancel_requests (task_id, node_id, fence)
        SELECT c.id, c.node_id, c.fence FROM claimed c
        ON CONFLICT (task_id) DO NOTHING
    )
    SELECT array_agg(DISTINCT c.node_id) INTO nodes FROM claimed c;
    -- What its tasks submitted while they ran is cancelled by continue_cascades.
    INSERT INTO tree_cancels (task_id, after_id)
    SELECT DISTINCT i.parent_id, '00000000-0000-0000-0000-000000000000'::uuid
    FROM task_instances i WHERE i.parent_id BETWEEN v_first AND v_last
    ON CONFLICT DO NOTHING;

    IF p_task IS NULL AND v_state <> 'cancelling' THEN
        UPDATE dag_runs r SET state = 'cancelling' WHERE r.id = p_run;
        INSERT INTO task_events (tenant_id, run_id, at, run_state, task_nos, froms, tos, attempts, fences, workers)
        VALUES (p_tenant, p_run, v_now, 'cancelling', '{}', '{}', '{}', '{}', '{}', '{}');
    END IF;
    IF v_changes IS NOT NULL THEN
        SELECT array_agg((c.id, c.run_id, c.task_no, r.version_id, c.from_state, c.to_state, c.attempt, c.fence,
                          c.worker_no, c.started_at)::task_change)
        INTO v_changes
        FROM unnest(v_changes) c JOIN dag_runs r ON r.id = c.run_id;
        PERFORM end_unclaimed(v_changes, v_now);
        queues := settle(v_changes, NULL);
    END IF;
    IF v_locking THEN
        -- What is cancelled may have been the one that was called for a free lock.
        queues := queues || wake_waiters(ARRAY(SELECT l.id FROM locks l WHERE l.id = ANY (v_locks) AND l.holder IS NULL));
        IF v_limit IS NOT NULL THEN
            queues := queues || wake_waiters(ARRAY[v_limit], ARRAY[free_places(v_limit)]);
        END IF;
    END IF;
END $f$;

-- Moves retries and delayed tasks whose time has come into the queue, at most p_limit; answers the queues and, where another one waits,
-- in how many milliseconds it is due. Two nodes that wake the same runs at once take turns: what the first one moved,
-- the second one no longer finds.
CREATE OR REPLACE FUNCTION wake_due(p_limit int, OUT woken int, OUT queues text[], OUT next_due_ms bigint)
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now      timestamptz := clock_timestamp();
    v_refs     uuid[];
    v_locking  uuid[];
    v_changes  task_change[];
BEGIN
    SELECT array_agg(d.ref) INTO v_refs
    FROM (SELECT x.ref FROM task_timers x WHERE x.due_at <= statement_timestamp()
          ORDER BY x.due_at LIMIT p_limit) d;
    woken := 0;
    IF v_refs IS NOT NULL THEN
        SELECT array_agg(r.id) FILTER (WHERE r.has_locks) INTO v_locking
        FROM (SELECT DISTINCT run_of(u.ref) AS id FROM unnest(v_refs) u(ref) ORDER BY 1) u
        CROSS JOIN LATERAL (SELECT x.id, x.has_locks FROM dag_runs x WHERE x.id = u.id OFFSET 0 FOR NO KEY UPDATE) r;
        PERFORM hold_urgency(v_refs);

        WITH due AS (
            DELETE FROM task_timers t
            WHERE t.ref = ANY (v_refs) AND t.due_at <= statement_timestamp()
            RETURNING t.ref, t.attempt, t.failures
        ), ready AS (
            INSERT INTO task_ready (id, queue, latest_start, version_id, attempt, failures, has_locks, ready_at)
            SELECT i.id, i.queue, latest_start(v_now, i.priority, i.must_start_by), i.version_id, d.attempt, d.failures,
                   CASE WHEN i.run_id = ANY (v_locking) OR i.concurrency_key IS NOT NULL THEN true END,
                   CASE WHEN i.run_id IS NULL THEN v_now END
            FROM due d JOIN task_instances i ON i.id = d.ref
            RETURNING id, queue, version_id, attempt
        )
        SELECT count(*)::int, array_agg(DISTINCT r.queue),
               array_agg((r.id, run_of(r.id), task_no_of(r.id), r.version_id, 'retrying', 'ready', r.attempt, 0, NULL, NULL)::task_change)
        INTO woken, queues, v_changes
        FROM ready r;
    END IF;

    IF woken > 0 THEN
        INSERT INTO task_events (tenant_id, run_id, at, task_nos, froms, tos, attempts, fences, workers)
        SELECT g.tenant_id, c.run_id, v_now, array_agg(c.task_no), array_agg(c.from_state), array_agg(c.to_state),
               array_agg(c.attempt), array_agg(c.fence), array_agg(c.worker_no)
        FROM unnest(v_changes) c JOIN dag_runs g ON g.id = c.run_id
        GROUP BY g.tenant_id, c.run_id;
    END IF;
    -- greatest() passes over nulls: without a timer there must be no answer.
    SELECT CASE WHEN t.due_at IS NOT NULL
                THEN greatest(0, ceil(extract(epoch FROM t.due_at - clock_timestamp()) * 1000))::bigint END
    INTO next_due_ms
    FROM (SELECT min(x.due_at) AS due_at FROM task_timers x) t;
    IF EXISTS (SELECT FROM limits l WHERE l.due_at IS NOT NULL) THEN
        SELECT wake_due.woken + l.woken, wake_due.queues || l.queues, least(wake_due.next_due_ms, l.next_due_ms)
        INTO woken, queues, next_due_ms
        FROM wake_limits(p_limit) l;
    END IF;
END $f$;

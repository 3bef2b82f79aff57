-- Dead letters: read, sent back, discarded. A letter is written by whatever ends a task for good, in its transaction; it is open
-- as long as the task stays ended and nobody has decided about it.
--
-- Who sends letters back holds, in this order: DAGs, executions and runs, ids ascending; all slots alone where single tasks are
-- among them; the letters. So it agrees with R__work.sql and R__task_calls.sql, which write letters last.

-- The first id that a letter of this time or a later one can have.
CREATE OR REPLACE FUNCTION first_letter_id(p_at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN rpad(lpad(to_hex(least(281474976710655, greatest(0, floor(extract(epoch FROM p_at) * 1000)))::bigint), 12, '0'), 32, '0')::uuid;

-- What a DAG says of this task; null for a single one. The task stands at the place of its number: where a DAG has thousands, to take
-- all of them apart for each letter would take a second for fifty.
CREATE OR REPLACE FUNCTION task_in_dag(p_version int, p_id uuid, p_task text) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $f$
DECLARE
    v_task  jsonb;
BEGIN
    SELECT v.definition #> ARRAY['tasks', (task_no_of(p_id) - 1)::text] INTO v_task FROM dag_versions v WHERE v.id = p_version;
    IF v_task->>'id' = p_task THEN
        RETURN v_task;
    END IF;
    RETURN (SELECT t.value FROM dag_versions v CROSS JOIN LATERAL jsonb_array_elements(v.definition->'tasks') t
            WHERE v.id = p_version AND t.value->>'id' = p_task);
END $f$;

-- Letters with what they are found by.
DROP VIEW IF EXISTS letters_shown;
CREATE VIEW letters_shown AS
SELECT l.id, l.tenant_id, l.task_id, l.attempt, l.run_id, l.outcome, l.error, l.fingerprint, l.created_at, l.state,
       l.resolved_at, l.resolved_by, l.reason, l.redrive_id, l.input, i.queue, i.version_id, r.dag_id,
       coalesce(i.task_id, i.name, i.definition->>'name', 'task') AS name,
       CASE WHEN NOT d.is_internal THEN d.name END AS dag,
       j.name AS job,
       CASE WHEN l.run_id IS NULL THEN i.definition->>'handler'
            ELSE task_in_dag(i.version_id, i.id, i.task_id)->>'handler' END AS handler
FROM dead_letters l
JOIN task_instances i ON i.id = l.task_id
LEFT JOIN dag_runs r ON r.id = l.run_id
LEFT JOIN dags d ON d.id = r.dag_id
LEFT JOIN job_executions e ON e.id = l.run_id
LEFT JOIN jobs j ON j.id = e.job_id;

-- An execution that ended goes on: what was counted of it is counted when it ends anew. Its row and its run's are held.
CREATE OR REPLACE FUNCTION reopen_execution(p_execution uuid) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    UPDATE job_counts c
    SET executions = c.executions - 1,
        successes = c.successes - CASE WHEN e.outcome = 'success' THEN 1 ELSE 0 END,
        failures = c.failures - CASE WHEN e.outcome IN ('failed', 'timeout') THEN 1 ELSE 0 END,
        duration_sum = c.duration_sum - coalesce(e.ended_at - e.started_at, '0')
    FROM job_executions e WHERE e.id = p_execution AND e.outcome IS NOT NULL AND c.job_id = e.job_id;
    UPDATE job_executions e SET outcome = NULL, started_at = NULL, ended_at = NULL WHERE e.id = p_execution;
    UPDATE jobs j SET status = 'active', error = NULL, completed_at = NULL
    FROM job_executions e
    WHERE e.id = p_execution AND j.id = e.job_id AND j.type = 'one_time' AND j.status = 'failed';
END $f$;

-- Lets tasks of a run that ended badly be tried again, their retries counted anew, and with them what was skipped because of
-- them, unless another one before it did not succeed either. The run goes on; its counts are taken from the states of its
-- tasks. Its row is held. Answers the queues.
CREATE OR REPLACE FUNCTION reopen_run(p_run uuid, p_ids uuid[]) RETURNS text[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now        timestamptz := clock_timestamp();
    v_run        dag_runs;
    v_numbers    int[];
    v_froms      task_state[];
    v_attempts   smallint[];
    v_skipped    int[];
    v_open       int[];
    v_failed     int;
    v_cancelled  int;
    v_queues     text[];
BEGIN
    SELECT r.* INTO v_run FROM dag_runs r WHERE r.id = p_run;
    WITH latest AS MATERIALIZED (
        SELECT u.id, a.attempt, a.state
        FROM unnest(p_ids) u(id)
        CROSS JOIN LATERAL (
            SELECT x.attempt, x.state FROM task_attempts x WHERE x.task_id = u.id ORDER BY x.attempt DESC LIMIT 1) a
    ), reopened AS (
        UPDATE task_attempts a SET state = 'ready' FROM latest l WHERE a.task_id = l.id AND a.attempt = l.attempt
    )
    SELECT array_agg(task_no_of(l.id) ORDER BY l.id), array_agg(l.state ORDER BY l.id), array_agg(l.attempt ORDER BY l.id)
    INTO v_numbers, v_froms, v_attempts FROM latest l;

    WITH RECURSIVE told AS MATERIALIZED (
        SELECT task_no_of(i.id) AS task_no, coalesce(a.state, 'pending') AS state
        FROM task_instances i
        LEFT JOIN LATERAL (
            SELECT x.state FROM task_attempts x WHERE x.task_id = i.id ORDER BY x.attempt DESC LIMIT 1) a ON true
        WHERE i.run_id = p_run
    ), behind(task_no) AS (
        SELECT e.downstream_no
        FROM told t JOIN dag_edges e ON e.version_id = v_run.version_id AND e.upstream_no = t.task_no
        WHERE t.state IN ('failed', 'timed_out', 'cancelled')
        UNION
        SELECT e.downstream_no
        FROM behind b JOIN dag_edges e ON e.version_id = v_run.version_id AND e.upstream_no = b.task_no
    ), judged AS MATERIALIZED (
        SELECT t.task_no, t.state,
               t.state = 'skipped' AND t.task_no NOT IN (SELECT b.task_no FROM behind b) AS is_back
        FROM told t
    )
    SELECT coalesce(array_agg(j.task_no ORDER BY j.task_no) FILTER (WHERE j.is_back), '{}'),
           array_agg(j.task_no) FILTER (WHERE j.state < 'succeeded' OR j.is_back),
           count(*) FILTER (WHERE j.state IN ('failed', 'timed_out')),
           count(*) FILTER (WHERE j.state = 'cancelled')
    INTO v_skipped, v_open, v_failed, v_cancelled FROM judged j;

    -- The record of one that never began tells no more than that it had ended.
    DELETE FROM task_attempts a
    WHERE a.attempt = 0 AND a.task_id = ANY (ARRAY(SELECT instance_id(p_run, s.no) FROM unnest(v_skipped) s(no)));
    INSERT INTO task_wait (id, version_id, unmet, queue, priority, must_start_by)
    SELECT i.id, i.version_id, w.unmet, i.queue, i.priority, i.must_start_by
    FROM (SELECT e.downstream_no, count(*)::int AS unmet
          FROM dag_edges e
          WHERE e.version_id = v_run.version_id AND e.upstream_no = ANY (v_open) AND e.downstream_no = ANY (v_skipped)
          GROUP BY e.downstream_no) w
    JOIN task_instances i ON i.id = instance_id(p_run, w.downstream_no);

    WITH ready AS (
        INSERT INTO task_ready AS t (id, queue, latest_start, version_id, attempt, has_locks)
        SELECT i.id, i.queue, latest_start(v_now, i.priority, i.must_start_by), i.version_id, l.attempt, v_run.has_locks
        FROM unnest(v_numbers, v_attempts) l(no, attempt)
        JOIN task_instances i ON i.id = instance_id(p_run, l.no)
        RETURNING t.queue
    )
    SELECT array_agg(DISTINCT r.queue) INTO v_queues FROM ready r;

    UPDATE dag_runs r
    SET state = CASE WHEN r.started_at IS NULL THEN 'pending' ELSE 'running' END::run_state,
        remaining = cardinality(v_open), failed = v_failed, cancelled = v_cancelled, completed_at = NULL
    WHERE r.id = p_run;
    INSERT INTO task_events (tenant_id, run_id, at, run_state, task_nos, froms, tos, attempts, fences, workers)
    SELECT r.tenant_id, r.id, v_now, CASE WHEN r.state <> v_run.state THEN r.state END, c.task_nos, c.froms, c.tos,
           c.attempts, array_fill(0::bigint, ARRAY[cardinality(c.task_nos)]),
           array_fill(NULL::smallint, ARRAY[cardinality(c.task_nos)])
    FROM dag_runs r
    CROSS JOIN (
        SELECT array_agg(o.no ORDER BY o.no) AS task_nos, array_agg(o.was ORDER BY o.no) AS froms,
               array_agg(o.becomes ORDER BY o.no) AS tos, array_agg(o.attempt ORDER BY o.no) AS attempts
        FROM (SELECT l.no, l.was, 'ready'::task_state AS becomes, l.attempt
              FROM unnest(v_numbers, v_froms, v_attempts) l(no, was, attempt)
              UNION ALL SELECT s.no, 'skipped', 'blocked', 0::smallint FROM unnest(v_skipped) s(no)) o) c
    WHERE r.id = p_run;
    PERFORM reopen_execution(p_run);
    RETURN v_queues;
END $f$;

-- Marks the letters of tasks that are tried again, by whatever door.
CREATE OR REPLACE FUNCTION mark_redriven(p_tasks uuid[], p_by text, p_redrive uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    UPDATE dead_letters l
    SET state = 'redriven', resolved_at = clock_timestamp(), resolved_by = p_by, redrive_id = p_redrive,
        reason = CASE WHEN l.state = 'discarded' THEN l.reason END
    WHERE l.task_id = ANY (p_tasks) AND l.state <> 'redriven';
END $f$;

-- What a task is given beside what others put out: its own input, or what the task of this DAG file says, else the run's params.
-- An input of its own a task of a run has only where it was sent back with one.
CREATE OR REPLACE FUNCTION given_input(p_task uuid) RETURNS text
LANGUAGE sql STABLE AS $f$
    SELECT coalesce(
               i.input::text,
               task_in_dag(i.version_id, i.id, i.task_id)->>'input',
               (SELECT p.params::text FROM run_params p WHERE p.run_id = i.run_id),
               '{}')
    FROM task_instances i WHERE i.id = p_task
$f$;

-- A JSON value with these changes made to it, as RFC 7396 says: what is null in the patch is taken out, objects are patched in
-- their turn, all else is put in. As text goes, not as jsonb: numbers stay as they were written.
CREATE OR REPLACE FUNCTION patched_json(p_json json, p_patch json) RETURNS json
LANGUAGE plpgsql IMMUTABLE AS $f$
BEGIN
    IF json_typeof(p_patch) <> 'object' THEN
        RETURN p_patch;
    END IF;
    RETURN (
        WITH had AS (
            SELECT h.key, h.value, h.ordinal
            FROM json_each(CASE WHEN json_typeof(p_json) = 'object' THEN p_json ELSE '{}' END)
                 WITH ORDINALITY h(key, value, ordinal)
        ), patch AS (
            SELECT p.key, p.value, p.ordinal FROM json_each(p_patch) WITH ORDINALITY p(key, value, ordinal)
        )
        SELECT coalesce('{' || string_agg(to_json(m.key)::text || ':' || m.value::text, ',' ORDER BY m.is_new, m.ordinal) || '}', '{}')::json
        FROM (SELECT h.key, h.ordinal, false AS is_new,
                     CASE WHEN p.key IS NULL THEN h.value ELSE patched_json(h.value, p.value) END AS value
              FROM had h LEFT JOIN patch p ON p.key = h.key
              WHERE p.key IS NULL OR json_typeof(p.value) <> 'null'
              UNION ALL
              SELECT p.key, p.ordinal, true, patched_json(NULL, p.value)
              FROM patch p
              WHERE json_typeof(p.value) <> 'null' AND NOT EXISTS (SELECT FROM had h WHERE h.key = p.key)) m);
END $f$;

-- What a task is given beside what others put out, with these changes; null where that is no object, or is more than 1 MiB then.
CREATE OR REPLACE FUNCTION patched_input(p_task uuid, p_patch text) RETURNS text
LANGUAGE plpgsql STABLE AS $f$
DECLARE
    v_input  json := given_input(p_task)::json;
BEGIN
    IF json_typeof(v_input) <> 'object' THEN
        RETURN NULL;
    END IF;
    v_input := patched_json(v_input, p_patch::json);
    RETURN CASE WHEN octet_length(v_input::text) <= 1048576 THEN v_input::text END;
EXCEPTION
    -- A key that PostgreSQL cannot keep as text, or what is nested deeper than it can go.
    WHEN untranslatable_character OR statement_too_complex THEN
        RETURN NULL;
END $f$;

-- Why a task of a run cannot be given this input: 'no_input' (it is given none: http tasks), 'bad_input' (params are an object),
-- 'not_begun' (who begins it first does not look for another one); null where it can.
CREATE OR REPLACE FUNCTION input_objection(p_task uuid, p_attempt int, p_input text) RETURNS text
LANGUAGE sql STABLE AS $f$
    SELECT CASE WHEN t.value->>'type' NOT IN ('shell', 'python', 'handler', 'agent') THEN 'no_input'
                WHEN t.value->>'type' IN ('shell', 'python') AND json_typeof(p_input::json) <> 'object' THEN 'bad_input'
                WHEN t.value->>'type' = 'handler' AND t.value ? 'input' AND p_attempt = 0 THEN 'not_begun' END
    FROM task_instances i
    CROSS JOIN LATERAL (SELECT task_in_dag(i.version_id, i.id, i.task_id) AS value OFFSET 0) t
    WHERE i.id = p_task
$f$;

-- Gives the task of a letter this input from now on. What its letters tell is what they failed with.
CREATE OR REPLACE FUNCTION give_input(p_letter uuid, p_task uuid, p_input text) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    UPDATE dead_letters l SET input = given_input(p_task)::json WHERE l.task_id = p_task AND l.input IS NULL;
    UPDATE dead_letters l SET new_input = p_input::json WHERE l.id = p_letter;
    UPDATE task_instances i SET input = p_input::json WHERE i.id = p_task;
END $f$;

-- Sends letters back, each or not: verdicts, parallel to p_ids, are 'redriven', 'unknown', 'redriven_before', 'discarded', 'limit' (it
-- was sent back p_max times already), 'cancelled' (its run was), 'no_dag' (that is being deleted), what input_objection
-- says, 'bad_patch' (what it was given cannot be patched so), and of a single task 'key_taken', 'prerequisite' or 'open'.
-- p_input, where it is not null, is what the tasks are given from now on, and p_patch what is changed of what each was given.
DROP FUNCTION IF EXISTS redrive_letters(int, uuid[], text, int, text, uuid);
CREATE OR REPLACE FUNCTION redrive_letters(
    p_tenant int, p_ids uuid[], p_by text, p_max int, p_input text, p_redrive uuid, p_patch text DEFAULT NULL,
    OUT verdicts text[], OUT queues text[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_letter  record;
    v_inputs  text[] := '{}';
    v_runs    uuid[];
    v_tasks   uuid[];
    v_run     uuid;
    v_retry   record;
BEGIN
    queues := '{}';
    verdicts := array_fill('unknown'::text, ARRAY[cardinality(p_ids)]);
    IF gone_tenants(ARRAY[p_tenant]) IS NOT NULL THEN
        RETURN;
    END IF;
    SELECT array_agg(DISTINCT l.run_id ORDER BY l.run_id) FILTER (WHERE l.run_id IS NOT NULL),
           array_agg(l.task_id) FILTER (WHERE l.run_id IS NULL)
    INTO v_runs, v_tasks
    FROM unnest(p_ids) u(id)
    CROSS JOIN LATERAL (
        SELECT x.run_id, x.task_id FROM dead_letters x WHERE x.id = u.id AND x.tenant_id = p_tenant OFFSET 0) l;
    -- Who hides a DAG waits for its runs that are sent back, as for those that are made, and then sees that they go on.
    PERFORM d.id FROM dags d
    WHERE d.deleted_at IS NULL AND d.id = ANY (ARRAY(
        SELECT r.dag_id FROM unnest(v_runs) u(id)
        CROSS JOIN LATERAL (SELECT x.dag_id FROM dag_runs x WHERE x.id = u.id OFFSET 0) r))
    ORDER BY d.id FOR KEY SHARE;
    PERFORM e.id
    FROM (SELECT u.id FROM unnest(v_runs) u(id) ORDER BY u.id) u
    CROSS JOIN LATERAL (SELECT x.id FROM job_executions x WHERE x.id = u.id OFFSET 0 FOR UPDATE) e;
    PERFORM r.id
    FROM (SELECT u.id FROM unnest(v_runs) u(id) ORDER BY u.id) u
    CROSS JOIN LATERAL (SELECT x.id FROM dag_runs x WHERE x.id = u.id OFFSET 0 FOR UPDATE) r;
    IF v_tasks IS NOT NULL THEN
        PERFORM hold_slots(NULL, true);
    END IF;
    PERFORM l.id
    FROM (SELECT u.id FROM unnest(p_ids) u(id) ORDER BY u.id) u
    CROSS JOIN LATERAL (SELECT x.id FROM dead_letters x WHERE x.id = u.id OFFSET 0 FOR UPDATE) l;

    FOR v_letter IN
        SELECT u.ordinal, l.id, l.task_id, l.run_id,
               CASE WHEN l.state = 'redriven' THEN 'redriven_before'
                    WHEN l.state = 'discarded' THEN 'discarded'
                    WHEN l.redrives >= p_max THEN 'limit'
                    WHEN r.state IN ('cancelling', 'cancelled') THEN 'cancelled'
                    WHEN d.deleted_at IS NOT NULL THEN 'no_dag'
                    WHEN p_patch IS NOT NULL AND n.input IS NULL THEN 'bad_patch'
                    WHEN l.run_id IS NOT NULL AND n.input IS NOT NULL
                    THEN coalesce(input_objection(l.task_id, l.attempt, n.input), 'redriven')
                    ELSE 'redriven' END AS verdict,
               n.input
        FROM unnest(p_ids) WITH ORDINALITY u(id, ordinal)
        CROSS JOIN LATERAL (
            SELECT x.*, (SELECT count(*) FROM dead_letters y WHERE y.task_id = x.task_id AND y.state = 'redriven') AS redrives
            FROM dead_letters x WHERE x.id = u.id AND x.tenant_id = p_tenant OFFSET 0) l
        LEFT JOIN dag_runs r ON r.id = l.run_id
        LEFT JOIN dags d ON d.id = r.dag_id
        CROSS JOIN LATERAL (
            SELECT CASE WHEN p_patch IS NULL THEN p_input
                        WHEN l.state = 'open' THEN patched_input(l.task_id, p_patch) END AS input OFFSET 0) n
        ORDER BY l.id
    LOOP
        verdicts[v_letter.ordinal] := v_letter.verdict;
        v_inputs[v_letter.ordinal] := v_letter.input;
        CONTINUE WHEN v_letter.verdict <> 'redriven' OR v_letter.run_id IS NOT NULL;
        SELECT * INTO v_retry FROM retry_task(p_tenant, v_letter.task_id, NULL, NULL, NULL) t;
        IF v_retry.verdict <> 'retried' THEN
            verdicts[v_letter.ordinal] := v_retry.verdict;
            CONTINUE;
        END IF;
        queues := queues || v_retry.queues;
        UPDATE dead_letters l SET resolved_by = p_by, redrive_id = p_redrive WHERE l.id = v_letter.id;
        IF v_letter.input IS NOT NULL THEN
            PERFORM give_input(v_letter.id, v_letter.task_id, v_letter.input);
        END IF;
    END LOOP;

    FOREACH v_run IN ARRAY coalesce(v_runs, '{}') LOOP
        v_tasks := ARRAY(
            SELECT DISTINCT l.task_id FROM unnest(p_ids, verdicts) u(id, verdict) JOIN dead_letters l ON l.id = u.id
            WHERE u.verdict = 'redriven' AND l.run_id = v_run);
        CONTINUE WHEN cardinality(v_tasks) = 0;
        PERFORM mark_redriven(v_tasks, p_by, p_redrive);
        IF p_input IS NOT NULL OR p_patch IS NOT NULL THEN
            PERFORM give_input(l.id, l.task_id, u.input)
            FROM unnest(p_ids, verdicts, v_inputs) u(id, verdict, input) JOIN dead_letters l ON l.id = u.id
            WHERE u.verdict = 'redriven' AND l.run_id = v_run;
        END IF;
        queues := queues || reopen_run(v_run, v_tasks);
    END LOOP;
END $f$;

-- redrive_letters of one, under a key: its verdict, or 'repeated' or 'conflict'. What is refused may be asked for again.
DROP FUNCTION IF EXISTS redrive_letter(int, uuid, text, int, text, text, text, text);
CREATE OR REPLACE FUNCTION redrive_letter(
    p_tenant int, p_id uuid, p_by text, p_max int, p_input text, p_operation text, p_key text, p_hash text,
    p_patch text DEFAULT NULL, OUT verdict text, OUT queues text[])
LANGUAGE plpgsql SET enable_seqscan = off AS $f$
#variable_conflict use_column
BEGIN
    IF p_key IS NOT NULL THEN
        SELECT c.verdict INTO verdict FROM claim_key(p_tenant, p_operation, p_key, p_hash, p_id) c;
        IF verdict <> 'fresh' THEN
            RETURN;
        END IF;
    END IF;
    SELECT r.verdicts[1], r.queues INTO verdict, queues
    FROM redrive_letters(p_tenant, ARRAY[p_id], p_by, p_max, p_input, NULL, p_patch) r;
    IF verdict <> 'redriven' THEN
        PERFORM refuse_call(p_tenant, p_operation, p_key);
    END IF;
END $f$;

-- Closes a letter whose task stays as it ended: 'discarded', 'repeated', 'conflict', 'unknown', 'redriven_before' or
-- 'discarded_before'.
CREATE OR REPLACE FUNCTION discard_letter(
    p_tenant int, p_id uuid, p_by text, p_reason text, p_operation text, p_key text, p_hash text) RETURNS text
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_verdict  text;
BEGIN
    IF p_key IS NOT NULL THEN
        SELECT c.verdict INTO v_verdict FROM claim_key(p_tenant, p_operation, p_key, p_hash, p_id) c;
        IF v_verdict <> 'fresh' THEN
            RETURN v_verdict;
        END IF;
    END IF;
    UPDATE dead_letters l
    SET state = 'discarded', resolved_at = clock_timestamp(), resolved_by = p_by, reason = p_reason
    WHERE l.id = p_id AND l.tenant_id = p_tenant AND l.state = 'open';
    IF FOUND THEN
        RETURN 'discarded';
    END IF;
    PERFORM refuse_call(p_tenant, p_operation, p_key);
    RETURN coalesce((SELECT CASE l.state WHEN 'redriven' THEN 'redriven_before' ELSE 'discarded_before' END
                     FROM dead_letters l WHERE l.id = p_id AND l.tenant_id = p_tenant), 'unknown');
END $f$;

-- Discards letters, each or not: verdicts, parallel to p_ids, are 'discarded' or 'closed' (it was before, or there is none).
CREATE OR REPLACE FUNCTION discard_letters(p_tenant int, p_ids uuid[], p_by text, p_reason text, p_redrive uuid) RETURNS text[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_done  uuid[];
BEGIN
    PERFORM l.id
    FROM (SELECT u.id FROM unnest(p_ids) u(id) ORDER BY u.id) u
    CROSS JOIN LATERAL (SELECT x.id FROM dead_letters x WHERE x.id = u.id OFFSET 0 FOR UPDATE) l;
    WITH done AS (
        UPDATE dead_letters l
        SET state = 'discarded', resolved_at = clock_timestamp(), resolved_by = p_by, reason = p_reason, redrive_id = p_redrive
        WHERE l.id = ANY (p_ids) AND l.tenant_id = p_tenant AND l.state = 'open'
        RETURNING l.id
    )
    SELECT coalesce(array_agg(d.id), '{}') INTO v_done FROM done d;
    RETURN ARRAY(SELECT CASE WHEN u.id = ANY (v_done) THEN 'discarded' ELSE 'closed' END
                 FROM unnest(p_ids) WITH ORDINALITY u(id, ordinal) ORDER BY u.ordinal);
END $f$;

-- Keeps that many letters are to be sent back, or where there is a reason discarded: p_id where it is new, the one from before where the same was asked under the same
-- key, null where another thing was, or the tenant is gone (is_gone). p_expected is how many there were, as far as they were
-- counted.
DROP FUNCTION IF EXISTS ask_redrive(
    int, uuid, uuid[], text, text, text, text, text, text, text, timestamptz, timestamptz, timestamptz, int, text, text, text, text);
DROP FUNCTION IF EXISTS ask_redrive(
    int, uuid, uuid[], text, text, text, text, text, text, text, timestamptz, timestamptz, timestamptz, int, text, text, text, text,
    text);
CREATE OR REPLACE FUNCTION ask_redrive(
    p_tenant int, p_id uuid, p_letters uuid[], p_queue text, p_dag text, p_job text, p_name text, p_handler text,
    p_fingerprint text, p_outcome text, p_from timestamptz, p_to timestamptz, p_as_of timestamptz, p_rate int, p_by text,
    p_reason text, p_operation text, p_key text, p_hash text,
    p_input text DEFAULT NULL, p_patch text DEFAULT NULL, p_expected int DEFAULT NULL, OUT id uuid, OUT is_gone boolean)
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_as_of  timestamptz := least(p_as_of, clock_timestamp());
    v_claim  record;
BEGIN
    is_gone := gone_tenants(ARRAY[p_tenant]) IS NOT NULL;
    IF is_gone THEN
        RETURN;
    END IF;
    id := p_id;
    IF p_key IS NOT NULL THEN
        SELECT * INTO v_claim FROM claim_key(p_tenant, p_operation, p_key, p_hash, p_id) c;
        id := CASE WHEN v_claim.verdict <> 'conflict' THEN v_claim.reference END;
    END IF;
    IF id = p_id THEN
        INSERT INTO letter_redrives (id, tenant_id, letters, queue, dag, job, name, handler, fingerprint, outcome,
                                     from_id, upto, as_of, rate_per_second, asked_by, reason, last_id, input, input_patch,
                                     expected)
        VALUES (p_id, p_tenant, p_letters, p_queue, p_dag, p_job, p_name, p_handler, p_fingerprint, p_outcome::attempt_outcome,
                first_letter_id(p_from), first_letter_id(least(p_to, v_as_of + interval '1 millisecond')), v_as_of, p_rate, p_by,
                p_reason, '00000000-0000-0000-0000-000000000000', p_input::json, p_patch::json, p_expected)
        ON CONFLICT DO NOTHING;
    END IF;
END $f$;

-- redrive_letters of one after the other, where it failed with all of them together for a lasting reason: who is the cause of
-- that is refused as 'error', and keeps nobody else back.
CREATE OR REPLACE FUNCTION redrive_one_by_one(
    p_asked letter_redrives, p_ids uuid[], p_max int, OUT verdicts text[], OUT queues text[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_id   uuid;
    v_one  record;
BEGIN
    verdicts := '{}';
    queues := '{}';
    FOREACH v_id IN ARRAY p_ids LOOP
        BEGIN
            SELECT r.verdicts, r.queues INTO v_one
            FROM redrive_letters(p_asked.tenant_id, ARRAY[v_id], p_asked.asked_by, p_max, p_asked.input::text, p_asked.id,
                                 p_asked.input_patch::text) r;
            verdicts := verdicts || v_one.verdicts;
            queues := queues || v_one.queues;
        EXCEPTION WHEN OTHERS THEN
            IF left(SQLSTATE, 2) IN ('40', '53', '55', '57', '58') THEN
                RAISE;
            END IF;
            RAISE WARNING 'dead letter % cannot be sent back: %', v_id, SQLERRM;
            verdicts := verdicts || 'error'::text;
        END;
    END LOOP;
END $f$;

-- The first of these letters, as many as may be patched in one transaction: of large inputs that takes half a second each, and while
-- single tasks are sent back no others can end that some wait for.
CREATE OR REPLACE FUNCTION first_to_patch(p_tenant int, p_ids uuid[]) RETURNS uuid[]
LANGUAGE plpgsql STABLE AS $f$
DECLARE
    v_first  uuid[] := '{}';
    v_bytes  bigint := 0;
    v_id     uuid;
BEGIN
    FOREACH v_id IN ARRAY p_ids LOOP
        v_first := array_append(v_first, v_id);
        v_bytes := v_bytes + coalesce((SELECT octet_length(given_input(l.task_id)) FROM dead_letters l
                                       WHERE l.id = v_id AND l.tenant_id = p_tenant), 0);
        EXIT WHEN v_bytes >= 1048576;
    END LOOP;
    RETURN v_first;
END $f$;

-- Goes on with one request for many letters, by at most p_limit of them: found anew each time behind the last one that was
-- looked at, so whoever goes on after a node was lost does nothing twice. Answers whether there was anything to do, and
-- else in how many milliseconds there will be.
CREATE OR REPLACE FUNCTION continue_redrives(
    p_limit int, p_max int, OUT went_on boolean, OUT next_due_ms bigint, OUT queues text[])
LANGUAGE plpgsql SET enable_seqscan = off AS $f$
#variable_conflict use_column
DECLARE
    v_looks     int := 1000;
    v_asked     letter_redrives;
    v_limit     int;
    v_ids       uuid[];
    v_first     uuid[];
    v_last      uuid;
    v_seen      int;
    v_done      int;
    v_verdicts  text[];
BEGIN
    SELECT r.* INTO v_asked FROM letter_redrives r
    WHERE r.ended_at IS NULL AND r.due_at <= clock_timestamp() ORDER BY r.due_at LIMIT 1 FOR UPDATE SKIP LOCKED;
    went_on := FOUND;
    IF NOT went_on THEN
        -- What is due already is in another's hands, which may take a while. greatest() would pass over nulls: where nothing was
        -- asked for there must be no answer.
        SELECT CASE WHEN min(r.due_at) <= clock_timestamp() THEN 100
                    ELSE ceil(extract(epoch FROM min(r.due_at) - clock_timestamp()) * 1000)::bigint END INTO next_due_ms
        FROM letter_redrives r WHERE r.ended_at IS NULL;
        RETURN;
    END IF;
    v_limit := least(p_limit, coalesce(v_asked.rate_per_second, p_limit));
    IF v_asked.letters IS NOT NULL THEN
        SELECT array_agg(s.id ORDER BY s.id), max(s.id::text)::uuid, count(*) INTO v_ids, v_last, v_seen
        FROM (SELECT DISTINCT u.id FROM unnest(v_asked.letters) u(id)
              WHERE u.id > v_asked.last_id ORDER BY u.id LIMIT v_limit) s;
        v_looks := v_limit;
    ELSE
        WITH seen AS MATERIALIZED (
            SELECT x.id, x.outcome, x.fingerprint
            FROM dead_letters x
            WHERE x.tenant_id = v_asked.tenant_id AND x.state = 'open'
              AND x.id > greatest(v_asked.last_id, v_asked.from_id) AND x.id < v_asked.upto
            ORDER BY x.id LIMIT v_looks
        ), found AS MATERIALIZED (
            SELECT s.id, row_number() OVER (ORDER BY s.id) AS n
            FROM seen s
            CROSS JOIN LATERAL (SELECT x.* FROM letters_shown x WHERE x.id = s.id OFFSET 0) l
            WHERE (v_asked.fingerprint IS NULL OR s.fingerprint = v_asked.fingerprint)
              AND (v_asked.outcome IS NULL OR s.outcome = v_asked.outcome)
              AND (v_asked.queue IS NULL OR l.queue = v_asked.queue)
              AND (v_asked.dag IS NULL OR l.dag = v_asked.dag)
              AND (v_asked.job IS NULL OR l.job = v_asked.job)
              AND (v_asked.name IS NULL OR l.name = v_asked.name)
              AND (v_asked.handler IS NULL OR l.handler = v_asked.handler)
        )
        SELECT ARRAY(SELECT f.id FROM found f WHERE f.n <= v_limit ORDER BY f.id),
               coalesce((SELECT f.id FROM found f WHERE f.n = v_limit), (SELECT s.id FROM seen s ORDER BY s.id DESC LIMIT 1)),
               CASE WHEN EXISTS (SELECT FROM found f WHERE f.n = v_limit) THEN v_looks ELSE (SELECT count(*) FROM seen s) END
        INTO v_ids, v_last, v_seen;
    END IF;
    IF cardinality(v_ids) > 0 AND v_asked.input_patch IS NOT NULL THEN
        v_first := first_to_patch(v_asked.tenant_id, v_ids);
        IF cardinality(v_first) < cardinality(v_ids) THEN
            v_ids := v_first;
            v_last := v_first[cardinality(v_first)];
            v_seen := v_looks;
        END IF;
    END IF;
    v_verdicts := '{}';
    IF cardinality(v_ids) > 0 AND v_asked.reason IS NOT NULL THEN
        v_verdicts := discard_letters(v_asked.tenant_id, v_ids, v_asked.asked_by, v_asked.reason, v_asked.id);
    ELSIF cardinality(v_ids) > 0 THEN
        BEGIN
            SELECT r.verdicts, r.queues INTO v_verdicts, queues
            FROM redrive_letters(v_asked.tenant_id, v_ids, v_asked.asked_by, p_max, v_asked.input::text, v_asked.id,
                                 v_asked.input_patch::text) r;
        EXCEPTION WHEN OTHERS THEN
            -- Conflicts, and what is lacking for the moment, pass when all is done once more.
            IF left(SQLSTATE, 2) IN ('40', '53', '55', '57', '58') THEN
                RAISE;
            END IF;
            SELECT r.verdicts, r.queues INTO v_verdicts, queues FROM redrive_one_by_one(v_asked, v_ids, p_max) r;
        END;
    END IF;
    -- Of a letter that is to be sent back 'discarded' tells that it was before.
    SELECT count(*) INTO v_done FROM unnest(v_verdicts) v(verdict)
    WHERE v.verdict = CASE WHEN v_asked.reason IS NULL THEN 'redriven' ELSE 'discarded' END;
    UPDATE letter_redrives r
    SET last_id = coalesce(v_last, r.last_id), redriven = r.redriven + v_done,
        refused = r.refused + cardinality(v_verdicts) - v_done,
        refusals = r.refusals || (
            SELECT coalesce(jsonb_object_agg(n.verdict, jsonb_build_object(
                       'count', n.count + coalesce((r.refusals #>> ARRAY[n.verdict, 'count'])::int, 0),
                       'letter', coalesce(r.refusals #>> ARRAY[n.verdict, 'letter'], n.letter))), '{}')
            FROM (SELECT u.verdict, count(*)::int AS count, min(u.id::text) AS letter
                  FROM unnest(v_ids, v_verdicts) u(id, verdict)
                  WHERE u.verdict <> CASE WHEN v_asked.reason IS NULL THEN 'redriven' ELSE 'discarded' END
                  GROUP BY u.verdict) n),
        due_at = clock_timestamp() + coalesce(cardinality(v_verdicts) * interval '1 second' / r.rate_per_second, interval '0'),
        ended_at = CASE WHEN v_seen < v_looks THEN clock_timestamp() END
    WHERE r.id = v_asked.id;
END $f$;

-- Puts off the request whose turn it is, so that one of which no step can be made does not keep all others waiting. If another
-- node is at it, or made the step meanwhile, a later one is put off a little for nothing. Answers which one it is, null where none is due.
DROP FUNCTION IF EXISTS put_off_redrive(bigint);
CREATE FUNCTION put_off_redrive(p_ms bigint) RETURNS uuid
LANGUAGE sql AS $f$
    UPDATE letter_redrives r SET due_at = clock_timestamp() + p_ms * interval '1 millisecond'
    WHERE r.id = (SELECT x.id FROM letter_redrives x
                  WHERE x.ended_at IS NULL AND x.due_at <= clock_timestamp() ORDER BY x.due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING r.id
$f$;

-- Ends a request for many letters where it stands: 'cancelled', 'repeated' or 'conflict' (by its key), 'ended' or 'unknown'. What
-- was done stays done. A step that is under way is waited for.
CREATE OR REPLACE FUNCTION cancel_redrive(p_tenant int, p_id uuid, p_operation text, p_key text, p_hash text) RETURNS text
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_verdict  text;
BEGIN
    IF p_key IS NOT NULL THEN
        SELECT c.verdict INTO v_verdict FROM claim_key(p_tenant, p_operation, p_key, p_hash, p_id) c;
        IF v_verdict <> 'fresh' THEN
            RETURN v_verdict;
        END IF;
    END IF;
    UPDATE letter_redrives r SET ended_at = clock_timestamp(), cancelled_at = clock_timestamp()
    WHERE r.id = p_id AND r.tenant_id = p_tenant AND r.ended_at IS NULL;
    IF FOUND THEN
        RETURN 'cancelled';
    END IF;
    PERFORM refuse_call(p_tenant, p_operation, p_key);
    RETURN coalesce((SELECT CASE WHEN r.cancelled_at IS NULL THEN 'ended' ELSE 'cancelled' END
                     FROM letter_redrives r WHERE r.id = p_id AND r.tenant_id = p_tenant), 'unknown');
END $f$;

-- Letters that nobody was told of yet, the oldest first. is_wanted: handlers of its tenant listen, and it is no letter of an
-- execution that such an event fired, which would go round for ever. The payload never changes, so that a letter which is
-- told of twice is the same event under its key.
CREATE OR REPLACE FUNCTION unannounced_letters(p_limit int)
RETURNS TABLE (id uuid, tenant_id int, is_wanted boolean, payload text)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT l.id, l.tenant_id,
               EXISTS (SELECT FROM event_handlers h
                       WHERE h.tenant_id = l.tenant_id AND h.event_name = 'dead_letter.added' AND h.is_enabled)
               AND NOT EXISTS (SELECT FROM job_executions e JOIN events v ON v.id = e.event_id
                               WHERE e.id = l.run_id AND v.name = 'dead_letter.added'),
               json_build_object(
                   'letterId', l.id, 'taskInstanceId', l.task_id, 'attempt', l.attempt, 'runId', l.run_id,
                   'name', coalesce(i.task_id, i.name, 'task'), 'queue', i.queue, 'outcome', l.outcome,
                   'error', left(l.error, 2000), 'fingerprint', l.fingerprint,
                   'createdAt', to_char(l.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text
        FROM (SELECT x.* FROM dead_letters x WHERE NOT x.is_announced ORDER BY x.id LIMIT p_limit) l
        JOIN task_instances i ON i.id = l.task_id
        ORDER BY l.id;
END $f$;

-- Forgets requests for many letters that ended longer ago than p_age; answers whether there may be more.
CREATE OR REPLACE FUNCTION purge_redrives(p_age interval, p_limit int) RETURNS boolean
LANGUAGE plpgsql
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
DECLARE
    v_count  int;
BEGIN
    DELETE FROM letter_redrives r WHERE r.ctid = ANY (ARRAY(
        SELECT x.ctid FROM letter_redrives x
        WHERE x.ended_at IS NOT NULL AND x.ended_at < statement_timestamp() - p_age ORDER BY x.ended_at LIMIT p_limit));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count = p_limit;
END $f$;

-- Notes that letters were told of to whom they concern. Where there is a webhook for alerts (p_gathers), they are added to what
-- it is to be told: so none is forgotten between the two, and none is told of twice. At most a thousand groups wait, and some
-- hundred more; what fails in yet another way is counted without its fingerprint.
CREATE OR REPLACE FUNCTION mark_announced(p_ids uuid[], p_gathers boolean) RETURNS void
LANGUAGE plpgsql
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
DECLARE
    v_groups  int := (SELECT count(*) FROM letter_alert_groups);
BEGIN
    WITH told AS (
        UPDATE dead_letters l SET is_announced = true WHERE l.id = ANY (p_ids) AND NOT l.is_announced
        RETURNING l.id, l.tenant_id, l.fingerprint, l.created_at
    )
    INSERT INTO letter_alert_groups AS g (tenant_id, fingerprint, letters, letter_ids, first_at, last_at)
    SELECT f.tenant_id, f.fingerprint, count(*), (array_agg(f.id ORDER BY f.id))[1:5], min(f.created_at), max(f.created_at)
    FROM (
        SELECT t.id, t.tenant_id, t.created_at,
               CASE WHEN v_groups < 1000
                         OR EXISTS (SELECT FROM letter_alert_groups k
                                    WHERE k.tenant_id = t.tenant_id AND k.fingerprint = t.fingerprint)
                    THEN t.fingerprint ELSE '' END AS fingerprint
        FROM told t
        WHERE p_gathers AND EXISTS (SELECT FROM tenants x WHERE x.id = t.tenant_id AND x.deleted_at IS NULL)) f
    GROUP BY f.tenant_id, f.fingerprint
    ORDER BY f.tenant_id, f.fingerprint
    ON CONFLICT (tenant_id, fingerprint) DO UPDATE
    SET letters = g.letters + excluded.letters, letter_ids = (g.letter_ids || excluded.letter_ids)[1:5],
        first_at = least(g.first_at, excluded.first_at), last_at = greatest(g.last_at, excluded.last_at);
END $f$;

-- What the webhook for alerts is told of all that was gathered, which is taken away by it: the fifty greatest groups, each
-- with its first letters, and of all others how many. Null where there is nothing.
CREATE OR REPLACE FUNCTION gathered_letters() RETURNS text
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_body  text;
BEGIN
    WITH taken AS MATERIALIZED (
        DELETE FROM letter_alert_groups g RETURNING g.*
    ), ranked AS MATERIALIZED (
        SELECT t.*, row_number() OVER (ORDER BY t.fingerprint = '', t.letters DESC, t.tenant_id, t.fingerprint) AS n FROM taken t
    ), shown AS MATERIALIZED (
        SELECT r.n, r.letters, json_build_object(
                   'tenant', t.name, 'fingerprint', r.fingerprint, 'letters', r.letters, 'firstIds', r.letter_ids,
                   'firstAt', to_char(r.first_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                   'lastAt', to_char(r.last_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                   'name', l.name, 'dag', l.dag, 'job', l.job, 'queue', l.queue, 'outcome', l.outcome,
                   'error', left(l.error, 500)) AS told
        FROM ranked r
        JOIN tenants t ON t.id = r.tenant_id
        LEFT JOIN LATERAL (SELECT x.* FROM letters_shown x WHERE x.id = r.letter_ids[1] OFFSET 0) l ON true
        WHERE r.n <= 50 AND r.fingerprint <> ''
    )
    SELECT json_build_object(
               'type', 'dead_letter.added',
               'timestamp', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               'data', json_build_object(
                   'letters', a.letters,
                   'firstAt', to_char(a.first_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                   'lastAt', to_char(a.last_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                   'groups', (SELECT coalesce(json_agg(s.told ORDER BY s.n), '[]') FROM shown s),
                   'otherLetters', a.letters - (SELECT coalesce(sum(s.letters), 0) FROM shown s)))::text
    INTO v_body
    FROM (SELECT sum(r.letters)::bigint AS letters, min(r.first_at) AS first_at, max(r.last_at) AS last_at FROM ranked r) a
    WHERE a.letters > 0;
    RETURN v_body;
END $f$;

-- What the webhook for alerts is to be sent now; id is null where that is nothing. tries counts this one. Then nothing is sent
-- for p_pause, by whomever; due_ms is for how long nothing may be, where something else was sent not long ago.
CREATE OR REPLACE FUNCTION next_letter_alert(
    p_pause interval, OUT id uuid, OUT body text, OUT tries int, OUT due_ms bigint)
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_due_at  timestamptz;
BEGIN
    SELECT a.id, a.body, a.tries, a.due_at INTO id, body, tries, v_due_at FROM letter_alert a FOR UPDATE;
    IF v_due_at > clock_timestamp() THEN
        id := NULL;
        due_ms := ceil(extract(epoch FROM v_due_at - clock_timestamp()) * 1000);
        RETURN;
    END IF;
    IF id IS NULL THEN
        body := gathered_letters();
        IF body IS NULL THEN
            RETURN;
        END IF;
        id := gen_random_uuid();
        tries := 0;
    END IF;
    tries := tries + 1;
    UPDATE letter_alert a SET id = next_letter_alert.id, body = next_letter_alert.body, tries = next_letter_alert.tries,
                              due_at = clock_timestamp() + p_pause;
END $f$;

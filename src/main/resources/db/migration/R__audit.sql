-- The audit log. What a change made of a resource is read by the server itself, before and after, in the change's own
-- transaction: so nothing can be changed through the API and not be told, nor be told and not be changed.

-- Rows stay as they were written, whoever asks, the owner of the table among them. Only purge_audit, which names its own
-- transaction, may take old ones away.
CREATE OR REPLACE FUNCTION keep_audit() RETURNS trigger
LANGUAGE plpgsql AS $f$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('orrery.audit_purge', true) = pg_current_xact_id()::text THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'OR004';
END $f$;
CREATE OR REPLACE TRIGGER audit_rows_stay BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION keep_audit();
CREATE OR REPLACE TRIGGER audit_log_stays BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION keep_audit();

-- Deletes rows that are older than p_age, the oldest first and at most p_limit; answers whether there may be more.
CREATE OR REPLACE FUNCTION purge_audit(p_age interval, p_limit int) RETURNS boolean
LANGUAGE plpgsql
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
DECLARE
    v_count  int;
BEGIN
    PERFORM set_config('orrery.audit_purge', pg_current_xact_id()::text, true);
    DELETE FROM audit_log a WHERE a.ctid = ANY (ARRAY(
        SELECT o.ctid FROM audit_log o
        WHERE o.recorded_at < statement_timestamp() - p_age ORDER BY o.recorded_at LIMIT p_limit));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    PERFORM set_config('orrery.audit_purge', '', true);
    RETURN v_count = p_limit;
END $f$;

-- What is told of a resource; null where there is none. No secret is read here, and of what people give to tasks and jobs
-- only how long it is: it may hold secrets of theirs. What a change changes has to be seen here, if only by its time.
CREATE OR REPLACE FUNCTION audited_state(p_kind text, p_tenant int, p_id text) RETURNS jsonb
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_state  jsonb;
    v_text   text;
BEGIN
    CASE p_kind
        WHEN 'dag' THEN
            SELECT jsonb_build_object(
                       'name', d.name, 'version', d.version, 'active', d.is_active, 'tasks', d.task_count,
                       'schedule', d.schedule, 'timezone', d.timezone)
            INTO v_state FROM dags d
            WHERE d.id = p_id::uuid AND d.tenant_id = p_tenant AND d.deleted_at IS NULL AND NOT d.is_internal;
        WHEN 'job', 'event_handler' THEN
            SELECT jsonb_build_object(
                       'name', j.name, 'type', j.type, 'status', j.status, 'schedule', j.schedule, 'timezone', j.timezone,
                       'intervalMs', j.interval_ms, 'runAt', j.run_at, 'startAt', j.start_at, 'endAt', j.end_at,
                       'maxExecutions', j.max_executions, 'misfire', j.misfire, 'overlap', j.overlap,
                       'handlerType', j.handler_type, 'handler', j.handler_name, 'maxRetries', j.max_retries,
                       'retryDelayMs', j.retry_delay_ms, 'timeoutMs', j.timeout_ms, 'totalTimeoutMs', j.total_timeout_ms,
                       'retryOn', to_jsonb(j.retry_on), 'giveUpOn', to_jsonb(j.give_up_on), 'priority', j.priority,
                       'tags', to_jsonb(j.tags), 'payloadBytes', octet_length(j.payload::text),
                       'metadataBytes', octet_length(j.metadata::text), 'updatedAt', j.updated_at)
                   || CASE WHEN h.job_id IS NULL THEN '{}'::jsonb ELSE jsonb_build_object(
                       'eventName', h.event_name, 'enabled', h.is_enabled, 'revision', h.revision, 'filter', h.filter,
                       'payloadMapping', h.payload_mapping, 'debounceMs', h.debounce_ms, 'throttleLimit', h.throttle_limit,
                       'throttleMs', h.throttle_ms) END
            INTO v_state FROM jobs j LEFT JOIN event_handlers h ON h.job_id = j.id
            WHERE j.id = p_id::uuid AND j.tenant_id = p_tenant AND j.deleted_at IS NULL;
        WHEN 'queue' THEN
            SELECT jsonb_build_object(
                       'weight', l.weight, 'maxRunning', l.max_running, 'rateLimit', l.rate_limit, 'rateMs', l.rate_ms,
                       'paused', l.is_paused)
            INTO v_state FROM limits l WHERE l.tenant_id = 1 AND l.kind = 'queue' AND l.name = p_id;
        WHEN 'limit' THEN
            SELECT jsonb_build_object('maxRunning', r.max_running, 'rateLimit', r.rate_limit, 'rateMs', r.rate_ms)
            INTO v_state FROM limit_rules r WHERE r.tenant_id = p_tenant AND r.pattern = p_id;
        WHEN 'webhook' THEN
            SELECT jsonb_build_object(
                       'scheme', w.scheme, 'header', w.header, 'toleranceMs', w.tolerance_ms, 'eventName', w.event_name,
                       'eventNameFrom', w.event_name_from, 'keyFrom', w.key_from, 'secrets', cardinality(w.secrets),
                       'revision', w.revision)
            INTO v_state FROM webhooks w WHERE w.tenant_id = p_tenant AND w.name = p_id;
        WHEN 'tenant' THEN
            SELECT jsonb_build_object('name', t.name, 'createdAt', t.created_at)
            INTO v_state FROM tenants t WHERE t.name = p_id AND t.deleted_at IS NULL;
        WHEN 'node' THEN
            SELECT jsonb_build_object('name', n.name, 'drainAskedAt', n.drain_asked_at)
            INTO v_state FROM nodes n WHERE n.id = p_id::uuid;
        WHEN 'remote_worker' THEN
            SELECT jsonb_build_object(
                       'name', n.name, 'version', n.version, 'slots', n.slots, 'handlers', to_jsonb(n.handlers))
            INTO v_state FROM nodes n WHERE n.id = p_id::uuid AND n.tenant_id = p_tenant AND n.fenced_at IS NULL;
        WHEN 'run' THEN
            SELECT jsonb_build_object(
                       'dagId', r.dag_id, 'dagVersion', r.dag_version, 'state', r.state, 'remaining', r.remaining,
                       'failed', r.failed, 'cancelled', r.cancelled,
                       'askedToEnd', (SELECT count(*) FROM cancel_requests c
                                      WHERE c.task_id BETWEEN r.id AND instance_id(r.id, 2147483647)))
            INTO v_state FROM dag_runs r WHERE r.id = p_id::uuid AND r.tenant_id = p_tenant;
        WHEN 'task' THEN
            SELECT jsonb_build_object(
                       'name', s.name, 'queue', s.queue, 'state', s.state, 'attempt', s.attempt, 'priority', s.own_priority,
                       'deadline', s.deadline, 'nextAttemptAt', s.next_attempt_at,
                       'dependencies', (SELECT count(*) FROM task_dependencies d WHERE d.dependent_id = s.id),
                       'askedToEnd', EXISTS (SELECT FROM cancel_requests c WHERE c.task_id = s.id))
            INTO v_state FROM single_tasks s WHERE s.id = p_id::uuid AND s.tenant_id = p_tenant;
        WHEN 'dead_letter' THEN
            SELECT jsonb_build_object(
                       'task', l.task_id, 'state', l.state, 'resolvedBy', l.resolved_by, 'reason', l.reason,
                       'inputBytes', octet_length(g.input), 'inputMd5', md5(g.input))
            INTO v_state FROM dead_letters l
            CROSS JOIN LATERAL (SELECT given_input(l.task_id) AS input) g
            WHERE l.id = p_id::uuid AND l.tenant_id = p_tenant;
        WHEN 'redrive' THEN
            SELECT jsonb_build_object(
                       'letters', cardinality(r.letters), 'queue', r.queue, 'dag', r.dag, 'job', r.job, 'name', r.name,
                       'handler', r.handler, 'fingerprint', r.fingerprint, 'outcome', r.outcome, 'asOf', r.as_of,
                       'from', CASE WHEN r.letters IS NULL THEN nullif(time_of_id(r.from_id), 'epoch') END,
                       'to', CASE WHEN r.letters IS NULL THEN time_of_id(r.upto) END,
                       'ratePerSecond', r.rate_per_second, 'askedBy', r.asked_by, 'reason', r.reason,
                       'inputBytes', octet_length(r.input::text), 'inputMd5', md5(r.input::text),
                       'inputPatchBytes', octet_length(r.input_patch::text), 'inputPatchMd5', md5(r.input_patch::text),
                       'expected', r.expected, 'cancelledAt', r.cancelled_at)
            INTO v_state FROM letter_redrives r WHERE r.id = p_id::uuid AND r.tenant_id = p_tenant;
    END CASE;
    v_state := jsonb_strip_nulls(v_state);
    v_text := v_state::text;
    IF octet_length(v_text) > 8192 THEN
        RETURN jsonb_build_object('bytes', octet_length(v_text), 'md5', md5(v_text), 'begin', left(v_text, 2000));
    END IF;
    RETURN v_state;
END $f$;

-- Begins a change of a resource; answers what that is now. Who else changes it through the API waits until the end of the
-- transaction, so that what was before is what the row before it says was after. Of what tasks and heartbeats wait for,
-- nobody's hesitation is to keep it.
CREATE OR REPLACE FUNCTION begin_change(p_kind text, p_tenant int, p_id text) RETURNS text
LANGUAGE plpgsql AS $f$
BEGIN
    IF p_kind IN ('node', 'run', 'task', 'dead_letter') THEN
        PERFORM set_config('idle_in_transaction_session_timeout', '2000', true);
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('orrery.audit ' || p_kind || ' ' || p_id, p_tenant));
    RETURN audited_state(p_kind, p_tenant, p_id)::text;
END $f$;

-- Ends a change: what was changed is told. Where nothing was, as with a request that came before, there is nothing to tell.
CREATE OR REPLACE FUNCTION note_change(
    p_kind text, p_tenant int, p_id text, p_before text, p_of int, p_of_name text, p_actor text, p_actor_name text,
    p_operation text, p_address text, p_trace text, p_key text) RETURNS boolean
LANGUAGE plpgsql AS $f$
DECLARE
    v_before  jsonb := p_before::jsonb;
    v_after   jsonb := audited_state(p_kind, p_tenant, p_id);
BEGIN
    IF v_after IS NOT DISTINCT FROM v_before THEN
        RETURN false;
    END IF;
    INSERT INTO audit_log (tenant_id, tenant, actor, actor_name, operation, kind, resource, address, trace, idempotency_key,
                           before, after)
    VALUES (p_of, p_of_name, p_actor, p_actor_name, p_operation, p_kind, p_id, p_address, p_trace, p_key, v_before, v_after);
    RETURN true;
END $f$;

-- The time that is in an id.
CREATE OR REPLACE FUNCTION time_of_id(p_id uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_timestamp((('x' || left(replace(p_id::text, '-', ''), 12))::bit(48)::bigint) / 1000.0);

-- Tells of these requests, of which each stands for some submissions of tasks, whose verdicts and bases are given: of what they made.
-- Written for submissions by the thousand: nothing is grouped again that came in groups.
CREATE OR REPLACE FUNCTION note_submissions(p_requests json, p_verdicts text[], p_refs uuid[]) RETURNS void
LANGUAGE plpgsql STRICT AS $f$
#variable_conflict use_column
BEGIN
    INSERT INTO audit_log (tenant_id, tenant, actor, actor_name, operation, kind, address, trace, idempotency_key, requests, refs)
    SELECT t.tenant_id, t.tenant, t.actor, t.actor_name, t.operation, 'task', t.address, t.trace, t.idempotency_key,
           cardinality(m.refs), m.refs
    FROM json_to_recordset(p_requests) AS t(
        tenant_id int, tenant text, actor text, actor_name text, operation text, address text, trace text,
        idempotency_key text, ordinals int[])
    CROSS JOIN LATERAL (
        SELECT array_agg(p_refs[o.n]) AS refs FROM unnest(t.ordinals) o(n) WHERE p_verdicts[o.n] = 'created') m
    WHERE m.refs IS NOT NULL;
END $f$;

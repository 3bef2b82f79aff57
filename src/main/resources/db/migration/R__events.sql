-- Events: published in one transaction with all that they cause, and fired later where more of them are waited for.
-- Locks are taken in one order: tenants, jobs, keys, events, handlers, waiting events, throttles, DAGs.

-- The enabled handlers of a name as one text that changes with each of them.
CREATE OR REPLACE FUNCTION handlers_state(p_tenant int, p_name text) RETURNS text
LANGUAGE sql STABLE AS $f$
    SELECT coalesce(string_agg(h.job_id || ' ' || h.revision, ',' ORDER BY h.job_id), '')
    FROM event_handlers h
    WHERE h.tenant_id = p_tenant AND h.event_name = p_name AND h.is_enabled
$f$;

-- A handler is enabled while its job is active.
CREATE OR REPLACE FUNCTION follow_job() RETURNS trigger
LANGUAGE plpgsql AS $f$
BEGIN
    UPDATE event_handlers h
    SET is_enabled = NOT h.is_enabled, revision = h.revision + 1
    WHERE h.job_id = NEW.id AND h.is_enabled <> (NEW.status = 'active' AND NEW.deleted_at IS NULL);
    RETURN NULL;
END $f$;

CREATE OR REPLACE TRIGGER job_is_followed
AFTER UPDATE OF status, deleted_at ON jobs
FOR EACH ROW WHEN (NEW.type = 'event') EXECUTE FUNCTION follow_job();

-- What an event of one name can cause is bounded: the 101st enabled handler is refused (OR003). Whoever adds one waits for
-- others that do. What waited for a handler that was paused is due again.
CREATE OR REPLACE FUNCTION admit_handler() RETURNS trigger
LANGUAGE plpgsql AS $f$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.is_enabled AND OLD.event_name = NEW.event_name THEN
        RETURN NEW;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.event_name, NEW.tenant_id));
    IF (SELECT count(*) FROM event_handlers h
        WHERE h.tenant_id = NEW.tenant_id AND h.event_name = NEW.event_name AND h.is_enabled
          AND h.job_id <> NEW.job_id) >= 100 THEN
        RAISE EXCEPTION 'the event % has 100 enabled handlers', NEW.event_name USING ERRCODE = 'OR003';
    END IF;
    UPDATE event_pending p SET is_held = false WHERE p.job_id = NEW.job_id AND p.is_held;
    RETURN NEW;
END $f$;

CREATE OR REPLACE TRIGGER handler_is_admitted
BEFORE INSERT OR UPDATE OF event_name, is_enabled ON event_handlers
FOR EACH ROW WHEN (NEW.is_enabled) EXECUTE FUNCTION admit_handler();

-- Which of these fire, as far as throttles let them; those without a key are not counted. All in one pass: what is counted may be
-- thousands, for as many keys.
CREATE OR REPLACE FUNCTION are_throttled(p_jobs uuid[], p_keys text[]) RETURNS boolean[]
LANGUAGE plpgsql
SET enable_nestloop = off
AS $f$
#variable_conflict use_column
DECLARE
    v_now        timestamptz := clock_timestamp();
    v_throttled  boolean[];
BEGIN
    WITH asked AS MATERIALIZED (
        SELECT a.ordinal, a.job, a.key, row_number() OVER (PARTITION BY a.job, a.key ORDER BY a.ordinal) AS place
        FROM unnest(p_jobs, p_keys) WITH ORDINALITY a(job, key, ordinal)
    ), counted AS MATERIALIZED (
        SELECT c.job, c.key, c.asked,
               (SELECT h.throttle_limit FROM event_handlers h WHERE h.job_id = c.job) AS most,
               (SELECT h.throttle_ms FROM event_handlers h WHERE h.job_id = c.job) * interval '1 millisecond' AS per
        FROM (SELECT a.job, a.key, count(*) AS asked FROM asked a WHERE a.key IS NOT NULL GROUP BY a.job, a.key) c
    ), granted AS (
        INSERT INTO event_throttles AS t (job_id, key, ends_at, used, granted)
        SELECT c.job, c.key, v_now + c.per, least(c.asked, c.most), least(c.asked, c.most)
        FROM counted c
        WHERE c.most IS NOT NULL
        ORDER BY c.job, c.key
        ON CONFLICT (job_id, key) DO UPDATE
            SET ends_at = CASE WHEN t.ends_at <= v_now THEN EXCLUDED.ends_at ELSE least(t.ends_at, EXCLUDED.ends_at) END,
                granted = CASE WHEN t.ends_at <= v_now THEN EXCLUDED.granted
                               ELSE greatest(0, least(EXCLUDED.granted, (SELECT h.throttle_limit FROM event_handlers h
                                                                         WHERE h.job_id = t.job_id) - t.used)) END,
                used = CASE WHEN t.ends_at <= v_now THEN EXCLUDED.used
                            ELSE t.used + greatest(0, least(EXCLUDED.granted,
                                                            (SELECT h.throttle_limit FROM event_handlers h
                                                             WHERE h.job_id = t.job_id) - t.used)) END
        RETURNING t.job_id, t.key, t.granted
    )
    SELECT array_agg(coalesce(a.place > g.granted, false) ORDER BY a.ordinal) INTO v_throttled
    FROM asked a LEFT JOIN granted g ON g.job_id = a.job AND g.key = a.key;
    RETURN v_throttled;
END $f$;

-- Fires handlers whose jobs the caller holds against deletion, those of p_which, as far as their throttles let them. Answers for
-- each 'f' (fired), 't' (throttled), 'x' where the DAG that it fires was deleted, or '-' (not asked for). Rows are found by their
-- place in arrays of one width and never by a join of arrays, which is planned for few.
CREATE OR REPLACE FUNCTION fire_events(
    p_events uuid[], p_jobs uuid[], p_runs uuid[], p_params text[], p_throttle_keys text[], p_which boolean[])
RETURNS "char"[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now        timestamptz := clock_timestamp();
    v_throttled  boolean[] := array_fill(false, ARRAY[cardinality(p_events)]);
    v_runs       uuid[];
    v_tenants    int[];
    v_dags       uuid[];
    v_params     text[];
    v_traces     text[];
    v_gone       uuid[] := '{}';
    v_nothing    text[];
BEGIN
    IF num_nonnulls(VARIADIC p_throttle_keys) > 0 THEN
        v_throttled := are_throttled(p_jobs, ARRAY(
            SELECT CASE WHEN p_which[k.ordinal] THEN k.key END
            FROM unnest(p_throttle_keys) WITH ORDINALITY k(key, ordinal) ORDER BY k.ordinal));
    END IF;

    SELECT array_agg(f.run), array_agg(j.tenant_id), array_agg(j.dag_id), array_agg(f.params), array_agg(e.traceparent)
    INTO v_runs, v_tenants, v_dags, v_params, v_traces
    FROM unnest(p_jobs, p_runs, p_params, p_events) WITH ORDINALITY f(job, run, params, event, ordinal)
    JOIN jobs j ON j.id = f.job
    LEFT JOIN events e ON e.id = f.event
    WHERE p_which[f.ordinal] AND NOT v_throttled[f.ordinal];
    IF v_runs IS NOT NULL THEN
        v_nothing := array_fill(NULL::text, ARRAY[cardinality(v_runs)]);
        SELECT coalesce(array_agg(v_runs[c.ordinal]), '{}') INTO v_gone
        FROM create_runs(
            v_runs, v_tenants, v_dags, array_fill('event'::text, ARRAY[cardinality(v_runs)]), v_params,
            array_fill(v_now, ARRAY[cardinality(v_runs)]), v_nothing, v_nothing, v_nothing, NULL,
            v_traces) c
        WHERE c.verdict <> 'created';
        INSERT INTO job_executions (id, tenant_id, job_id, scheduled_at, cause, event_id, traceparent)
        SELECT f.run, j.tenant_id, f.job, v_now, 'event', f.event, e.traceparent
        FROM unnest(p_jobs, p_runs, p_events) WITH ORDINALITY f(job, run, event, ordinal)
        JOIN jobs j ON j.id = f.job
        LEFT JOIN events e ON e.id = f.event
        WHERE p_which[f.ordinal] AND NOT v_throttled[f.ordinal] AND f.run <> ALL (v_gone);
    END IF;

    RETURN ARRAY(
        SELECT CASE WHEN NOT p_which[f.ordinal] THEN '-'
                    WHEN v_throttled[f.ordinal] THEN 't'
                    WHEN f.run = ANY (v_gone) THEN 'x'
                    ELSE 'f' END::"char"
        FROM unnest(p_runs) WITH ORDINALITY f(run, ordinal)
        ORDER BY f.ordinal);
END $f$;

-- Publishes the events of requests, each request as a whole or not at all, and fires the handlers that want them.
--
-- A request has a base, of which its events' ids are members, and perhaps a key. p_sets names for each event which
-- handlers it was judged by (one of p_set_...): 'stale' are requests of which these are no longer those there are. p_events
-- and what follows are what each handler makes of an event: an error, or params for a run, to be made now or when no more
-- events of its debounce key come.
--
-- Answers a verdict for each request: 'published', 'stale' (judge it anew), 'conflict' (a key came before with something else) or
-- 'unknown' (its tenant is deleted).
-- For each event its id and whether it, or the whole request, came before (null: as something else); for each delivery what became of it, null where it
-- was not made.
CREATE OR REPLACE FUNCTION publish_events(
    p_tenants int[], p_bases uuid[], p_operations text[], p_keys text[], p_hashes text[],
    p_requests int[], p_ids uuid[], p_sets int[], p_names text[], p_event_keys text[], p_event_hashes text[],
    p_payloads text[], p_sources text[], p_traceparents text[], p_replays uuid[], p_filtered text[],
    p_set_tenants int[], p_set_names text[], p_set_states text[],
    p_events int[], p_jobs uuid[], p_runs uuid[], p_params text[], p_errors text[], p_debounce_keys text[],
    p_throttle_keys text[],
    OUT verdicts text[], OUT ids uuid[], OUT repeated boolean[], OUT outcomes text[], OUT received_at timestamptz)
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now         timestamptz;
    v_unknown     int[];
    v_stale       bigint[];
    v_conflicts   bigint[] := '{}';
    v_again       bigint[] := '{}';
    v_references  uuid[] := p_bases;
    v_made        uuid[];
    v_undone      bigint[];
    v_gone        uuid[];
    v_is_fresh    boolean[];
    v_now_firing  boolean[];
    v_events      uuid[];
    v_fired       "char"[];
BEGIN
    -- Tenants and handlers that are deleted from here on stay until this is over.
    v_unknown := gone_tenants(p_tenants);
    PERFORM j.id FROM jobs j WHERE j.id = ANY (p_jobs) ORDER BY j.id FOR KEY SHARE;
    SELECT coalesce(array_agg(DISTINCT e.request), '{}') INTO v_stale
    FROM unnest(p_set_tenants, p_set_names, p_set_states) WITH ORDINALITY s(tenant, name, state, ordinal)
    JOIN unnest(p_requests, p_sets) e(request, set_no) ON e.set_no = s.ordinal
    WHERE handlers_state(s.tenant, s.name) <> s.state OR s.tenant = ANY (v_unknown);
    v_now := clock_timestamp();
    received_at := v_now;

    -- An equal key in another open transaction is waited for, and read after.
    IF num_nonnulls(VARIADIC p_keys) > 0 THEN
        INSERT INTO idempotency_keys (tenant_id, operation, key, request_hash, reference)
        SELECT DISTINCT ON (r.tenant, r.operation, r.key) r.tenant, r.operation, r.key, r.hash, r.base
        FROM unnest(p_tenants, p_operations, p_keys, p_hashes, p_bases)
             WITH ORDINALITY r(tenant, operation, key, hash, base, ordinal)
        WHERE r.key IS NOT NULL AND r.ordinal <> ALL (v_stale)
        ORDER BY r.tenant, r.operation, r.key, r.ordinal
        ON CONFLICT DO NOTHING;
        SELECT v_stale || coalesce(array_agg(r.ordinal) FILTER (
                   WHERE r.key IS NOT NULL AND k.key IS NULL AND r.ordinal <> ALL (v_stale)), '{}'),
               coalesce(array_agg(r.ordinal) FILTER (WHERE k.request_hash <> r.hash), '{}'),
               coalesce(array_agg(r.ordinal) FILTER (WHERE k.request_hash = r.hash AND k.reference <> r.base), '{}'),
               array_agg(coalesce(k.reference, r.base) ORDER BY r.ordinal)
        INTO v_stale, v_conflicts, v_again, v_references
        FROM unnest(p_tenants, p_operations, p_keys, p_hashes, p_bases)
             WITH ORDINALITY r(tenant, operation, key, hash, base, ordinal)
        LEFT JOIN idempotency_keys k ON k.tenant_id = r.tenant AND k.operation = r.operation AND k.key = r.key;
    END IF;

    WITH made AS (
        INSERT INTO events AS x (id, tenant_id, name, key, request_hash, payload, source, traceparent, replay_of, filtered,
                                 received_at)
        SELECT e.id, p_tenants[e.request], e.name, e.key, e.hash, e.payload::json, e.source, e.traceparent, e.replay_of,
               e.filtered::uuid[], v_now
        FROM unnest(p_requests, p_ids, p_names, p_event_keys, p_event_hashes, p_payloads, p_sources, p_traceparents,
                    p_replays, p_filtered)
             WITH ORDINALITY e(request, id, name, key, hash, payload, source, traceparent, replay_of, filtered, ordinal)
        WHERE e.request <> ALL (v_stale || v_conflicts || v_again)
        ORDER BY p_tenants[e.request], e.name, e.key, e.ordinal
        ON CONFLICT DO NOTHING
        RETURNING x.id
    )
    SELECT coalesce(array_agg(m.id), '{}') INTO v_made FROM made m;

    -- Those that came before, by themselves or with their whole request. For one that came with something else, or is just
    -- going, its whole request is undone, and with it those that took one of its events for their own.
    WITH found AS MATERIALIZED (
        SELECT e.ordinal, e.request, m.id IS NULL AS is_old, x.request_hash <> e.hash AS is_other,
               e.request = ANY (v_stale || v_conflicts || v_again) AS is_judged,
               coalesce(m.id, x.id,
                        CASE WHEN e.request = ANY (v_again)
                             THEN instance_id(v_references[e.request], task_no_of(e.id)) END) AS id
        FROM unnest(p_requests, p_ids, p_names, p_event_keys, p_event_hashes)
             WITH ORDINALITY e(request, id, name, key, hash, ordinal)
        LEFT JOIN unnest(v_made) m(id) ON m.id = e.id
        LEFT JOIN LATERAL (
            SELECT o.id, o.request_hash FROM events o
            WHERE m.id IS NULL AND e.key IS NOT NULL
              AND o.tenant_id = p_tenants[e.request] AND o.name = e.name AND o.key = e.key
        ) x ON true
    )
    SELECT array_agg(f.id ORDER BY f.ordinal), array_agg(CASE WHEN f.is_other AND NOT f.is_judged THEN NULL ELSE f.is_old END ORDER BY f.ordinal),
           v_conflicts || coalesce(array_agg(DISTINCT f.request) FILTER (WHERE f.is_other AND NOT f.is_judged), '{}'),
           v_stale || coalesce(array_agg(DISTINCT f.request) FILTER (WHERE f.id IS NULL AND NOT f.is_judged), '{}'),
           coalesce(array_agg(DISTINCT f.request)
                    FILTER (WHERE (f.is_other OR f.id IS NULL) AND NOT f.is_judged), '{}')
    INTO ids, repeated, v_conflicts, v_stale, v_undone
    FROM found f;
    WHILE cardinality(v_undone) > 0 LOOP
        DELETE FROM idempotency_keys k
        USING unnest(p_tenants, p_operations, p_keys, p_bases) WITH ORDINALITY r(tenant, operation, key, base, ordinal)
        WHERE r.ordinal = ANY (v_undone) AND k.tenant_id = r.tenant AND k.operation = r.operation AND k.key = r.key
          AND k.reference = r.base;
        WITH gone AS (
            DELETE FROM events x
            WHERE x.id = ANY (ARRAY(SELECT e.id FROM unnest(p_requests, p_ids) e(request, id)
                                    WHERE e.request = ANY (v_undone)))
            RETURNING x.id
        )
        SELECT coalesce(array_agg(g.id), '{}') INTO v_gone FROM gone g;
        SELECT coalesce(array_agg(DISTINCT e.request), '{}') INTO v_undone
        FROM unnest(p_requests, ids) e(request, id)
        WHERE e.request <> ALL (v_stale || v_conflicts) AND e.id = ANY (v_gone);
        v_stale := v_stale || v_undone;
    END LOOP;
    SELECT array_agg(CASE WHEN r.tenant = ANY (v_unknown) THEN 'unknown'
                          WHEN r.ordinal = ANY (v_stale) THEN 'stale'
                          WHEN r.ordinal = ANY (v_conflicts) THEN 'conflict'
                          ELSE 'published' END ORDER BY r.ordinal)
    INTO verdicts
    FROM unnest(p_tenants) WITH ORDINALITY r(tenant, ordinal);

    -- What becomes of each: nothing (null) of those whose request or event is not to be done.
    v_is_fresh := ARRAY(
        SELECT r.ordinal <> ALL (v_stale || v_conflicts) FROM unnest(p_bases) WITH ORDINALITY r(base, ordinal)
        ORDER BY r.ordinal);
    SELECT array_agg(v_is_fresh[p_requests[d.event]] AND NOT repeated[d.event]
                     AND d.error IS NULL AND d.debounce_key IS NULL ORDER BY d.ordinal),
           array_agg(p_ids[d.event] ORDER BY d.ordinal)
    INTO v_now_firing, v_events
    FROM unnest(p_events, p_errors, p_debounce_keys) WITH ORDINALITY d(event, error, debounce_key, ordinal);
    IF true = ANY (v_now_firing) THEN
        v_fired := fire_events(v_events, p_jobs, p_runs, p_params, p_throttle_keys, v_now_firing);
    END IF;

    WITH judged AS MATERIALIZED (
        SELECT d.ordinal, v_events[d.ordinal] AS event, d.job, d.run, d.params, d.error, d.debounce_key, d.throttle_key,
               CASE WHEN NOT v_is_fresh[p_requests[d.event]] OR repeated[d.event] THEN NULL
                    WHEN d.error IS NOT NULL THEN 'failed'
                    WHEN d.debounce_key IS NOT NULL
                        THEN CASE row_number() OVER (
                                      PARTITION BY d.job, d.debounce_key,
                                          v_is_fresh[p_requests[d.event]] AND NOT repeated[d.event] AND d.error IS NULL
                                      ORDER BY d.ordinal DESC)
                                 WHEN 1 THEN 'waiting' ELSE 'debounced' END
                    ELSE CASE v_fired[d.ordinal] WHEN 'f' THEN 'fired' WHEN 't' THEN 'throttled' ELSE 'failed' END
               END AS outcome
        FROM unnest(p_events, p_jobs, p_runs, p_params, p_errors, p_debounce_keys, p_throttle_keys)
             WITH ORDINALITY d(event, job, run, params, error, debounce_key, throttle_key, ordinal)
    ), kept AS (
        INSERT INTO event_pending AS p (job_id, key, event_id, params, throttle_key, first_at, due_at)
        SELECT x.job, x.debounce_key, x.event, x.params::json, x.throttle_key, v_now,
               v_now + h.debounce_ms * interval '1 millisecond'
        FROM judged x JOIN event_handlers h ON h.job_id = x.job
        WHERE x.outcome = 'waiting'
        ORDER BY x.job, x.debounce_key
        ON CONFLICT (job_id, key) DO UPDATE
            SET replaced = p.event_id, event_id = EXCLUDED.event_id, params = EXCLUDED.params,
                throttle_key = EXCLUDED.throttle_key, is_held = false,
                due_at = least(EXCLUDED.due_at, p.first_at + (SELECT h.debounce_max_ms FROM event_handlers h
                                                              WHERE h.job_id = p.job_id) * interval '1 millisecond')
        RETURNING p.job_id, p.replaced
    ), replaced AS (
        UPDATE event_deliveries x SET outcome = 'debounced'
        FROM kept k WHERE x.event_id = k.replaced AND x.job_id = k.job_id AND x.outcome = 'waiting'
    ), told AS (
        INSERT INTO event_deliveries (event_id, job_id, outcome, run_id, error)
        SELECT x.event, x.job, x.outcome, CASE WHEN x.outcome = 'fired' THEN x.run END,
               CASE WHEN x.outcome = 'failed' THEN coalesce(x.error, 'the DAG that it fires was deleted') END
        FROM judged x WHERE x.outcome IS NOT NULL
    )
    SELECT coalesce(array_agg(x.outcome ORDER BY x.ordinal), '{}') INTO outcomes FROM judged x;
END $f$;

-- Fires what waited long enough for further events, as many as there are ids for runs. Answers how many were taken and how
-- many fired, and the milliseconds until more is due.
CREATE OR REPLACE FUNCTION fire_pending(p_runs uuid[], OUT taken int, OUT fired int, OUT pause bigint)
LANGUAGE plpgsql
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
DECLARE
    v_now        timestamptz := clock_timestamp();
    v_due        uuid[];
    v_events     uuid[];
    v_jobs       uuid[];
    v_params     text[];
    v_throttles  text[];
    v_fired      "char"[];
BEGIN
    v_due := ARRAY(
        SELECT DISTINCT x.job_id
        FROM (SELECT p.job_id FROM event_pending p
              WHERE p.due_at <= v_now AND NOT p.is_held ORDER BY p.due_at LIMIT cardinality(p_runs)) x);
    -- Who resumes a handler waits, and finds what is held below.
    PERFORM j.id FROM jobs j WHERE j.id = ANY (v_due) ORDER BY j.id FOR KEY SHARE;
    PERFORM h.job_id FROM event_handlers h WHERE h.job_id = ANY (v_due) ORDER BY h.job_id FOR SHARE;

    WITH due AS MATERIALIZED (
        SELECT p.job_id, p.key FROM event_pending p
        WHERE p.due_at <= v_now AND NOT p.is_held AND p.job_id = ANY (v_due)
        ORDER BY p.due_at LIMIT cardinality(p_runs)
        FOR UPDATE SKIP LOCKED
    ), judged AS MATERIALIZED (
        SELECT d.job_id, d.key, h.is_enabled, j.deleted_at IS NOT NULL OR j.status = 'cancelled' AS is_over
        FROM due d JOIN event_handlers h ON h.job_id = d.job_id JOIN jobs j ON j.id = d.job_id
    ), held AS (
        UPDATE event_pending p SET is_held = true
        FROM judged d WHERE NOT d.is_enabled AND NOT d.is_over AND p.job_id = d.job_id AND p.key = d.key
        RETURNING p.job_id
    ), gone AS (
        DELETE FROM event_pending p USING judged d
        WHERE d.is_over AND p.job_id = d.job_id AND p.key = d.key
        RETURNING p.event_id, p.job_id
    ), told AS (
        UPDATE event_deliveries x SET outcome = 'failed', error = 'its handler was cancelled or deleted before it fired'
        FROM gone g WHERE x.event_id = g.event_id AND x.job_id = g.job_id
    ), firing AS (
        DELETE FROM event_pending p USING judged d
        WHERE d.is_enabled AND p.job_id = d.job_id AND p.key = d.key
        RETURNING p.event_id, p.job_id, p.params, p.throttle_key, p.due_at
    )
    SELECT (SELECT count(*) FROM judged), array_agg(f.event_id ORDER BY f.due_at, f.event_id),
           array_agg(f.job_id ORDER BY f.due_at, f.event_id), array_agg(f.params::text ORDER BY f.due_at, f.event_id),
           array_agg(f.throttle_key ORDER BY f.due_at, f.event_id)
    INTO taken, v_events, v_jobs, v_params, v_throttles
    FROM firing f;

    fired := 0;
    IF v_events IS NOT NULL THEN
        p_runs := p_runs[:cardinality(v_events)];
        v_fired := fire_events(
            v_events, v_jobs, p_runs, v_params, v_throttles, array_fill(true, ARRAY[cardinality(v_events)]));
        UPDATE event_deliveries x
        SET outcome = CASE f.code WHEN 'f' THEN 'fired' WHEN 't' THEN 'throttled' ELSE 'failed' END,
            run_id = CASE WHEN f.code = 'f' THEN f.run END,
            error = CASE WHEN f.code = 'x' THEN 'the DAG that it fires was deleted' END
        FROM unnest(v_events, v_jobs, p_runs, v_fired) f(event, job, run, code)
        WHERE x.event_id = f.event AND x.job_id = f.job;
        fired := cardinality(array_positions(v_fired, 'f'));
    END IF;

    SELECT least(3600000, greatest(0, ceil(extract(epoch FROM p.due_at - clock_timestamp()) * 1000))) INTO pause
    FROM event_pending p WHERE NOT p.is_held ORDER BY p.due_at LIMIT 1;
END $f$;

-- Deletes up to p_limit events that were received longer ago than p_age, with what is told of their deliveries, and as many
-- throttles whose window is over. Answers whether there may be more.
CREATE OR REPLACE FUNCTION purge_events(p_age interval, p_limit int) RETURNS boolean
LANGUAGE plpgsql
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
DECLARE
    v_before  timestamptz := statement_timestamp() - p_age;
    v_old     uuid[];
    v_over    int;
BEGIN
    DELETE FROM event_throttles t WHERE t.ctid = ANY (ARRAY(
        SELECT o.ctid FROM event_throttles o WHERE o.ends_at < statement_timestamp()
        ORDER BY o.ends_at LIMIT p_limit FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS v_over = ROW_COUNT;
    v_old := ARRAY(
        SELECT o.id FROM tenants t
        CROSS JOIN LATERAL (
            SELECT e.id FROM events e
            WHERE e.tenant_id = t.id AND e.received_at < v_before ORDER BY e.received_at LIMIT p_limit) o
        LIMIT p_limit);
    DELETE FROM event_deliveries d WHERE d.event_id = ANY (v_old);
    DELETE FROM events e WHERE e.id = ANY (v_old);
    RETURN v_over = p_limit OR cardinality(v_old) = p_limit;
END $f$;

-- Forgets up to p_limit events that wait for a handler that is deleted, or as many of its throttles; whether there were any.
CREATE OR REPLACE FUNCTION purge_waiting(p_job uuid, p_limit int) RETURNS boolean
LANGUAGE plpgsql
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
BEGIN
    WITH gone AS (
        DELETE FROM event_pending p WHERE p.ctid = ANY (ARRAY(
            SELECT x.ctid FROM event_pending x WHERE x.job_id = p_job LIMIT p_limit FOR UPDATE SKIP LOCKED))
        RETURNING p.event_id
    )
    UPDATE event_deliveries d SET outcome = 'failed', error = 'its handler was cancelled or deleted before it fired'
    FROM gone g WHERE d.event_id = g.event_id AND d.job_id = p_job;
    IF FOUND THEN
        RETURN true;
    END IF;
    DELETE FROM event_throttles t WHERE t.ctid = ANY (ARRAY(
        SELECT x.ctid FROM event_throttles x WHERE x.job_id = p_job LIMIT p_limit));
    RETURN FOUND;
END $f$;

-- Forgets up to p_limit events of a tenant that is deleted; whether there were any.
CREATE OR REPLACE FUNCTION purge_events_of(p_tenant int, p_limit int) RETURNS boolean
LANGUAGE plpgsql
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
DECLARE
    v_ids  uuid[] := ARRAY(SELECT e.id FROM events e WHERE e.tenant_id = p_tenant ORDER BY e.received_at LIMIT p_limit);
BEGIN
    DELETE FROM event_deliveries d WHERE d.event_id = ANY (v_ids);
    DELETE FROM events e WHERE e.id = ANY (v_ids);
    RETURN cardinality(v_ids) > 0;
END $f$;

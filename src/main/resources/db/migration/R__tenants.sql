-- Deleting tenants: hidden first, then taken apart in bounded steps. What comes to be for a tenant holds its row FOR KEY
-- SHARE, as a foreign key would, but asks whether it is hidden too: so nothing comes to be for one once it is.

-- Holds tenants against their deletion until the transaction ends; answers those that are deleted, null where none is. The
-- first one is never deleted, so nothing is held for it and it costs nothing.
CREATE OR REPLACE FUNCTION gone_tenants(p_tenants int[]) RETURNS int[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_asked  int[];
    v_held   int[];
BEGIN
    SELECT array_agg(DISTINCT a.id) INTO v_asked FROM unnest(p_tenants) a(id) WHERE a.id > 1;
    IF v_asked IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(array_agg(h.id), '{}') INTO v_held
    FROM (SELECT t.id FROM tenants t
          WHERE t.id = ANY (v_asked) AND t.deleted_at IS NULL ORDER BY t.id FOR KEY SHARE) h;
    RETURN (SELECT array_agg(a.id) FROM unnest(v_asked) a(id) WHERE a.id <> ALL (v_held));
END $f$;

-- Refuses (OR002) a row of a tenant that is deleted.
CREATE OR REPLACE FUNCTION require_tenant() RETURNS trigger
LANGUAGE plpgsql AS $f$
BEGIN
    IF gone_tenants(ARRAY[NEW.tenant_id]) IS NOT NULL THEN
        RAISE EXCEPTION 'tenant % is deleted', NEW.tenant_id USING ERRCODE = 'OR002';
    END IF;
    RETURN NEW;
END $f$;

-- For whatever refers to a tenant; what does not belongs to something that does.
DO $$
DECLARE
    v_table  regclass;
BEGIN
    FOR v_table IN
        SELECT c.conrelid FROM pg_constraint c WHERE c.contype = 'f' AND c.confrelid = 'tenants'::regclass
    LOOP
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER tenant_is_required BEFORE INSERT ON %s'
            ' FOR EACH ROW WHEN (NEW.tenant_id > 1) EXECUTE FUNCTION require_tenant()', v_table);
    END LOOP;
END $$;

-- Deletes a tenant for everyone at once: 'hidden', 'unknown', or 'default' for the one that stays. What just comes to be for
-- it is waited for.
CREATE OR REPLACE FUNCTION hide_tenant(p_name text) RETURNS text
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_id  int;
BEGIN
    SELECT t.id INTO v_id FROM tenants t WHERE t.name = p_name AND t.deleted_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'unknown';
    ELSIF v_id = 1 THEN
        RETURN 'default';
    END IF;
    UPDATE tenants t SET deleted_at = clock_timestamp() WHERE t.id = v_id;
    RETURN 'hidden';
END $f$;

-- One step of taking hidden tenants apart, the longest hidden first: about p_rows rows, runs counted by their tasks. What runs
-- is cancelled and waited for, and others are gone on with meanwhile. Answers whether anything was done, the nodes that
-- run what is to end, and the queues in which others' tasks became ready.
CREATE OR REPLACE FUNCTION purge_hidden_tenants(p_rows int, OUT purged boolean, OUT nodes uuid[], OUT queues text[])
LANGUAGE plpgsql
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
DECLARE
    v_tenant  int;
    v_run     record;
    v_work    record;
    v_done    int := 0;
    v_ended   uuid[];
    v_open    uuid[];
BEGIN
    purged := true;
    FOR v_tenant IN
        SELECT t.id FROM tenants t
        WHERE t.deleted_at IS NOT NULL ORDER BY t.deleted_at LIMIT 20 FOR UPDATE SKIP LOCKED
    LOOP
        -- Nothing fires any more.
        WITH hidden AS (
            UPDATE jobs j SET deleted_at = clock_timestamp()
            WHERE j.id = ANY (ARRAY(
                SELECT x.id FROM jobs x
                WHERE x.tenant_id = v_tenant AND x.deleted_at IS NULL ORDER BY x.created_at, x.id LIMIT p_rows))
            RETURNING j.id
        ), stopped AS (
            DELETE FROM job_timers t USING hidden h WHERE t.job_id = h.id
        )
        SELECT count(*) INTO v_done FROM hidden;
        IF v_done > 0 THEN
            RETURN;
        END IF;

        -- Cancelling changes more than deleting does.
        FOR v_run IN
            SELECT o.id, o.tasks FROM (
                SELECT r.id, (SELECT d.task_count FROM dags d WHERE d.id = r.dag_id) AS tasks
                FROM unnest(ARRAY['pending', 'running']::run_state[]) s (state)
                CROSS JOIN LATERAL (
                    SELECT * FROM dag_runs x
                    WHERE x.tenant_id = v_tenant AND x.state = s.state ORDER BY x.created_at, x.id
                    LIMIT greatest(1, p_rows / 10)
                ) r) o
            ORDER BY o.id
        LOOP
            SELECT * INTO v_work FROM cancel_work(v_tenant, v_run.id, NULL);
            nodes := nodes || v_work.nodes;
            queues := queues || v_work.queues;
            v_done := v_done + greatest(1, v_run.tasks);
            EXIT WHEN v_done >= p_rows / 10 OR is_long_enough();
        END LOOP;
        IF v_done > 0 THEN
            RETURN;
        END IF;

        FOR v_run IN
            SELECT r.id, (SELECT d.task_count FROM dags d WHERE d.id = r.dag_id) AS tasks
            FROM unnest(ARRAY['succeeded', 'failed', 'cancelled']::run_state[]) s (state)
            CROSS JOIN LATERAL (
                SELECT * FROM dag_runs x
                WHERE x.tenant_id = v_tenant AND x.state = s.state ORDER BY x.created_at, x.id LIMIT p_rows
            ) r
        LOOP
            IF delete_run(v_tenant, v_run.id) = 'deleted' THEN
                v_done := v_done + greatest(1, v_run.tasks);
            END IF;
            EXIT WHEN v_done >= p_rows OR is_long_enough();
        END LOOP;
        IF v_done > 0 OR purge_hidden_jobs(p_rows) THEN
            RETURN;
        END IF;

        -- Single tasks, the oldest first: those that have ended go, the others are to end.
        SELECT array_agg(o.id) FILTER (WHERE o.state >= 'succeeded'),
               array_agg(o.id) FILTER (WHERE o.state < 'succeeded' AND NOT o.is_asked)
        INTO v_ended, v_open
        FROM (SELECT i.id, s.state, q.task_id IS NOT NULL AS is_asked
              FROM (SELECT x.id FROM task_instances x
                    WHERE x.tenant_id = v_tenant AND x.source IS NOT NULL ORDER BY x.tenant_id, x.id
                    LIMIT greatest(1, p_rows / 10)) i
              CROSS JOIN LATERAL (SELECT x.state FROM task_states x WHERE x.id = i.id OFFSET 0) s
              LEFT JOIN LATERAL (SELECT x.task_id FROM cancel_requests x WHERE x.task_id = i.id OFFSET 0) q ON true) o;
        IF v_open IS NOT NULL THEN
            SELECT * INTO v_work FROM cancel_tasks(v_open, NULL, NULL);
            nodes := nodes || v_work.nodes;
            queues := queues || v_work.queues;
            RETURN;
        ELSIF v_ended IS NOT NULL THEN
            -- A cascade that goes on may revive them meanwhile.
            PERFORM hold_slots(v_ended, false);
            PERFORM delete_tasks(ARRAY(
                SELECT u.id FROM unnest(v_ended) u(id)
                CROSS JOIN LATERAL (SELECT x.state FROM task_states x WHERE x.id = u.id OFFSET 0) s
                WHERE s.state >= 'succeeded'));
            RETURN;
        END IF;
        -- What was cancelled may take a while to end.
        CONTINUE WHEN EXISTS (SELECT FROM dag_runs r WHERE r.tenant_id = v_tenant)
            OR EXISTS (SELECT FROM task_instances i WHERE i.tenant_id = v_tenant AND i.source IS NOT NULL)
            OR EXISTS (SELECT FROM jobs j WHERE j.tenant_id = v_tenant AND j.deleted_at IS NOT NULL);

        DELETE FROM letter_redrives r
        WHERE r.ctid = ANY (ARRAY(SELECT x.ctid FROM letter_redrives x WHERE x.tenant_id = v_tenant LIMIT p_rows));
        IF FOUND THEN
            RETURN;
        END IF;
        UPDATE dags d SET deleted_at = clock_timestamp(), is_active = false
        WHERE d.id = ANY (ARRAY(
            SELECT x.id FROM dags x WHERE x.tenant_id = v_tenant AND x.deleted_at IS NULL ORDER BY x.name LIMIT p_rows));
        IF FOUND OR purge_hidden_dags(p_rows) THEN
            RETURN;
        END IF;
        CONTINUE WHEN EXISTS (SELECT FROM dags d WHERE d.tenant_id = v_tenant AND d.deleted_at IS NOT NULL);

        IF purge_events_of(v_tenant, greatest(1, p_rows / 10)) THEN
            RETURN;
        END IF;
        DELETE FROM idempotency_keys k WHERE k.ctid = ANY (ARRAY(
            SELECT x.ctid FROM idempotency_keys x WHERE x.tenant_id = v_tenant LIMIT p_rows));
        IF FOUND THEN
            RETURN;
        END IF;
        DELETE FROM limits l WHERE l.id = ANY (ARRAY(
            SELECT x.id FROM limits x WHERE x.tenant_id = v_tenant LIMIT p_rows));
        IF FOUND THEN
            RETURN;
        END IF;
        DELETE FROM locks l WHERE l.id = ANY (ARRAY(
            SELECT x.id FROM locks x WHERE x.tenant_id = v_tenant LIMIT p_rows));
        IF NOT FOUND THEN
            DELETE FROM tenants t WHERE t.id = v_tenant;
        END IF;
        RETURN;
    END LOOP;
    purged := false;
END $f$;

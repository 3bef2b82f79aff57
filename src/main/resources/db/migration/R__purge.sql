-- Deleting DAGs in bounded steps: hidden first, then taken apart with their runs.

-- Hides a DAG, so that purge_hidden_dags can take it apart: 'hidden', 'active' (runs have not ended) or 'unknown'.
-- Creating a run holds the DAG's row FOR KEY SHARE: it is waited for here, and its run then seen.
CREATE OR REPLACE FUNCTION hide_dag(p_tenant int, p_dag uuid) RETURNS text
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    PERFORM d.id FROM dags d
    WHERE d.id = p_dag AND d.tenant_id = p_tenant AND d.deleted_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'unknown';
    END IF;
    IF EXISTS (SELECT FROM dag_runs r
               WHERE r.tenant_id = p_tenant AND r.dag_id = p_dag AND r.state IN ('pending', 'running', 'cancelling')) THEN
        RETURN 'active';
    END IF;
    UPDATE dags d SET deleted_at = clock_timestamp(), is_active = false WHERE d.id = p_dag;
    RETURN 'hidden';
END $f$;

-- Takes one hidden DAG apart: some of its runs (about p_tasks tasks), else one of its versions, else the DAG itself.
-- Answers whether there was anything to do.
CREATE OR REPLACE FUNCTION purge_hidden_dags(p_tasks int) RETURNS boolean
LANGUAGE plpgsql
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
DECLARE
    v_dag     uuid;
    v_tenant  int;
    v_tasks   int;
    v_runs    int;
BEGIN
    SELECT d.id, d.tenant_id, d.task_count INTO v_dag, v_tenant, v_tasks FROM dags d
    WHERE d.deleted_at IS NOT NULL ORDER BY d.deleted_at LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT count(*) FILTER (WHERE r.verdict = 'deleted') INTO v_runs
    FROM (SELECT delete_run(v_tenant, x.id) AS verdict
          FROM (SELECT y.id FROM dag_runs y WHERE y.dag_id = v_dag ORDER BY y.created_at, y.id
                LIMIT greatest(1, p_tasks / v_tasks)) x) r;
    IF v_runs > 0 THEN
        RETURN true;
    END IF;
    DELETE FROM dag_versions v
    WHERE v.id = (SELECT x.id FROM dag_versions x WHERE x.dag_id = v_dag ORDER BY x.version LIMIT 1);
    IF NOT FOUND THEN
        DELETE FROM dags d WHERE d.id = v_dag;
    END IF;
    RETURN true;
END $f$;

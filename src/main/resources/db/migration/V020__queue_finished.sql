-- The queue for several tenants, and its settings for those who submit by SQL.

-- The lines that a tenant's DAGs and single tasks have named; the first tenant sees all there are. Those of a deleted DAG stay.
CREATE TABLE tenant_queues (
    tenant_id  int NOT NULL REFERENCES tenants ON DELETE CASCADE,
    name       text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, name)
);
INSERT INTO tenant_queues (tenant_id, name)
SELECT i.tenant_id, i.queue FROM task_instances i
WHERE i.source IS NOT NULL AND i.tenant_id > 1 AND NOT starts_with(i.queue, 'agent/')
UNION
SELECT d.tenant_id, t.queue
FROM dags d
JOIN dag_versions v ON v.dag_id = d.id AND v.version = d.version
JOIN dag_tasks t ON t.version_id = v.id
WHERE d.tenant_id > 1 AND d.deleted_at IS NULL AND NOT starts_with(t.queue, 'agent/');

-- What the leading node last told of its settings, for those who submit by SQL. One row.
CREATE TABLE queue_settings (
    is_only           boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    max_dependencies  int NOT NULL CHECK (max_dependencies >= 0),
    max_depth         int NOT NULL CHECK (max_depth >= 0)
);
INSERT INTO queue_settings (max_dependencies, max_depth) VALUES (50, 10);

ALTER TABLE user_submissions ADD COLUMN waits boolean[];

-- Tenants that people make and delete. One that is being deleted is hidden first (deleted_at), which frees its name, and
-- loses what it has in bounded steps.

ALTER TABLE tenants DROP CONSTRAINT tenants_name_key;
ALTER TABLE tenants ADD COLUMN deleted_at timestamptz;
CREATE UNIQUE INDEX tenants_name ON tenants (name) WHERE deleted_at IS NULL;
CREATE INDEX tenants_deleted ON tenants (deleted_at) WHERE deleted_at IS NOT NULL;

-- A lock that goes with its tenant is looked for among what names locks.
CREATE INDEX dag_versions_of_lock ON dag_versions (lock_id) WHERE lock_id IS NOT NULL;
CREATE INDEX dag_tasks_of_lock ON dag_tasks (lock_id) WHERE lock_id IS NOT NULL;

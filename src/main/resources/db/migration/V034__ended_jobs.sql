-- Jobs that will never fire again go when the last of their executions has gone; see purge_old_runs.
CREATE INDEX jobs_ended ON jobs (coalesce(completed_at, cancelled_at))
    WHERE deleted_at IS NULL AND coalesce(completed_at, cancelled_at) IS NOT NULL;

-- Lists of executions by when they began and by when they were made.

-- Of one that runs its begin is noted soon after, as its end is.
CREATE INDEX job_executions_begun ON job_executions (tenant_id, started_at, id) WHERE started_at IS NOT NULL;
CREATE INDEX job_executions_begun_of_job ON job_executions (job_id, started_at, id) WHERE started_at IS NOT NULL;
CREATE INDEX job_executions_made ON job_executions (tenant_id, created_at, id);
CREATE INDEX job_executions_made_of_job ON job_executions (job_id, created_at, id);

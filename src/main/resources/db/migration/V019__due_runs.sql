-- What a schedule makes is prepared a moment before its due time and committed at it: runs, their tasks and executions are
-- created at their due time at the earliest, by the functions that make them.
COMMENT ON COLUMN job_executions.created_at IS 'when it was made, for a due time not before that';

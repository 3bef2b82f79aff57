-- A node that traces is told since when what it claims was ready.
COMMENT ON COLUMN task_ready.ready_at IS
    'since when a single task is ready; of a task of a run its latest start tells it, where no deadline has put that forward';

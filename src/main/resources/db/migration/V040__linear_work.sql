-- The functions that go through many tasks at once are told not to read tables from end to end: R__task_calls and others.
COMMENT ON TABLE user_submissions IS 'what a transaction has submitted and makes as it commits; its numbers are 1 to how many there are, in some order';

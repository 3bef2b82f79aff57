-- Whoever tells why a task waits for a rate asks the bucket itself; see explain_limit.
COMMENT ON COLUMN limits.due_at IS 'when somebody has to look whether more may be claimed; not when the next token is there';

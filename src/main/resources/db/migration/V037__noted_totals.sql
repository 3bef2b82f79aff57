-- Tasks with a totalTimeout that have begun and wait once more: when it is to be looked next whether their time is over. '-infinity' is
-- as soon as may be. A row may be of a task that no longer waits; who looks puts it away.
CREATE TABLE total_waits (
    task_id  uuid PRIMARY KEY,
    due_at   timestamptz NOT NULL DEFAULT '-infinity'
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX total_waits_due ON total_waits (due_at);

-- Notes a task that has begun and waits once more, in the transaction by which it comes to wait: whichever way it came there.
CREATE FUNCTION note_total() RETURNS trigger
LANGUAGE plpgsql AS $f$
BEGIN
    IF NEW.version_id = 0 THEN
        PERFORM FROM task_instances i WHERE i.id = NEW.id AND i.definition ->> 'totalTimeout' IS NOT NULL;
    ELSE
        PERFORM FROM dag_tasks t
        WHERE t.version_id = NEW.version_id AND t.task_no = task_no_of(NEW.id) AND t.total_timeout_ms IS NOT NULL;
    END IF;
    IF FOUND THEN
        INSERT INTO total_waits (task_id) VALUES (NEW.id) ON CONFLICT (task_id) DO UPDATE SET due_at = '-infinity';
    END IF;
    RETURN NULL;
END $f$;
CREATE TRIGGER total_is_noted AFTER INSERT ON task_ready FOR EACH ROW WHEN (NEW.attempt > 0) EXECUTE FUNCTION note_total();
CREATE TRIGGER total_is_noted AFTER INSERT ON lock_waits FOR EACH ROW WHEN (NEW.attempt > 0) EXECUTE FUNCTION note_total();

-- Those that wait already: nobody comes to wait until this is committed.
INSERT INTO total_waits (task_id)
SELECT r.id FROM task_ready r WHERE r.attempt > 0
UNION SELECT w.id FROM lock_waits w WHERE w.attempt > 0;

-- Nobody goes through all that have begun and wait any more.
DROP INDEX task_ready_begun;
DROP INDEX lock_waits_begun;

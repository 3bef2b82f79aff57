package dev.orrery.store;

import java.util.List;
import java.util.stream.Stream;

/**
 * What must hold of a database at any moment: each check is one statement, and so one snapshot, that answers what breaks
 * it. What may be many is gone through in parts, from the newest on: then {@code $1} and {@code $2} are the ids between which a part
 * lies, the first of them not in it. So no statement reads much, and none keeps an old state of the database alive for long; what is
 * looked up for a row is looked up one by one ({@code OFFSET 0}), since the planner would rather read a whole table.
 */
final class DoctorChecks {

    /** What helps where rows contradict each other: they do so by a fault of ours, or because somebody wrote by hand. */
    private static final String REPORT =
            "no running node mends this, and nothing is lost by waiting: keep a copy (pg_dump), report"
                    + " it with the examples";

    private static final String REPORT_TASK = REPORT + "; to have the work done, cancel the task and submit it anew";

    /** By what a check goes through the database. */
    enum Parts {
        /** It reads little, and is made at once. */
        NONE(0, "", ""),
        /** By all tasks. */
        TASKS(20_000, "tasks", """
                SELECT i.id FROM task_instances i WHERE i.id <= $1::uuid ORDER BY i.id DESC OFFSET %1$d LIMIT 1
                """),
        /** By tasks that have not ended: wherever such a one can stand, but for claims, of which there are few. */
        OPEN_TASKS(20_000, "open tasks", """
                SELECT x.id
                FROM ((SELECT w.id FROM task_wait w WHERE w.id <= $1::uuid ORDER BY w.id DESC LIMIT %1$d + 1)
                      UNION ALL
                      (SELECT t.ref FROM task_timers t WHERE t.ref <= $1::uuid ORDER BY t.ref DESC LIMIT %1$d + 1)
                      UNION ALL
                      (SELECT r.id FROM task_ready r WHERE r.id <= $1::uuid ORDER BY r.id DESC LIMIT %1$d + 1)
                      UNION ALL
                      (SELECT k.id FROM lock_waits k WHERE k.id <= $1::uuid ORDER BY k.id DESC LIMIT %1$d + 1)
                      UNION ALL
                      (SELECT p.task_id FROM task_parents p WHERE p.task_id <= $1::uuid ORDER BY p.task_id DESC LIMIT %1$d + 1)) x
                ORDER BY x.id DESC OFFSET %1$d LIMIT 1
                """),
        /**
         * By dependencies that are not met: also of tasks that were cancelled while they waited, of which there may be very many.
         * Those of one task stay together, a thousand at most.
         */
        DEPENDENCIES(20_000, "unmet dependencies", """
                SELECT d.dependent_id FROM task_dependencies d
                WHERE d.dependent_id < $1::uuid AND d.resolved_at IS NULL
                ORDER BY d.dependent_id DESC OFFSET %1$d LIMIT 1
                """),
        /** By the tasks that have unique keys. */
        KEYS(20_000, "unique keys", """
                SELECT u.task_id FROM unique_keys u WHERE u.task_id <= $1::uuid ORDER BY u.task_id DESC OFFSET %1$d LIMIT 1
                """),
        /** By all runs; each may have many tasks. */
        RUNS(1_000, "runs", """
                SELECT r.id FROM dag_runs r WHERE r.id <= $1::uuid ORDER BY r.id DESC OFFSET %1$d LIMIT 1
                """);

        final int size;
        final String what;

        private final String boundSql;

        Parts(int size, String what, String boundSql) {
            this.size = size;
            this.what = what;
            this.boundSql = boundSql;
        }

        /**
         * Answers the id below which the next part begins, of a part up to {@code $1} with this many rows; nothing where it is the
         * last one.
         */
        String boundSql(int rows) {
            return boundSql.formatted(rows);
        }
    }

    record Check(String name, String meaning, String cure, Parts parts, String sql) {}

    // language=PostgreSQL
    private static final String OPEN_CLAIMS = """
            open AS MATERIALIZED (
                SELECT m.id, m.attempt, b.node_id, b.fence
                FROM claim_batches b
                CROSS JOIN LATERAL unnest(b.ids, b.attempts) m(id, attempt)
                LEFT JOIN task_attempts a ON a.task_id = m.id AND a.attempt = m.attempt
                WHERE a.outcome IS NULL
            )
            """;

    // language=PostgreSQL
    private static final String OPEN_CLAIMS_OF_PART =
            OPEN_CLAIMS.replace("WHERE", "WHERE m.id > $1::uuid AND m.id <= $2::uuid AND");

    // language=PostgreSQL
    private static final String PLACES = OPEN_CLAIMS_OF_PART + """
            , place AS MATERIALIZED (
                SELECT id, 'blocked' AS name FROM task_wait WHERE id > $1::uuid AND id <= $2::uuid
                UNION ALL SELECT ref, 'timer' FROM task_timers WHERE ref > $1::uuid AND ref <= $2::uuid
                UNION ALL SELECT id, 'ready' FROM task_ready WHERE id > $1::uuid AND id <= $2::uuid
                UNION ALL SELECT id, 'kept back by a limit or lock' FROM lock_waits WHERE id > $1::uuid AND id <= $2::uuid
                UNION ALL SELECT task_id, 'waiting for children' FROM task_parents
                          WHERE open IS NOT NULL AND task_id > $1::uuid AND task_id <= $2::uuid
                UNION ALL SELECT id, 'claimed' FROM open
            )
            """;

    // language=PostgreSQL
    private static final String LAST = """
            LEFT JOIN LATERAL (
                SELECT x.state FROM task_attempts x WHERE x.task_id = %s ORDER BY x.attempt DESC LIMIT 1) %s ON true
            """;

    /** What must hold at any moment, whoever works and whatever fails. */
    static final List<Check> INVARIANTS = List.of(
            new Check(
                    "one-place",
                    "a task that has not ended stands in one place: blocked, ready, kept back, waiting or claimed; in two, it"
                            + " can run twice",
                    REPORT_TASK,
                    Parts.OPEN_TASKS,
                    "WITH " + PLACES + """
                    SELECT p.id || ' is ' || string_agg(p.name, ' and ' ORDER BY p.name)
                    FROM place p GROUP BY p.id HAVING count(*) > 1
                    """),
            new Check(
                    "ended-and-open",
                    "a task that has ended stands in no queue, else it runs again",
                    REPORT_TASK,
                    Parts.OPEN_TASKS,
                    "WITH " + PLACES + """
                    SELECT p.id || ' is ' || a.state || ' and ' || p.name FROM place p
                    """ + LAST.formatted("p.id", "a") + "WHERE a.state >= 'succeeded'"),
            new Check(
                    "place-without-task",
                    "what stands in a queue is a task",
                    "the row is left of a task that was deleted; a node that meets it gives it up by itself. " + REPORT,
                    Parts.OPEN_TASKS,
                    "WITH " + PLACES + """
                    SELECT p.id || ' is ' || p.name FROM place p
                    WHERE NOT EXISTS (SELECT FROM task_instances i WHERE i.id = p.id OFFSET 0)
                    """),
            new Check(
                    "lost-tasks",
                    "a task that has not ended stands somewhere; nowhere, it waits for ever",
                    "cancel the task ('orrery task cancel ID', or its run) and submit it anew; " + REPORT,
                    Parts.TASKS,
                    "WITH " + OPEN_CLAIMS_OF_PART + """
                    SELECT i.id || ' of the queue ' || i.queue FROM task_instances i
                    """ + LAST.formatted("i.id", "a") + """
                    WHERE i.id > $1::uuid AND i.id <= $2::uuid AND coalesce(a.state < 'succeeded', true)
                      AND NOT EXISTS (SELECT FROM task_ready r WHERE r.id = i.id OFFSET 0)
                      AND NOT EXISTS (SELECT FROM task_wait w WHERE w.id = i.id OFFSET 0)
                      AND NOT EXISTS (SELECT FROM task_timers t WHERE t.ref = i.id OFFSET 0)
                      AND NOT EXISTS (SELECT FROM lock_waits k WHERE k.id = i.id OFFSET 0)
                      AND NOT EXISTS (SELECT FROM task_parents c WHERE c.task_id = i.id AND c.open IS NOT NULL OFFSET 0)
                      AND NOT EXISTS (SELECT FROM open o WHERE o.id = i.id)
                    """),
            new Check(
                    "letters",
                    "a task that failed for good has its dead letter, else nobody hears of it",
                    "send the task back by hand ('orrery task retry ID'); " + REPORT,
                    Parts.TASKS,
                    """
                    SELECT a.task_id || ', attempt ' || a.attempt FROM task_attempts a
                    WHERE a.task_id > $1::uuid AND a.task_id <= $2::uuid AND a.state IN ('failed', 'timed_out')
                      AND NOT EXISTS (
                          SELECT FROM dead_letters d WHERE d.task_id = a.task_id AND d.attempt = a.attempt OFFSET 0)
                    """),
            new Check(
                    "letters-open",
                    "an open dead letter is of a task that failed for good; else one is sent back that goes on already",
                    "discard the letter ('orrery dead-letter discard ID'); " + REPORT,
                    Parts.TASKS,
                    """
                    SELECT d.id || ' of task ' || d.task_id || ', which is ' || coalesce(a.state::text, 'new') FROM dead_letters d
                    """ + LAST.formatted("d.task_id", "a") + """
                    WHERE d.task_id > $1::uuid AND d.task_id <= $2::uuid AND d.state = 'open'
                      AND a.state IS DISTINCT FROM 'failed' AND a.state IS DISTINCT FROM 'timed_out'
                    """),
            new Check(
                    "waits-counted",
                    "a blocked single task counts the dependencies that have not succeeded; counted wrongly, it begins too soon"
                            + " or never",
                    REPORT_TASK,
                    Parts.OPEN_TASKS,
                    """
                    SELECT w.id || ' counts ' || w.unmet || ', open are ' || d.open FROM task_wait w
                    CROSS JOIN LATERAL (
                        SELECT count(*) AS open FROM task_dependencies x
                        WHERE x.dependent_id = w.id AND x.resolved_at IS NULL) d
                    WHERE w.id > $1::uuid AND w.id <= $2::uuid AND is_single(w.id) AND w.unmet <> d.open
                    """),
            new Check(
                    "upstreams-counted",
                    "a blocked task of a run counts the upstreams that have not succeeded",
                    "cancel the run and start it anew; " + REPORT,
                    Parts.OPEN_TASKS,
                    """
                    SELECT w.id || ' counts ' || w.unmet || ', open are ' || d.open FROM task_wait w
                    CROSS JOIN LATERAL (
                        SELECT count(*) AS open FROM dag_edges e
                    """ + LAST.formatted("instance_id(run_of(w.id), e.upstream_no)", "a") + """
                        WHERE e.version_id = w.version_id AND e.downstream_no = task_no_of(w.id)
                          AND a.state IS DISTINCT FROM 'succeeded') d
                    WHERE w.id > $1::uuid AND w.id <= $2::uuid AND NOT is_single(w.id) AND w.unmet <> d.open
                    """),
            new Check(
                    "waits-for-failed",
                    "no task waits for one that failed or was cancelled: it is cancelled with it",
                    "cancel the waiting task, or retry the one it waits for; " + REPORT,
                    Parts.DEPENDENCIES,
                    """
                    SELECT d.dependent_id || ' waits for ' || d.prerequisite_id || ', which is ' || a.state
                    FROM task_dependencies d
                    """ + LAST.formatted("d.prerequisite_id", "a") + """
                    WHERE d.dependent_id > $1::uuid AND d.dependent_id <= $2::uuid
                      AND d.resolved_at IS NULL AND a.state > 'succeeded'
                      AND EXISTS (SELECT FROM task_wait w WHERE w.id = d.dependent_id OFFSET 0)
                      AND NOT EXISTS (SELECT FROM task_cascades c WHERE c.prerequisite_id = d.prerequisite_id)
                    """),
            new Check(
                    "edges-resolved",
                    "a dependency on a task that has succeeded is met; left open, the dependent waits for ever",
                    REPORT_TASK,
                    Parts.DEPENDENCIES,
                    """
                    SELECT d.dependent_id || ' waits for ' || d.prerequisite_id || ', which has succeeded'
                    FROM task_dependencies d
                    """ + LAST.formatted("d.prerequisite_id", "a") + """
                    WHERE d.dependent_id > $1::uuid AND d.dependent_id <= $2::uuid
                      AND d.resolved_at IS NULL AND a.state = 'succeeded'
                      AND NOT EXISTS (SELECT FROM task_cascades c WHERE c.prerequisite_id = d.prerequisite_id)
                    """),
            new Check(
                    "edges-go-down",
                    "a task lies deeper than all that it waits for: so dependencies form no circle",
                    "cancel one task of the circle; " + REPORT,
                    Parts.DEPENDENCIES,
                    """
                    SELECT d.dependent_id || ' waits for ' || d.prerequisite_id || ' and is no deeper'
                    FROM task_dependencies d
                    CROSS JOIN LATERAL (SELECT i.depth FROM task_instances i WHERE i.id = d.dependent_id OFFSET 0) t
                    CROSS JOIN LATERAL (SELECT i.depth FROM task_instances i WHERE i.id = d.prerequisite_id OFFSET 0) p
                    WHERE d.dependent_id > $1::uuid AND d.dependent_id <= $2::uuid AND d.resolved_at IS NULL
                      AND t.depth <= p.depth
                    """),
            new Check(
                    "unique-keys",
                    "a unique key belongs to a task that has not ended, else nobody can have it any more",
                    REPORT + "; until then submit with another key",
                    Parts.KEYS,
                    """
                    SELECT u.key || ' is held by ' || u.task_id || coalesce(', which is ' || a.state, ', which is gone')
                    FROM unique_keys u
                    LEFT JOIN LATERAL (SELECT x.id FROM task_instances x WHERE x.id = u.task_id OFFSET 0) i ON true
                    """ + LAST.formatted("i.id", "a")
                            + "WHERE u.task_id > $1::uuid AND u.task_id <= $2::uuid AND (i.id IS NULL OR a.state >= 'succeeded')"),
            new Check(
                    "children-counted",
                    "a task that waits for its children counts those that have not ended",
                    REPORT_TASK,
                    Parts.OPEN_TASKS,
                    """
                    SELECT p.task_id || ' counts ' || p.open || ', open are ' || c.open FROM task_parents p
                    CROSS JOIN LATERAL (
                        SELECT count(*) AS open FROM task_instances t
                    """ + LAST.formatted("t.id", "a") + """
                        WHERE t.parent_id = p.task_id AND coalesce(a.state < 'succeeded', true)) c
                    WHERE p.task_id > $1::uuid AND p.task_id <= $2::uuid AND p.open <> c.open
                    """),
            new Check(
                    "claims-counted",
                    "a batch of claims counts those that are open; counted wrongly, it is never put away",
                    REPORT,
                    Parts.NONE,
                    "WITH " + OPEN_CLAIMS + """
                    SELECT 'batch ' || b.fence || ' of node ' || b.node_id || ' counts ' || b.open_count || ', open are '
                           || coalesce(c.open, 0)
                    FROM claim_batches b
                    LEFT JOIN (SELECT o.fence, count(*) AS open FROM open o GROUP BY o.fence) c ON c.fence = b.fence
                    WHERE b.open_count <> coalesce(c.open, 0)
                    """),
            new Check(
                    "claims-of-the-dead",
                    "what a dead node had claimed is given to others within seconds",
                    "see that a node works: the others take back what a dead one had, within seconds of its last heartbeat",
                    Parts.NONE,
                    """
                    SELECT 'batch ' || b.fence || ' of node ' || b.node_id
                           || CASE WHEN n.id IS NULL THEN ', which is unknown'
                                   WHEN n.fenced_at IS NOT NULL THEN ', given up at ' || n.fenced_at
                                   ELSE ', silent since ' || n.beat_at END
                    FROM claim_batches b LEFT JOIN nodes n ON n.id = b.node_id
                    WHERE n.id IS NULL OR n.fenced_at < clock_timestamp() - interval '1 minute'
                       OR (n.fenced_at IS NULL AND n.mode <> 'remote'
                           AND n.beat_at < clock_timestamp() - interval '1 minute')
                    """),
            new Check(
                    "cancels",
                    "who is asked to end is claimed; else the request is never answered",
                    REPORT,
                    Parts.NONE,
                    "WITH " + OPEN_CLAIMS + """
                    SELECT c.task_id || ' under fence ' || c.fence FROM cancel_requests c
                    WHERE NOT EXISTS (SELECT FROM open o WHERE o.id = c.task_id)
                    """),
            new Check(
                    "run-counters",
                    "a run counts its tasks that have not ended; counted wrongly, it ends too soon or never",
                    "cancel the run and start it anew; " + REPORT,
                    Parts.RUNS,
                    """
                    SELECT r.id || ' counts ' || r.remaining || ' open, ' || r.failed || ' failed, ' || r.cancelled
                           || ' cancelled; its tasks are ' || c.open || ', ' || c.failed || ', ' || c.cancelled
                    FROM dag_runs r
                    CROSS JOIN LATERAL (
                        SELECT count(*) FILTER (WHERE coalesce(a.state < 'succeeded', true)) AS open,
                               count(*) FILTER (WHERE a.state IN ('failed', 'timed_out')) AS failed,
                               count(*) FILTER (WHERE a.state = 'cancelled') AS cancelled
                        FROM task_instances i
                    """ + LAST.formatted("i.id", "a") + """
                        WHERE i.run_id = r.id) c
                    WHERE r.id > $1::uuid AND r.id <= $2::uuid AND r.state IN ('pending', 'running', 'cancelling')
                      AND (r.remaining, r.failed, r.cancelled) IS DISTINCT FROM (c.open, c.failed, c.cancelled)
                    """),
            new Check(
                    "limits-held",
                    "what is counted against a limit is claimed; else places are lost until somebody frees them",
                    REPORT + "; until then raise the limit",
                    Parts.NONE,
                    "WITH " + OPEN_CLAIMS + """
                    SELECT h.task_id || ' holds a place of limit ' || h.limit_id FROM limit_holders h
                    WHERE NOT EXISTS (SELECT FROM open o WHERE o.id = h.task_id)
                    """),
            new Check(
                    "locks-held",
                    "a lock is held by a task or run that has not ended",
                    REPORT,
                    Parts.NONE,
                    """
                    SELECT 'lock ' || l.name || ' is held by ' || l.holder FROM locks l
                    LEFT JOIN LATERAL (SELECT x.id, x.completed_at FROM dag_runs x WHERE x.id = l.holder OFFSET 0) r ON true
                    LEFT JOIN LATERAL (SELECT x.id FROM task_instances x WHERE x.id = l.holder OFFSET 0) i ON true
                    """ + LAST.formatted("i.id", "a") + """
                    WHERE l.holder IS NOT NULL
                      AND ((r.id IS NULL AND i.id IS NULL) OR r.completed_at IS NOT NULL OR a.state >= 'succeeded')
                    """),
            new Check(
                    "waits-for-limits",
                    "who is kept back waits for a limit or lock that exists",
                    REPORT_TASK,
                    Parts.OPEN_TASKS,
                    """
                    SELECT w.id || ' waits for ' || w.lock_id FROM lock_waits w
                    WHERE w.id > $1::uuid AND w.id <= $2::uuid AND NOT EXISTS (SELECT FROM limits l WHERE l.id = w.lock_id OFFSET 0)
                      AND NOT EXISTS (SELECT FROM locks l WHERE l.id = w.lock_id OFFSET 0)
                    """),
            new Check("ready-unseen", "claims look wherever ready tasks stand", REPORT_TASK, Parts.OPEN_TASKS, """
                    SELECT r.id || ' in the queue ' || r.queue || ', generation ' || r.generation FROM task_ready r
                    WHERE r.id > $1::uuid AND r.id <= $2::uuid AND NOT EXISTS (
                        SELECT FROM ready_generations g
                        WHERE g.generation = r.generation AND g.queue IN ('', r.queue) AND g.starts_from <= r.latest_start)
                    """));

    /** What holds while all goes well. */
    private static final List<Check> WELL = List.of(
            new Check(
                    "limits-kept",
                    "no limit has more holders than it allows",
                    "it evens out as tasks end, where the limit was lowered meanwhile; else " + REPORT,
                    Parts.NONE,
                    """
                    SELECT t.kind || ' ' || t.name || ' allows ' || t.max_running || ' and has ' || count(*)
                    FROM limit_terms t JOIN limit_holders h ON h.limit_id = t.id
                    GROUP BY t.id, t.kind, t.name, t.max_running HAVING count(*) > t.max_running
                    """),
            new Check(
                    "letters-told",
                    "of a new dead letter handlers of events and the webhook for alerts are told within seconds",
                    "see whether a node leads (the check nodes, in a cluster etcd-leader); else the leader's log says why: 'a chore"
                            + " failed', chore=news of dead letters",
                    Parts.NONE,
                    """
                    SELECT 'the letter ' || f.id || ' of ' || date_trunc('second', f.created_at) || ' is the oldest of '
                           || CASE WHEN n.many > 1000 THEN 'more than 1000' ELSE n.many::text END || ' that nobody was told of'
                    FROM (SELECT d.id, d.created_at FROM dead_letters d WHERE NOT d.is_announced ORDER BY d.id LIMIT 1) f
                    CROSS JOIN (SELECT count(*) AS many FROM (
                                    SELECT FROM dead_letters d WHERE NOT d.is_announced ORDER BY d.id LIMIT 1001) x) n
                    WHERE f.created_at < clock_timestamp() - interval '1 minute'
                    """),
            new Check(
                    "letter-alerts",
                    "the webhook for alerts takes what it is told of dead letters; what it does not take is kept and sent again",
                    "see what answers at dead-letters.webhook-url; the leader's log says why it takes nothing"
                            + " (event=letter_alert_failed), the settings dead-letters.webhook-allow and -timeout may be the"
                            + " reason. Where nothing is sent, no node leads, or the leader's settings name no webhook; if that is"
                            + " meant, forget what waits: DELETE FROM orrery.letter_alert_groups, and UPDATE orrery.letter_alert"
                            + " SET id = NULL, body = NULL, tries = 0",
                    Parts.NONE,
                    """
                    SELECT 'the alert ' || a.id || ', of ' || coalesce(left(a.body::json->>'timestamp', 19), '?') || 'Z, was sent '
                           || a.tries || ' times and not taken; it is sent again at ' || date_trunc('second', a.due_at)
                    FROM letter_alert a
                    WHERE a.id IS NOT NULL AND a.tries >= 4 AND a.due_at >= clock_timestamp() - interval '2 minutes'
                    UNION ALL
                    SELECT 'nothing has been sent since ' || date_trunc('second', a.due_at) || ', and '
                           || CASE WHEN a.id IS NULL THEN '' ELSE 'an alert and ' END || coalesce(g.letters, 0)
                           || ' letters wait to be told of'
                    FROM letter_alert a
                    CROSS JOIN (SELECT sum(x.letters) AS letters, min(x.first_at) AS first_at FROM letter_alert_groups x) g
                    WHERE a.due_at < clock_timestamp() - interval '2 minutes'
                      AND (a.id IS NOT NULL OR g.first_at < clock_timestamp() - interval '2 minutes')
                    """));

    static final List<Check> ALL =
            Stream.concat(INVARIANTS.stream(), WELL.stream()).toList();

    private DoctorChecks() {}
}

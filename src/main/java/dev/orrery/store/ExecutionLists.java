package dev.orrery.store;

import java.util.regex.Pattern;

/**
 * The statements that read executions, newest first by one of their times.
 *
 * @param all of a tenant
 * @param bad of a tenant, those that ended in one way which is not success
 * @param ofTrace of a tenant, those of one trace
 * @param ofJob of a job
 * @param badOfJob of a job, those that ended in one way which is not success
 */
record ExecutionLists(String all, String bad, String ofTrace, String ofJob, String badOfJob) {

    private static final Pattern BY_OUTCOME = Pattern.compile("\\(\\$(\\d)::text IS NULL OR e\\.outcome = \\$\\1\\)");

    // An execution of one task is told by that task, one of a DAG by its run.
    private static final String COLUMNS = """
            e.id, e.job_id, e.scheduled_at, e.created_at, e.cause, e.event_id, e.outcome, e.traceparent, r.state AS run_state,
                   coalesce(e.started_at, r.started_at) AS started_at, r.completed_at, t.state AS task_state, t.attempt, t.error,
                   t.progress, t.next_attempt_at, t.node_id, t.worker_no, j.max_retries, j.metadata::text AS metadata,
                   NULL::timestamptz AS skipped_until, NULL::int AS skipped_fires, NULL::text AS reason""";

    private static final String JOINED = """
            JOIN jobs j ON j.id = e.job_id AND j.deleted_at IS NULL
            JOIN dag_runs r ON r.id = e.id
            JOIN dags d ON d.id = r.dag_id
            LEFT JOIN LATERAL (SELECT s.* FROM task_states s WHERE s.id = instance_id(e.id, 1) AND d.is_internal OFFSET 0) t
                ON true""";

    // language=PostgreSQL
    static final String GET = """
            SELECT %s, o.output::text AS output
            FROM job_executions e
            %s
            LEFT JOIN task_outputs o ON o.task_id = instance_id(e.id, 1) AND o.attempt = t.attempt AND d.is_internal
            WHERE e.tenant_id = $1 AND e.id = $2
            """.formatted(COLUMNS, JOINED);

    private static final String FOUND_OF_JOB = """
            SELECT e.* FROM job_executions e
                WHERE e.tenant_id = $1 AND e.job_id = $2 AND e.scheduled_at IS NOT NULL
                  AND ($3::timestamptz IS NULL OR e.scheduled_at >= $3)
                  AND ($4::timestamptz IS NULL OR e.scheduled_at < $4)
                  AND ($5::timestamptz IS NULL OR (e.scheduled_at, e.id) < ($5, $6::uuid))
                  AND ($7::text IS NULL OR e.outcome = $7)
                  AND ($8::text IS NULL OR e.outcome IS NULL AND EXISTS (
                      SELECT FROM dag_runs r
                      WHERE r.id = e.id AND ($8 = 'running') = (r.state IN ('running', 'cancelling')) AND r.state < 'succeeded'))
                  AND NOT $9
                ORDER BY e.scheduled_at DESC, e.id DESC
                LIMIT $10""";

    // What was left out stands between what was done, one entry for each row of due times.
    // language=PostgreSQL
    static final String LIST_OF_JOB = """
            WITH found AS MATERIALIZED (
                %s
            ), left_out AS MATERIALIZED (
                SELECT ('00000000-0000-8000-8000-' || lpad(to_hex(s.id), 12, '0'))::uuid AS id,
                       s.job_id, s.first_at, s.last_at, s.fires, s.reason, s.created_at
                FROM job_skips s
                WHERE s.job_id = $2 AND ($9 OR $7 IS NULL AND $8 IS NULL)
                  AND EXISTS (SELECT FROM jobs j WHERE j.id = $2 AND j.tenant_id = $1 AND j.deleted_at IS NULL)
                  AND ($3 IS NULL OR s.first_at >= $3) AND ($4 IS NULL OR s.first_at < $4)
                  AND ($5 IS NULL OR s.first_at < $5
                       OR s.first_at = $5
                          AND ('00000000-0000-8000-8000-' || lpad(to_hex(s.id), 12, '0'))::uuid < $6)
                ORDER BY s.first_at DESC, s.id DESC
                LIMIT $10
            )
            SELECT * FROM (
                SELECT %s FROM found e
                %s
                UNION ALL
                SELECT l.id, l.job_id, l.first_at, l.created_at, 'schedule', NULL, 'skipped', NULL, NULL, NULL, NULL, NULL, NULL,
                       NULL, NULL, NULL, NULL, NULL, 0, NULL, l.last_at, l.fires, l.reason
                FROM left_out l
            ) x
            ORDER BY x.scheduled_at DESC, x.id DESC
            LIMIT $10
            """.formatted(FOUND_OF_JOB, COLUMNS, JOINED);

    private static final String WANTED = """
            e.tenant_id = $1 AND e.scheduled_at IS NOT NULL
                  AND ($2::timestamptz IS NULL OR e.scheduled_at >= $2)
                  AND ($3::timestamptz IS NULL OR e.scheduled_at < $3)
                  AND ($4::timestamptz IS NULL OR (e.scheduled_at, e.id) < ($4, $5::uuid))
                  AND ($6::text IS NULL OR e.outcome = $6)
                  AND ($7::text IS NULL OR e.outcome IS NULL AND EXISTS (
                      SELECT FROM dag_runs r
                      WHERE r.id = e.id AND ($7 = 'running') = (r.state IN ('running', 'cancelling')) AND r.state < 'succeeded'))""";

    private static final String FOUND = """
            SELECT e.* FROM job_executions e
                WHERE %s
                ORDER BY e.scheduled_at DESC, e.id DESC
                LIMIT $8""".formatted(WANTED);

    // An execution that was given no trace is the one whose id the trace has.
    private static final String FOUND_OF_TRACE = """
            SELECT e.* FROM (
                    (SELECT e.* FROM job_executions e
                     WHERE e.trace_id = $9 AND %s
                     ORDER BY e.scheduled_at DESC, e.id DESC
                     LIMIT $8)
                    UNION ALL
                    (SELECT e.* FROM job_executions e WHERE e.id = $9 AND e.trace_id IS NULL AND %s)
                ) e
                ORDER BY e.scheduled_at DESC, e.id DESC
                LIMIT $8""".formatted(WANTED, WANTED);

    static final String LIST = list("scheduled_at", FOUND);
    static final String LIST_BAD = list("scheduled_at", bad(FOUND));
    static final String LIST_OF_TRACE = list("scheduled_at", FOUND_OF_TRACE);
    static final String LIST_BAD_OF_JOB = bad(LIST_OF_JOB);

    static final String LIST_BY_START = list("started_at", FOUND);
    static final String LIST_BAD_BY_START = list("started_at", bad(FOUND));
    static final String LIST_OF_TRACE_BY_START = list("started_at", FOUND_OF_TRACE);
    static final String LIST_OF_JOB_BY_START = list("started_at", FOUND_OF_JOB);
    static final String LIST_BAD_OF_JOB_BY_START = list("started_at", bad(FOUND_OF_JOB));

    static final String LIST_BY_CREATION = list("created_at", FOUND);
    static final String LIST_BAD_BY_CREATION = list("created_at", bad(FOUND));
    static final String LIST_OF_TRACE_BY_CREATION = list("created_at", FOUND_OF_TRACE);
    static final String LIST_OF_JOB_BY_CREATION = list("created_at", FOUND_OF_JOB);
    static final String LIST_BAD_OF_JOB_BY_CREATION = list("created_at", bad(FOUND_OF_JOB));

    static final ExecutionLists BY_DUE_TIME =
            new ExecutionLists(LIST, LIST_BAD, LIST_OF_TRACE, LIST_OF_JOB, LIST_BAD_OF_JOB);
    static final ExecutionLists BY_START = new ExecutionLists(
            LIST_BY_START, LIST_BAD_BY_START, LIST_OF_TRACE_BY_START, LIST_OF_JOB_BY_START, LIST_BAD_OF_JOB_BY_START);
    static final ExecutionLists BY_CREATION = new ExecutionLists(
            LIST_BY_CREATION,
            LIST_BAD_BY_CREATION,
            LIST_OF_TRACE_BY_CREATION,
            LIST_OF_JOB_BY_CREATION,
            LIST_BAD_OF_JOB_BY_CREATION);

    private static String list(String time, String found) {
        return """
            WITH found AS MATERIALIZED (
                %s
            )
            SELECT %s FROM found e
            %s
            ORDER BY e.%s DESC, e.id DESC
            """.formatted(found.replace("e.scheduled_at", "e." + time), COLUMNS, JOINED, time);
    }

    /** Bad ends are few between many good ones, and have indexes of their own. */
    private static String bad(String statement) {
        return BY_OUTCOME.matcher(statement).replaceAll("e.outcome = \\$$1::text AND e.outcome <> 'success'");
    }
}

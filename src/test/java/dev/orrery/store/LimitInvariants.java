package dev.orrery.store;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** What must hold of limits between any two transactions; each question answers what breaks it. */
final class LimitInvariants {

    private static final String OPEN_CLAIMS = """
            WITH open AS (
                SELECT m.id, b.node_id
                FROM claim_batches b
                CROSS JOIN LATERAL unnest(b.ids, b.attempts) m(id, attempt)
                LEFT JOIN task_attempts a ON a.task_id = m.id AND a.attempt = m.attempt
                WHERE a.outcome IS NULL
            ), counted AS (
                SELECT o.id AS task_id, l.id AS limit_id, o.node_id
                FROM open o
                JOIN task_instances i ON i.id = o.id
                LEFT JOIN dag_versions v ON v.id = i.version_id
                JOIN limits l ON l.id = v.limit_id
                    OR (l.kind = 'key' AND l.tenant_id = i.tenant_id AND l.name = i.concurrency_key)
                    OR (l.kind = 'queue' AND l.name = i.queue)
            )
            """;

    private static final List<String> QUESTIONS = List.of(
            OPEN_CLAIMS + """
            SELECT 'claimed but not counted: ' || c FROM counted c JOIN limit_terms t ON t.id = c.limit_id
            WHERE (t.kind <> 'queue' OR t.max_running IS NOT NULL)
              AND NOT EXISTS (SELECT FROM limit_holders h WHERE h.task_id = c.task_id AND h.limit_id = c.limit_id)
            """,
            OPEN_CLAIMS + """
            SELECT 'counted but not claimed: ' || h FROM limit_holders h
            WHERE NOT EXISTS (SELECT FROM open o WHERE o.id = h.task_id AND o.node_id = h.node_id)
            """,
            """
            SELECT 'waits in vain: ' || w FROM lock_waits w JOIN limit_terms t ON t.id = w.lock_id
            WHERE t.due_at IS NULL
              AND (t.max_running IS NULL OR t.max_running > (SELECT count(*) FROM limit_holders h WHERE h.limit_id = t.id))
              AND NOT EXISTS (
                  SELECT FROM task_ready r
                  JOIN task_instances i ON i.id = r.id
                  LEFT JOIN dag_versions v ON v.id = r.version_id
                  WHERE r.queue = w.queue AND r.has_locks
                    AND (v.limit_id = t.id OR (t.kind = 'key' AND i.concurrency_key = t.name)))
            """,
            "SELECT 'waits for nothing: ' || w FROM lock_waits w"
                    + " WHERE w.lock_id >= 2147483648 AND NOT EXISTS (SELECT FROM limits l WHERE l.id = w.lock_id)",
            "SELECT 'waits and is ready: ' || w FROM lock_waits w JOIN task_ready r ON r.id = w.id");

    private static final String MORE_THAN_MAY = """
            SELECT 'more than may: ' || t || ' ' || count(*) FROM limit_terms t JOIN limit_holders h ON h.limit_id = t.id
            GROUP BY t, t.max_running HAVING count(*) > t.max_running
            """;

    private LimitInvariants() {}

    /** The one that holds at any time, also while transactions are under way. */
    static List<String> moreThanMay(Connection connection) throws SQLException {
        return answers(connection, List.of(MORE_THAN_MAY));
    }

    static List<String> violations(Connection connection) throws SQLException {
        var violations = new ArrayList<>(moreThanMay(connection));
        violations.addAll(answers(connection, QUESTIONS));
        return violations;
    }

    private static List<String> answers(Connection connection, List<String> questions) throws SQLException {
        var answers = new ArrayList<String>();
        for (var question : questions) {
            try (var statement = connection.createStatement();
                    var rows = statement.executeQuery(question)) {
                while (rows.next()) {
                    answers.add(rows.getString(1));
                }
            }
        }
        return answers;
    }
}

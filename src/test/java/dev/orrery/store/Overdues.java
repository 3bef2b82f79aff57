package dev.orrery.store;

import dev.orrery.testing.TestDatabase;
import java.sql.SQLException;

/** Some of the tasks that have begun and wait once more have no time left. */
final class Overdues {

    private static final String END = """
            SELECT cardinality(e.ended)
            FROM (SELECT array_agg(w.id) AS ids, array_agg(0::bigint) AS totals, array_agg('no time'::text) AS errors
                  FROM (SELECT x.id FROM task_ready x WHERE x.attempt > 0
                        UNION ALL SELECT x.id FROM lock_waits x WHERE x.attempt > 0
                        ORDER BY 1 LIMIT 3) w) o
            CROSS JOIN LATERAL end_waiting(o.ids, o.totals, o.errors) e
            WHERE o.ids IS NOT NULL
            """;

    private Overdues() {}

    /** Ends a few of them; answers how many. */
    static int end(TestDatabase database) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement();
                var rows = statement.executeQuery(END)) {
            return rows.next() ? rows.getInt(1) : 0;
        }
    }
}

package dev.orrery.fault;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Set;

/**
 * The product with a mistake in it, put in where the database decides. The checker must find each of them; it is no use
 * otherwise.
 */
enum BrokenBuild {
    /** Results are accepted whether or not their claim is still valid. */
    NO_FENCE_CHECK("late-commits", Rule.ONE_CLAIM, Rule.ONE_RESULT, Rule.FENCES_GROW) {
        @Override
        void apply(Connection connection) throws SQLException {
            replace(
                    connection,
                    "commit_results",
                    "JOIN member m ON m.fence = r.fence AND m.id = r.id",
                    "CROSS JOIN LATERAL (SELECT p_attempts[array_position(p_ids, r.id)] AS attempt, 0::smallint AS failures) m");
            replace(
                    connection,
                    "commit_results",
                    "WHERE a.outcome IS NULL AND a.fence = EXCLUDED.fence AND EXCLUDED.outcome IS NOT NULL",
                    "WHERE EXCLUDED.outcome IS NOT NULL");
        }
    },
    /** Two prerequisites that end in one batch count as one. */
    NAIVE_DECREMENT("nothing", Rule.ALL_ENDS) {
        @Override
        void apply(Connection connection) throws SQLException {
            replace(connection, "settle", "w.unmet - m.count AS unmet", "w.unmet - 1 AS unmet");
        }
    },
    /** A new leader writes under the number of the one before. */
    NO_EPOCH("leader-killed", Rule.EPOCHS_GROW) {
        @Override
        void apply(Connection connection) throws SQLException {
            execute(
                    connection,
                    "CREATE FUNCTION keep_epoch() RETURNS trigger LANGUAGE plpgsql AS"
                            + " 'BEGIN NEW.epoch := OLD.epoch; RETURN NEW; END'");
            execute(
                    connection,
                    "CREATE TRIGGER keep_epoch BEFORE UPDATE ON leadership FOR EACH ROW EXECUTE FUNCTION"
                            + " keep_epoch()");
        }
    };

    private final String harm;
    private final Set<Rule> rules;

    BrokenBuild(String harm, Rule... rules) {
        this.harm = harm;
        this.rules = Set.of(rules);
    }

    /** Whether the checker has seen what this mistake must show as. */
    boolean isFoundIn(Report report) {
        return report.broken().stream().anyMatch(rules::contains);
    }

    /** The harm under which the mistake shows; {@code nothing} where load alone is enough. */
    String harm() {
        return harm;
    }

    abstract void apply(Connection connection) throws SQLException;

    /** Puts another text in the place of one in a function; complains where the function no longer says that. */
    private static void replace(Connection connection, String function, String right, String wrong)
            throws SQLException {
        try (var query = connection.prepareStatement("SELECT pg_get_functiondef(p.oid) FROM pg_proc p"
                + " JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.proname = ? AND n.nspname = 'orrery'")) {
            query.setString(1, function);
            try (var rows = query.executeQuery()) {
                if (!rows.next()) {
                    throw new IllegalStateException("there is no function " + function);
                }
                var text = rows.getString(1);
                if (!text.contains(right)) {
                    throw new IllegalStateException(function + " no longer says: " + right);
                }
                execute(connection, text.replace(right, wrong));
            }
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}

package dev.orrery.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.sql.SQLException;
import org.junit.jupiter.api.Test;

class PostgresIT {

    @Test
    void eachTestHasADatabaseOfItsOwn() throws SQLException {
        try (var first = Postgres.freshDatabase();
                var second = Postgres.freshDatabase()) {
            execute(first, "CREATE TABLE orrery.mine (id int)");

            assertThat(count(first, "SELECT count(*) FROM pg_tables WHERE tablename = 'mine'"))
                    .isEqualTo(1);
            assertThat(count(second, "SELECT count(*) FROM pg_tables WHERE tablename = 'mine'"))
                    .isZero();
        }
    }

    /** So that tests which are to run on an older server do run there. */
    @Test
    void theServerIsTheOneThatWasAskedFor() throws SQLException {
        var asked = System.getenv("TEST_POSTGRES_BIN");
        assumeTrue(asked != null && asked.contains("/postgresql/"), "only where an installation was named");

        try (var database = Postgres.freshDatabase()) {
            assertThat(asked)
                    .contains("/postgresql/"
                            + count(database, "SELECT current_setting('server_version_num')::int / 10000") + "/");
        }
    }

    @Test
    void aClosedDatabaseIsGone() throws SQLException {
        var database = Postgres.freshDatabase();

        database.close();

        try (var other = Postgres.emptyDatabase()) {
            assertThat(count(other, "SELECT count(*) FROM pg_database WHERE datname = '" + database.name() + "'"))
                    .isZero();
        }
    }

    @Test
    void theOldestSupportedServerIsMigratedToo() throws SQLException {
        try (var database = Postgres.debian15().fresh()) {
            assertThat(count(database, "SELECT current_setting('server_version_num')::int / 10000"))
                    .isEqualTo(15);
            assertThat(count(database, "SELECT count(*) FROM pg_namespace WHERE nspname = 'orrery'"))
                    .isEqualTo(1);
        }
    }

    private static void execute(TestDatabase database, String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static int count(TestDatabase database, String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getInt(1);
        }
    }
}

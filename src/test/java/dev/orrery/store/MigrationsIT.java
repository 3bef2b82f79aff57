package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.StartupException;
import dev.orrery.testing.Await;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MigrationsIT {

    private static final String FIRST = "CREATE TABLE things (id int); INSERT INTO things VALUES (1);";
    private static final String GROW =
            "ALTER TABLE things ADD COLUMN name text;\nINSERT INTO things VALUES (2, 'two');\n";

    private static final String ALLOWED_FROM_ONE =
            "CREATE TABLE compatibility (known_from int); INSERT INTO compatibility VALUES (1);";

    @TempDir
    Path folder;

    private TestDatabase database;

    @BeforeEach
    void makeDatabase() {
        database = Postgres.emptyDatabase();
    }

    @AfterEach
    void dropDatabase() {
        database.close();
    }

    @Test
    void aFailedMigrationLeavesSchemaAndDataAsTheyWere() throws Exception {
        write("V001__first.sql", FIRST);
        migrate();
        write("V002__second.sql", GROW + "SELECT 1 / 0;");

        assertThatThrownBy(this::migrate)
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll("as it was before", "V002__second.sql, line 3", "division by zero")
                .hasMessageNotContaining("\n");

        assertThat(texts("SELECT column_name::text FROM information_schema.columns WHERE table_name = 'things'"))
                .containsExactly("id");
        assertThat(texts("SELECT id::text FROM things")).containsExactly("1");
        assertThat(versions()).containsExactly("001");
    }

    @Test
    void afterTheCureItGoesOnWhereItFailed() throws Exception {
        write("V001__first.sql", FIRST);
        write("V002__second.sql", GROW + "SELECT 1 / 0;");
        assertThatThrownBy(this::migrate).isInstanceOf(StartupException.class);

        write("V002__second.sql", GROW);
        migrate();

        assertThat(texts("SELECT name FROM things WHERE id = 2")).containsExactly("two");
        assertThat(versions()).containsExactly("001", "002");
    }

    @Test
    void aFailedFunctionKeepsTheOneBefore() throws Exception {
        write("R__functions.sql", "CREATE OR REPLACE FUNCTION answer() RETURNS int LANGUAGE sql RETURN 42;");
        migrate();
        write("R__functions.sql", "CREATE OR REPLACE FUNCTION answer() RETURNS int LANGUAGE sql RETURN 43; SELEC 1;");

        assertThatThrownBy(this::migrate)
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll("R__functions.sql", "syntax error")
                .hasMessageNotContaining("\n");

        assertThat(texts("SELECT answer()::text")).containsExactly("42");
    }

    @Test
    void aSchemaNewerThanTheReleaseIsRefused() throws Exception {
        write("V001__first.sql", FIRST);
        write("V002__second.sql", GROW);
        migrate();
        Files.delete(folder.resolve("V002__second.sql"));

        assertThatThrownBy(this::migrate)
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll("has version 002", "does not know", "start the release that made it")
                .hasMessageNotContaining("\n");
    }

    @Test
    void anOlderReleaseWorksWithANewerSchemaThatAllowsItAndLeavesItAsItIs() throws Exception {
        var functions = "CREATE OR REPLACE FUNCTION answer() RETURNS int LANGUAGE sql RETURN %d;";
        write("V001__first.sql", FIRST + ALLOWED_FROM_ONE);
        write("R__functions.sql", functions.formatted(43));
        write("V002__second.sql", GROW);
        migrate();
        Files.delete(folder.resolve("V002__second.sql"));
        write("R__functions.sql", functions.formatted(42));
        write("R__more.sql", "CREATE OR REPLACE FUNCTION more() RETURNS int LANGUAGE sql RETURN 1;");

        migrate();

        assertThat(texts("SELECT answer()::text")).containsExactly("43");
        assertThat(texts("SELECT count(*)::text FROM pg_proc WHERE proname = 'more'"))
                .containsExactly("0");
    }

    @Test
    void aNewerSchemaThatAsksForMoreRefusesAnOlderRelease() throws Exception {
        write("V001__first.sql", FIRST + ALLOWED_FROM_ONE);
        write("V002__second.sql", GROW + "UPDATE compatibility SET known_from = 2;");
        migrate();
        Files.delete(folder.resolve("V002__second.sql"));

        assertThatThrownBy(this::migrate)
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll("has version 002", "does not know", "start the release that made it");
    }

    @Test
    void anOlderReleaseOfAnotherOriginIsRefusedByANewerSchema() throws Exception {
        write("V001__first.sql", FIRST + ALLOWED_FROM_ONE);
        write("V002__second.sql", GROW);
        migrate();
        Files.delete(folder.resolve("V002__second.sql"));
        write("V001__first.sql", FIRST + ALLOWED_FROM_ONE + "-- changed");

        assertThatThrownBy(this::migrate)
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll("made by another build", "checksum mismatch for migration version 001");
    }

    @Test
    void aMigrationThatWasChangedAfterwardsIsRefused() throws Exception {
        write("V001__first.sql", FIRST);
        migrate();
        write("V001__first.sql", FIRST + "-- changed");

        assertThatThrownBy(this::migrate)
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll("made by another build", "checksum mismatch for migration version 001")
                .hasMessageNotContaining("\n");
    }

    @Test
    void nodesThatStartTogetherMigrateOnce() throws Exception {
        var starts = Stream.generate(() -> CompletableFuture.runAsync(
                        () -> Migrations.run(database.jdbcUrl(), database.user(), database.password())))
                .limit(3)
                .toList();

        for (var start : starts) {
            start.get(60, TimeUnit.SECONDS);
        }

        assertThat(versions()).doesNotHaveDuplicates().contains("001");
    }

    @Test
    void aTableHeldByAnotherTransactionIsAwaitedWithoutBlockingThoseBehind() throws Exception {
        write("V001__first.sql", FIRST);
        migrate();
        write("V002__second.sql", GROW);
        try (var holder = database.connect();
                var statement = holder.createStatement()) {
            holder.setAutoCommit(false);
            statement.execute("SELECT * FROM things");
            var migration = CompletableFuture.runAsync(this::migrate);
            awaitWaiting(true);
            awaitWaiting(false); // its first try is over

            statement.execute("COMMIT");

            migration.get(60, TimeUnit.SECONDS);
        }
        assertThat(versions()).containsExactly("001", "002");
    }

    @Test
    void aMigrationThatStaysBlockedGivesUpItsPlaceInTheLine() throws Exception {
        write("V001__first.sql", FIRST);
        migrate();
        write("V002__second.sql", GROW);
        try (var holder = database.connect();
                var statement = holder.createStatement();
                var reader = database.connect();
                var question = reader.createStatement()) {
            holder.setAutoCommit(false);
            statement.execute("SELECT * FROM things");
            var migration = CompletableFuture.runAsync(this::migrate);
            awaitWaiting(true);

            question.execute("SET lock_timeout = '10s'");
            question.execute("SELECT * FROM things"); // would wait behind the migration for as long as that waits

            assertThat(migration).isNotDone();
            statement.execute("COMMIT");
            migration.get(60, TimeUnit.SECONDS);
        }
    }

    @Test
    void aMigrationThatIsNoLongerWantedEndsInTheDatabaseTooAndLeavesNothing() throws Exception {
        write("V001__first.sql", FIRST);
        migrate();
        write("V002__second.sql", GROW + "SELECT pg_sleep(300);");
        var isOver = new AtomicBoolean();
        var migration = CompletableFuture.runAsync(() -> Migrations.run(
                database.jdbcUrl(), database.user(), database.password(), "filesystem:" + folder, isOver::get));
        Await.until("it is under way", () -> sleeping().equals("1"));

        isOver.set(true);

        assertThat(migration)
                .failsWithin(Duration.ofSeconds(5))
                .withThrowableThat()
                .withCauseInstanceOf(StartupException.class)
                .withMessageContaining("told to stop");
        Await.until("the server has noticed", () -> sleeping().equals("0"));
        assertThat(texts("SELECT column_name::text FROM information_schema.columns WHERE table_name = 'things'"))
                .containsExactly("id");
        write("V002__second.sql", GROW);
        migrate();
        assertThat(versions()).containsExactly("001", "002");
    }

    private String sleeping() {
        return database.value("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND wait_event = 'PgSleep'"
                + " AND datname = current_database()");
    }

    private void awaitWaiting(boolean waiting) throws SQLException {
        var deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (texts("SELECT pid::text FROM pg_locks WHERE NOT granted AND relation = 'things'::regclass")
                        .isEmpty()
                == waiting) {
            assertThat(System.nanoTime()).as("waited 30 s for the migration").isLessThan(deadline);
        }
    }

    private void write(String name, String sql) throws IOException {
        Files.writeString(folder.resolve(name), sql);
    }

    private void migrate() {
        Migrations.run(database.jdbcUrl(), database.user(), database.password(), "filesystem:" + folder);
    }

    private List<String> versions() throws SQLException {
        return texts("SELECT version FROM flyway_schema_history WHERE version IS NOT NULL ORDER BY installed_rank");
    }

    private List<String> texts(String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            var texts = Stream.<String>builder();
            while (rows.next()) {
                texts.add(rows.getString(1));
            }
            return texts.build().toList();
        }
    }
}

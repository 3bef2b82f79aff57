package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.config.DatabaseConfig;
import dev.orrery.domain.StartupException;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every check finds what it is for, planted in a database that is in order but for that. */
class DatabaseDoctorIT {

    private static final String ONE = "01980f6e-3c00-7000-8b2d-5f3180000001";
    private static final String TWO = "01980f6e-3c00-7000-8b2d-5f3180000002";
    private static final String RUN = "01980f6e-5a10-7000-8b2d-5f3100000000";
    private static final String OF_RUN = "01980f6e-5a10-7000-8b2d-5f3100000001";
    private static final String NODE = "01980f6e-3c00-7000-8b2d-5f3100000009";

    private static final String TASK = """
            INSERT INTO task_instances (id, tenant_id, version_id, queue, priority, created_at, source, depth, unique_key)
            VALUES ('%s', 1, 0, 'default', 5, clock_timestamp(), 'api', %d, 'a key');
            """;
    private static final String READY = "INSERT INTO task_ready (id, queue, latest_start, version_id, ready_at)"
            + " VALUES ('%s', 'default', clock_timestamp(), 0, clock_timestamp());";
    private static final String BLOCKED =
            "INSERT INTO task_wait (id, version_id, unmet, queue, priority)" + " VALUES ('%s', 0, 1, 'default', 5);";
    private static final String WAITS_FOR =
            "INSERT INTO task_dependencies (dependent_id, prerequisite_id)" + " VALUES ('%s', '%s');";
    private static final String NODE_WORKS = "INSERT INTO nodes (id, name, pid, mode, version)" + " VALUES ('" + NODE
            + "', 'ada', 1, 'standalone', '1');";
    private static final String LIMIT =
            "INSERT INTO limits (tenant_id, kind, name, max_running) VALUES (1, 'dag', 'x', 1);";

    static final Map<String, String> PLANTED = new LinkedHashMap<>();

    static {
        PLANTED.put("one-place", task(ONE) + READY.formatted(ONE) + claimed(1, ONE));
        PLANTED.put("ended-and-open", task(ONE) + READY.formatted(ONE) + ended(ONE, "succeeded"));
        PLANTED.put("place-without-task", READY.formatted(ONE));
        PLANTED.put("lost-tasks", task(ONE));
        PLANTED.put("letters", task(ONE) + ended(ONE, "failed"));
        PLANTED.put(
                "letters-open",
                task(ONE)
                        + READY.formatted(ONE)
                        + ended(ONE, "failed")
                        + "UPDATE task_attempts SET state = 'ready';"
                        + "INSERT INTO dead_letters (task_id, attempt, tenant_id, outcome)"
                        + " VALUES ('" + ONE + "', 1, 1, 'failed');");
        PLANTED.put("waits-counted", task(ONE) + BLOCKED.formatted(ONE));
        PLANTED.put("upstreams-counted", """
                INSERT INTO task_instances (id, tenant_id, run_id, version_id, task_id, queue, priority, created_at)
                VALUES ('%s', 1, '%s', 0, 'a', 'default', 5, clock_timestamp());
                INSERT INTO dag_runs (id, tenant_id, dag_id, version_id, dag_version, triggered_by, remaining)
                VALUES ('%2$s', 1, '%2$s', 0, 1, 'api', 1);
                """.formatted(OF_RUN, RUN) + BLOCKED.formatted(OF_RUN));
        PLANTED.put(
                "waits-for-failed",
                task(ONE)
                        + task(TWO)
                        + ended(ONE, "cancelled")
                        + BLOCKED.formatted(TWO)
                        + WAITS_FOR.formatted(TWO, ONE));
        PLANTED.put(
                "edges-resolved",
                task(ONE)
                        + task(TWO)
                        + ended(ONE, "succeeded")
                        + BLOCKED.formatted(TWO)
                        + WAITS_FOR.formatted(TWO, ONE));
        PLANTED.put(
                "edges-go-down",
                TASK.formatted(ONE, 1)
                        + TASK.formatted(TWO, 1)
                        + READY.formatted(ONE)
                        + BLOCKED.formatted(TWO)
                        + WAITS_FOR.formatted(TWO, ONE));
        PLANTED.put(
                "unique-keys",
                task(ONE) + ended(ONE, "succeeded") + "INSERT INTO unique_keys VALUES (1, 'a key', '" + ONE + "');");
        PLANTED.put(
                "children-counted", task(ONE) + "INSERT INTO task_parents (task_id, open) VALUES ('" + ONE + "', 1);");
        PLANTED.put("claims-counted", task(ONE) + claimed(2, ONE));
        PLANTED.put(
                "claims-of-the-dead",
                task(ONE) + claimed(1, ONE) + "DELETE FROM nodes; " + NODE_WORKS.replace(NODE, TWO));
        PLANTED.put(
                "cancels",
                "INSERT INTO cancel_requests (task_id, node_id, fence) VALUES ('" + ONE + "', '" + NODE + "', 1);");
        PLANTED.put("run-counters", """
                INSERT INTO dag_runs (id, tenant_id, dag_id, version_id, dag_version, triggered_by, remaining)
                VALUES ('%s', 1, '%1$s', 0, 1, 'api', 3);""".formatted(RUN));
        PLANTED.put("limits-held", LIMIT + holder(ONE));
        PLANTED.put(
                "limits-kept",
                LIMIT
                        + task(ONE)
                        + task(TWO)
                        + claimed(1, ONE)
                        + claimed(1, TWO).replace("(7,", "(8,")
                        + holder(ONE)
                        + holder(TWO));
        PLANTED.put(
                "locks-held",
                "INSERT INTO locks (tenant_id, name, holder, taken_at)" + " VALUES (1, 'door', '" + RUN
                        + "', clock_timestamp());");
        PLANTED.put(
                "waits-for-limits",
                task(ONE) + "INSERT INTO lock_waits"
                        + " (id, lock_id, queue, latest_start, version_id, attempt, failures)"
                        + " VALUES ('" + ONE + "', 4711, 'default', clock_timestamp(), 0, 0, 0);");
        PLANTED.put("letters-told", letter("interval '2 minutes'", false));
        PLANTED.put(
                "letter-alerts",
                "UPDATE letter_alert SET id = '" + ONE
                        + "', body = '{\"timestamp\": \"2026-01-02T03:04:05.6Z\"}', tries = 4,"
                        + " due_at = clock_timestamp() + interval '8 seconds';");
        PLANTED.put("ready-unseen", task(ONE) + READY.formatted(ONE) + "UPDATE task_ready SET generation = 99;");
        PLANTED.put(
                "indexes",
                "UPDATE pg_catalog.pg_index SET indisvalid = false"
                        + " WHERE indexrelid = 'orrery.task_timers_due'::regclass;");
        PLANTED.put(
                "nodes",
                "UPDATE nodes SET beat_at = clock_timestamp() - interval '2 minutes';" + NODE_WORKS.replace(NODE, TWO));
        PLANTED.put("migrations", "DELETE FROM flyway_schema_history WHERE version = '023';");
    }

    @TempDir
    Path folder;

    private static String task(String id) {
        return TASK.formatted(id, id.equals(TWO) ? 1 : 0);
    }

    private static String ended(String id, String outcome) {
        return ("INSERT INTO task_attempts (task_id, attempt, fence, outcome, state, finished_at)"
                        + " VALUES ('%s', 1, 1, '%2$s', '%2$s', clock_timestamp());")
                .formatted(id, outcome);
    }

    private static String letter(String age, boolean isAnnounced) {
        return "INSERT INTO dead_letters (task_id, attempt, tenant_id, outcome, created_at, is_announced) VALUES ('"
                + TWO + "', 1, 1, 'failed', clock_timestamp() - " + age + ", " + isAnnounced + ");";
    }

    private static String claimed(int open, String id) {
        return ("INSERT INTO claim_batches (fence, node_id, open_count, ids, attempts, failures)" + " VALUES (7, '"
                        + NODE + "', %d, '{%s}', '{1}', '{0}');")
                .formatted(open, id);
    }

    private static String holder(String id) {
        return "INSERT INTO limit_holders (task_id, limit_id, node_id)" + " SELECT '" + id + "', l.id, '" + NODE
                + "' FROM limits l;";
    }

    static Stream<String> planted() {
        return PLANTED.keySet().stream();
    }

    @Test
    void aDatabaseInOrderIsFoundToBeSoButForTheSettingsByWhichTestsAreFast() throws SQLException {
        try (var database = Postgres.freshDatabase()) {
            plant(database, "");

            var results = examined(database);

            assertThat(results.remove("server").examples()).anyMatch(example -> example.startsWith("fsync is off"));
            assertThat(results)
                    .hasSizeGreaterThan(30)
                    .allSatisfy((check, result) ->
                            assertThat(result.outcome()).as(result.toString()).isEqualTo(CheckResult.Outcome.OK));
        }
    }

    @ParameterizedTest
    @MethodSource("planted")
    void whatIsWrongIsFoundByItsCheckAndExplained(String check) throws SQLException {
        try (var database = Postgres.freshDatabase()) {
            plant(database, PLANTED.get(check));

            var result = examined(database).get(check);

            assertThat(result.outcome()).as(result.toString()).isEqualTo(CheckResult.Outcome.FOUND);
            assertThat(result.count()).isEqualTo(1);
            assertThat(result.examples()).hasSize(1);
            assertThat(result.cure()).isNotEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                // Told, or new enough to be told yet.
                "letter told",
                "letter new",
                // Being sent, taken, or gathered since a moment.
                "UPDATE letter_alert SET id = gen_random_uuid(), body = '{}', tries = 1, due_at = clock_timestamp()",
                "UPDATE letter_alert SET due_at = clock_timestamp() - interval '1 day'",
                "group new"
            })
    void deadLettersOfWhichSomebodyIsToldInTimeAreInOrder(String planted) throws SQLException {
        try (var database = Postgres.freshDatabase()) {
            plant(
                    database,
                    switch (planted) {
                        case "letter told" -> letter("interval '2 hours'", true);
                        case "letter new" -> letter("interval '10 seconds'", false);
                        case "group new" -> group("interval '10 seconds'");
                        default -> planted;
                    });

            var results = examined(database);

            assertThat(results.get("letters-told").outcome()).isEqualTo(CheckResult.Outcome.OK);
            assertThat(results.get("letter-alerts").outcome()).isEqualTo(CheckResult.Outcome.OK);
        }
    }

    @Test
    void lettersThatNobodySendsAreToldWithTheirNumber() throws SQLException {
        try (var database = Postgres.freshDatabase()) {
            plant(
                    database,
                    group("interval '3 hours'")
                            + "UPDATE letter_alert SET due_at = clock_timestamp() - interval '2 hours'");

            var result = examined(database).get("letter-alerts");

            assertThat(result.examples())
                    .singleElement()
                    .asString()
                    .contains("nothing has been sent since", "41 letters wait");
            assertThat(result.cure()).contains("no node leads", "dead-letters.webhook-url");
        }
    }

    private static String group(String age) {
        return "INSERT INTO letter_alert_groups VALUES (1, 'f', 41, '{" + ONE + "}', clock_timestamp() - " + age
                + ", clock_timestamp());";
    }

    @Test
    void whatIsWrongIsFoundHoweverManyNewerTasksAreInOrder() throws SQLException {
        try (var database = Postgres.freshDatabase()) {
            plant(database, many(45_000) + PLANTED.get("one-place"));

            var result = examined(database).get("one-place");

            assertThat(result.examples()).singleElement().asString().startsWith(ONE);
            assertThat(result.note()).isEmpty();
        }
    }

    @Test
    void whereTimeRunsOutItIsToldHowFarACheckCame() throws SQLException {
        try (var database = Postgres.freshDatabase()) {
            plant(database, many(25_000));

            var result =
                    examined(database, Duration.ofSeconds(1), Duration.ZERO).get("one-place");

            assertThat(result.outcome()).isEqualTo(CheckResult.Outcome.OK);
            assertThat(result.note()).contains("the newest 20000 open tasks were looked at", "--timeout");
        }
    }

    /** Ready tasks, newer than all others. */
    static String many(int tasks) {
        return """
                INSERT INTO task_instances (id, tenant_id, version_id, queue, priority, created_at, source, depth)
                SELECT overlay('%1$s' PLACING to_hex(2147483648 + n) FROM 29)::uuid, 1, 0, 'default', 5, clock_timestamp(), 'api', 0
                FROM generate_series(1, %2$d) n;
                INSERT INTO task_ready (id, queue, latest_start, version_id, ready_at)
                SELECT i.id, i.queue, clock_timestamp(), 0, clock_timestamp() FROM task_instances i;
                """.formatted(ONE.replace("0198", "0298"), tasks);
    }

    @Test
    void everyCheckOfTheDataHasItsPlant() {
        assertThat(PLANTED.keySet())
                .containsAll(
                        DoctorChecks.ALL.stream().map(DoctorChecks.Check::name).toList());
    }

    @Test
    void manyAreCountedUpToALimitAndAFewAreNamed() throws SQLException {
        try (var database = Postgres.freshDatabase()) {
            plant(database, """
                    INSERT INTO task_instances (id, tenant_id, version_id, queue, priority, created_at, source, depth)
                    SELECT overlay('%s' PLACING to_hex(2147483648 + n) FROM 29)::uuid, 1, 0, 'default', 5,
                           clock_timestamp(), 'api', 0
                    FROM generate_series(1, 30000) n;
                    """.formatted(ONE));

            var result = examined(database).get("lost-tasks");

            assertThat(result.count()).isGreaterThan(DatabaseDoctor.COUNTED);
            assertThat(result.examples()).hasSize(5);
        }
    }

    @Test
    void itChangesNothingAndAWaitForALockIsToldAsSuch() throws SQLException {
        try (var database = Postgres.freshDatabase();
                var holding = database.connect()) {
            plant(database, "");
            holding.setAutoCommit(false);
            try (var statement = holding.createStatement()) {
                statement.execute("LOCK TABLE task_wait IN ACCESS EXCLUSIVE MODE");
            }

            var results = examined(database);

            assertThat(results.get("one-place").outcome()).isEqualTo(CheckResult.Outcome.NOT_CHECKED);
            assertThat(results.get("one-place").note()).contains("locked by others");
            assertThat(results.get("run-counters").outcome()).isEqualTo(CheckResult.Outcome.OK);
        }
    }

    @Test
    void allChecksTogetherTakeABoundedTime() throws SQLException {
        try (var database = Postgres.freshDatabase();
                var holding = database.connect()) {
            holding.setAutoCommit(false);
            try (var statement = holding.createStatement()) {
                statement.execute("LOCK TABLE task_attempts, claim_batches IN ACCESS EXCLUSIVE MODE");
            }

            var results = examined(database, Duration.ofMillis(200));

            assertThat(results.get("one-place").note()).doesNotContain("before it");
            assertThat(results.get("locks-held").outcome()).isEqualTo(CheckResult.Outcome.NOT_CHECKED);
            assertThat(results.get("locks-held").note()).contains("the checks before it", "--timeout");
            assertThat(results.get("ready-unseen").note()).contains("the checks before it");
        }
    }

    @Test
    void aFolderWithoutAServerIsToldWithTheCure() {
        assertThatThrownBy(() -> DatabaseDoctor.open(DatabaseConfig.DEFAULT, folder, Duration.ofSeconds(5)))
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("no PostgreSQL runs in")
                .hasMessageContaining("orrery node --data-dir");
    }

    static void plant(TestDatabase database, String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            // As if by a fault: what the tables themselves would refuse is of no interest here.
            statement.execute("SET session_replication_role = replica");
            statement.execute(NODE_WORKS + sql);
        }
    }

    private static Map<String, CheckResult> examined(TestDatabase database) {
        return examined(database, Duration.ofSeconds(10));
    }

    private static Map<String, CheckResult> examined(TestDatabase database, Duration limit) {
        return examined(database, limit, limit);
    }

    private static Map<String, CheckResult> examined(TestDatabase database, Duration limit, Duration partsLimit) {
        var config = new DatabaseConfig(database.url(), "", "", 8, Duration.ofSeconds(5));
        List<CheckResult> results = new ArrayList<>();
        try (var doctor = DatabaseDoctor.open(config, Path.of("nowhere"), limit, partsLimit)) {
            doctor.examine(results::add);
        }
        return results.stream().collect(Collectors.toMap(CheckResult::check, result -> result));
    }
}

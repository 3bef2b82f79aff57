package dev.orrery.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Await;
import dev.orrery.testing.NodeProcess;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScheduleE2E {

    private static final String EVERY_SECOND = """
            schedule: "* * * * * *"
            tasks: [{id: a, type: handler, handler: noop}]
            """;

    private static final String FIRED = "SELECT count(*) FROM orrery.dag_runs WHERE triggered_by = 'schedule'";

    @TempDir
    Path folder;

    @Test
    void everyDueSecondHasOneRunOrIsRecordedAsSkippedAlsoWhereTheNodeIsKilled() throws IOException {
        try (var server = Postgres.safe();
                var database = server.empty()) {
            var first = start(database);
            first.post(
                    "/api/v1/dags",
                    new JsonObject()
                            .put("name", "seconds")
                            .put("yaml", EVERY_SECOND)
                            .encode());
            awaitFired(database, 3);
            first.kill();
            var before = Long.parseLong(database.value(FIRED));
            Await.until(
                    "some seconds pass without a node",
                    Duration.ofSeconds(10),
                    () -> Integer.parseInt(database.value(
                                    "SELECT extract(epoch FROM now() - max(logical_time))::int FROM orrery.dag_runs"))
                            >= 3);
            try (var second = start(database)) {
                awaitFired(database, before + 3);
                assertThat(second.get("/api/v1/dags").body()).contains("\"nextRun\":\"2");
            }

            assertThat(database.value("""
                    SELECT count(*) || ' times, ' || count(DISTINCT logical_time) || ' different'
                    FROM orrery.dag_runs""")).matches("(\\d+) times, \\1 different");
            assertThat(database.value("""
                    SELECT coalesce(string_agg(due::text, ' ' ORDER BY due), 'none')
                    FROM (SELECT generate_series(min(logical_time), max(logical_time), '1 second') AS due
                          FROM orrery.dag_runs) all_of_them
                    WHERE NOT EXISTS (SELECT FROM orrery.job_executions e WHERE e.scheduled_at = due)
                        AND NOT EXISTS (SELECT FROM orrery.job_skips s WHERE due BETWEEN s.first_at AND s.last_at)
                    """)).as("neither fired nor recorded").isEqualTo("none");
            assertThat(Integer.parseInt(database.value("SELECT sum(fires) FROM orrery.job_skips")))
                    .isGreaterThanOrEqualTo(2);
        }
    }

    private NodeProcess start(TestDatabase database) throws IOException {
        return NodeProcess.start(folder.resolve("data"), "--database-url", database.url());
    }

    private static void awaitFired(TestDatabase database, long count) {
        Await.until(
                "runs are started by schedule",
                Duration.ofSeconds(30),
                () -> Long.parseLong(database.value(FIRED)) >= count);
    }
}

package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.FakeClock;
import dev.orrery.testing.NodeProcess;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jobs go by the database's clock, whatever that of the node says, and whatever is done to the database's own. */
class WrongClocksE2E {

    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration START = Duration.ofSeconds(90);

    @TempDir
    Path folder;

    private FakeClock databaseClock;
    private Postgres server;
    private TestDatabase database;
    private NodeProcess node;

    @BeforeEach
    void start() throws IOException {
        var nodeClock = new FakeClock(Files.createDirectory(folder.resolve("node-clock")));
        nodeClock.set(HOUR.multipliedBy(3));
        var server = Files.createDirectory(folder.resolve("server"));
        databaseClock = new FakeClock(server);
        this.server = Postgres.safeUnder(databaseClock, server);
        database = this.server.empty();
        node = NodeProcess.start(nodeClock.environment(), folder.resolve("data"), "--database-url", database.url());
    }

    @AfterEach
    void stop() {
        node.close();
        database.close();
        server.close();
    }

    @Test
    void eachSecondHasOneExecutionOrIsLeftOutWhicheverWayTheClocksJump() throws IOException {
        var job = everySecond("steady");
        awaitFires(job, 3);
        assertThat(worstLagSeconds(job)).isLessThan(5);

        var jumped = "'" + database.value("SELECT clock_timestamp() + interval '30 minutes'") + "'";
        databaseClock.set(HOUR);
        until("the hour is caught up with", START, () -> firesSince(job, jumped) >= 2);
        assertThat(leftOut(job)).isBetween(3_500L, 3_600L);

        databaseClock.set(Duration.ZERO);
        var young = everySecond("registered after it");
        awaitFires(young, 3);
        // A server process under libfaketime may be silent for half a minute where the machine is busy.
        // goes on.
        until("it fires in time", START, () -> newestLagSeconds(young) < 5);

        databaseClock.set(HOUR);
        var before = fires(job);
        until("it goes on where it was", START, () -> fires(job) >= before + 3);

        assertThat(database.value(
                        "SELECT count(*) = count(DISTINCT (job_id, scheduled_at)) FROM orrery.job_executions"))
                .isEqualTo("t");
        assertThat(lostOrDoubled(job)).isEqualTo("0 lost, 0 doubled");
        assertThat(node.get("/health/ready").statusCode()).isEqualTo(200);
    }

    private String everySecond(String name) throws IOException {
        var answer = node.post(
                "/api/v1/jobs",
                new JsonObject()
                        .put("name", name)
                        .put("type", "cron")
                        .put("schedule", "* * * * * *")
                        .put("handlerName", "noop")
                        .put("overlap", "allow")
                        .encode());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        return new JsonObject(answer.body()).getString("id");
    }

    private void awaitFires(String job, int count) {
        until("it fires", START, () -> fires(job) >= count);
    }

    private long fires(String job) {
        return firesSince(job, "'-infinity'");
    }

    private long firesSince(String job, String time) {
        return number(
                "SELECT count(*) FROM orrery.job_executions WHERE job_id = '" + job + "' AND scheduled_at >= " + time);
    }

    private long leftOut(String job) {
        return number(
                "SELECT coalesce(sum(extract(epoch FROM last_at - first_at) + 1), 0)::bigint FROM orrery.job_skips"
                        + " WHERE job_id = '" + job + "'");
    }

    private long worstLagSeconds(String job) {
        return number("SELECT ceil(max(extract(epoch FROM created_at - scheduled_at))) FROM orrery.job_executions"
                + " WHERE job_id = '" + job + "'");
    }

    private long newestLagSeconds(String job) {
        return number("SELECT ceil(extract(epoch FROM created_at - scheduled_at)) FROM orrery.job_executions"
                + " WHERE job_id = '" + job + "' ORDER BY scheduled_at DESC LIMIT 1");
    }

    private long number(String sql) {
        return Long.parseLong(database.value(sql));
    }

    /** A second from the first to the last that fired has an execution or lies in what was left out, and not both. */
    private String lostOrDoubled(String job) {
        return database.value("""
                SELECT count(*) FILTER (WHERE d.told = 0) || ' lost, ' || count(*) FILTER (WHERE d.told > 1) || ' doubled'
                FROM (
                    SELECT (SELECT count(*) FROM orrery.job_executions e
                            WHERE e.job_id = '%1$s' AND e.scheduled_at = s.at)
                         + (SELECT count(*) FROM orrery.job_skips k
                            WHERE k.job_id = '%1$s' AND s.at BETWEEN k.first_at AND k.last_at) AS told
                    FROM (SELECT generate_series(min(scheduled_at), max(scheduled_at), interval '1 second') AS at
                          FROM orrery.job_executions WHERE job_id = '%1$s') s
                ) d
                """.formatted(job));
    }
}

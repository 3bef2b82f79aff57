package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Nobody could fire for long: what passed meanwhile is reckoned and not stepped through, whatever it amounts to. */
class LateSchedulerIT extends JobsApiTestBase {

    private static final String EVERY_MINUTE = "* * * * *";
    private static final Duration CATCH_UP = Duration.ofSeconds(10);

    @ParameterizedTest
    @ValueSource(strings = {"1 hour", "1 year"})
    void itIsCaughtUpWithByEachPolicyAtOnceAndEveryTimeIsToldOnce(String away) {
        var jobs = new HashMap<String, String>();
        for (var policy : new String[] {"fire_once", "fire_all", "skip"}) {
            jobs.put(
                    policy,
                    registered(cron(policy + " " + away, EVERY_MINUTE)
                            .put("misfire", policy)
                            .put("overlap", "allow")));
        }
        jobs.values()
                .forEach(id -> until(
                        "it is planned", () -> node.rows("job_timers", "is_planned AND job_id = '" + id + "'") == 1));

        node.restart(() -> node.value("WITH late AS (UPDATE orrery.job_timers SET due_at = due_at - interval '" + away
                + "' WHERE job_id IN ('" + String.join("', '", jobs.values())
                + "') RETURNING job_id) SELECT count(*) FROM late"));

        until(
                "all are planned for times to come",
                CATCH_UP,
                () -> node.rows(
                                "job_timers",
                                "due_at > now() AND job_id IN ('" + String.join("', '", jobs.values()) + "')")
                        == 3);
        // What was due within the last minute fires in time, for all of them.
        var most = Map.of("fire_once", 2, "fire_all", 102, "skip", 2);
        jobs.forEach((policy, id) -> {
            assertThat(node.rows("job_executions", "job_id = '" + id + "'"))
                    .as(policy)
                    .isLessThanOrEqualTo(most.get(policy));
            assertThat(node.rows("job_skips", "job_id = '" + id + "'"))
                    .as(policy)
                    .isLessThanOrEqualTo(2);
            assertThat(judged(id, away.endsWith("year") ? 365 * 1440 : 60))
                    .as(policy)
                    .isEqualTo("0 lost, 0 doubled, true");
        });
        assertThat(node.rows("job_executions", "job_id = '" + jobs.get("fire_once") + "'"))
                .isPositive();
        assertThat(node.rows("job_executions", "job_id = '" + jobs.get("fire_all") + "'"))
                .isGreaterThanOrEqualTo(away.endsWith("year") ? 100 : 59);
        jobs.values()
                .forEach(id -> client.post(JOBS + "/" + id + "/cancel")
                        .json(new JsonObject())
                        .send());
    }

    /** A due minute has an execution or lies in what was left out, and not both; and whether there are at least so many. */
    private static String judged(String id, int least) {
        return node.value("""
            WITH due AS MATERIALIZED (
                SELECT generate_series(
                    (SELECT min(first_at) FROM (
                        SELECT min(e.scheduled_at) AS first_at FROM orrery.job_executions e WHERE e.job_id = '%1$s'
                        UNION ALL
                        SELECT min(s.first_at) FROM orrery.job_skips s WHERE s.job_id = '%1$s') f),
                    (SELECT t.due_at FROM orrery.job_timers t WHERE t.job_id = '%1$s') - interval '1 minute',
                    interval '1 minute') AS at
            )
            SELECT count(*) FILTER (WHERE d.fired = 0 AND d.left_out = 0) || ' lost, '
                || count(*) FILTER (WHERE d.fired + d.left_out > 1) || ' doubled, ' || (count(*) >= %2$d)
            FROM (SELECT (SELECT count(*) FROM orrery.job_executions e
                          WHERE e.job_id = '%1$s' AND e.scheduled_at = due.at) AS fired,
                         (SELECT count(*) FROM orrery.job_skips s
                          WHERE s.job_id = '%1$s' AND due.at BETWEEN s.first_at AND s.last_at) AS left_out
                  FROM due) d
            """.formatted(id, least));
    }
}

package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.task.FailureRule;
import dev.orrery.domain.task.RetryPolicy;
import dev.orrery.domain.task.RetryRules;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.Seeded;
import dev.orrery.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.util.PSQLException;

/** How tasks that are submitted by SQL are to be tried. */
class SubmittedRetriesIT {

    private TestDatabase database;
    private Connection connection;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        connection = database.connect();
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        database.close();
    }

    @Test
    void rulesAndTheTotalAreStoredAsNodesReadThem() throws SQLException {
        var retry = policy(
                "'{\"type\":\"handler\",\"handler\":\"noop\",\"retry\":{\"maxAttempts\":6,"
                        + "\"retryOn\":[\"timeout\",\"http:5xx\"],\"giveUpOn\":[\"exit:1-9\"]}}', total_timeout => '90 minutes'");

        assertThat(retry.totalTimeout()).contains(Duration.ofMinutes(90));
        assertThat(retry.maxAttempts()).isEqualTo(6);
        assertThat(retry.rules())
                .isEqualTo(new RetryRules(
                        List.of(new FailureRule("timeout"), new FailureRule("http:5xx")),
                        List.of(new FailureRule("exit:1-9"))));
    }

    @Test
    void whatIsNotSaidIsAsUsual() throws SQLException {
        var retry = policy("'{\"type\":\"handler\",\"handler\":\"noop\",\"retry\":{\"retryOn\":null,\"jitter\":0}}'");

        assertThat(retry).isEqualTo(new RetryPolicy(4, Duration.ofSeconds(1), Duration.ofMinutes(5), 2.0, 0));
    }

    @Test
    void whatIsWrongIsRefusedWithItsPlaceAndTheCure() {
        var refused = refused(
                "'{\"type\":\"handler\",\"handler\":\"noop\",\"retry\":{\"giveUpOn\":[\"exit:1\",\"exti:3\"]}}'");

        assertThat(refused.getServerErrorMessage().getColumn()).isEqualTo("definition.retry.giveUpOn[1]");
        assertThat(refused.getMessage())
                .contains("\"exti:3\" is no kind of failure")
                .contains("http:5xx");
        assertThat(refused("'{\"type\":\"handler\",\"handler\":\"noop\",\"retry\":{\"retryOn\":[7]}}'")
                        .getMessage())
                .contains("retry.retryOn[0]");
        assertThat(refused("'{\"type\":\"handler\",\"handler\":\"noop\",\"retry\":{\"retryOn\":[]}}'")
                        .getMessage())
                .contains("1 to 50 kinds of failures");
        var total = refused("'{\"type\":\"handler\",\"handler\":\"noop\"}', total_timeout => '400 days'");
        assertThat(total.getServerErrorMessage().getColumn()).isEqualTo("total_timeout");
        assertThat(total.getMessage()).contains("must be a duration from 10ms to 366d");
        assertThat(refused("'{\"type\":\"handler\",\"handler\":\"noop\",\"totalTimeout\":\"1h\"}'")
                        .getMessage())
                .contains("give it as a parameter of submit_task");
    }

    /** The database and the nodes find the same things wrong. */
    @Test
    void theDatabaseKnowsTheSameRules() {
        Seeded.forAll(random -> {
            var kinds = List.of("timeout", "start", "exit", "signal", "http", "error", "lost", "Exit", "");
            var whats = List.of(
                    "",
                    ":",
                    ":" + number(random),
                    ":" + number(random) + "-" + number(random),
                    ":5xx",
                    ":0xx",
                    ":9xx",
                    ":Connection_Refused",
                    ":a.b$C",
                    ":a b",
                    ":1-2-3",
                    "\n",
                    ":75\n",
                    ":1xx-2xx");
            var rule = kinds.get(random.nextInt(kinds.size())) + whats.get(random.nextInt(whats.size()));

            assertThat(objection(rule))
                    .as("'" + rule + "'")
                    .isEqualTo(FailureRule.objection(rule).orElse(null));
        });
    }

    /** Mostly where a rule begins or ends to hold. */
    private static int number(RandomGenerator random) {
        var edges = List.of(0, 1, 2, 64, 65, 99, 100, 255, 256, 599, 600);
        return random.nextInt(4) > 0 ? edges.get(random.nextInt(edges.size())) : random.nextInt(700);
    }

    private String objection(String rule) {
        try (var ask = connection.prepareStatement("SELECT failure_rule_objection(?)")) {
            ask.setString(1, rule);
            try (var rows = ask.executeQuery()) {
                rows.next();
                return rows.getString(1);
            }
        } catch (SQLException e) {
            throw new AssertionError(rule, e);
        }
    }

    private RetryPolicy policy(String arguments) throws SQLException {
        try (var submit = connection.createStatement();
                var rows = submit.executeQuery("SELECT submit_task(" + arguments + ")")) {
            rows.next();
            var id = Objects.requireNonNull(rows.getObject(1, UUID.class));
            var definition = database.value("SELECT definition FROM task_instances WHERE id = '" + id + "'");
            return DagJson.readSingle(new Json(definition), new TaskInstanceId(id))
                    .retry();
        }
    }

    private PSQLException refused(String arguments) {
        return catchThrowableOfType(PSQLException.class, () -> policy(arguments));
    }
}

package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.orrery.domain.IdSequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.task.Verdict;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.postgresql.util.PSQLException;

/** A program on the same database as the nodes, with a role that may submit tasks and nothing else. */
abstract class UserSubmissionsTestBase {

    static final String NOOP = "'{\"type\":\"handler\",\"handler\":\"noop\"}'";

    final Vertx vertx = Vertx.vertx();
    final String role = "program_" + UUID.randomUUID().toString().replace("-", "");
    TestDatabase database;
    Pools pools;
    WorkRepository work;
    NodeId node;
    Connection owner;
    Connection program;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 4, 100);
        work = new WorkRepository(vertx, pools.hot());
        node = new NodeId(new IdSequence(System.nanoTime()).next(System.currentTimeMillis()));
        owner = database.connect();
        execute(
                owner,
                "INSERT INTO nodes (id, name, pid, mode, version) VALUES ('%s', 'n', 1, 'standalone', 'x')"
                        .formatted(node));
        execute(owner, "CREATE ROLE " + role + " LOGIN PASSWORD 'secret' IN ROLE orrery_submit");
        program = DriverManager.getConnection(database.jdbcUrl(), role, "secret");
        program.setAutoCommit(false);
    }

    @AfterEach
    void close() throws SQLException {
        program.close();
        execute(owner, "DROP ROLE " + role);
        owner.close();
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    void refused(String state, String place, String sql) throws SQLException {
        var error = catchThrowableOfType(PSQLException.class, () -> value(sql));
        assertThat((Throwable) error).as("refused: %s", sql).isNotNull();
        assertThat(error.getSQLState()).as(error.getMessage()).isEqualTo(state);
        if (!place.isEmpty()) {
            assertThat(error.getServerErrorMessage().getColumn())
                    .as(error.getMessage())
                    .isEqualTo(place);
            assertThat(error.getServerErrorMessage().getMessage()).startsWith(place);
            assertThat(error.getServerErrorMessage().getHint()).isNotEmpty();
        }
        program.rollback();
    }

    TaskInstanceId submit(String parameters) throws SQLException {
        return new TaskInstanceId(
                uuid("SELECT orrery.submit_task(" + NOOP + (parameters.isEmpty() ? "" : ", " + parameters) + ")"));
    }

    UUID uuid(String sql) throws SQLException {
        return UUID.fromString(value(sql));
    }

    String value(String sql) throws SQLException {
        try (var statement = program.createStatement();
                var rows = statement.executeQuery(sql)) {
            assertThat(rows.next()).isTrue();
            return String.valueOf(rows.getString(1));
        }
    }

    List<UUID> ids(String list) throws SQLException {
        var ids = new ArrayList<UUID>();
        try (var statement = program.prepareStatement("SELECT id FROM orrery.submit_tasks(?::json)")) {
            statement.setString(1, list);
            try (var rows = statement.executeQuery()) {
                while (rows.next()) {
                    ids.add(rows.getObject(1, UUID.class));
                }
            }
        }
        return ids;
    }

    static void execute(Connection connection, String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    String state(UUID id) {
        return database.value("SELECT state FROM task_states WHERE id = '" + id + "'");
    }

    Optional<Claim> claim() {
        return await(work.commitAndClaim(node, List.of(), List.of("default"), 1)).claims().stream()
                .findFirst();
    }

    void end(Claim claim) {
        await(work.commitAndClaim(
                node,
                List.of(new AttemptReport(
                        claim.id(),
                        claim.versionId(),
                        claim.attempt(),
                        claim.fence(),
                        1,
                        Optional.of(new Verdict.Succeed(new Json("{}"))),
                        Optional.of(Duration.ofMillis(3)))),
                List.of(),
                0));
    }
}

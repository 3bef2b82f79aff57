package dev.orrery.api;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;

import dev.orrery.config.DatabaseConfig;
import dev.orrery.config.HttpConfig;
import dev.orrery.config.NodeConfig;
import dev.orrery.config.OrreryConfig;
import dev.orrery.config.TasksConfig;
import dev.orrery.config.TracingConfig;
import dev.orrery.config.WorkersConfig;
import dev.orrery.node.Console;
import dev.orrery.node.Node;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/** A whole node on a real database, with a client that checks every answer. */
final class NodeUnderTest implements AutoCloseable {

    static final String DAGS = "/api/v1/dags";
    static final String RUNS = "/api/v1/runs";
    private static final Set<String> ENDED = Set.of("succeeded", "failed", "cancelled");

    private final TestDatabase database = Postgres.usualSafe().fresh();
    private final Vertx vertx = Vertx.vertx();
    private final Path folder;
    private final String url;
    private final String token;
    private final TracingConfig tracing;
    private Node node;
    final ApiClient client;
    final Contract contract;
    final ContractCheck check;

    NodeUnderTest(Path folder) {
        this(folder, TestDatabase::url);
    }

    /** One that reaches its database by this URL. */
    NodeUnderTest(Path folder, Function<TestDatabase, String> url) {
        this(folder, url, "");
    }

    /** One that asks everybody for this token; its client has none. */
    static NodeUnderTest guarded(Path folder, String token) {
        return new NodeUnderTest(folder, TestDatabase::url, token);
    }

    /** One that traces. */
    static NodeUnderTest tracing(Path folder, TracingConfig tracing) {
        return new NodeUnderTest(folder, TestDatabase::url, "", tracing);
    }

    private NodeUnderTest(Path folder, Function<TestDatabase, String> url, String token) {
        this(folder, url, token, TracingConfig.DEFAULT);
    }

    private NodeUnderTest(Path folder, Function<TestDatabase, String> url, String token, TracingConfig tracing) {
        this.folder = folder;
        this.token = token;
        this.tracing = tracing;
        this.url = url.apply(database);
        node = start(0);
        contract = await(Contract.load(vertx));
        client = new ApiClient(vertx, contract, node.address().getPort());
        check = new ContractCheck(contract);
    }

    /** The node ends, and another one begins at its address. */
    void restart() {
        restart(() -> {});
    }

    /** The same; this is done in between. */
    void restart(Runnable between) {
        var port = port();
        node.stop();
        between.run();
        node = start(port);
    }

    private Node start(int port) {
        return Node.start(config(folder, url, port, token, tracing), folder, Console.SILENT);
    }

    private static OrreryConfig config(Path folder, String url, int port, String token, TracingConfig tracing) {
        var usual = OrreryConfig.DEFAULT;
        return new OrreryConfig(
                new NodeConfig("test", folder.resolve("data")),
                new HttpConfig("127.0.0.1", port, List.of(), token, List.of(), 1_000),
                new DatabaseConfig(url, "", "", 8, Duration.ofSeconds(30)),
                usual.etcd(),
                usual.bus(),
                new WorkersConfig(2, 4, 100, List.of(), Duration.ofSeconds(5)),
                new TasksConfig(
                        "",
                        "",
                        Duration.ofMillis(500),
                        1 << 20,
                        List.of("127.0.0.0/8"),
                        List.of(),
                        List.of(),
                        usual.tasks().isolation()),
                usual.handlers(),
                usual.router(),
                usual.queue(),
                usual.deadLetters(),
                usual.retention(),
                usual.health(),
                usual.log(),
                tracing);
    }

    int port() {
        return node.address().getPort();
    }

    /** How many remote workers wait for work. */
    int waitingPolls() {
        var metric = client.get("/metrics").send().body().toString();
        return metric.lines()
                .filter(line -> line.startsWith("orrery_remote_polls "))
                .map(line -> (int) Double.parseDouble(line.substring(line.indexOf(' ') + 1)))
                .findFirst()
                .orElseThrow();
    }

    /** Whether the schedule of the DAG of this name has its next time in the database. */
    boolean isPlanned(String name) {
        return database.value("SELECT count(*) FROM orrery.job_timers t JOIN orrery.dags d ON d.id = t.job_id"
                        + " WHERE t.is_planned AND d.name = '" + name + "'")
                .equals("1");
    }

    /** Whether anything of a deleted job is left. */
    int jobRows(String id) {
        return Integer.parseInt(database.value("SELECT count(*) FROM orrery.jobs WHERE id = '" + id + "'"));
    }

    /** The first column of the first row of what is asked of its database. */
    String value(String sql) {
        return database.value(sql);
    }

    /** A connection to its database. */
    Connection connect() throws SQLException {
        return database.connect();
    }

    /** Arranges something in its database. */
    void execute(String sql) {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new AssertionError(sql, e);
        }
    }

    /** How many rows of a table are so. */
    int rows(String table, String condition) {
        return Integer.parseInt(database.value("SELECT count(*) FROM orrery." + table + " WHERE " + condition));
    }

    /** Publishes a DAG and tells its id. */
    String publish(String name, String yaml) {
        var reply = client.post(DAGS)
                .json(new JsonObject().put("name", name).put("yaml", yaml))
                .send();
        if (reply.status() != 201) {
            throw new AssertionError(reply.body().toString());
        }
        return reply.json().getString("id");
    }

    /** Starts a run and tells its id. */
    String trigger(String dag) {
        var reply = client.post(DAGS + "/" + dag + "/runs").send();
        if (reply.status() != 202) {
            throw new AssertionError(reply.body().toString());
        }
        return reply.json().getString("runId");
    }

    JsonObject run(String id) {
        return client.get(RUNS + "/" + id).send().json();
    }

    /** Waits for the end of a run. */
    JsonObject ended(String id) {
        until("run " + id + " ends", () -> ENDED.contains(run(id).getString("state")));
        return run(id);
    }

    /** Waits until a task of a run is in a state. */
    void untilTask(String run, String task, String state) {
        until(
                task + " is " + state,
                () -> client.get(RUNS + "/" + run + "/tasks/" + task)
                        .send()
                        .json()
                        .getString("state")
                        .equals(state));
    }

    @Override
    public void close() {
        await(vertx.close());
        node.stop();
        database.close();
    }
}

package dev.orrery.node;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Await;
import dev.orrery.testing.Disk;
import dev.orrery.testing.Needed;
import dev.orrery.testing.NodeProcess;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tasks that look for the secrets of a whole node, and one that may know one of them. */
class IsolatedTasksE2E {

    private static final String USER = "45873";
    private static final String SECRET = "zebra-crossing-4711";
    private static final String OF_THE_NODE = "not-for-tasks-0815";

    @TempDir(factory = Disk.class)
    private Path folder;

    @BeforeEach
    void openTheWay() throws IOException {
        Needed.that(System.getProperty("user.name").equals("root"), "only root can take another account");
        Needed.program("bwrap", "bubblewrap");
        Needed.program("unshare", "util-linux");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void noTaskFindsASecretOfTheNodeAndTheOneThatItIsGivenIsNowhereToBeSeen(int level) throws Exception {
        var data = folder.resolve("data");
        var file = Files.writeString(folder.resolve("node.yaml"), "http: {token: " + OF_THE_NODE + "}\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        var settings = Map.of("SHOP_KEY", SECRET, "PGPASSWORD", OF_THE_NODE);
        try (var node = NodeProcess.start(
                settings,
                data,
                "--set",
                "tasks.isolation=" + level,
                "--set",
                "tasks.user=" + USER,
                "--set",
                "tasks.secrets=KEY=env:SHOP_KEY")) {
            var pgpass = data.resolve("postgresql/pgpass");
            assertThat(pgpass).isNotEmptyFile();
            var password = Files.readString(pgpass).strip();
            password = password.substring(password.lastIndexOf(':') + 1);

            var run = run(node, """
                    name: thief
                    tasks:
                      - id: look
                        type: shell
                        env: {KEY: "${{ secrets.KEY }}"}
                        command: |
                          cat %s %s /proc/%d/environ /proc/%d/cmdline; tr '\\0' '\\n' < /proc/1/environ
                          cat /proc/*/environ | tr '\\0' '\\n'; ls -la %s %s/postgresql
                          echo "the key is $KEY"; echo "::output {\\"key\\": \\"$KEY\\"}"
                          [ ${#KEY} = %d ] || exit 3
                    """.formatted(pgpass, file, node.pid(), node.pid(), data, data, SECRET.length()));
            var ended = ended(node, run);
            var task = node.get("/api/v1/runs/" + run + "/tasks/look").body();
            var log = node.get("/api/v1/runs/" + run + "/tasks/look/logs").body();

            assertThat(ended.getString("state")).as(task + log).isEqualTo("succeeded");
            var hidden = "*".repeat(SECRET.length());
            assertThat(log).contains("the key is " + hidden).doesNotContain(SECRET, OF_THE_NODE, password);
            assertThat(task).contains("{\"key\":\"" + hidden + "\"}").doesNotContain(SECRET);
            assertThat(node.get("/api/v1/dags").body()).doesNotContain(SECRET);
            assertThat(node.output()).doesNotContain(SECRET, OF_THE_NODE);
            assertThat(tablesWith(node, SECRET)).isEmpty();
            assertThat(tablesWith(node, "secrets.KEY")).isNotEmpty();
        }
    }

    @Test
    void aNodeThatCannotDoWhatIsDemandedDoesNotStart() throws Exception {
        var command = NodeProcess.commandLine();
        command.addAll(List.of(
                "node",
                "--data-dir",
                folder.resolve("data").toString(),
                "--http-port",
                "0",
                "--set",
                "tasks.isolation=2"));
        var process = NodeProcess.withoutSettings(new ProcessBuilder(command))
                .redirectErrorStream(true)
                .start();

        var output = new String(process.getInputStream().readAllBytes(), UTF_8);

        assertThat(process.waitFor(90, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isEqualTo(1);
        assertThat(output)
                .contains("error: tasks.isolation 2 is demanded, and not to be had here: the node runs as root")
                .contains("set tasks.user")
                .doesNotContain("\tat ");
    }

    private static String run(NodeProcess node, String yaml) throws IOException {
        var published = node.post(
                "/api/v1/dags",
                new JsonObject().put("name", "thief").put("yaml", yaml).encode());
        assertThat(published.statusCode()).as(published.body()).isEqualTo(201);
        var id = new JsonObject(published.body()).getString("id");
        return new JsonObject(node.post("/api/v1/dags/" + id + "/runs", "{}").body()).getString("runId");
    }

    private static JsonObject ended(NodeProcess node, String run) {
        Await.until(
                "the run ends",
                () -> Set.of("succeeded", "failed").contains(state(node, run).getString("state")));
        return state(node, run);
    }

    private static JsonObject state(NodeProcess node, String run) {
        try {
            return new JsonObject(node.get("/api/v1/runs/" + run).body());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** The tables in which this text stands anywhere, also as bytes. */
    private static List<String> tablesWith(NodeProcess node, String text) throws SQLException {
        var tables = new ArrayList<String>();
        var found = new ArrayList<String>();
        try (var database = node.database();
                var statement = database.createStatement()) {
            try (var rows = statement.executeQuery("SELECT relname FROM pg_class WHERE relkind = 'r'"
                    + " AND relnamespace = 'orrery'::regnamespace")) {
                while (rows.next()) {
                    tables.add(rows.getString(1));
                }
            }
            for (var table : tables) {
                try (var rows = statement.executeQuery(
                        "SELECT count(*) FROM orrery.\"" + table + "\" t WHERE t::text LIKE '%" + text
                                + "%' OR t::text LIKE '%" + HexFormat.of().formatHex(text.getBytes(UTF_8)) + "%'")) {
                    rows.next();
                    if (rows.getInt(1) > 0) {
                        found.add(table);
                    }
                }
            }
        }
        assertThat(tables).hasSizeGreaterThan(20);
        return found;
    }
}

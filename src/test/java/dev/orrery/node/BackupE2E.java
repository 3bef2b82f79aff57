package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.NodeProcess;
import dev.orrery.testing.Postgres;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands by which the guide has data saved and brought back, as they stand there. */
class BackupE2E {

    private static final String QUICK = "tasks: [{id: a, type: handler, handler: echo, input: kept}]";
    private static final String LONG = "tasks: [{id: a, type: handler, handler: sleep, input: {ms: 5000}}]";

    @TempDir
    Path folder;

    @Test
    void aCopyOfTheFolderOfAStoppedNodeIsAWholeBackup() throws Exception {
        var data = folder.resolve("data");
        String run;
        try (var node = NodeProcess.start(data)) {
            run = trigger(node, publish(node, "before", QUICK));
            untilSucceeded(node, run);

            sh(line("pg_dump -h")
                    .replace("pg_dump", "psql")
                    .replace("-F custom -f orrery.dump orrery", "-Atc 'SELECT count(*) FROM orrery.dag_runs' orrery"));
            assertThat(output()).isEqualTo("1\n");
        }

        sh(line("cp -Rp"));

        try (var copy = NodeProcess.start(folder.resolve("orrery-backup"))) {
            assertThat(state(copy, run)).isEqualTo("succeeded");
            untilSucceeded(copy, trigger(copy, publish(copy, "after", QUICK)));
        }
    }

    @Test
    void aDumpOfAWorkingNodesDatabaseGoesOnInAnotherOne() throws Exception {
        try (var server = Postgres.safeDebian15();
                var database = server.empty();
                var restored = server.empty()) {
            String done;
            String underWay;
            try (var node = NodeProcess.start(folder.resolve("first"), "--database-url", database.url())) {
                done = trigger(node, publish(node, "quick", QUICK));
                untilSucceeded(node, done);
                underWay = trigger(node, publish(node, "long", LONG));
                until("it is under way", () -> state(node, underWay).equals("running"));

                sh(line("pg_dump -F").replace("postgresql://orrery@db.example.org/orrery", database.url()));
                node.kill();
            }

            sh(line("pg_restore").replace("postgresql://orrery@db.example.org/restored", restored.url()));

            try (var node = NodeProcess.start(folder.resolve("second"), "--database-url", restored.url())) {
                assertThat(state(node, done)).isEqualTo("succeeded");
                untilSucceeded(node, underWay);
                assertThat(restored.value(
                                "SELECT string_agg(attempt || ' ' || outcome, ', ' ORDER BY fence) FROM task_attempts"))
                        .isEqualTo("1 succeeded, 1 lost, 2 succeeded");
            }
        }
    }

    /** The command of the guide's section on backups that contains this. */
    private static String line(String text) throws IOException {
        var guide = Files.readString(Path.of("src/site/markdown/operations.md"));
        var section = Pattern.compile("\n## Backup\n(.*?)\n## ", Pattern.DOTALL).matcher(guide);
        assertThat(section.find()).isTrue();
        return section.group(1)
                .lines()
                .filter(line -> line.contains(text) && !line.contains("**"))
                .findFirst()
                .orElseThrow();
    }

    private void sh(String command) throws IOException, InterruptedException {
        var here = command.startsWith("PGPASSFILE") ? folder.resolve("data/postgresql") : folder;
        var process = new ProcessBuilder(List.of("bash", "-c", command.replace("~/.orrery", "data")))
                .directory(here.toFile())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("output").toFile())
                .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(command + ": " + output()).isZero();
    }

    private String output() throws IOException {
        return Files.readString(folder.resolve("output"), UTF_8);
    }

    private static String publish(NodeProcess node, String name, String yaml) throws IOException {
        var dag = node.post(
                "/api/v1/dags",
                new JsonObject().put("name", name).put("yaml", yaml).encode());
        assertThat(dag.statusCode()).as(dag.body()).isEqualTo(201);
        return new JsonObject(dag.body()).getString("id");
    }

    private static String trigger(NodeProcess node, String dag) throws IOException {
        var run = node.post("/api/v1/dags/" + dag + "/runs", "{}");
        assertThat(run.statusCode()).as(run.body()).isEqualTo(202);
        return new JsonObject(run.body()).getString("runId");
    }

    private static void untilSucceeded(NodeProcess node, String run) {
        until("run " + run + " has succeeded", () -> state(node, run).equals("succeeded"));
    }

    private static String state(NodeProcess node, String run) {
        try {
            return new JsonObject(node.get("/api/v1/runs/" + run).body()).getString("state");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}

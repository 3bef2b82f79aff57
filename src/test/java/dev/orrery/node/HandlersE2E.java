package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static dev.orrery.testing.LogTexts.timeless;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.HandlerJarFile;
import dev.orrery.testing.NodeProcess;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Handlers in jars on the real node; one jar is made by the commands of the guide. */
class HandlersE2E {

    private static final Pattern COMMANDS =
            Pattern.compile("<!-- handlers: begin -->\n```sh\n(.*?)```\n<!-- handlers: end -->", Pattern.DOTALL);

    @TempDir
    static Path folder;

    private static Path handlers;
    private static NodeProcess node;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        handlers = folder.resolve("handlers");
        runTheGuide();
        HandlerJarFile.registering("Mine", """
                        register("wait", call -> {
                            call.log(Call.Level.WARNING, "waiting", new JsonObject().put("for", "nothing"));
                            call.progress(33);
                            Promise<Object> done = Promise.promise();
                            call.onStop(() -> {
                                call.log(Call.Level.INFO, "told to stop");
                                done.complete();
                            });
                            return done.future();
                        });
                        registerBlocking("split", call -> {
                            try (var http = java.net.http.HttpClient.newHttpClient()) {
                                var request = java.net.http.HttpRequest.newBuilder(java.net.URI.create(call.api() + "/tasks"))
                                    .header("Authorization", "Bearer " + call.token())
                                    .header("Content-Type", "application/json")
                                    .header("Idempotency-Key", "left")
                                    .POST(java.net.http.HttpRequest.BodyPublishers.ofString(
                                        "{\\"type\\": \\"shell\\", \\"command\\": \\"true\\"}"))
                                    .build();
                                var answer = http.send(request, java.net.http.HttpResponse.BodyHandlers.ofString());
                                return new JsonObject(answer.body()).put("asked", call.taskInstanceId().toString());
                            }
                        });
                        registerBlocking("break", call -> { throw new IllegalStateException("attempt " + call.attempt()); });
                        """).writeTo(handlers.resolve("mine.jar"));
        node = NodeProcess.start(folder.resolve("data"), "--handlers", handlers.toString());
    }

    /** All but the last command, which starts a node. */
    private static void runTheGuide() throws IOException, InterruptedException {
        var commands = COMMANDS.matcher(Files.readString(Path.of("src/site/markdown/tasks.md")));
        assertThat(commands.find()).isTrue();
        var lines = commands.group(1).lines().toList();
        assertThat(lines.getLast()).isEqualTo("java -jar target/orrery.jar node --handlers handlers");
        var script = "set -e\nPATH=" + System.getProperty("java.home") + "/bin:$PATH\n"
                + String.join("\n", lines.subList(0, lines.size() - 1))
                        .replace("target/orrery.jar", NodeProcess.jar().toString())
                        .replace(
                                "conf/examples",
                                Path.of("conf/examples").toAbsolutePath().toString());
        ended(0, new ProcessBuilder("sh", "-c", script).directory(folder.toFile()));
    }

    private static String ended(int exitCode, ProcessBuilder builder) throws IOException, InterruptedException {
        var process = builder.redirectErrorStream(true).start();
        process.getOutputStream().close();
        var output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(output).isEqualTo(exitCode);
        return output;
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @Test
    void theNodeTellsWhatItLoaded() {
        assertThat(node.output()).contains("handlers: wait, split, break (mine.jar); greet, count-primes (primes.jar)");
    }

    @Test
    void theExampleOfTheGuideRuns() throws IOException {
        var run = start("primes", Files.readString(Path.of("conf/examples/handlers/primes.yaml")));

        assertThat(ended(run).getString("state")).isEqualTo("succeeded");
        assertThat(task(run, "greet").getString("output")).isEqualTo("hello Ada");
        assertThat(task(run, "count").getJsonObject("output")).isEqualTo(new JsonObject().put("primes", 17_984));
        assertThat(timeless(log(run, "count")))
                .startsWith("INFO counting {\"below\":200000}\n")
                .endsWith("INFO progress 100%\n");
    }

    @Test
    void aHandlerIsHeardWhileItWorksAndToldWhenItIsCancelled() throws IOException {
        var run = start("waits", "tasks: [{id: a, type: handler, handler: wait}]");
        until(
                "it is heard",
                () -> timeless(log(run, "a")).equals("WARNING waiting {\"for\":\"nothing\"}\nINFO progress 33%\n"));

        until("its progress is told", () -> Objects.equals(task(run, "a").getInteger("progress"), 33));
        node.post("/api/v1/runs/" + run + "/cancel", "{}");

        assertThat(ended(run).getString("state")).isEqualTo("cancelled");
        assertThat(log(run, "a")).endsWith(" INFO told to stop\n");
    }

    @Test
    void whatAHandlerSubmitsByItsTokenIsAChildOfItsTask() throws IOException {
        var run = start("splits", "tasks: [{id: a, type: handler, handler: split}]");

        assertThat(ended(run).getString("state")).isEqualTo("succeeded");
        var child = task(run, "a").getJsonObject("output");
        assertThat(child.getString("parentTaskId")).isNotNull().isEqualTo(child.getString("asked"));
    }

    @Test
    void aHandlerThatFailsIsTriedAgainAndItsTraceIsInTheLog() throws IOException {
        var run = start(
                "breaks",
                "tasks: [{id: a, type: handler, handler: break, retry: {maxAttempts: 2, initialDelay: 10ms}}]");

        assertThat(ended(run).getString("state")).isEqualTo("failed");
        assertThat(task(run, "a").getString("error")).isEqualTo("attempt 2");
        assertThat(timeless(log(run, "a")))
                .startsWith("ERROR java.lang.IllegalStateException: attempt 2\n\t\tat mine.jar//Mine.");
    }

    @Test
    void aJarThatCannotBeUsedStopsTheStartAsAWrongSettingDoes() throws IOException, InterruptedException {
        var wrong = Files.createDirectory(folder.resolve("wrong"));
        HandlerJarFile.registering("Wrong", "register(\"echo\", call -> null);").writeTo(wrong.resolve("wrong.jar"));

        var output = ended(
                2,
                NodeProcess.withoutSettings(new ProcessBuilder(NodeProcess.commandLine(
                        "node",
                        "--data-dir",
                        folder.resolve("other").toString(),
                        "--http-port",
                        "0",
                        "--handlers",
                        wrong.toString()))));

        assertThat(output)
                .contains("the configuration has a problem\n  " + wrong.resolve("wrong.jar")
                        + " registers handler 'echo', which is built in\n  help: give it another name;")
                .doesNotContain("\tat ");
        assertThat(folder.resolve("other/postgresql")).doesNotExist();
    }

    private static String start(String name, String yaml) throws IOException {
        var dag = node.post(
                "/api/v1/dags",
                new JsonObject().put("name", name).put("yaml", yaml).encode());
        assertThat(dag.statusCode()).as(dag.body()).isEqualTo(201);
        return new JsonObject(node.post("/api/v1/dags/" + new JsonObject(dag.body()).getString("id") + "/runs", "{}")
                        .body())
                .getString("runId");
    }

    private static JsonObject ended(String run) {
        until(
                "the run has ended",
                () -> List.of("succeeded", "failed", "cancelled")
                        .contains(json("/api/v1/runs/" + run).getString("state")));
        return json("/api/v1/runs/" + run);
    }

    private static JsonObject task(String run, String id) {
        return json("/api/v1/runs/" + run + "/tasks/" + id);
    }

    private static String log(String run, String task) {
        return text("/api/v1/runs/" + run + "/tasks/" + task + "/logs");
    }

    private static JsonObject json(String path) {
        return new JsonObject(text(path));
    }

    private static String text(String path) {
        try {
            return node.get(path).body();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}

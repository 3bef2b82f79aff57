package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Needed;
import dev.orrery.testing.OwnProcesses;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The workers of the examples, as real processes against a whole node: they do their work, die, and outlive the node. */
class ExampleWorkersIT {

    private static final Path FOLDER = Path.of("conf/examples/workers").toAbsolutePath();
    private static final Pattern COMMANDS = Pattern.compile(
            "<!-- remote worker: begin -->\n```sh\n(.*?)```\n<!-- remote worker: end -->", Pattern.DOTALL);
    private static final String WAIT =
            "tasks: [{id: a, type: agent, handler: wait, input: {seconds: %d}, retry: {maxAttempts: 1}}]";

    @TempDir
    static Path folder;

    private static NodeUnderTest node;

    private final List<Process> workers = new ArrayList<>();

    /** A language, and how a worker in it is started. */
    enum Language {
        PYTHON("python3", "worker.py"),
        JAVASCRIPT("node", "worker.js");

        private final List<String> command;

        Language(String program, String file) {
            this.command = List.of(program, FOLDER.resolve(file).toString());
        }
    }

    @BeforeAll
    static void start() {
        Needed.program("python3", "python3");
        Needed.program("node", "nodejs");
        node = new NodeUnderTest(folder);
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @AfterEach
    void end() {
        workers.forEach(Process::destroyForcibly);
    }

    private Process begin(Language language, String name) throws IOException {
        return begin(language, name, 2_500);
    }

    private Process begin(Language language, String name, int leaseMillis) throws IOException {
        var builder = new ProcessBuilder(language.command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve(name + ".log").toFile());
        builder.environment()
                .putAll(Map.of(
                        "ORRERY_URL",
                        "http://127.0.0.1:" + node.port(),
                        "WORKER_NAME",
                        name,
                        "WORKER_SLOTS",
                        "1",
                        "WORKER_LEASE_MS",
                        Integer.toString(leaseMillis)));
        var process = OwnProcesses.own(builder.start());
        workers.add(process);
        until(name + " is registered", () -> says(name).contains("registered as"));
        return process;
    }

    private static String says(String name) {
        try {
            return Files.readString(folder.resolve(name + ".log"), UTF_8);
        } catch (IOException unreadable) {
            throw new AssertionError(unreadable);
        }
    }

    private static JsonObject task(String run) {
        return node.client.get("/api/v1/runs/" + run + "/tasks/a").send().json();
    }

    private static String run(String yaml) {
        return node.trigger(node.publish("w" + System.nanoTime(), yaml));
    }

    private static void untilItWaits(String run, int attempt) {
        until("attempt " + attempt + " has begun its work", () -> {
            var log = node.client
                    .get("/api/v1/runs/" + run + "/tasks/a/logs?attempt=" + attempt)
                    .send();
            return log.status() == 200 && log.body().toString().contains("second 1 of");
        });
    }

    private static void ended(Process worker, int exitCode) throws InterruptedException {
        assertThat(worker.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(worker.exitValue()).isEqualTo(exitCode);
    }

    @ParameterizedTest
    @EnumSource
    void aWorkerDoesItsWorkAndSignsOff(Language language) throws IOException, InterruptedException {
        var worker = begin(language, "works-" + language);
        var run = run("tasks: [{id: a, type: agent, handler: count-words, input: {text: 'to be or not'}}]");

        assertThat(node.ended(run).getString("state")).isEqualTo("succeeded");
        assertThat(task(run).getJsonObject("output")).isEqualTo(new JsonObject().put("words", 4));
        assertThat(node.client
                        .get("/api/v1/runs/" + run + "/tasks/a/logs")
                        .send()
                        .body()
                        .toString())
                .endsWith("INFO counted {\"words\":4}\n");

        var failing =
                run("tasks: [{id: a, type: agent, handler: count-words, retry: {giveUpOn: ['error:TypeError']}}]");
        assertThat(node.ended(failing).getString("state")).isEqualTo("failed");
        assertThat(task(failing).getString("error"))
                .contains("TypeError")
                .endsWith("(not tried again: giveUpOn names error:TypeError)");

        worker.destroy();
        ended(worker, 0);
        assertThat(node.client.get("/api/v1/remote-workers").send().body().toString())
                .doesNotContain("works-" + language);
    }

    @ParameterizedTest
    @EnumSource
    void whatIsCancelledEnds(Language language) throws IOException {
        begin(language, "cancels-" + language);
        var run = run(WAIT.formatted(60));
        untilItWaits(run, 1);
        until("it tells how far it is", () -> task(run).getValue("progress") != null);

        node.client.post("/api/v1/runs/" + run + "/cancel").send();

        assertThat(node.ended(run).getString("state")).isEqualTo("cancelled");
        assertThat(says("cancels-" + language)).contains("is cancelled");
    }

    @ParameterizedTest
    @EnumSource
    void whatAKilledWorkerDidIsDoneByAnother(Language language) throws IOException {
        var killed = begin(language, "killed-" + language);
        var run = run(WAIT.formatted(1));
        untilItWaits(run, 1);

        killed.destroyForcibly();
        begin(language == Language.PYTHON ? Language.JAVASCRIPT : Language.PYTHON, "heir-of-" + language);

        assertThat(node.ended(run).getString("state")).isEqualTo("succeeded");
        var attempts = task(run).getJsonArray("attempts");
        assertThat(attempts.getJsonObject(0).getString("outcome")).isEqualTo("lost");
        assertThat(attempts.getJsonObject(1).getString("outcome")).isEqualTo("succeeded");
    }

    @Test
    void theCallsOfTheGuideAreAWorker() throws IOException, InterruptedException {
        var page = Files.readString(Path.of("src/site/markdown/remote-workers.md"));
        var shown = COMMANDS.matcher(page);
        assertThat(shown.find()).isTrue();
        var run = run("tasks: [{id: a, type: agent, handler: greet}]");

        var script = "set -e\n" + shown.group(1).replace("localhost:8080", "127.0.0.1:" + node.port());
        var shell = OwnProcesses.own(new ProcessBuilder("sh", "-c", script)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("guide.log").toFile())
                .start());
        ended(shell, 0);

        assertThat(node.ended(run).getString("state")).isEqualTo("succeeded");
        assertThat(task(run).getJsonObject("output")).isEqualTo(new JsonObject().put("greeting", "hello"));
        assertThat(says("guide")).contains("\"kept\":true", "\"lost\":[]");
    }

    @Test
    void workersOutliveTheNode() throws IOException {
        begin(Language.PYTHON, "python-stays", 15_000);
        begin(Language.JAVASCRIPT, "javascript-stays", 15_000);
        var runs = List.of(run(WAIT.formatted(6)), run(WAIT.formatted(6)));
        runs.forEach(run -> untilItWaits(run, 1));

        node.restart();

        for (var run : runs) {
            assertThat(node.ended(run).getString("state")).isEqualTo("succeeded");
            assertThat(task(run).getInteger("attempt")).isEqualTo(1);
        }
        assertThat(says("python-stays") + says("javascript-stays")).doesNotContain("given up");
    }
}

package dev.orrery.cli;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.NodeProcess;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Single tasks over the command line, against a real node that does one at a time. */
class TaskCommandE2E {

    private static final String UNKNOWN = "01980f6e-5a10-7000-8b2d-5f3180000001";

    @TempDir
    private Path folder;

    private NodeProcess node;

    @BeforeEach
    void start() throws IOException {
        node = NodeProcess.start(folder.resolve("data"), "--set", "workers.size=1", "--set", "workers.concurrency=1");
    }

    @AfterEach
    void stop() {
        node.close();
    }

    private ProgramRun run(String... arguments) throws IOException {
        var run = ProgramRun.start(
                folder, Map.of("ORRERY_SERVER", node.address().toString()), ProgramRun.commandLine(arguments));
        run.exitCode();
        return run;
    }

    private String ok(String... arguments) throws IOException {
        var run = run(arguments);
        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        return run.out();
    }

    /** The ids by the names, which are the refs, of what the command answered. */
    private Map<String, String> submitted(String file, String... options) throws IOException {
        var arguments = new ArrayList<>(List.of("task", "submit", "--file", file, "--output", "json"));
        Collections.addAll(arguments, options);
        return ok(arguments.toArray(String[]::new))
                .lines()
                .map(JsonObject::new)
                .collect(Collectors.toMap(task -> task.getString("ref"), task -> task.getString("id")));
    }

    /** A task that writes its name down. */
    private JsonObject task(String ref, String... dependencies) {
        return new JsonObject()
                .put("ref", ref)
                .put("name", ref)
                .put("type", "shell")
                .put("command", "echo " + ref + " >> " + folder.resolve("done"))
                .put("queue", "line")
                .put("dependencies", List.of(dependencies));
    }

    private String file(JsonObject... tasks) throws IOException {
        var lines = Arrays.stream(tasks).map(JsonObject::encode).collect(Collectors.joining("\n"));
        return Files.writeString(Files.createTempFile(folder, "tasks", ".jsonl"), lines)
                .toString();
    }

    private List<String> done() {
        try {
            var file = folder.resolve("done");
            return Files.exists(file) ? Files.readAllLines(file) : List.of();
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    @Test
    void tasksOfAFileAreDoneInTheirOrderAndOnceThoughTheNodeIsKilled() throws IOException {
        ok("queue", "set", "line");
        ok("queue", "pause", "line");
        var soon = Instant.now().plus(20, ChronoUnit.SECONDS).toString();
        var ids = submitted(file(
                task("patient").put("priority", 1),
                task("raised").put("priority", 0),
                task("heir", "base").put("priority", 10),
                task("due").put("priority", 0).put("deadline", soon),
                task("base").put("priority", 0),
                task("usual").put("priority", 6)));

        assertThat(ok("task", "set", ids.get("raised"), "--priority", "9"))
                .startsWith("the task is ready, of priority 9");
        assertThat(ok("task", "explain", ids.get("heir")))
                .startsWith("blocked: ")
                .contains("base", ids.get("base"));
        assertThat(ok("task", "explain", ids.get("base"))).contains("paused", "0 ahead");
        ok("task", "submit", "--handler", "noop", "--name", "child", "--queue", "line", "--parent", ids.get("heir"));
        assertThat(ok("task", "tree", ids.get("heir"))).contains("heir", "─ child");
        assertThat(ok("task", "stats")).contains("ready      6", "blocked    1");
        ok("queue", "resume", "line");
        until("all are done", () -> done().size() == 6);

        assertThat(done()).startsWith("base").containsSubsequence("base", "due", "raised", "usual", "patient");
        // The heir is ready when its prerequisite has ended, by when the node may hold the next few already.
        assertThat(done()).contains("heir");
        killedInTheMiddle();
    }

    /** The first attempt of the first task hangs until the node is killed; all that follows waits for it. */
    private void killedInTheMiddle() throws IOException {
        Files.delete(folder.resolve("done"));
        var go = folder.resolve("go");
        var slow = task("slow").put("priority", 3);
        slow.put("command", "touch begun; test -e " + go + " || sleep 600; " + slow.getString("command"));
        slow.put(
                "command",
                slow.getString("command")
                        .replace("begun", folder.resolve("begun").toString()));
        var file = file(slow, task("left", "slow"), task("right", "slow"), task("last", "left", "right"));
        var ids = submitted(file, "--key", "night");
        until("the first one runs", () -> Files.exists(folder.resolve("begun")));
        assertThat(ok("task", "explain", ids.get("last"))).startsWith("blocked: ");

        node.kill();
        Files.createFile(go);
        node = NodeProcess.start(folder.resolve("data"), "--set", "workers.size=1", "--set", "workers.concurrency=1");

        assertThat(ok("task", "submit", "--file", file, "--key", "night", "--wait"))
                .as("the same submission")
                .contains("completed 4");
        assertThat(done()).hasSize(4).startsWith("slow").endsWith("last").contains("left", "right");
        assertThat(ok("task", "show", ids.get("slow"))).contains("completed", "lost");
        assertThat(ok("task", "list", "--queue", "line", "--state", "completed", "--limit", "50", "--output", "json"))
                .contains(ids.values());
    }

    @Test
    void whatMeansNoGoodIsRefusedWithItsPlaceAndAnExitCodeOfItsKind() throws IOException {
        var many = IntStream.range(0, 10_000)
                .mapToObj(n -> UNKNOWN.replace("5a10", "%04x".formatted(n)))
                .toArray(String[]::new);
        Files.writeString(folder.resolve("huge"), "\"" + "x".repeat(3 << 19) + "\"");

        refused(4, "line 1", "task", "submit", "--file", file(task("self", "self")));
        refused(4, "line 1", "task", "submit", "--file", file(task("a", "b"), task("b", "a")));
        refused(4, "line 2", "task", "submit", "--file", file(task("a"), task("many", many)));
        refused(4, "timeout", "task", "submit", "--handler", "noop", "--timeout=-5s");
        refused(4, "estimatedDurationSeconds", "task", "submit", "--handler", "noop", "--estimate=-1");
        refused(4, "input", "task", "submit", "--handler", "noop", "--input", "@huge");
        refused(3, UNKNOWN, "task", "submit", "--handler", "noop", "--after", UNKNOWN);
        refused(3, UNKNOWN, "task", "set", UNKNOWN, "--priority", "1");
        refused(4, "11 is out of range", "task", "set", UNKNOWN, "--priority", "11");
        refused(2, "no id of a task", "task", "cancel", "../runs");
        assertThat(ok("task", "list")).isEqualTo("no tasks like that\n");
        var tooLarge = node.post("/api/v1/tasks/batch", "{\"tasks\":[]}" + " ".repeat(16 << 20));
        assertThat(tooLarge.statusCode()).isEqualTo(413);

        var late = ok(
                "task",
                "submit",
                "--handler",
                "noop",
                "--deadline",
                "2001-01-01",
                "--unique-key",
                "ключ 鍵 🗝",
                "--wait");
        assertThat(late).as("what is late already is done at once").contains("completed");
        assertThat(ok("task", "list", "--output", "json")).contains("ключ 鍵 🗝");
    }

    private void refused(int exitCode, String place, String... arguments) throws IOException {
        var run = run(arguments);
        assertThat(run.exitCode()).as(run.out() + run.err()).isEqualTo(exitCode);
        assertThat(run.err()).contains("error: ", place).hasSizeLessThan(20_000);
    }
}

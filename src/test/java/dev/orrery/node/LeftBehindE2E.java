package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.NodeProcess;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real jar: what a node leaves behind in its data folder, among temporary files and among processes, however it ends. */
class LeftBehindE2E {

    /** Of programs that nothing else on the machine starts with this number. */
    private static final String SECONDS = "73" + ProcessHandle.current().pid();

    private static final Duration SOON = Duration.ofSeconds(10);

    @TempDir
    Path folder;

    private Set<String> afterACleanStop;

    @BeforeEach
    void startAndStopOnce() throws IOException {
        Files.createDirectory(folder.resolve("tmp"));
        try (var node = start()) {
            assertThat(node.stop()).isZero();
        }
        afterACleanStop = left();
        assertThat(afterACleanStop)
                .as("temporary files, pid files and folders of tasks")
                .noneMatch(file -> file.matches("tmp/.*|.*postmaster\\.pid|data/work/.*|.*unfinished.*"));
    }

    @Test
    void aSecondSignalEndsAllThatRunsAndTheNextStartNeedsNoHelp() throws Exception {
        var node = start("10m");
        var ours = startTasks(node);

        node.signal("TERM");
        until("it drains", () -> node.output().contains("stopping: "));
        // Not INT, which a shell has its background jobs ignore.
        node.signal("TERM");

        // Not 0, and long before the drain would have ended it with that.
        assertThat(node.awaitEnd(SOON)).isEqualTo(143);
        until("nothing of it runs", SOON, () -> ours.stream().noneMatch(ProcessHandle::isAlive));
        assertThat(sleepers()).isEmpty();
        nextStartLeavesWhatACleanOneDoes();
    }

    @Test
    void aKilledNodeTakesAllThatRunsWithItAndTheNextStartSweeps() throws Exception {
        var node = start();
        var ours = startTasks(node);

        node.kill();

        until("nothing of it runs", SOON, () -> ours.stream().noneMatch(ProcessHandle::isAlive));
        assertThat(sleepers()).isEmpty();
        assertThat(left()).as("so the sweep has something to do").anyMatch(file -> file.startsWith("tmp/"));
        nextStartLeavesWhatACleanOneDoes();
    }

    private void nextStartLeavesWhatACleanOneDoes() throws IOException {
        try (var next = start()) {
            assertThat(left())
                    .filteredOn(file -> file.matches("tmp/[^/]*|data/work/[^/]*"))
                    .as("its own folders and no other")
                    .hasSize(2);
            assertThat(next.stop()).isZero();
        }
        assertThat(left()).isEqualTo(afterACleanStop);
        assertThat(sleepers()).isEmpty();
    }

    private NodeProcess start() throws IOException {
        return start("4s");
    }

    private NodeProcess start(String drainTimeout) throws IOException {
        return NodeProcess.start(
                Map.of("JAVA_TOOL_OPTIONS", "-Djava.io.tmpdir=" + folder.resolve("tmp")),
                folder.resolve("data"),
                "--set",
                "workers.drain-timeout=" + drainTimeout);
    }

    /** Tasks with children in their own group, in groups and sessions of their own; all processes below the node. */
    private List<ProcessHandle> startTasks(NodeProcess node) throws IOException {
        var sleep = "sleep " + SECONDS;
        submit(node, "shell", "command", "setsid " + sleep + " & (" + sleep + " &) ; " + sleep);
        submit(
                node,
                "python",
                "code",
                "import subprocess as s; s.Popen('" + sleep + "'.split(), start_new_session=True).wait()");
        var expected = 4;
        if (node.output().contains("PID namespace")) {
            submit(node, "shell", "command", "env -i setsid " + sleep + " & exec " + sleep);
            expected = 6;
        }
        var all = expected;
        until("they run", () -> sleepers().size() == all);
        var ours = new ArrayList<>(
                ProcessHandle.of(node.pid()).orElseThrow().descendants().toList());
        ours.addAll(sleepers());
        return ours;
    }

    private static void submit(NodeProcess node, String type, String field, String program) throws IOException {
        var answer = node.post(
                "/api/v1/tasks",
                new JsonObject().put("type", type).put(field, program).encode());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
    }

    private static List<ProcessHandle> sleepers() {
        return ProcessHandle.allProcesses()
                .filter(process -> List.of(process.info().arguments().orElse(new String[0]))
                        .equals(List.of(SECONDS)))
                .toList();
    }

    /** All files but the server's own data and log. */
    private Set<String> left() throws IOException {
        var found = new TreeSet<String>();
        for (var place : List.of("tmp", "data")) {
            try (var files = Files.walk(folder.resolve(place))) {
                files.map(file -> folder.relativize(file).toString())
                        .filter(file -> !file.matches("data/postgresql/(data|bin|postgresql-[^/]*)/.*")
                                || file.endsWith("postmaster.pid"))
                        .forEach(found::add);
            }
        }
        return found;
    }
}

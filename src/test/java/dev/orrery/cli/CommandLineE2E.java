package dev.orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Await;
import dev.orrery.testing.Java;
import dev.orrery.testing.NodeProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands against a real node, as scripts and people see them. */
class CommandLineE2E {

    private static final String TOKEN = "a-token-of-this-test";

    @TempDir
    private static Path nodeFolder;

    private static NodeProcess node;

    @TempDir
    private Path folder;

    @BeforeAll
    static void aNodeWithAToken() throws IOException {
        node = NodeProcess.start(nodeFolder.resolve("data"), "--set", "http.token=" + TOKEN);
    }

    @AfterAll
    static void stop() {
        if (node != null) {
            node.close();
        }
    }

    private Map<String, String> server() {
        return Map.of("ORRERY_SERVER", node.address().toString(), "ORRERY_TOKEN", TOKEN);
    }

    private ProgramRun run(String... arguments) throws IOException {
        return ended(ProgramRun.start(folder, server(), arguments));
    }

    private static ProgramRun ended(ProgramRun run) {
        run.exitCode();
        return run;
    }

    private void write(String name, String text) throws IOException {
        Files.writeString(folder.resolve(name), text);
    }

    /** The id in {@code run ID of NAME version N}. */
    private static String runId(ProgramRun trigger) {
        assertThat(trigger.out()).startsWith("run ");
        return trigger.out().split(" ")[1];
    }

    @Test
    void aWrongFileIsToldLineByLine() throws IOException {
        write("dag.yaml", """
                name: wrong
                tasks:
                  - id: a
                    type: shell
                    command: echo a
                    comand: echo b
                """);

        var run = run("dag", "validate", "dag.yaml");

        assertThat(run.exitCode()).isEqualTo(4);
        assertThat(run.out()).isEqualTo("""
                dag.yaml:6:5 UNKNOWN_FIELD unknown field 'comand'
                    6 |     comand: echo b
                      |     ^
                  help: did you mean 'command'?
                1 problem in dag.yaml
                """);
    }

    @Test
    void aDagIsPublishedStartedAndFollowed() throws IOException {
        write("good.yaml", """
                name: followed
                tasks:
                  - { id: first, type: shell, command: "echo one; echo '::output {\\"n\\": 1}'" }
                  - { id: second, type: handler, handler: echo, input: { text: two }, dependencies: [first] }
                """);

        assertThat(run("dag", "apply", "good.yaml").out()).isEqualTo("✔ created followed version 1 (2 tasks)\n");
        assertThat(run("dag", "apply", "good.yaml").out()).isEqualTo("✔ unchanged followed version 1 (2 tasks)\n");
        var trigger = run("dag", "trigger", "followed", "--follow");

        assertThat(trigger.exitCode()).isZero();
        assertThat(trigger.out())
                .contains("first succeeded")
                .contains("second succeeded")
                .contains("✔ followed succeeded in ");
        assertThat(run("run", "logs", runId(trigger), "first").out()).startsWith("one\n");
        assertThat(run("run", "list", "--dag", "followed").out())
                .contains(runId(trigger))
                .contains("succeeded");
        assertThat(run("dag", "show", "followed").out()).contains("second").contains(runId(trigger));
        assertThat(run("worker", "list").out()).contains("idle");
    }

    @Test
    void programsReadARunAsLinesOfJson() throws IOException {
        write("lines.yaml", "name: lines\ntasks: [{ id: a, type: handler, handler: noop }]\n");
        run("dag", "apply", "lines.yaml");

        var trigger = run("dag", "trigger", "lines", "--follow", "--output", "json");

        assertThat(trigger.exitCode()).isZero();
        var lines = trigger.out().lines().toList();
        assertThat(lines.getFirst()).startsWith("{\"event\":\"triggered\",\"runId\":");
        assertThat(lines)
                .anyMatch(line -> line.startsWith("{\"event\":\"task\",\"taskId\":\"a\",\"state\":\"succeeded\""));
        assertThat(lines.getLast()).startsWith("{\"event\":\"run\",\"state\":\"succeeded\"");
    }

    @Test
    void aRunThatFailsEndsWithOneAndShowsWhy() throws IOException {
        write("failing.yaml", """
                name: failing
                tasks:
                  - { id: bad, type: shell, command: "echo before; echo boom >&2; exit 7", retry: { maxAttempts: 1 } }
                  - { id: after, type: handler, handler: noop, dependencies: [bad] }
                """);
        run("dag", "apply", "failing.yaml");

        var trigger = run("dag", "trigger", "failing", "--follow");
        var shown = run("run", "show", runId(trigger));

        assertThat(trigger.exitCode()).isEqualTo(1);
        assertThat(shown.exitCode()).isZero();
        assertThat(shown.out().lines().toList().getFirst())
                .startsWith("✘ task bad failed")
                .contains("7");
        assertThat(shown.out())
                .contains("  │ boom\n")
                .contains("next: ")
                .contains("run logs " + runId(trigger) + " bad");
        assertThat(shown.out()).containsPattern("after +skipped");
    }

    @Test
    void ctrlCLeavesTheRunRunning() throws IOException {
        write("long.yaml", "name: long\ntasks: [{ id: a, type: handler, handler: sleep, input: { ms: 600000 } }]\n");
        run("dag", "apply", "long.yaml");
        var id = runId(run("dag", "trigger", "long"));

        try (var watch = ProgramRun.start(folder, server(), "run", "watch", id)) {
            Await.until("the task runs", () -> watch.out().contains("a running"));
            watch.signal("INT");

            assertThat(watch.exitCode()).isEqualTo(130);
            assertThat(watch.err())
                    .contains("the run goes on; follow it again with: ")
                    .contains("run watch " + id);
        }
        assertThat(run("run", "show", id, "--output", "json").out()).contains("\"state\":\"running\"");

        assertThat(run("run", "cancel", id).exitCode()).isZero();
        var watch = run("run", "watch", id);
        assertThat(watch.exitCode()).isEqualTo(1);
        assertThat(watch.out()).contains("long cancelled");
    }

    @Test
    void aLogIsFollowedWhileItIsWritten() throws IOException {
        var gate = folder.resolve("gate");
        write("gated.yaml", """
                name: gated
                tasks:
                  - id: a
                    type: shell
                    env: { GATE: "%s" }
                    command: echo before; while [ ! -e "$GATE" ]; do sleep 0.1; done; echo after
                """.formatted(gate));
        run("dag", "apply", "gated.yaml");
        var id = runId(run("dag", "trigger", "gated"));

        try (var logs = ProgramRun.start(folder, server(), "run", "logs", id, "a", "--follow")) {
            Await.until("the first line is there", () -> logs.out().equals("before\n"));
            Files.createFile(gate);

            assertThat(logs.exitCode()).isZero();
            assertThat(logs.out()).isEqualTo("before\nafter\n");
        }
    }

    @Test
    void whatIsNotThereIsNotFound() throws IOException {
        assertThat(run("dag", "show", "nowhere").exitCode()).isEqualTo(3);
        assertThat(run("run", "show", "01980f6e-5a10-7000-8b2d-5f3100000000").exitCode())
                .isEqualTo(3);
        assertThat(run("run", "watch", "01980f6e-5a10-7000-8b2d-5f3100000000").exitCode())
                .isEqualTo(3);
        assertThat(run("run", "logs", "01980f6e-5a10-7000-8b2d-5f3100000000", "a")
                        .exitCode())
                .isEqualTo(3);
    }

    @Test
    void aWrongTokenIsRefusedAndNotRepeated() throws IOException {
        var variables = Map.of("ORRERY_SERVER", node.address().toString(), "ORRERY_TOKEN", "not-the-token");

        var list = ended(ProgramRun.start(folder, variables, "dag", "list"));
        var watch = ended(ProgramRun.start(folder, variables, "run", "watch"));

        assertThat(list.exitCode()).isEqualTo(5);
        assertThat(watch.exitCode()).isEqualTo(5);
        assertThat(list.out() + list.err()).contains("ORRERY_TOKEN").doesNotContain("not-the-token");
    }

    @Test
    void aServerThatIsNotThereIsNamedWithTheCure() throws IOException {
        var list = ended(ProgramRun.start(folder, Map.of("ORRERY_SERVER", "http://127.0.0.1:1"), "dag", "list"));

        assertThat(list.exitCode()).isEqualTo(6);
        assertThat(list.err()).contains("cannot reach http://127.0.0.1:1").contains("orrery node");
    }

    @Test
    void aTerminalSeesALiveBarAndGetsItsCursorBack() throws IOException {
        write("bar.yaml", """
                name: bar
                tasks:
                  - { id: a, type: handler, handler: sleep, input: { ms: 1500 } }
                  - { id: b, type: handler, handler: noop, dependencies: [a] }
                """);
        run("dag", "apply", "bar.yaml");
        var inTerminal =
                "stty cols 60; exec " + String.join(" ", ProgramRun.commandLine("dag", "trigger", "bar", "--follow"));

        var watch = ended(ProgramRun.start(
                folder, server(), List.of("script", "--quiet", "--return", "--command", inTerminal, "/dev/null")));

        assertThat(watch.exitCode()).isZero();
        assertThat(watch.out())
                .contains("\u001b[?25l")
                .contains("╍")
                .contains("1 running")
                .contains("running: ")
                .contains("succeeded");
        assertThat(watch.out().lastIndexOf("\u001b[?25h"))
                .isGreaterThan(watch.out().lastIndexOf("\u001b[?25l"));
        assertThat(watch.out().replaceAll("\u001b\\[[0-9;?]*[A-Za-z]", "").split("[\r\n]+"))
                .filteredOn(line -> line.contains("╍"))
                .isNotEmpty()
                .allSatisfy(line -> assertThat(line.length()).isLessThan(60));
    }

    @Test
    void withoutColoursATerminalStillGetsItsBar() throws IOException {
        write("plain.yaml", "name: plain\ntasks: [{ id: a, type: handler, handler: sleep, input: { ms: 800 } }]\n");
        run("dag", "apply", "plain.yaml");
        var inTerminal = String.join(" ", ProgramRun.commandLine("dag", "trigger", "plain", "--follow"));
        var variables =
                Map.of("ORRERY_SERVER", node.address().toString(), "ORRERY_TOKEN", TOKEN, "NO_COLOR", "1", "LANG", "C");

        var watch = ended(ProgramRun.start(
                folder, variables, List.of("script", "--quiet", "--return", "--command", inTerminal, "/dev/null")));

        assertThat(watch.exitCode()).isZero();
        assertThat(watch.out()).contains("===").doesNotContain("╍").doesNotContainPattern("\u001b\\[[0-9;]*m");
    }

    @Test
    void aCommandThatOnlyAsksLoadsNoVertxAndNoLogging() throws IOException {
        var classes = folder.resolve("classes.txt");
        // Not as other tests start it: from a cache that holds all the classes of a node.
        var command = Java.command(
                "-Xlog:class+load:file=" + classes, "-jar", NodeProcess.jar().toString(), "dag", "list");

        var list = ended(ProgramRun.start(folder, server(), command));

        assertThat(list.exitCode()).isZero();
        assertThat(Files.readString(classes))
                .contains("dev.orrery.cli.Main")
                .doesNotContain(" io.vertx.")
                .doesNotContain(" ch.qos.logback.")
                .doesNotContain(" com.fasterxml.jackson.databind.")
                .doesNotContain(" org.yaml.");
        System.out.println("dag list loads " + Files.readString(classes).lines().count() + " classes");
    }
}

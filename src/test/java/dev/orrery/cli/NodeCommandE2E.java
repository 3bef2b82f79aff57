package dev.orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Await;
import dev.orrery.testing.NodeTemplate;
import dev.orrery.testing.Ports;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nodes that are started from the command line: what they say, how they stop, what {@code try} leaves behind. */
class NodeCommandE2E {

    @TempDir
    private Path folder;

    private final List<ProgramRun> started = new ArrayList<>();

    @AfterEach
    void close() {
        started.forEach(ProgramRun::end);
    }

    private ProgramRun start(String... arguments) throws IOException {
        var run = ProgramRun.start(folder, Map.of("HOME", folder.toString()), arguments);
        started.add(run);
        return run;
    }

    /** One with a database that is there; to make one is a test of its own. */
    private ProgramRun startNode(String... more) throws IOException {
        NodeTemplate.copyTo(folder.resolve("data"));
        return startNewNode(more);
    }

    private ProgramRun startNewNode(String... more) throws IOException {
        var arguments = new ArrayList<>(List.of(
                "node", "--http-port", "0", "--data-dir", folder.resolve("data").toString()));
        arguments.addAll(List.of(more));
        var node = start(arguments.toArray(String[]::new));
        Await.until("the node is up", () -> node.out().contains("dag trigger") || !node.isAlive());
        assertThat(node.isAlive()).as(node.out() + node.err()).isTrue();
        return node;
    }

    private static String address(ProgramRun node) {
        return node.out()
                .lines()
                .filter(line -> line.contains("ORRERY_SERVER="))
                .map(line -> line.substring(line.indexOf('=') + 1))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aNodeTellsItsStartWhereItIsAndWhatToTry() throws IOException {
        var node = startNewNode();

        assertThat(node.out())
                .containsPattern("✔ .*\\([0-9.]+m?s\\)\n")
                .containsPattern("✔ orrery [0-9.]+ is up after")
                .contains("  API     http://127.0.0.1:")
                .contains("  data    " + folder.resolve("data"))
                .contains("dag new hello > hello.yaml");
        var list = start("dag", "list", "--server", address(node));
        assertThat(list.exitCode()).isZero();
        assertThat(list.out()).contains("no DAGs; publish one with");

        node.signal("TERM");
        assertThat(node.exitCode()).isZero();
        assertThat(node.err()).contains("stopping: ").endsWith("stopped\n");
    }

    @Test
    void aSecondNodeOnTheSameFolderIsRefusedInOneLine() throws IOException {
        startNode();

        var second = start(
                "node", "--http-port", "0", "--data-dir", folder.resolve("data").toString());

        assertThat(second.exitCode()).isEqualTo(1);
        assertThat(second.err().lines().filter(line -> line.startsWith("error: ")))
                .hasSize(1);
        assertThat(second.err()).doesNotContain("\tat ");
    }

    @Test
    void aPortThatIsTakenIsToldInOneLine() throws IOException {
        NodeTemplate.copyTo(folder.resolve("data"));
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var node = start(
                    "node",
                    "--http-port",
                    Integer.toString(taken.getLocalPort()),
                    "--data-dir",
                    folder.resolve("data").toString());

            assertThat(node.exitCode()).isEqualTo(1);
            assertThat(node.err())
                    .contains("error: ")
                    .contains(Integer.toString(taken.getLocalPort()))
                    .doesNotContain("\tat ");
        }
    }

    @Test
    void aSecondSignalEndsTheNodeAtOnce() throws IOException {
        var node = startNode();
        Files.writeString(
                folder.resolve("long.yaml"),
                "name: long\ntasks: [{ id: a, type: handler, handler: sleep, input: { ms: 600000 } }]\n");
        assertThat(start("dag", "apply", "long.yaml", "--server", address(node)).exitCode())
                .isZero();
        assertThat(start("dag", "trigger", "long", "--server", address(node)).exitCode())
                .isZero();
        Await.until("the task runs", () -> taskRuns(node));

        node.signal("TERM");
        Await.until("it stops", () -> node.err().contains("stopping: "));
        assertThat(node.isAlive()).isTrue();
        node.signal("TERM");

        assertThat(node.exitCode()).isEqualTo(143);
    }

    private boolean taskRuns(ProgramRun node) {
        try {
            var show = start("run", "show", "latest", "--server", address(node), "--output", "json");
            return show.exitCode() == 0 && show.out().contains("\"state\":\"running\"");
        } catch (IOException broken) {
            throw new AssertionError(broken);
        }
    }

    @Test
    void aRunIsFollowedThroughTheDeathOfItsNode() throws IOException {
        var port = Integer.toString(Ports.free());
        Files.writeString(folder.resolve("steps.yaml"), """
                name: steps
                tasks:
                  - { id: a, type: handler, handler: sleep, input: { ms: 3000 } }
                  - { id: b, type: handler, handler: noop, dependencies: [a] }
                """);
        var first = startNode("--set", "http.port=" + port);
        assertThat(start("dag", "apply", "steps.yaml", "--server", address(first))
                        .exitCode())
                .isZero();
        var follow = start("dag", "trigger", "steps", "--follow", "--server", address(first));
        Await.until("the task runs", () -> follow.out().contains("a running"));

        first.close();
        Await.until("the node is dead", () -> !first.isAlive());
        startNode("--set", "http.port=" + port);

        assertThat(follow.exitCode()).as(follow.out() + follow.err()).isZero();
        assertThat(follow.out()).contains("a running (attempt 2)").contains("✔ steps succeeded in ");
        assertThat(follow.err()).contains("connection lost (");
    }

    @Test
    void tryRunsTheFileToBeginWithAndLeavesNothingBehind() throws IOException {
        var template = start("dag", "new", "hello");
        assertThat(template.exitCode()).isZero();
        Files.writeString(folder.resolve("hello.yaml"), template.out());
        var temporary = Files.createDirectory(folder.resolve("tmp"));

        var trial = tryWithTemporary(temporary, "hello.yaml");

        assertThat(trial.exitCode()).as(trial.out() + trial.err()).isZero();
        assertThat(trial.out())
                .contains("greet succeeded")
                .contains("  │ greeting world\n")
                .contains("  output {\"text\":\"Hello, world\"}\n")
                .contains("  output {\"letters\":10}\n")
                .contains("✔ hello succeeded in ");
        assertThat(leftIn(temporary)).isEmpty();
        assertThat(folder.resolve(".orrery")).doesNotExist();
    }

    @Test
    void tryEndsWithTheStatusOfTheRun() throws IOException {
        Files.writeString(
                folder.resolve("bad.yaml"),
                "tasks: [{ id: bad, type: shell, command: 'echo boom; exit 7', retry: { maxAttempts: 1 } }]\n");

        var trial = tryWithTemporary(Files.createDirectory(folder.resolve("tmp")), "bad.yaml");

        assertThat(trial.exitCode()).as(trial.err()).isEqualTo(1);
        assertThat(trial.out())
                .contains("✘ task bad failed")
                .contains("  │ boom\n")
                .contains("✘ bad failed in ");
    }

    @Test
    void ctrlCDuringATrialLeavesNothingBehind() throws IOException {
        Files.writeString(folder.resolve("long.yaml"), "tasks: [{ id: a, type: shell, command: 'exec sleep 600' }]\n");
        var temporary = Files.createDirectory(folder.resolve("tmp"));
        var trial = tryWithTemporary(temporary, "long.yaml");
        Await.until("the task runs", () -> trial.out().contains("a running"));

        trial.signal("INT");

        assertThat(trial.exitCode()).isEqualTo(130);
        assertThat(leftIn(temporary)).isEmpty();
    }

    @Test
    void whatAKilledTrialLeavesIsRemovedByTheNextStart() throws IOException {
        Files.writeString(folder.resolve("long.yaml"), "tasks: [{ id: a, type: shell, command: 'exec sleep 600' }]\n");
        Files.writeString(folder.resolve("short.yaml"), "tasks: [{ id: a, type: shell, command: 'true' }]\n");
        var temporary = Files.createDirectory(folder.resolve("tmp"));
        var killed = tryWithTemporary(temporary, "long.yaml");
        Await.until(
                "the task runs",
                java.time.Duration.ofSeconds(90),
                () -> killed.out().contains("a running"));
        killed.signal("KILL");
        assertThat(killed.exitCode()).isNotZero();
        assertThat(leftIn(temporary))
                .anyMatch(path -> path.getFileName().toString().startsWith("orrery-try-"));

        var next = tryWithTemporary(temporary, "short.yaml");

        assertThat(next.exitCode()).as(next.err()).isZero();
        assertThat(leftIn(temporary)).isEmpty();
    }

    private ProgramRun tryWithTemporary(Path temporary, String file) throws IOException {
        var command = new ArrayList<>(ProgramRun.commandLine("try", file));
        command.add(1, "-Djava.io.tmpdir=" + temporary);
        var run = ProgramRun.start(folder, Map.of(), command);
        started.add(run);
        return run;
    }

    private static List<Path> leftIn(Path temporary) throws IOException {
        try (Stream<Path> left = Files.list(temporary)) {
            return left.filter(path -> !path.getFileName().toString().startsWith("hsperfdata"))
                    .toList();
        }
    }

    @Test
    void theCompletionScriptKnowsCommandsAndOptionsInBash() throws IOException {
        var script = start("completion", "bash");
        assertThat(script.exitCode()).isZero();
        Files.writeString(folder.resolve("completion.sh"), script.out());

        assertThat(completed("orrery", "dag", "tr")).contains("trigger");
        assertThat(completed("orrery", "dag", "pa")).contains("pause");
        assertThat(completed("orrery", "dag", "res")).contains("resume");
        assertThat(completed("orrery", "run", "del")).contains("delete");
        assertThat(completed("orrery", "run", "watch", "--ou")).contains("--output");
        assertThat(completed("orrery", "wor")).contains("worker");
        var zsh = start("completion", "zsh");
        assertThat(zsh.exitCode()).isZero();
        assertThat(zsh.out()).contains("bashcompinit");
    }

    private String completed(String... words) throws IOException {
        var line = "source ./completion.sh; COMP_WORDS=(" + String.join(" ", words) + "); COMP_CWORD="
                + (words.length - 1) + "; _complete_orrery; echo \"${COMPREPLY[@]}\"";
        var bash = ProgramRun.start(folder, Map.of(), List.of("bash", "--norc", "-c", line));
        started.add(bash);
        assertThat(bash.exitCode()).as(bash.err()).isZero();
        return bash.out();
    }
}

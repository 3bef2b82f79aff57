package dev.orrery.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.CommandRun;
import dev.orrery.cli.StubNode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.Interrupts.Ending;
import dev.orrery.config.OrreryConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TryCommandTest {

    private static final String RUN = "/api/v1/runs/r1";

    @TempDir
    private Path folder;

    private final StubNode api = new StubNode();
    private final FakeNode node = new FakeNode(api);
    private final AtomicReference<OrreryConfig> config = new AtomicReference<>();
    private final CommandRun command = new CommandRun().withNodes((given, console) -> {
        config.set(given);
        console.begin("PostgreSQL");
        console.done();
        console.say("told by the node");
        fill(given.node().dataDir());
        return node;
    });

    private static void fill(Path data) {
        try {
            Files.createDirectories(data.resolve("a/b"));
            Files.writeString(data.resolve("a/b/c"), "x");
            Files.createSymbolicLink(data.resolve("link"), Path.of("/"));
        } catch (IOException broken) {
            throw new UncheckedIOException(broken);
        }
    }

    @BeforeEach
    void aNodeThatRunsEverything() throws IOException {
        command.in(folder);
        Files.writeString(folder.resolve("hello.yaml"), "tasks: [{id: greet, type: shell, command: echo hello}]\n");
        api.on("GET /api/v1/dags?name=hello", 200, "[]");
        api.on("POST /api/v1/dags", 201, "{\"id\":\"d1\",\"version\":1}");
        api.on("POST /api/v1/dags/d1/runs", 202, "{\"runId\":\"r1\"}");
        api.on("GET " + RUN + "/tasks/greet/logs", 200, "hello\n");
        api.on("GET " + RUN + "/tasks/greet", 200, "{\"output\":{\"n\":1}}");
        runEnds("succeeded");
    }

    @AfterEach
    void close() {
        api.close();
    }

    private void runEnds(String state) {
        api.on("GET " + RUN, 200, """
                {"runId":"r1","dagName":"hello","state":"STATE","createdAt":"2026-01-31T02:00:00Z","completedAt":"2026-01-31T02:00:01Z",
                 "tasks":[{"taskId":"greet","state":"STATE","attempt":1,"error":null,"startedAt":"2026-01-31T02:00:00Z",
                 "completedAt":"2026-01-31T02:00:00.500Z"}]}""".replace("STATE", state));
        api.on(
                "GET " + RUN + "/events",
                exchange -> StubNode.sendEvents(
                        exchange,
                        "id: 1\nevent: run\ndata: {\"state\":\"" + state + "\",\"at\":\"2026-01-31T02:00:01Z\"}\n\n"));
    }

    @Test
    void aFileIsRunAndItsOutputsAreShown() {
        assertThat(command.run("try", "hello.yaml")).isZero();
        assertThat(command.out()).isEqualTo("""
                        ok: PostgreSQL (0ms)
                          told by the node
                        greet succeeded 500ms
                          | hello
                          output {"n":1}

                        ok: hello succeeded in 1.0s (1 task, succeeded)
                        """);
    }

    @Test
    void nothingIsLeftBehindAndTheUsersOwnSettingsAreNotTouched() {
        assertThat(command.with("ORRERY_WORKERS_CONCURRENCY", "9").run("try", "hello.yaml", "--set", "workers.size=3"))
                .isZero();

        assertThat(node.stops).hasValue(1);
        assertThat(config.get().node().dataDir()).doesNotExist();
        assertThat(config.get().http().port()).isZero();
        assertThat(config.get().database().embedded()).isTrue();
        assertThat(config.get().workers().size()).isEqualTo(3);
        assertThat(config.get().workers().concurrency()).isEqualTo(2);
        assertThat(Path.of("/")).isNotEmptyDirectory();
    }

    @Test
    void aRunThatFailsGivesOneAndTheEndOfTheLog() {
        runEnds("failed");

        assertThat(command.run("try", "hello.yaml")).isEqualTo(1);
        assertThat(command.out()).contains("x task greet failed\n  | hello\n").doesNotContain("next:");
        assertThat(node.stops).hasValue(1);
    }

    @Test
    void programsGetEventsAndOutputsAsLines() {
        assertThat(command.run("try", "hello.yaml", "-o", "json")).isZero();
        assertThat(command.out().lines().map(JsonObject::parse).map(line -> line.textOrEmpty("event")))
                .containsExactly("triggered", "run", "output");
    }

    @Test
    void aFileThatIsNotValidStartsNothing() throws IOException {
        Files.writeString(folder.resolve("bad.yaml"), "tasks: []\n");

        assertThat(command.run("try", "hello.yaml", "bad.yaml")).isEqualTo(4);
        assertThat(config.get()).isNull();
    }

    @Test
    void ctrlCRemovesTheNodeAndItsData() {
        api.on("GET " + RUN + "/events", exchange -> {
            command.signal(Ending.INT);
            StubNode.sendEvents(
                    exchange, "id: 1\nevent: run\ndata: {\"state\":\"failed\",\"at\":\"2026-01-31T02:00:01Z\"}\n\n");
        });

        command.run("try", "hello.yaml");

        assertThat(command.halted()).containsExactly(130);
        assertThat(command.err()).contains("interrupted; removing the node and its data");
        assertThat(config.get().node().dataDir()).doesNotExist();
        assertThat(node.stops).hasValue(1);
    }
}

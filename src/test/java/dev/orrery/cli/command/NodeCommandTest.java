package dev.orrery.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.CommandRun;
import dev.orrery.cli.StubNode;
import dev.orrery.cli.run.Interrupts.Ending;
import dev.orrery.config.OrreryConfig;
import dev.orrery.domain.StartupException;
import dev.orrery.testing.Await;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class NodeCommandTest {

    private final StubNode api = new StubNode();
    private final FakeNode node = new FakeNode(api);
    private final AtomicReference<OrreryConfig> config = new AtomicReference<>();
    private final CommandRun command = new CommandRun().withNodes((given, console) -> {
        config.set(given);
        console.begin("PostgreSQL 18.6 in /data");
        console.done();
        console.say("told by the node");
        return node;
    });

    @AfterEach
    void close() {
        api.close();
    }

    private CompletableFuture<Integer> start(String... arguments) {
        var exitCode = CompletableFuture.supplyAsync(() -> command.run(arguments));
        Await.until("the node is up", () -> command.out().contains("dag trigger"));
        return exitCode;
    }

    @Test
    void withoutArgumentsANodeIsStarted() {
        var exitCode = start();
        node.ended.complete(0);

        assertThat(exitCode).succeedsWithin(Duration.ofSeconds(10)).isEqualTo(0);
        assertThat(config.get().http().port()).isEqualTo(8080);
    }

    @Test
    void theStartTellsItsPhasesWhereTheNodeIsAndWhatToTry() {
        var exitCode = start("node", "--http-port", "0", "--data-dir", "/data", "--set", "http.token=s3cret");
        node.ended.complete(0);

        assertThat(exitCode).succeedsWithin(Duration.ofSeconds(10)).isEqualTo(0);
        assertThat(command.out())
                .startsWith("ok: PostgreSQL 18.6 in /data (0ms)\n  told by the node\n")
                .contains("API     " + api.address() + "/api/v1\n")
                .contains("data    /data\n")
                .contains("export ORRERY_SERVER=" + api.address() + "\n")
                .contains("export ORRERY_TOKEN=...")
                .contains("    orrery dag trigger hello --follow\n")
                .doesNotContain("s3cret");
        assertThat(config.get().http().port()).isZero();
    }

    @Test
    void theFirstSignalStopsTheNodeAndTheSecondEndsTheProcess() {
        var exitCode = start("node");

        command.signal(Ending.TERM);

        assertThat(exitCode).succeedsWithin(Duration.ofSeconds(10)).isEqualTo(0);
        assertThat(node.stops).hasValue(1);
        assertThat(command.err())
                .isEqualTo(
                        "stopping: running tasks may go on for 1m 00s; a second signal ends them at once\nstopped\n");
        assertThat(command.halted()).isEmpty();
        command.signal(Ending.INT);
        assertThat(command.halted()).containsExactly(130);
    }

    @Test
    void aSignalDuringTheStartStopsTheNodeAsSoonAsItIsUp() {
        var early = new CommandRun();
        early.withNodes((given, console) -> {
            early.signal(Ending.TERM);
            return node;
        });

        assertThat(early.run("node")).isZero();
        assertThat(node.stops).hasValue(1);
    }

    @Test
    void aStartThatEndsBecauseOfASignalIsNoFailure() {
        var early = new CommandRun();
        early.withNodes((given, console) -> {
            assertThat(console.isOver()).isFalse();
            early.signal(Ending.TERM);
            assertThat(console.isOver()).isTrue();
            throw new StartupException("told to stop while waiting");
        });

        assertThat(early.run("node")).isZero();
        assertThat(early.err()).contains("stopping", "stopped").doesNotContain("told to stop");
    }

    @Test
    void aNodeThatEndsByItselfGivesItsExitCode() {
        var exitCode = start("node");
        node.ended.complete(70);

        assertThat(exitCode).succeedsWithin(Duration.ofSeconds(10)).isEqualTo(70);
        assertThat(node.stops).hasValue(1);
    }

    @Test
    void aStartThatIsRefusedSaysWhyInOneLine() {
        command.withNodes((given, console) -> {
            throw new StartupException(
                    "port 8080 is taken: stop what listens there, or choose another with --http-port");
        });

        assertThat(command.run("node")).isEqualTo(1);
        assertThat(command.err())
                .isEqualTo("error: port 8080 is taken: stop what listens there, or choose another with --http-port\n");
    }

    @Test
    void aWrongSettingIsToldBeforeAnythingStarts() {
        assertThat(command.run("node", "--set", "http.prot=1")).isEqualTo(2);
        assertThat(command.err()).contains("did you mean 'http.port'?");
        assertThat(config.get()).isNull();
    }
}

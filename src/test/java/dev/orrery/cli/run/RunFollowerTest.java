package dev.orrery.cli.run;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.cli.StubNode;
import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.ServerAddress;
import dev.orrery.cli.text.Style;
import dev.orrery.cli.text.Terminal;
import dev.orrery.domain.dag.RunState;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RunFollowerTest {

    private static final String EVENTS = "GET /api/v1/runs/r1/events";

    private final StubNode node = new StubNode();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final Terminal terminal = new Terminal(
            new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8), Style.PLAIN, false, () -> 0);

    @BeforeEach
    void aRunExists() {
        node.on("GET /api/v1/runs/r1", 200, "{\"dagName\":\"nightly\",\"createdAt\":\"" + Events.START + "\"}");
    }

    @AfterEach
    void close() {
        node.close();
    }

    private RunState follow(Duration patience) {
        var client = new ApiClient(ServerAddress.parse(node.address()), Optional.empty(), Duration.ofSeconds(5));
        return new RunFollower(client, new JsonView(terminal), new Patience(patience)).follow("r1");
    }

    @Test
    void aRunIsFollowedToItsEnd() {
        node.on(
                EVENTS,
                exchange -> StubNode.sendEvents(
                        exchange,
                        Events.wire(Events.task("a", "running", 1, 10))
                                + Events.wire(Events.task("a", "succeeded", 1, 20))
                                + Events.wire(Events.run("succeeded", 20))));

        assertThat(follow(Duration.ofSeconds(10))).isEqualTo(RunState.SUCCEEDED);
        assertThat(out.toString(UTF_8).lines())
                .containsExactly(
                        "{\"event\":\"task\",\"taskId\":\"a\",\"state\":\"running\",\"attempt\":1,\"workerId\":null,\"at\":\"2026-01-31T02:00:00.010Z\"}",
                        "{\"event\":\"task\",\"taskId\":\"a\",\"state\":\"succeeded\",\"attempt\":1,\"workerId\":null,\"at\":\"2026-01-31T02:00:00.020Z\"}",
                        "{\"event\":\"run\",\"state\":\"succeeded\",\"at\":\"2026-01-31T02:00:00.020Z\"}");
    }

    @Test
    void afterALostConnectionItGoesOnWhereItStopped() {
        var connections = new AtomicInteger();
        node.on(EVENTS, exchange -> {
            switch (connections.incrementAndGet()) {
                case 1 ->
                    StubNode.sendEvents(
                            exchange, Events.wire(Events.task("a", "running", 1, 10)) + "id: 1-20\nevent: ta");
                case 2 ->
                    StubNode.send(exchange, 503, "{\"code\":\"UNAVAILABLE\",\"message\":\"wait\",\"details\":[]}");
                case 3 -> StubNode.sendEvents(exchange, "event: task\ndata: <broken>\n\n");
                default -> StubNode.sendEvents(exchange, Events.wire(Events.run("failed", 30)));
            }
        });

        assertThat(follow(Duration.ofSeconds(30))).isEqualTo(RunState.FAILED);
        assertThat(node.requests().stream().skip(1).map(request -> request.header("Last-event-id")))
                .containsExactly("", "1-10", "1-10", "1-10");
        assertThat(out.toString(UTF_8).lines()).hasSize(2);
        assertThat(err.toString(UTF_8).lines())
                .hasSize(1)
                .allSatisfy(line -> assertThat(line).matches("connection lost \\([^()]+\\), trying again"));
    }

    @Test
    void aServerThatStaysAwayEndsTheFollowing() {
        node.on(EVENTS, exchange -> StubNode.sendEvents(exchange, ""));

        assertThatThrownBy(() -> follow(Duration.ofMillis(500)))
                .isInstanceOfSatisfying(
                        CommandFailure.class,
                        failure -> assertThat(failure.exitCode()).isEqualTo(ExitCode.UNREACHABLE));
    }

    @Test
    void aRunThatIsGoneEndsTheFollowingAtOnce() {
        assertThatThrownBy(() -> follow(Duration.ofMinutes(1)))
                .isInstanceOfSatisfying(
                        CommandFailure.class,
                        failure -> assertThat(failure.exitCode()).isEqualTo(ExitCode.NOT_FOUND));
    }
}

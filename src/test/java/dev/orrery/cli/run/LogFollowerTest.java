package dev.orrery.cli.run;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.StubNode;
import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ServerAddress;
import dev.orrery.cli.text.Style;
import dev.orrery.cli.text.Terminal;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LogFollowerTest {

    private static final String TASK = "/api/v1/runs/r1/tasks/a";

    private final StubNode node = new StubNode();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final Terminal terminal = new Terminal(
            new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8), Style.PLAIN, false, () -> 0);

    @AfterEach
    void close() {
        node.close();
    }

    private void follow(int attempt, boolean json) {
        var client = new ApiClient(ServerAddress.parse(node.address()), Optional.empty(), Duration.ofSeconds(5));
        new LogFollower(client, terminal, json).follow("r1", "a", attempt);
    }

    private static String log(int attempt, int offset, String text) {
        return "id: " + offset + "\nevent: log\ndata: {\"attempt\":" + attempt + ",\"text\":\"" + text + "\"}\n\n";
    }

    private static String end(int attempt) {
        return "event: end\ndata: {\"attempt\":" + attempt + "}\n\n";
    }

    @Test
    void whatIsPrintedIsPassedOnAsItIs() {
        node.on(
                "GET " + TASK + "/logs?follow=true",
                exchange -> StubNode.sendEvents(exchange, log(1, 4, "one\\n") + log(1, 7, "two") + end(1)));
        node.on("GET " + TASK, 200, "{\"state\":\"succeeded\"}");

        follow(0, false);

        assertThat(out.toString(UTF_8)).isEqualTo("one\ntwo");
    }

    @Test
    void aLostConnectionLosesNothingAndDoublesNothing() {
        var connections = new AtomicInteger();
        node.on(
                "GET " + TASK + "/logs?follow=true",
                exchange -> StubNode.sendEvents(
                        exchange,
                        connections.incrementAndGet() == 1 ? log(1, 4, "one\\n") : log(1, 8, "two\\n") + end(1)));
        node.on("GET " + TASK, 200, "{\"state\":\"failed\"}");

        follow(0, false);

        assertThat(out.toString(UTF_8)).isEqualTo("one\ntwo\n");
        assertThat(node.requests().get(1).header("Last-event-id")).isEqualTo("4");
        assertThat(err.toString(UTF_8)).isEqualTo("connection lost (the stream ended), trying again\n");
    }

    @Test
    void aTaskThatIsTriedAgainIsFollowedOn() {
        var reads = new AtomicInteger();
        node.on(
                "GET " + TASK + "/logs?follow=true",
                exchange -> StubNode.sendEvents(exchange, log(1, 4, "one\\n") + end(1)));
        node.on(
                "GET " + TASK + "/logs?follow=true&attempt=2",
                exchange -> StubNode.sendEvents(exchange, log(2, 4, "two\\n") + end(2)));
        node.on(
                "GET " + TASK,
                exchange -> StubNode.send(
                        exchange,
                        200,
                        reads.incrementAndGet() == 1 ? "{\"state\":\"retrying\"}" : "{\"state\":\"succeeded\"}"));

        follow(0, false);

        assertThat(out.toString(UTF_8)).isEqualTo("one\ntwo\n");
        assertThat(node.requests().get(2).header("Last-event-id")).isEmpty();
    }

    @Test
    void oneAttemptIsFollowedIfOneIsNamedAndProgramsGetLines() {
        node.on(
                "GET " + TASK + "/logs?follow=true&attempt=1",
                exchange -> StubNode.sendEvents(exchange, log(1, 4, "one\\n") + end(1)));

        follow(1, true);

        assertThat(out.toString(UTF_8).lines())
                .containsExactly(
                        "{\"event\":\"log\",\"attempt\":1,\"text\":\"one\\n\"}", "{\"event\":\"end\",\"attempt\":1}");
    }
}

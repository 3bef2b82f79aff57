package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.NodeProcess;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** More than a node can hold: what waits stays in the database, who does not read is not written to, and the others notice nothing. */
class OverloadE2E {

    /** A heap in which neither a million tasks nor a hundred copies of a log would find room. */
    private static final String HEAP = "-Xmx352m";

    private static final int WAITING = 1_000_000;
    private static final int BATCH = 10_000;
    private static final int SLOW_READERS = 100;
    private static final int LOG_BYTES = 3_900_000;
    private static final Duration LONG = Duration.ofMinutes(3);

    @TempDir
    static Path folder;

    private static NodeProcess node;

    @BeforeAll
    static void start() throws IOException {
        node = NodeProcess.start(
                Map.of("JAVA_TOOL_OPTIONS", HEAP),
                folder.resolve("data"),
                "--set",
                "tasks.log-limit=4MiB",
                "--set",
                "log.level=WARN");
    }

    @AfterAll
    static void stop() {
        assertThat(node.output()).doesNotContain("OutOfMemoryError");
        node.close();
    }

    @Test
    void aMillionWaitingTasksNeedNoRoomInTheNodeAndDelayNoOtherLine() throws IOException {
        submit("{\"type\":\"handler\",\"handler\":\"noop\",\"queue\":\"crowded\"}");
        assertThat(node.post("/api/v1/queues/crowded/pause", "").statusCode()).isEqualTo(200);
        var one = "{\"type\":\"handler\",\"handler\":\"noop\",\"queue\":\"crowded\",\"input\":{\"order\":4711}}";
        var batch = "{\"tasks\":[" + (one + ",").repeat(BATCH - 1) + one + "]}";

        for (var sent = 0; sent < WAITING; sent += BATCH) {
            var answer = node.post("/api/v1/tasks/batch", batch);
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        }

        var other = submit("{\"type\":\"handler\",\"handler\":\"noop\",\"queue\":\"quiet\"}");
        until("the other line is served", () -> state("/api/v1/tasks/" + other).equals("completed"));
        assertThat(node.get("/api/v1/tasks?queue=crowded&state=ready&limit=50").statusCode())
                .isEqualTo(200);
    }

    @Test
    void readersThatReadNothingAreNotWaitedForNorCopiedFor() throws IOException {
        var print = "head -c " + LOG_BYTES + " /dev/zero | tr '\\\\0' x | fold -w 1000; sleep 2";
        var task = submit("{\"type\":\"shell\",\"command\":\"" + print + "\",\"queue\":\"loud\"}");
        var path = "/api/v1/tasks/" + task + "/logs";
        until("it runs", () -> !state("/api/v1/tasks/" + task).equals("ready"));

        List<SocketChannel> slow = new ArrayList<>();
        try {
            for (var n = 0; n < SLOW_READERS; n++) {
                slow.add(askAndReadNothing(path + "?follow=true"));
            }
            until("it ends", LONG, () -> state("/api/v1/tasks/" + task).equals("completed"));

            assertThat(node.get(path).body().replace("\n", ""))
                    .hasSize(LOG_BYTES)
                    .matches("x+");
            var other = submit("{\"type\":\"handler\",\"handler\":\"noop\",\"queue\":\"quiet\"}");
            until("others are served", () -> state("/api/v1/tasks/" + other).equals("completed"));
        } finally {
            for (var reader : slow) {
                reader.close();
            }
        }
    }

    private static SocketChannel askAndReadNothing(String path) throws IOException {
        var reader = SocketChannel.open();
        reader.setOption(StandardSocketOptions.SO_RCVBUF, 4_096);
        reader.connect(
                new InetSocketAddress(node.address().getHost(), node.address().getPort()));
        reader.write(ByteBuffer.wrap(("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n").getBytes(US_ASCII)));
        return reader;
    }

    private static String submit(String task) throws IOException {
        var answer = node.post("/api/v1/tasks", task);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        return new JsonObject(answer.body()).getString("id");
    }

    private static String state(String path) {
        try {
            return new JsonObject(node.get(path).body()).getString("state");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

package dev.orrery.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Submissions that mean no good: each is refused with its reason and leaves nothing behind, or is taken as what it says. */
class HostileTasksIT {

    private static final String TASKS = "/api/v1/tasks";
    private static final String BATCH = TASKS + "/batch";
    private static final String NOOP = "\"type\":\"handler\",\"handler\":\"noop\"";
    private static final String UNKNOWN = "01980f6e-5a10-7000-8b2d-5f3180000001";

    private static NodeUnderTest node;

    @BeforeAll
    static void start(@TempDir Path folder) {
        node = new NodeUnderTest(folder);
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @Test
    void whatCannotBeIsRefusedAndLeavesNothing() {
        var before = node.rows("task_instances", "true");
        var many = IntStream.range(0, 10_000)
                .mapToObj(n -> "\"" + UNKNOWN.replace("5a10", "%04x".formatted(n)) + "\"")
                .collect(Collectors.joining(","));
        var tooMany = IntStream.range(0, 10_001).mapToObj(_ -> "{" + NOOP + "}").collect(Collectors.joining(","));
        var chain = IntStream.range(0, 12)
                .mapToObj(n -> "{\"ref\":\"r" + n + "\"," + NOOP
                        + (n == 0 ? "" : ",\"dependencies\":[\"r" + (n - 1) + "\"]") + "}")
                .collect(Collectors.joining(","));

        refused(400, "VALIDATION_ERROR", TASKS, "{" + NOOP + ",\"dependencies\":[" + many + "]}");
        refused(404, "DEPENDENCY_NOT_FOUND", TASKS, "{" + NOOP + ",\"dependencies\":[\"" + UNKNOWN + "\"]}");
        refused(404, "TASK_NOT_FOUND", TASKS, "{" + NOOP + ",\"parentTaskId\":\"" + UNKNOWN + "\"}");
        refused(400, "VALIDATION_ERROR", TASKS, "{" + NOOP + ",\"timeout\":\"-5s\"}");
        refused(400, "VALIDATION_ERROR", TASKS, "{" + NOOP + ",\"estimatedDurationSeconds\":-1}");
        refused(400, "VALIDATION_ERROR", TASKS, "{" + NOOP + ",\"estimatedDurationSeconds\":1e400}");
        refused(400, "VALIDATION_ERROR", TASKS, "{" + NOOP + ",\"maxRetries\":-1}");
        refused(400, "VALIDATION_ERROR", TASKS, "{" + NOOP + ",\"priority\":9999999999999999999999}");
        refused(400, "VALIDATION_ERROR", TASKS, "{" + NOOP + ",\"deadline\":\"+999999999-12-31T23:59:59Z\"}");
        refused(400, "VALIDATION_ERROR", TASKS, "{" + NOOP + ",\"uniqueKey\":\"\\u0000\"}");
        refused(400, "VALIDATION_ERROR", TASKS, "{" + NOOP + ",\"concurrencyKey\":\"a\\nb\"}");
        refused(400, "VALIDATION_ERROR", TASKS, "{" + NOOP + ",\"uniqueKey\":\"" + "k".repeat(256) + "\"}");
        refused(400, "VALIDATION_ERROR", TASKS, "{" + NOOP + ",\"input\":\"" + "x".repeat(1 << 20) + "\"}");
        for (var input : new String[] {"\"\\u0000\"", "\"\\ud800\"", "{\"\\udc00\":\"\\ud83d\"}"}) {
            refused(400, "VALIDATION_ERROR", TASKS, "{" + NOOP + ",\"input\":" + input + "}");
        }
        refused(400, "PARSE_ERROR", TASKS, "{" + NOOP + ",\"input\":" + "[".repeat(5_000) + "]".repeat(5_000) + "}");
        refused(400, "VALIDATION_ERROR", BATCH, "{\"tasks\":[{\"ref\":\"a\"," + NOOP + ",\"dependencies\":[\"a\"]}]}");
        refused(
                400,
                "VALIDATION_ERROR",
                BATCH,
                "{\"tasks\":[{\"ref\":\"a\"," + NOOP + ",\"dependencies\":[\"b\"]},{\"ref\":\"b\"," + NOOP
                        + ",\"dependencies\":[\"a\"]}]}");
        refused(400, "VALIDATION_ERROR", BATCH, "{\"tasks\":[" + tooMany + "]}");
        refused(409, "DEPENDENCY_TOO_DEEP", BATCH, "{\"tasks\":[" + chain + "]}");
        refused(413, "PAYLOAD_TOO_LARGE", BATCH, "{\"tasks\":[{" + NOOP + "}]}" + " ".repeat(16 << 20));

        assertThat(node.rows("task_instances", "true")).isEqualTo(before);
        assertThat(node.rows("task_dependencies", "true")).isZero();
        assertThat(node.rows("unique_keys", "true")).isZero();
    }

    @Test
    void anyWritingIsTakenAsItIsWhereItCanBeKept() {
        for (var text : Map.of(
                        "ключ 鍵 🗝", "ключ 鍵 🗝",
                        "' OR 1=1; --", "' OR 1=1; --",
                        "\\ud83d\\udd11", "🔑")
                .entrySet()) {
            var reply = node.client
                    .post(TASKS)
                    .json("{" + NOOP + ",\"uniqueKey\":\"" + text.getKey() + "\",\"name\":\"" + text.getKey() + "\"}")
                    .send();

            assertThat(reply.status()).as(reply.body().toString()).isEqualTo(201);
            assertThat(reply.json().getString("uniqueKey")).isEqualTo(text.getValue());
            assertThat(reply.json().getString("name")).isEqualTo(text.getValue());
        }
    }

    private static void refused(int status, String code, String path, String body) {
        var reply = node.client.post(path).json(body).send();
        var shown = body.substring(0, Math.min(200, body.length())) + " -> " + reply.body();
        assertThat(reply.status()).as(shown).isEqualTo(status);
        assertThat(reply.code()).as(shown).isEqualTo(code);
    }
}

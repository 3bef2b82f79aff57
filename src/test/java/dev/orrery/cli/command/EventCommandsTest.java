package dev.orrery.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.StubNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Events and their handlers from the shell. */
class EventCommandsTest extends ServerCommandsTestBase {

    private static final String EVENT = "01980f6e-7000-7000-8b2d-5f3100000001";
    private static final String AGAIN = "01980f6e-7000-7000-8b2d-5f3100000002";
    private static final String HANDLER = "01980f6e-7000-7000-8b2d-5f3100000000";
    private static final String RUN = "01980f6e-5a10-7000-8b2d-5f3100000000";

    private static final String HEAD =
            "\"id\":\"" + EVENT + "\",\"name\":\"order.paid\",\"key\":\"k-1\",\"source\":null,"
                    + "\"replayOf\":null,\"receivedAt\":\"2026-01-31T01:00:00.123Z\",\"executionsCount\":1";
    private static final String DELIVERIES = "\"deliveries\":[{\"handlerId\":\"" + HANDLER
            + "\",\"outcome\":\"fired\",\"executionId\":\"" + RUN + "\",\"error\":null}]";
    private static final String FOUND = "{\"id\":\"" + HANDLER + "\",\"name\":\"bill\",\"eventName\":\"order.paid\","
            + "\"status\":\"active\",\"filter\":\"event.payload.total > 1\",\"payloadMapping\":null,"
            + "\"debounce\":{\"wait\":\"10s\",\"maxWait\":\"1m\",\"key\":null},\"throttle\":null,"
            + "\"handlerName\":\"report\",\"handlerType\":\"workflow\",\"payload\":null,\"executionsCount\":3,"
            + "\"successCount\":2,\"failureCount\":1}";
    private static final String PAGE = "{\"items\":[" + FOUND + "],\"nextCursor\":null}";

    private String lastPost() {
        return node.requests().stream()
                .filter(request -> request.method().equals("POST"))
                .map(StubNode.Request::body)
                .toList()
                .getLast();
    }

    @Test
    void anEventIsSentAndWhatBecameOfItTold() {
        node.on("POST /api/v1/events", 200, "{\"events\":[{" + HEAD + ",\"repeated\":false," + DELIVERIES + "}]}");

        var exit = command.run(
                "event", "send", "order.paid", "--payload", "{\"total\":1.50}", "--key", "k-1", "--source", "shop");

        assertThat(exit).as(command.err()).isZero();
        assertThat(lastPost())
                .isEqualTo(
                        "{\"name\":\"order.paid\",\"payload\":{\"total\":1.50},\"key\":\"k-1\",\"source\":\"shop\"}");
        assertThat(command.out())
                .contains("ok: order.paid is published: event " + EVENT, "fired", RUN)
                .doesNotContain("before");
    }

    @Test
    void anEventThatCameBeforeIsToldSo() {
        node.on("POST /api/v1/events", 200, "{\"events\":[{" + HEAD + ",\"repeated\":true,\"deliveries\":[]}]}");

        command.run("event", "send", "order.paid");

        assertThat(lastPost()).isEqualTo("{\"name\":\"order.paid\"}");
        assertThat(command.out()).contains("was published before", "no handler listens to it");
    }

    @Test
    void aPayloadThatIsNoJsonIsRefused() {
        assertThat(command.run("event", "send", "order.paid", "--payload", "{oops"))
                .isEqualTo(2);
        assertThat(command.err()).contains("--payload is no JSON");
        assertThat(node.requests()).isEmpty();
    }

    @Test
    void eventsAreListedAndShown() {
        node.on(
                "GET /api/v1/events?limit=50&name=order.paid&from=2026-01-31T00%3A00%3A00Z",
                200, "{\"items\":[{" + HEAD + "}],\"nextCursor\":\"c\"}");
        node.on("GET /api/v1/events/" + EVENT, 200, "{" + HEAD + ",\"payload\":{\"total\":1.50}," + DELIVERIES + "}");

        assertThat(command.run("event", "list", "--name", "order.paid", "--from", "2026-01-31"))
                .as(command.err())
                .isZero();
        assertThat(command.out()).contains("order.paid", "k-1", EVENT);
        assertThat(command.err()).contains("--cursor c");
        assertThat(command.run("event", "show", EVENT)).as(command.err()).isZero();
        assertThat(command.out()).contains("payload    {\"total\":1.50}", "fired");
        assertThat(command.run("event", "show", "order.paid")).isEqualTo(2);
    }

    @Test
    void aRangeIsReplayedPartByPart() {
        var parts = new ArrayList<>(List.of("\"c\"", "null"));
        node.on("GET /api/v1/event-handlers?limit=500", 200, PAGE);
        node.on(
                "POST /api/v1/events/replay",
                exchange -> StubNode.send(
                        exchange,
                        200,
                        "{\"dryRun\":false,\"events\":[{\"eventId\":\"" + EVENT + "\",\"replayedAs\":\"" + AGAIN
                                + "\",\"executionsCount\":1}],\"nextCursor\":" + parts.removeFirst() + "}"));

        var exit = command.run(
                "event",
                "replay",
                "--name",
                "order.paid",
                "--from",
                "2026-01-31",
                "--to",
                "2026-02-01",
                "--handler",
                "bill");

        assertThat(exit).as(command.err()).isZero();
        assertThat(lastPost())
                .isEqualTo("{\"handlerIds\":[\"" + HANDLER + "\"],\"name\":\"order.paid\","
                        + "\"from\":\"2026-01-31T00:00:00Z\",\"to\":\"2026-02-01T00:00:00Z\",\"dryRun\":false,\"limit\":100,"
                        + "\"cursor\":\"c\"}");
        assertThat(command.out()).contains(AGAIN, "2 events replayed");
    }

    @Test
    void oneEventIsReplayedByItsId() {
        node.on(
                "POST /api/v1/events/" + EVENT + "/replay",
                200,
                "{\"dryRun\":false,\"events\":[{\"eventId\":\"" + EVENT + "\",\"replayedAs\":\"" + AGAIN
                        + "\",\"executionsCount\":1}],\"nextCursor\":null}");

        assertThat(command.run("event", "replay", EVENT)).as(command.err()).isZero();

        assertThat(command.out()).contains(AGAIN, "1 event replayed");
    }

    @ParameterizedTest
    @CsvSource({
        "event replay, it is not said which events",
        "event replay --name n --from 2026-01-31, it is not said which events",
        "event replay " + EVENT + " --name n, an event and a range are both given",
        "event-handler create e, a handler must know what it does",
        "event-handler create e --shell x --dag y, it is said more than once what it does",
        "event-handler create e --shell x --method POST, --method goes with --http",
        "event-handler create e --shell x --debounce-key k, --debounce is missing",
        "event-handler create e --shell x --throttle-key k, --throttle is missing",
        "event-handler create e --shell x --throttle often, --throttle 'often' is no rate",
    })
    void whatIsNotSaidRightIsToldBeforeTheNodeIsAsked(String line, String problem) {
        assertThat(command.run(line.split(" "))).isEqualTo(2);

        assertThat(command.err()).contains(problem);
        assertThat(node.requests()).isEmpty();
    }

    @Test
    void aHandlerIsRegistered() {
        node.on("POST /api/v1/event-handlers", 201, FOUND);

        var exit = command.run(
                "event-handler",
                "create",
                "order.paid",
                "--name",
                "bill",
                "--dag",
                "report",
                "--filter",
                "event.payload.total > 1",
                "--mapping",
                "event.payload",
                "--debounce",
                "10s",
                "--debounce-max",
                "1m",
                "--throttle",
                "5/1h",
                "--throttle-key",
                "event.name",
                "--retries",
                "1",
                "--tag",
                "t",
                "--disabled");

        assertThat(exit).as(command.err()).isZero();
        assertThat(lastPost())
                .isEqualTo("{\"eventName\":\"order.paid\",\"name\":\"bill\","
                        + "\"filter\":\"event.payload.total > 1\",\"payloadMapping\":\"event.payload\",\"handlerType\":\"workflow\","
                        + "\"handlerName\":\"report\",\"debounce\":{\"wait\":\"10s\",\"maxWait\":\"1m\"},"
                        + "\"throttle\":{\"limit\":5,\"per\":\"1h\",\"key\":\"event.name\"},\"enabled\":false,\"maxRetries\":1,"
                        + "\"tags\":[\"t\"]}");
        assertThat(command.out()).isEqualTo("ok: registered bill: event handler " + HANDLER + "\n");
    }

    @Test
    void aHandlerIsARemoteWorkerThatIsTriedAsJobsAre() {
        node.on("POST /api/v1/event-handlers", 201, FOUND);

        var line = "event-handler create image.added --agent resize --retry-delay 2s --timeout 1m --priority high"
                + " --created-by ann --metadata {\"k\":1}";
        assertThat(command.run(line.split(" "))).as(command.err()).isZero();

        assertThat(lastPost())
                .isEqualTo("{\"eventName\":\"image.added\",\"handlerType\":\"agent\",\"handlerName\":\"resize\","
                        + "\"retryDelayMs\":2000,\"timeoutMs\":60000,\"priority\":\"high\",\"createdBy\":\"ann\","
                        + "\"metadata\":{\"k\":1}}");
    }

    @Test
    void aHandlerIsDisabledAndEnabledByName() {
        node.on("GET /api/v1/event-handlers?limit=500", 200, PAGE);
        node.on("GET /api/v1/event-handlers/" + HANDLER, 200, FOUND);
        node.on("POST /api/v1/jobs/" + HANDLER + "/pause", 200, "{}");
        node.on("POST /api/v1/jobs/" + HANDLER + "/resume", 200, "{}");

        assertThat(command.run("event-handler", "disable", "bill"))
                .as(command.err())
                .isZero();
        assertThat(command.run("event-handler", "enable", "bill"))
                .as(command.err())
                .isZero();

        assertThat(command.out())
                .isEqualTo("ok: disabled bill; events do not fire it until it is enabled\nok: enabled bill\n");
        assertThat(node.requests().stream()
                        .filter(request -> request.method().equals("POST"))
                        .map(StubNode.Request::path))
                .containsExactly("/api/v1/jobs/" + HANDLER + "/pause", "/api/v1/jobs/" + HANDLER + "/resume");
        assertThat(command.run("event-handler", "enable", "bill", "--output", "json"))
                .isZero();
        assertThat(command.out()).endsWith(FOUND + "\n");
    }

    @Test
    void whatIsWrongWithAnExpressionIsToldByItsOption() {
        node.on(
                "POST /api/v1/event-handlers",
                400,
                "{\"code\":\"VALIDATION_ERROR\",\"message\":\"m\",\"details\":[{\"code\":\"BAD_EXPRESSION\",\"line\":1,"
                        + "\"column\":6,\"path\":\"payloadMapping\",\"message\":\"no\",\"help\":\"did you mean 'name'?\"}]}");

        assertThat(command.run("event-handler", "create", "e", "--function", "echo", "--mapping", "event.nmae"))
                .isNotZero();

        assertThat(command.err()).contains("--mapping", "did you mean 'name'?");
    }

    @Test
    void handlersAreListedShownAndDeletedByName() {
        node.on("GET /api/v1/event-handlers?limit=50&eventName=order.paid", 200, PAGE);
        node.on("GET /api/v1/event-handlers?limit=500", 200, PAGE);
        node.on("DELETE /api/v1/event-handlers/" + HANDLER, 204, "");

        assertThat(command.run("event-handler", "list", "--event", "order.paid"))
                .as(command.err())
                .isZero();
        assertThat(command.out()).contains("bill", "active", "dag report");
        assertThat(command.run("event-handler", "show", "bill"))
                .as(command.err())
                .isZero();
        assertThat(command.out()).contains("debounce    10s of quiet, at most 1m", "3 (2 succeeded, 1 failed)");
        assertThat(command.run("event-handler", "delete", "bill"))
                .as(command.err())
                .isZero();
        assertThat(command.out()).contains("deleted bill");
        assertThat(command.run("event-handler", "show", "bil")).isNotZero();
        assertThat(command.err()).contains("did you mean 'bill'?");
    }
}

package dev.orrery.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.bus.BusMessage.CancelsAsked;
import dev.orrery.bus.BusMessage.Done;
import dev.orrery.bus.BusMessage.HandlerCall;
import dev.orrery.bus.BusMessage.HandlerHeard;
import dev.orrery.bus.BusMessage.HandlerReply;
import dev.orrery.bus.BusMessage.HandlerSaid;
import dev.orrery.bus.BusMessage.HistoryGrew;
import dev.orrery.bus.BusMessage.JobsChanged;
import dev.orrery.bus.BusMessage.ReleaseWork;
import dev.orrery.bus.BusMessage.Released;
import dev.orrery.bus.BusMessage.RetryDue;
import dev.orrery.bus.BusMessage.TenantsChanged;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.TaskInstanceId;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WireTest {

    private static final TaskInstanceId TASK = new TaskInstanceId(new UUID(7, 1));
    private static final NodeId NODE = new NodeId(new UUID(7, 7));

    @Test
    void whatTravelsArrivesAsItWas() {
        for (var message : new BusMessage[] {
            new WorkReady(Set.of()),
            new WorkReady(Set.of("default", "reports.daily")),
            new RetryDue(1_234_567_890_123L),
            new CancelsAsked(),
            new HistoryGrew(),
            new JobsChanged(),
            new TenantsChanged(),
            new ReleaseWork(7, Set.of("a", "b")),
            new Released(3),
            new HandlerCall(
                    TASK,
                    2,
                    1L << 40,
                    "a/b:c",
                    new Json("{\"x\":\"\\\"é\"}"),
                    "acme",
                    Optional.of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
                    Optional.of(NODE)),
            new HandlerReply(new Json("[1]"), List.of("said")),
            new HandlerReply(Json.NULL, List.of(), Optional.of(Duration.ofDays(30))),
            new HandlerSaid(TASK, 77, 12, "one\ntwo\n", OptionalInt.of(40)),
            new HandlerSaid(TASK, 77, 0, "", OptionalInt.empty()),
            new HandlerHeard(false)
        }) {
            assertThat(Wire.decode(Wire.encode(message))).contains(message);
        }
    }

    @Test
    void whatIsOfOneProcessDoesNotTravel() {
        assertThatThrownBy(() -> Wire.encode(new Done()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Done does not leave its process");
    }

    @Test
    void theLargestOutputOfAHandlerIsWellBelowTheLimit() {
        var reply = new HandlerReply(new Json("[" + "\"\\\\\",".repeat(64 << 10) + "1]"), List.of());

        assertThat(reply.output().text().length()).isGreaterThan(256 << 10);
        assertThat(Wire.encode(reply).length()).isLessThan(Wire.MAX_BYTES / 4);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "x",
                "[]",
                "{}",
                "{\"type\": 1}",
                "{\"type\": \"Assign\"}",
                "{\"type\": \"WorkReady\"}",
                "{\"type\": \"WorkReady\", \"queues\": \"default\"}",
                "{\"type\": \"WorkReady\", \"queues\": [1]}",
                "{\"type\": \"WorkReady\", \"queues\": [null]}",
                "{\"type\": \"RetryDue\"}",
                "{\"type\": \"RetryDue\", \"inMillis\": \"soon\"}",
                "{\"type\": \"ReleaseWork\", \"queues\": []}",
                "{\"type\": \"Released\", \"count\": {}}",
                "{\"type\": \"HandlerCall\"}",
                "{\"type\": \"HandlerReply\", \"output\": \"1\"}",
                "{\"type\": \"HandlerReply\", \"output\": \"1\", \"log\": [2]}",
                "{\"type\": \"HandlerSaid\", \"instance\": \"7\"}",
                "{\"type\": \"HandlerHeard\"}"
            })
    void whatIsNotUnderstoodIsAsIfItHadNotCome(String text) {
        assertThat(Wire.decode(Buffer.buffer(text))).isEmpty();
    }

    @Test
    void neitherAreRandomBytesOrTooMany() {
        var random = new Random(7);
        for (var n = 0; n < 500; n++) {
            var bytes = new byte[random.nextInt(200)];
            random.nextBytes(bytes);
            assertThat(Wire.decode(Buffer.buffer(bytes))).isEmpty();
        }
        var large = "{\"type\": \"CancelsAsked\", \"x\": \"" + "a".repeat(Wire.MAX_BYTES) + "\"}";
        assertThat(Wire.decode(Buffer.buffer(large))).isEmpty();
    }
}

package dev.orrery.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.bus.BusMessage.CancelsAsked;
import dev.orrery.bus.BusMessage.Done;
import dev.orrery.bus.BusMessage.HistoryGrew;
import dev.orrery.bus.BusMessage.ReleaseWork;
import dev.orrery.bus.BusMessage.Released;
import dev.orrery.bus.BusMessage.RetryDue;
import dev.orrery.bus.BusMessage.WorkReady;
import io.vertx.core.buffer.Buffer;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WireTest {

    @Test
    void whatTravelsArrivesAsItWas() {
        for (var message : new BusMessage[] {
            new WorkReady(Set.of()),
            new WorkReady(Set.of("default", "reports.daily")),
            new RetryDue(1_234_567_890_123L),
            new CancelsAsked(),
            new HistoryGrew(),
            new ReleaseWork(7, Set.of("a", "b")),
            new Released(3)
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
                "{\"type\": \"Released\", \"count\": {}}"
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

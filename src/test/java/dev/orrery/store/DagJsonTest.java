package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.DagId;
import dev.orrery.domain.Json;
import dev.orrery.testing.RandomDags;
import dev.orrery.testing.Seeded;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class DagJsonTest {

    private static final DagId ID = new DagId(new UUID(1, 2));
    private static final Instant AT = Instant.parse("2026-01-31T02:00:00.004Z");

    @Test
    void whatIsReadEqualsWhatWasWritten() {
        Seeded.forAll(random -> {
            var draft = RandomDags.draft(random, 12);

            var read = DagJson.read(DagJson.write(draft), ID, 3, AT);

            assertThat(read).isEqualTo(RandomDags.published(draft, ID, 3, AT));
        });
    }

    @Test
    void readersSeeUserJsonAsJson() {
        var draft = RandomDags.oneHandler(new Json("{\"b\":1.0,\"a\":[null]}"));

        var shown = new JsonObject(
                DagJson.show(RandomDags.published(draft, ID, 1, AT)).text());

        var task = shown.getJsonArray("tasks").getJsonObject(0);
        assertThat(task.getJsonObject("input").encode()).isEqualTo("{\"b\":1.0,\"a\":[null]}");
        assertThat(task.getString("timeout")).isEqualTo("30m");
        assertThat(task.getJsonObject("retry").getInteger("maxAttempts")).isEqualTo(3);
    }
}

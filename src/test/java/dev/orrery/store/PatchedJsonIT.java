package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Postgres;
import dev.orrery.testing.Seeded;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.json.Json;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the database makes of an input and the changes of it. */
class PatchedJsonIT {

    private TestDatabase database;
    private Connection connection;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        connection = database.connect();
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        database.close();
    }

    /** The example of RFC 7396, and what jsonb would have changed. */
    @Test
    void itIsPatchedAndAllElseStaysAsItWasWritten() {
        assertThat(patched(
                        "{\"title\":\"Goodbye!\",\"author\":{\"givenName\":\"John\",\"familyName\":\"Doe\"},"
                                + "\"tags\":[\"example\",\"sample\"],\"content\":\"This will be unchanged\"}",
                        "{\"title\":\"Hello!\",\"phoneNumber\":\"+01-123-456-7890\",\"author\":{\"familyName\":null},"
                                + "\"tags\":[\"example\"]}"))
                .isEqualTo("{\"title\":\"Hello!\",\"author\":{\"givenName\":\"John\"},\"tags\":[\"example\"],"
                        + "\"content\":\"This will be unchanged\",\"phoneNumber\":\"+01-123-456-7890\"}");
        assertThat(patched("{\"n\":1e1000,\"m\":1.10}", "{\"a\":{\"b\":null}}"))
                .isEqualTo("{\"n\":1e1000,\"m\":1.10,\"a\":{}}");
    }

    @Test
    void itIsWhatTheRuleSays() {
        Seeded.forAll(200, random -> {
            var json = json(random, 3);
            var patch = json(random, 3);

            assertThat(Json.decodeValue(patched(Json.encode(json), Json.encode(patch))))
                    .as(Json.encode(json) + " by " + Json.encode(patch))
                    .isEqualTo(Json.decodeValue(Json.encode(merged(json, patch))));
        });
    }

    private static @Nullable Object merged(@Nullable Object json, @Nullable Object patch) {
        if (!(patch instanceof JsonObject changes)) {
            return patch;
        }
        var merged = json instanceof JsonObject object ? object.copy() : new JsonObject();
        for (var change : changes) {
            if (change.getValue() == null) {
                merged.remove(change.getKey());
            } else {
                merged.put(change.getKey(), merged(merged.getValue(change.getKey()), change.getValue()));
            }
        }
        return merged;
    }

    private static @Nullable Object json(RandomGenerator random, int depth) {
        return switch (random.nextInt(depth > 0 ? 7 : 3)) {
            case 0 -> random.nextInt(3);
            case 1 -> null;
            case 2 -> "a \"text\"" + random.nextInt(3);
            case 3 -> new JsonArray().add(random.nextInt(2));
            default -> {
                var object = new JsonObject();
                for (var n = random.nextInt(4); n > 0; n--) {
                    object.put("k\"" + random.nextInt(4), json(random, depth - 1));
                }
                yield object;
            }
        };
    }

    private String patched(String json, String patch) {
        try (var ask = connection.prepareStatement("SELECT patched_json(?::json, ?::json)::text")) {
            ask.setString(1, json);
            ask.setString(2, patch);
            try (var rows = ask.executeQuery()) {
                rows.next();
                return rows.getString(1);
            }
        } catch (SQLException e) {
            throw new AssertionError(json + " by " + patch, e);
        }
    }
}

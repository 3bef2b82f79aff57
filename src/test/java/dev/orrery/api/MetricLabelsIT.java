package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever callers name and however often, the number of time series has a bound. */
class MetricLabelsIT {

    private static final int WORDS = 30;

    /** What callers made up begins so. */
    private static final String MADE_UP = "flood-";

    private static final Pattern QUEUE = Pattern.compile("queue=\"(" + MADE_UP + "[^\"]*)\"");

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private NodeUnderTest node;

    @TempDir
    private Path folder;

    @BeforeEach
    void start() {
        node = new NodeUnderTest(folder);
    }

    @AfterEach
    void stop() {
        node.close();
        http.close();
    }

    @Test
    void namesThatCallersMakeUpAddNoSeriesButThoseOfTwentyQueues() throws Exception {
        flood();
        var before = series();
        flood();

        var after = series();

        assertThat(before).anyMatch(series -> series.contains("operation=\"submitTask\",status=\"201\""));
        assertThat(before).anyMatch(series -> series.contains("operation=\"none\",status=\"404\""));
        assertThat(queues(after)).hasSizeBetween(10, 20);
        assertThat(named(after)).noneMatch(series -> series.contains(MADE_UP));
        assertThat(named(after)).hasSizeLessThanOrEqualTo(named(before).size() + 5);
    }

    private void flood() throws Exception {
        for (var n = 0; n < WORDS; n++) {
            var word = MADE_UP + UUID.randomUUID();
            send("GET", "/" + word, word, "");
            send("GET", "/api/v1/" + word, word, "");
            send("GET", "/api/v1/dags/" + word, word, "");
            send("GET", "/api/v1/runs?state=" + word, word, "");
            send("GET", "/api/v1/tenants/" + word, "default", "");
            send(word.toUpperCase(Locale.ROOT), "/api/v1/dags", "default", "");
            send("POST", "/api/v1/events", "default", "{\"name\": \"" + word + "\"}");
            send("POST", "/api/v1/webhooks/" + word, "default", "{}");
            send("POST", "/api/v1/tasks", word, "{}");
            send("POST", "/api/v1/tasks", "default", task(word).encode());
            send("POST", "/api/v1/dags", "default", dag(word).encode());
            send(
                    "POST",
                    "/api/v1/remote-workers",
                    "default",
                    "{\"name\": \"%1$s\", \"handlers\": [\"%1$s\"]}".formatted(word));
        }
        until("all has ended", () -> node.rows("task_ready", "true") == 0 && node.rows("claim_batches", "true") == 0);
    }

    private static JsonObject task(String word) {
        return new JsonObject()
                .put("name", word)
                .put("type", "handler")
                .put("handler", word)
                .put("queue", word)
                .put("createdBy", word)
                .put("tags", new JsonArray().add(word));
    }

    private static JsonObject dag(String word) {
        return new JsonObject()
                .put("name", word)
                .put("yaml", "tasks: [{id: " + word + ", type: handler, handler: " + word + ", lock: " + word + "}]");
    }

    private int send(String method, String path, String tenant, String body) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + node.port() + path))
                .timeout(Duration.ofSeconds(10))
                .header("Content-Type", "application/json")
                .header("Orrery-Tenant", tenant)
                .header("User-Agent", tenant)
                .method(method, HttpRequest.BodyPublishers.ofString(body));
        return http.send(request.build(), BodyHandlers.discarding()).statusCode();
    }

    /** The names and labels of our own metrics. What is read of the database is read at most every few seconds. */
    private Set<String> series() {
        var read = readings();
        until("the queues are read once more", () -> readings() > read);
        return node.client
                .get("/metrics")
                .send()
                .body()
                .toString()
                .lines()
                .filter(line -> line.startsWith("orrery_"))
                .map(line -> line.substring(0, line.lastIndexOf(' ')))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private double readings() {
        return node.client
                .get("/metrics")
                .send()
                .body()
                .toString()
                .lines()
                .filter(line -> line.startsWith("orrery_metrics_readings_seconds_count{reading=\"queues\"}"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    private static Set<String> queues(Set<String> series) {
        return series.stream()
                .flatMap(line -> QUEUE.matcher(line).results())
                .map(found -> found.group(1))
                .collect(Collectors.toSet());
    }

    /** Without the names of queues, which are few. */
    private static Set<String> named(Set<String> series) {
        return series.stream()
                .map(line -> QUEUE.matcher(line).replaceAll("queue=\"\""))
                .collect(Collectors.toSet());
    }
}

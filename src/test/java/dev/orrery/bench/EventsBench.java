package dev.orrery.bench;

import dev.orrery.testing.Await;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/** How many events a node takes in, and how soon all that they fire is done: one by one, and in batches. */
final class EventsBench {

    private static final String NAME = "bench";
    private static final int BATCH = 100;
    private static final int SINGLES = 6_000;
    private static final int BATCHES = 200;
    private static final int IN_FLIGHT = 64;
    private static final int BATCHES_IN_FLIGHT = 4;
    private static final int ROUNDS = 3;
    private static final Duration LIMIT = Duration.ofMinutes(5);

    private final HttpClient http;
    private final String address;
    private final TestDatabase database;
    private final Figures figures;

    /** Where they go. */
    interface Figures {
        void add(String name, String unit, double value);
    }

    EventsBench(HttpClient http, String address, TestDatabase database, Figures figures) {
        this.http = http;
        this.address = address;
        this.database = database;
        this.figures = figures;
    }

    /** Each event passes a filter and fires one execution. The first round of each warms up. */
    void run() throws IOException, InterruptedException {
        register();
        measure("events, each by itself", 1, SINGLES, IN_FLIGHT);
        measure("events in batches of " + BATCH, BATCH, BATCHES, BATCHES_IN_FLIGHT);
    }

    private void register() throws IOException, InterruptedException {
        var handler = new JsonObject()
                .put("eventName", NAME)
                .put("filter", "event.payload.n >= 0")
                .put("handlerName", "noop");
        var answer = http.send(request("/api/v1/event-handlers", handler), BodyHandlers.ofString());
        if (answer.statusCode() != 201) {
            throw new IllegalStateException("the handler was refused: " + answer.body());
        }
    }

    private void measure(String what, int batch, int requests, int inFlight) throws InterruptedException {
        var taken = new ArrayList<Double>();
        var done = new ArrayList<Double>();
        for (var round = 0; round < ROUNDS; round++) {
            var before = ended();
            var began = System.nanoTime();
            publish(batch, requests, inFlight);
            taken.add(requests * batch / seconds(began));
            Await.until("all have ended", LIMIT, () -> ended() - before == requests * batch);
            done.add(requests * batch / seconds(began));
        }
        figures.add(what + ": taken in", "events/s", best(taken));
        figures.add(what + ": to the end of what they fire", "events/s", best(done));
    }

    private void publish(int batch, int requests, int inFlight) throws InterruptedException {
        var slots = new Semaphore(inFlight);
        var refused = new AtomicInteger();
        var body = batch == 1 ? event(0) : new JsonObject().put("events", events(batch));
        var request = request("/api/v1/events", body);
        for (var n = 0; n < requests; n++) {
            slots.acquire();
            var _ = http.sendAsync(request, BodyHandlers.discarding()).whenComplete((answer, error) -> {
                if (error != null || answer.statusCode() != 200) {
                    refused.incrementAndGet();
                }
                slots.release();
            });
        }
        slots.acquire(inFlight);
        if (refused.get() > 0) {
            throw new IllegalStateException(refused + " requests were refused");
        }
    }

    private static JsonArray events(int batch) {
        return new JsonArray(
                IntStream.range(0, batch).mapToObj(EventsBench::event).toList());
    }

    private static JsonObject event(int n) {
        return new JsonObject().put("name", NAME).put("payload", new JsonObject().put("n", n));
    }

    private HttpRequest request(String path, JsonObject body) {
        return HttpRequest.newBuilder(URI.create(address + path))
                .timeout(Duration.ofSeconds(60))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body.encode()))
                .build();
    }

    private int ended() {
        return Integer.parseInt(database.value("SELECT count(*) FROM orrery.dag_runs r JOIN orrery.job_executions e ON"
                + " e.id = r.id WHERE e.cause = 'event' AND r.state = 'succeeded'"));
    }

    private static double best(List<Double> rounds) {
        return rounds.stream().mapToDouble(each -> each).max().orElseThrow();
    }

    private static double seconds(long began) {
        return (System.nanoTime() - began) / 1e9;
    }
}

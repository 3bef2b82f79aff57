package dev.orrery.fault;

import dev.orrery.domain.dag.RunState;
import dev.orrery.fault.History.Answer;
import dev.orrery.fault.History.Seen;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Clients that start runs at a steady pace, on whichever node answers, repeat with the same key until they are told, and
 * then watch each run to its end. What they were told is one of the records that the checker compares.
 */
final class Load {

    private static final Duration PACE = Duration.ofMillis(350);
    private static final Duration LOOK_EVERY = Duration.ofMillis(500);
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(3);
    private static final Duration GIVES_UP_AFTER = Duration.ofSeconds(90);
    private static final int ACTIVE_LIMIT = 40;
    private static final int CANCEL_EVERY = 13;
    private static final int TWICE_EVERY = 5;

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(1))
            .build();
    private final List<URI> nodes;
    private final Map<String, String> dags = new HashMap<>();
    private final List<Answer> answers = new ArrayList<>();
    private final List<Seen> seen = new ArrayList<>();
    private final Set<String> cancelAsked = new HashSet<>();
    private final List<String> surprises = new ArrayList<>();
    private final Set<String> active = ConcurrentHashMap.newKeySet();
    private final AtomicInteger open = new AtomicInteger();
    private volatile boolean isStopping;
    private volatile boolean isOver;

    Load(List<URI> nodes) {
        this.nodes = List.copyOf(nodes);
    }

    /** Publishes the DAGs and begins. */
    void start(Shapes shapes) {
        shapes.texts().forEach((name, yaml) -> dags.put(name, publish(name, yaml)));
        Thread.startVirtualThread(this::submitAll);
        Thread.startVirtualThread(this::watch);
    }

    /** Starts no more runs; what was begun is told to its end. */
    void stop() {
        isStopping = true;
    }

    /** Whether every client has been told, and every run that they were told of has been seen to end. */
    boolean hasEnded() {
        return isStopping && open.get() == 0 && active.isEmpty();
    }

    /** No more looking. */
    void close() {
        isStopping = true;
        isOver = true;
    }

    synchronized List<Answer> answers() {
        return List.copyOf(answers);
    }

    synchronized List<Seen> seen() {
        return List.copyOf(seen);
    }

    synchronized Set<String> cancelAsked() {
        return Set.copyOf(cancelAsked);
    }

    /** Answers that no client should get. */
    synchronized List<String> surprises() {
        return List.copyOf(surprises);
    }

    private String publish(String name, String yaml) {
        var answer = persist(
                "/api/v1/dags",
                new JsonObject().put("name", name).put("yaml", yaml).encode(),
                UUID.randomUUID().toString());
        if (answer == null || answer.statusCode() != 201) {
            throw new IllegalStateException(
                    "the DAG " + name + " could not be published: " + (answer == null ? "no answer" : answer.body()));
        }
        return new JsonObject(answer.body()).getString("id");
    }

    private void submitAll() {
        var names = List.copyOf(dags.keySet());
        for (var n = 0; !isStopping; n++) {
            if (open.get() + active.size() < ACTIVE_LIMIT) {
                var number = n;
                open.incrementAndGet();
                Thread.startVirtualThread(() -> {
                    try {
                        submit(names.get(number % names.size()), number);
                    } finally {
                        open.decrementAndGet();
                    }
                });
            }
            pause(PACE);
        }
    }

    private void submit(String dag, int number) {
        var key = UUID.randomUUID().toString();
        if (number % TWICE_EVERY == 0) {
            // Two clients in one: the same request at the same time, as a proxy that repeats would send it.
            open.incrementAndGet();
            Thread.startVirtualThread(() -> {
                try {
                    submit(dag, key);
                } finally {
                    open.decrementAndGet();
                }
            });
        }
        var run = submit(dag, key);
        if (run != null && number % CANCEL_EVERY == 0) {
            pause(Duration.ofMillis(700));
            synchronized (this) {
                cancelAsked.add(run);
            }
            persist("/api/v1/runs/" + run + "/cancel", "{}", UUID.randomUUID().toString());
        }
    }

    private @org.jspecify.annotations.Nullable String submit(String dag, String key) {
        var answer = persist("/api/v1/dags/" + dags.get(dag) + "/runs", "{}", key);
        if (answer == null) {
            return null;
        }
        if (answer.statusCode() != 202) {
            surprise("a trigger was answered " + answer.statusCode() + ": " + answer.body());
            return null;
        }
        var run = new JsonObject(answer.body()).getString("runId");
        synchronized (this) {
            answers.add(new Answer(key, dag, run, Instant.now()));
        }
        active.add(run);
        return run;
    }

    /** Posts to one node after the other until one tells what became of it; null when time is up. */
    private @org.jspecify.annotations.Nullable HttpResponse<String> persist(String path, String body, String key) {
        var deadline = System.nanoTime() + GIVES_UP_AFTER.toNanos();
        while (System.nanoTime() < deadline && !isOver) {
            try {
                var answer = http.send(
                        HttpRequest.newBuilder(anyNode().resolve(path))
                                .timeout(ANSWER_LIMIT)
                                .header("Content-Type", "application/json")
                                .header("Idempotency-Key", key)
                                .POST(HttpRequest.BodyPublishers.ofString(body))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
                if (answer.statusCode() != 429 && answer.statusCode() != 503) {
                    return answer;
                }
            } catch (IOException _) {
                // Not told: it may have happened or not.
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return null;
            }
            pause(Duration.ofMillis(100));
        }
        surprise("no answer within " + GIVES_UP_AFTER.toSeconds() + " s: POST " + path);
        return null;
    }

    private URI anyNode() {
        return nodes.get(ThreadLocalRandom.current().nextInt(nodes.size()));
    }

    private void watch() {
        while (!isOver) {
            List.copyOf(active).forEach(this::look);
            pause(LOOK_EVERY);
        }
    }

    private void look(String run) {
        try {
            var answer = http.send(
                    HttpRequest.newBuilder(anyNode().resolve("/api/v1/runs/" + run))
                            .timeout(ANSWER_LIMIT)
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            if (answer.statusCode() == 404) {
                surprise("an accepted run is not found: " + run);
            } else if (answer.statusCode() == 200) {
                var state = RunState.ofWireName(new JsonObject(answer.body()).getString("state"));
                if (state.isTerminal()) {
                    synchronized (this) {
                        seen.add(new Seen(run, state, Instant.now()));
                    }
                    active.remove(run);
                }
            }
        } catch (IOException _) {
            // Another time, perhaps another node.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void surprise(String what) {
        if (!isOver) {
            surprises.add(what);
        }
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

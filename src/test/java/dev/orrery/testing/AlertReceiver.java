package dev.orrery.testing;

import static dev.orrery.testing.Await.await;

import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A webhook that is told of dead letters, and keeps what it took. */
public final class AlertReceiver implements AutoCloseable {

    /** What it does with what it is sent. */
    public enum Mood {
        TAKES,
        REFUSES,
        REDIRECTS,
        NEVER_ANSWERS,
        /** Its status comes at once, and a byte of the body from time to time, for ever. */
        DRIPS_ITS_BODY
    }

    /** A request that came, whatever became of it. */
    public record Told(MultiMap headers, String text) {

        public String id() {
            return headers.get("webhook-id");
        }

        public JsonObject data() {
            return new JsonObject(text).getJsonObject("data");
        }
    }

    private final Vertx vertx = Vertx.vertx();
    private final HttpServer server;
    private final List<Told> told = new CopyOnWriteArrayList<>();
    private final List<Told> taken = new CopyOnWriteArrayList<>();
    private final AtomicInteger open = new AtomicInteger();
    private volatile Mood mood = Mood.TAKES;

    public AlertReceiver() {
        server = await(vertx.createHttpServer()
                .connectionHandler(connection -> {
                    open.incrementAndGet();
                    connection.closeHandler(_ -> open.decrementAndGet());
                })
                .requestHandler(this::take)
                .listen(0, "127.0.0.1"));
    }

    private void take(HttpServerRequest request) {
        request.response().exceptionHandler(_ -> {});
        request.body().onSuccess(body -> {
            var one = new Told(request.headers(), body.toString());
            told.add(one);
            switch (mood) {
                case TAKES -> {
                    taken.add(one);
                    request.response().setStatusCode(204).end();
                }
                case REFUSES -> request.response().setStatusCode(503).end("not now");
                case REDIRECTS ->
                    request.response()
                            .setStatusCode(307)
                            .putHeader("location", url() + "/elsewhere")
                            .end();
                case NEVER_ANSWERS -> {}
                case DRIPS_ITS_BODY -> {
                    taken.add(one);
                    request.response().setChunked(true).write("x");
                    vertx.setPeriodic(50, timer -> {
                        if (request.response().closed()) {
                            vertx.cancelTimer(timer);
                        } else {
                            request.response().write("x");
                        }
                    });
                }
            }
        });
    }

    public void mood(Mood now) {
        mood = now;
    }

    public String url() {
        return "http://127.0.0.1:" + server.actualPort() + "/hooks/orrery";
    }

    public int port() {
        return server.actualPort();
    }

    /** All that came. */
    public List<Told> told() {
        return told;
    }

    /** What was answered by a status of success. */
    public List<Told> taken() {
        return taken;
    }

    /** How many connections are open. */
    public int open() {
        return open.get();
    }

    /** How many letters those requests tell of that were taken, each request counted once. */
    public long letters() {
        var seen = new java.util.HashSet<String>();
        return taken.stream()
                .filter(one -> seen.add(one.id()))
                .mapToLong(one -> one.data().getLong("letters"))
                .sum();
    }

    @Override
    public void close() {
        await(server.close());
        await(vertx.close());
    }
}

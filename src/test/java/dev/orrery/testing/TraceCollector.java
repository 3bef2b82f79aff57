package dev.orrery.testing;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.trace.v1.Span;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/** Takes traces as a collector does, by OTLP over HTTP with protobuf, and keeps their spans. */
public final class TraceCollector implements AutoCloseable {

    /** What it does with what it is sent. */
    public enum Mood {
        TAKES,
        REFUSES,
        NEVER_ANSWERS
    }

    private final Vertx vertx = Vertx.vertx();
    private final HttpServer server;
    private final List<Span> spans = new CopyOnWriteArrayList<>();
    private final Map<String, String> about = new ConcurrentHashMap<>();
    private final List<String> keys = new CopyOnWriteArrayList<>();
    private volatile Mood mood = Mood.TAKES;
    private final AtomicInteger asked = new AtomicInteger();

    public TraceCollector() {
        server = await(vertx.createHttpServer(
                        new HttpServerOptions().setDecompressionSupported(true).setHttp2ClearTextEnabled(false))
                .requestHandler(this::take)
                .listen(0, "127.0.0.1"));
    }

    private void take(HttpServerRequest request) {
        asked.incrementAndGet();
        if (mood == Mood.NEVER_ANSWERS) {
            return;
        }
        if (mood == Mood.REFUSES || !request.path().equals("/v1/traces")) {
            request.response().setStatusCode(400).end();
            return;
        }
        keys.add(String.valueOf(request.getHeader("x-api-key")));
        request.body().onSuccess(body -> {
            try {
                for (var resource :
                        ExportTraceServiceRequest.parseFrom(body.getBytes()).getResourceSpansList()) {
                    resource.getResource()
                            .getAttributesList()
                            .forEach(pair ->
                                    about.put(pair.getKey(), pair.getValue().getStringValue()));
                    resource.getScopeSpansList().forEach(scope -> spans.addAll(scope.getSpansList()));
                }
                request.response()
                        .putHeader("Content-Type", "application/x-protobuf")
                        .end();
            } catch (InvalidProtocolBufferException e) {
                request.response().setStatusCode(400).end();
            }
        });
    }

    public String endpoint() {
        return "http://127.0.0.1:" + server.actualPort();
    }

    public void is(Mood other) {
        mood = other;
    }

    /** How often it was sent something. */
    public int asked() {
        return asked.get();
    }

    /** What the node tells of itself. */
    public Map<String, String> about() {
        return about;
    }

    /** The header {@code x-api-key} of what it took. */
    public List<String> keys() {
        return keys;
    }

    /** What has come of a trace, the first to begin first. */
    public List<Seen> of(String traceId) {
        return spans.stream()
                .filter(span -> hex(span.getTraceId()).equals(traceId))
                .map(Seen::of)
                .sorted((a, b) -> Long.compare(a.start, b.start))
                .toList();
    }

    /** Waits until a trace has so many spans. */
    public List<Seen> untilThereAre(int count, String traceId) {
        try {
            until(count + " spans of " + traceId, () -> of(traceId).size() >= count);
        } catch (AssertionError late) {
            throw new AssertionError("there are " + of(traceId), late);
        }
        return of(traceId);
    }

    /** All that has come. */
    public List<Seen> all() {
        return spans.stream().map(Seen::of).toList();
    }

    private static String hex(ByteString bytes) {
        return HexFormat.of().formatHex(bytes.toByteArray());
    }

    /** A span as it came. */
    public record Seen(
            String name,
            String kind,
            String id,
            String parent,
            long start,
            long end,
            String error,
            Map<String, String> attributes,
            List<String> links) {

        private static Seen of(Span span) {
            return new Seen(
                    span.getName(),
                    span.getKind().name().replace("SPAN_KIND_", ""),
                    hex(span.getSpanId()),
                    hex(span.getParentSpanId()),
                    span.getStartTimeUnixNano(),
                    span.getEndTimeUnixNano(),
                    span.getStatus().getMessage(),
                    span.getAttributesList().stream()
                            .collect(Collectors.toMap(
                                    pair -> pair.getKey(),
                                    pair -> pair.getValue().hasIntValue()
                                            ? String.valueOf(pair.getValue().getIntValue())
                                            : pair.getValue().getStringValue())),
                    span.getLinksList().stream()
                            .map(link -> hex(link.getSpanId()))
                            .toList());
        }
    }

    @Override
    public void close() {
        await(vertx.close());
    }
}

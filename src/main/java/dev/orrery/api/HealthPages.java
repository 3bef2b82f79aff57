package dev.orrery.api;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.orrery.api.Health.Status;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * How a node is, part by part: 200 while it can be used, 503 where it is down. Anybody may ask, so the parts are looked at
 * once at a time, each look is limited, and what was seen holds for a moment. May be asked from any thread.
 */
final class HealthPages {

    static final Duration CHECK_LIMIT = Duration.ofSeconds(2);
    private static final long HOLDS_NANOS = Duration.ofMillis(500).toNanos();

    private final List<HealthCheck> checks;
    private final InstantSource clock;
    private final AtomicReference<Asked> latest;

    /** What was seen of a part: since when it is so, and when it last proved to live, by {@link System#nanoTime}. */
    private record Seen(
            Health health, Instant since, @Nullable Long provenNanos) {

        Optional<Duration> age(long now) {
            return health.age()
                    .or(() ->
                            Optional.ofNullable(provenNanos).map(nanos -> Duration.ofNanos(Math.max(0, now - nanos))));
        }
    }

    /** All parts as they were seen together. */
    private record Sight(Status status, Instant since, Instant at, Map<String, Seen> parts, Answer answer) {}

    /** A look and when it began. */
    private record Asked(long nanos, Future<Sight> sight) {

        boolean holds() {
            return !sight.isComplete() || System.nanoTime() - nanos < HOLDS_NANOS;
        }

        Optional<Sight> seen() {
            return Optional.ofNullable(sight.result());
        }
    }

    HealthPages(List<HealthCheck> checks, InstantSource clock) {
        this.checks = List.copyOf(checks);
        this.clock = clock;
        this.latest = new AtomicReference<>(
                new Asked(System.nanoTime() - HOLDS_NANOS, Future.failedFuture("nobody has asked yet")));
    }

    Page page() {
        return new Page("health", () -> look().map(Sight::answer));
    }

    private Future<Sight> look() {
        var last = requireNonNull(latest.get());
        if (last.holds()) {
            return last.sight;
        }
        var promise = Promise.<Sight>promise();
        var mine = new Asked(System.nanoTime(), promise.future());
        if (!latest.compareAndSet(last, mine)) {
            return look();
        }
        lookAtAll(last.seen()).onComplete(promise);
        return mine.sight;
    }

    private Future<Sight> lookAtAll(Optional<Sight> before) {
        var looks = checks.stream().map(HealthPages::lookAt).toList();
        return Future.join(looks).map(_ -> {
            var now = clock.instant();
            var nanos = System.nanoTime();
            var parts = new LinkedHashMap<String, Seen>();
            for (var i = 0; i < checks.size(); i++) {
                var name = checks.get(i).name();
                var known = before.map(sight -> sight.parts().get(name));
                parts.put(name, seen(looks.get(i).result(), known, now, nanos));
            }
            return sight(before, parts, now, nanos);
        });
    }

    private static Seen seen(Health health, Optional<Seen> before, Instant now, long nanos) {
        var since = before.filter(seen -> seen.health().status() == health.status())
                .map(Seen::since)
                .orElse(now);
        var proven = health.status() == Status.UP
                ? Long.valueOf(nanos)
                : before.map(Seen::provenNanos).orElse(null);
        return new Seen(health, since, proven);
    }

    private static Sight sight(Optional<Sight> before, Map<String, Seen> parts, Instant now, long nanos) {
        var worst = parts.values().stream()
                .map(seen -> seen.health().status())
                .max(Comparator.naturalOrder())
                .orElse(Status.UP);
        var since = before.filter(sight -> sight.status() == worst)
                .map(Sight::since)
                .orElse(now);
        return new Sight(worst, since, now, parts, answer(worst, since, now, parts, nanos));
    }

    private static Future<Health> lookAt(HealthCheck check) {
        try {
            return check.look()
                    .get()
                    .timeout(CHECK_LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                    .otherwise(error -> failed(check, error));
        } catch (RuntimeException e) {
            return Future.succeededFuture(failed(check, e));
        }
    }

    private static Health failed(HealthCheck check, Throwable error) {
        var reason = error instanceof TimeoutException
                ? "no answer within " + CHECK_LIMIT.toSeconds() + " s"
                : String.valueOf(error.getMessage());
        return check.required() ? Health.down(reason) : Health.degraded(reason);
    }

    private static Answer answer(Status status, Instant since, Instant at, Map<String, Seen> parts, long nanos) {
        return Answer.json(status == Status.DOWN ? 503 : 200, out -> {
                    out.writeStartObject();
                    out.writeStringField("status", status.wireName());
                    out.writeStringField("since", since.toString());
                    out.writeStringField("checkedAt", at.toString());
                    out.writeObjectFieldStart("checks");
                    for (var part : parts.entrySet()) {
                        out.writeObjectFieldStart(part.getKey());
                        write(out, part.getValue(), nanos);
                        out.writeEndObject();
                    }
                    out.writeEndObject();
                    out.writeEndObject();
                })
                .with("Cache-Control", "no-store");
    }

    private static void write(JsonGenerator out, Seen part, long nanos) throws IOException {
        out.writeStringField("status", part.health().status().wireName());
        out.writeStringField("since", part.since().toString());
        var age = part.age(nanos);
        if (age.isPresent()) {
            out.writeNumberField("ageMs", age.get().toMillis());
        } else {
            out.writeNullField("ageMs");
        }
        out.writeStringField("reason", part.health().reason().orElse(null));
    }
}

package dev.orrery.api;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.WireNamed;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * {@code /health/live}: this process serves. {@code /health/ready}: everything it needs is there,
 * if not always all that helps. Anybody may ask, so the checks are made at
 * most once at a time and their result holds for a moment. May be asked from any thread.
 */
final class HealthPages {

    static final Duration CHECK_LIMIT = Duration.ofSeconds(2);
    private static final long HOLDS_NANOS = Duration.ofMillis(250).toNanos();

    private final List<HealthCheck> checks;
    private final AtomicReference<Asked> latest;

    /** An answer and when it was asked for. */
    private record Asked(long nanos, Future<Answer> answer) {

        boolean holds() {
            return !answer.isComplete() || System.nanoTime() - nanos < HOLDS_NANOS;
        }
    }

    HealthPages(List<HealthCheck> checks) {
        this.checks = List.copyOf(checks);
        this.latest = new AtomicReference<>(
                new Asked(System.nanoTime() - HOLDS_NANOS, Future.failedFuture("nobody has asked yet")));
    }

    Page live() {
        return Page.fixed("health", answer(Map.of()));
    }

    Page ready() {
        return new Page("health", this::readiness);
    }

    private Future<Answer> readiness() {
        var last = requireNonNull(latest.get());
        if (last.holds()) {
            return last.answer;
        }
        var promise = Promise.<Answer>promise();
        var mine = new Asked(System.nanoTime(), promise.future());
        if (!latest.compareAndSet(last, mine)) {
            return readiness();
        }
        ask().onComplete(promise);
        return mine.answer;
    }

    private Future<Answer> ask() {
        var results = checks.stream().map(HealthPages::run).toList();
        return Future.join(results).map(_ -> {
            var byName = new LinkedHashMap<String, Result>();
            for (var i = 0; i < checks.size(); i++) {
                var check = checks.get(i);
                byName.put(check.name(), Result.of(check, results.get(i).result()));
            }
            return answer(byName);
        });
    }

    /** What is wrong, if anything. */
    private static Future<Optional<String>> run(HealthCheck check) {
        try {
            return check.check()
                    .get()
                    .timeout(CHECK_LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                    .map(_ -> Optional.<String>empty())
                    .otherwise(e -> Optional.of(String.valueOf(e.getMessage())));
        } catch (RuntimeException e) {
            return Future.succeededFuture(Optional.of(String.valueOf(e.getMessage())));
        }
    }

    /** How it is, from well to bad. */
    private enum Status implements WireNamed {
        UP,
        DEGRADED,
        DOWN
    }

    private record Result(Status status, Optional<String> reason) {

        private static Result of(HealthCheck check, Optional<String> reason) {
            return new Result(reason.isEmpty() ? Status.UP : check.required() ? Status.DOWN : Status.DEGRADED, reason);
        }
    }

    private static Answer answer(Map<String, Result> results) {
        var worst = results.values().stream()
                .map(Result::status)
                .max(Comparator.naturalOrder())
                .orElse(Status.UP);
        return Answer.json(worst == Status.DOWN ? 503 : 200, out -> {
            out.writeStartObject();
            out.writeStringField("status", worst.wireName());
            out.writeObjectFieldStart("checks");
            for (var result : results.entrySet()) {
                out.writeObjectFieldStart(result.getKey());
                out.writeStringField("status", result.getValue().status().wireName());
                out.writeStringField("reason", result.getValue().reason().orElse(null));
                out.writeEndObject();
            }
            out.writeEndObject();
            out.writeEndObject();
        });
    }
}

package dev.orrery.node;

import static dev.orrery.node.OpenParts.STEP_LIMIT;
import static dev.orrery.node.OpenParts.await;

import dev.orrery.config.LetterWebhookConfig;
import dev.orrery.coordination.DatabaseClock;
import dev.orrery.engine.scheduler.Chore;
import dev.orrery.engine.scheduler.Chore.Bite.OfLeaderWhenDue;
import dev.orrery.executor.WebhookCalls;
import dev.orrery.service.LetterAlerts;
import dev.orrery.store.LetterAlertRepository;
import dev.orrery.store.Pools;
import dev.orrery.telemetry.Metric;
import dev.orrery.telemetry.Metrics;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** The webhook that is told of new dead letters, where the configuration names one. */
final class LetterAlertParts {

    private static final Duration MINUTE = Duration.ofMinutes(1);

    private record Open(WebhookCalls calls, LetterAlerts alerts) {}

    private final Optional<Open> open;

    private LetterAlertParts(Optional<Open> open) {
        this.open = open;
    }

    static LetterAlertParts open(
            Vertx vertx, Pools pools, LetterWebhookConfig config, DatabaseClock clock, Metrics metrics) {
        if (!config.isOn()) {
            return new LetterAlertParts(Optional.empty());
        }
        var calls = new WebhookCalls(vertx, config, () -> Instant.ofEpochMilli(clock.millis()));
        var alerts = new LetterAlerts(
                new LetterAlertRepository(vertx, pools.api()),
                alert -> calls.post(alert.id().toString(), alert.body()),
                MINUTE.dividedBy(config.perMinute()));
        metrics.counter(Metric.LETTER_ALERTS, alerts::delivered, "delivered");
        metrics.counter(Metric.LETTER_ALERTS, alerts::failed, "failed");
        metrics.gauge(Metric.LETTER_ALERT_FAILING, () -> alerts.failingFor().toSeconds());
        return new LetterAlertParts(Optional.of(new Open(calls, alerts)));
    }

    boolean areOn() {
        return open.isPresent();
    }

    /** For how long the webhook has taken nothing. */
    Duration failingFor() {
        return open.map(parts -> parts.alerts().failingFor()).orElse(Duration.ZERO);
    }

    List<Chore> chores() {
        return open.stream()
                .map(parts -> new Chore(
                        "alerts of dead letters", Duration.ofSeconds(1), new OfLeaderWhenDue(parts.alerts()::tell)))
                .toList();
    }

    /** Ends the request under way, so that nothing waits for a slow webhook. Blocks. */
    void close() {
        open.ifPresent(parts -> await(parts.calls().close(), STEP_LIMIT));
    }
}

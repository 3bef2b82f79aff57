package dev.orrery.api;

import static dev.orrery.api.JsonShapes.json;
import static dev.orrery.api.JsonShapes.number;
import static dev.orrery.api.JsonShapes.optional;
import static dev.orrery.api.JsonShapes.text;
import static dev.orrery.api.JsonShapes.texts;
import static dev.orrery.api.JsonShapes.time;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.WireNamed;
import dev.orrery.domain.job.FireTime;
import dev.orrery.domain.task.Durations;
import dev.orrery.service.LoggedEntry;
import dev.orrery.store.ExecutionRepository.Skipped;
import dev.orrery.store.ExecutionRepository.Stats;
import dev.orrery.store.ExecutionRepository.StoredExecution;
import dev.orrery.store.ScheduledJobRepository.StoredJob;
import dev.orrery.store.SchedulerMetricsRepository.SchedulerMetrics;
import java.io.IOException;
import java.time.Duration;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;

/** How jobs look as JSON: the schemas of the contract, field by field. */
final class JobShapes {

    private static final DateTimeFormatter LOCAL = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss");

    private JobShapes() {}

    static void job(JsonGenerator out, Tenant tenant, StoredJob stored) throws IOException {
        out.writeStartObject();
        text(out, "id", stored.id());
        out.writeStringField("name", stored.job().name());
        out.writeStringField("type", stored.job().type().wireName());
        out.writeStringField("status", stored.status().wireName());
        timing(out, stored);
        work(out, stored);
        counts(out, stored);
        texts(out, "tags", stored.job().tags());
        json(out, "metadata", stored.job().metadata().orElse(Json.NULL));
        out.writeStringField("platformId", tenant.name());
        optional(out, "createdBy", stored.job().createdBy());
        optional(out, "error", stored.error());
        time(out, "createdAt", stored.createdAt());
        time(out, "updatedAt", stored.updatedAt());
        time(out, "completedAt", stored.completedAt());
        time(out, "cancelledAt", stored.cancelledAt());
        optional(out, "traceId", stored.trace().map(TraceContext::traceIdText));
        out.writeEndObject();
    }

    static void counts(JsonGenerator out, StoredJob stored) throws IOException {
        out.writeNumberField("executionsCount", stored.executions());
        out.writeNumberField("successCount", stored.successes());
        out.writeNumberField("failureCount", stored.failures());
        number(out, "avgDurationMs", stored.averageMillis().map(Duration::toMillis));
    }

    private static void timing(JsonGenerator out, StoredJob stored) throws IOException {
        var timing = stored.job().timing();
        optional(out, "schedule", timing.schedule());
        optional(out, "interval", timing.interval().map(Durations::text));
        time(out, "runAt", timing.runAt());
        out.writeStringField("timezone", timing.timezone());
        time(out, "startAt", timing.startAt());
        time(out, "endAt", timing.endAt());
        number(out, "maxExecutions", timing.maxExecutions());
        texts(
                out,
                "excludedDates",
                timing.excludedDates().stream()
                        .sorted()
                        .map(LocalDate::toString)
                        .toList());
        out.writeStringField("misfire", timing.misfire().wireName());
        out.writeStringField("overlap", timing.overlap().wireName());
        time(out, "nextRun", stored.nextRun());
        time(out, "lastRun", stored.lastRun());
    }

    static void work(JsonGenerator out, StoredJob stored) throws IOException {
        var work = stored.job().work();
        out.writeStringField("handlerName", work.handler());
        out.writeStringField("handlerType", work.type().wireName());
        json(out, "payload", work.payload().orElse(Json.NULL));
        out.writeNumberField("maxRetries", work.maxRetries());
        out.writeNumberField("retryDelayMs", work.retryDelay().toMillis());
        out.writeNumberField("timeoutMs", work.timeout().toMillis());
        number(out, "totalTimeoutMs", work.totalTimeout().map(Duration::toMillis));
        texts(out, "retryOn", RetryRulesBody.texts(work.rules().retryOn()));
        texts(out, "giveUpOn", RetryRulesBody.texts(work.rules().giveUpOn()));
        out.writeStringField("priority", work.priority().wireName());
    }

    static void fireTime(JsonGenerator out, FireTime fire) throws IOException {
        out.writeStartObject();
        time(out, "at", fire.at());
        out.writeStringField("local", LOCAL.format(fire.local()));
        out.writeStringField(
                "offset",
                fire.offset().getTotalSeconds() == 0 ? "+00:00" : fire.offset().getId());
        optional(out, "clockChange", fire.clockChange().map(WireNamed::wireName));
        optional(out, "meant", fire.meant().map((LocalDateTime local) -> LOCAL.format(local)));
        out.writeEndObject();
    }

    static void execution(JsonGenerator out, StoredExecution execution) throws IOException {
        execution(out, execution, new Asked(Optional.empty(), Optional.empty()));
    }

    /**
     * What is told where one execution is asked for.
     *
     * @param waitingFor why it has not begun, where that is for want of someone
     */
    record Asked(Optional<String> errorStack, Optional<String> waitingFor) {}

    static void execution(JsonGenerator out, StoredExecution execution, Asked asked) throws IOException {
        out.writeStartObject();
        text(out, "id", execution.id());
        text(out, "jobId", execution.job());
        out.writeStringField("status", execution.status().wireName());
        out.writeStringField("triggeredBy", execution.cause().wireName());
        optional(out, "eventId", execution.event());
        time(out, "scheduledAt", execution.scheduledAt());
        time(out, "startedAt", execution.startedAt());
        time(out, "completedAt", execution.completedAt());
        number(out, "durationMs", duration(execution));
        json(out, "result", execution.output().orElse(Json.NULL));
        optional(out, "error", execution.error());
        optional(out, "errorStack", asked.errorStack());
        number(out, "progress", execution.progress());
        out.writeNumberField("retryCount", Math.max(0, execution.attempts() - 1));
        out.writeNumberField("maxRetries", execution.maxRetries());
        time(out, "nextRetryAt", execution.nextRetryAt());
        optional(out, "waitingFor", asked.waitingFor());
        optional(out, "workerId", execution.worker());
        time(out, "skippedUntil", execution.skipped().map(Skipped::until));
        number(out, "skippedCount", execution.skipped().map(Skipped::fires).orElse(OptionalInt.empty()));
        optional(out, "skippedReason", execution.skipped().map(Skipped::reason));
        json(out, "metadata", execution.metadata().orElse(Json.NULL));
        var trace = execution.skipped().isPresent()
                ? Optional.<TraceContext>empty()
                : Optional.of(TraceContext.ofRun(new RunId(execution.id()), execution.trace()));
        JsonShapes.trace(out, trace, execution.trace());
        time(out, "createdAt", execution.createdAt());
        out.writeEndObject();
    }

    static void entry(JsonGenerator out, UUID execution, LoggedEntry logged) throws IOException {
        var entry = logged.entry();
        out.writeStartObject();
        text(out, "executionId", execution);
        text(out, "taskId", logged.task());
        out.writeNumberField("attempt", logged.attempt());
        time(out, "timestamp", entry.at());
        out.writeStringField("level", entry.level().wireName());
        out.writeStringField("message", entry.message());
        json(out, "data", entry.data().orElse(Json.NULL));
        out.writeEndObject();
    }

    private static Optional<Long> duration(StoredExecution execution) {
        return execution
                .startedAt()
                .flatMap(start -> execution
                        .completedAt()
                        .map(end -> Duration.between(start, end).toMillis()));
    }

    static void stats(JsonGenerator out, int windowHours, Stats stats, List<StoredExecution> failures)
            throws IOException {
        out.writeStartObject();
        out.writeNumberField("windowHours", windowHours);
        out.writeNumberField("executions", stats.executions());
        out.writeNumberField("successes", stats.successes());
        out.writeNumberField("failures", stats.failures());
        out.writeNumberField("timeouts", stats.timeouts());
        out.writeNumberField("cancellations", stats.cancellations());
        out.writeNumberField("open", stats.open());
        out.writeNumberField("skips", stats.skips());
        fraction(out, "successRate", successRate(stats));
        fraction(out, "avgDurationMs", stats.averageMillis());
        fraction(out, "p50DurationMs", percentile(stats, 0));
        fraction(out, "p95DurationMs", percentile(stats, 1));
        fraction(out, "p99DurationMs", percentile(stats, 2));
        out.writeFieldName("lastFailures");
        JsonShapes.array(out, failures, JobShapes::execution);
        out.writeEndObject();
    }

    static void metrics(JsonGenerator out, int windowMinutes, SchedulerMetrics metrics) throws IOException {
        out.writeStartObject();
        json(out, "jobs", metrics.jobs());
        out.writeNumberField("overdue", metrics.overdue());
        out.writeNumberField("windowMinutes", windowMinutes);
        out.writeNumberField("executions", metrics.executions());
        out.writeNumberField("successes", metrics.successes());
        out.writeNumberField("failures", metrics.failures());
        out.writeNumberField("cancellations", metrics.cancellations());
        out.writeNumberField("open", metrics.open());
        fraction(out, "executionsPerSecond", Optional.of(metrics.executions() / (windowMinutes * 60.0)));
        fraction(out, "avgLagMs", metrics.averageLagMillis());
        fraction(out, "maxLagMs", metrics.worstLagMillis());
        out.writeEndObject();
    }

    private static Optional<Double> successRate(Stats stats) {
        var judged = stats.successes() + stats.failures() + stats.timeouts();
        return judged == 0 ? Optional.empty() : Optional.of((double) stats.successes() / judged);
    }

    private static Optional<Double> percentile(Stats stats, int number) {
        return stats.percentiles().isEmpty()
                ? Optional.empty()
                : Optional.of(stats.percentiles().get(number));
    }

    private static void fraction(JsonGenerator out, String name, Optional<Double> value) throws IOException {
        if (value.isPresent()) {
            out.writeNumberField(name, Math.round(value.get() * 1_000) / 1_000.0);
        } else {
            out.writeNullField(name);
        }
    }
}

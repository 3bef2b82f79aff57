package dev.orrery.api;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Json;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Times;
import dev.orrery.domain.job.HandlerType;
import dev.orrery.domain.job.JobPriority;
import dev.orrery.domain.job.JobType;
import dev.orrery.domain.job.MisfirePolicy;
import dev.orrery.domain.job.OverlapPolicy;
import dev.orrery.domain.job.ScheduledJob;
import dev.orrery.domain.job.ScheduledJob.Work;
import dev.orrery.domain.task.Durations;
import dev.orrery.service.JobInput;
import dev.orrery.service.JobInput.Details;
import dev.orrery.service.JobInput.Limits;
import dev.orrery.service.JobInput.OneTimeJobInput;
import dev.orrery.service.JobInput.RecurringJobInput;
import dev.orrery.service.JobInput.ScheduledJobInput;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Reads a job from a body that agrees with the contract; all that the contract cannot say is said here at once. */
final class JobBody {

    private static final String UTC = "UTC";

    /** Which fields of time a type has, beside those that all have. */
    private static final Map<JobType, Set<String>> FIELDS = Map.of(
            JobType.CRON, Set.of("schedule", "startAt", "endAt", "maxExecutions", "excludedDates"),
            JobType.ONE_TIME, Set.of("runAt"),
            JobType.RECURRING, Set.of("schedule", "interval", "startAt", "endAt", "maxExecutions", "excludedDates"));

    private static final List<String> TIMES =
            List.of("schedule", "runAt", "interval", "startAt", "endAt", "maxExecutions", "excludedDates");

    private final JsonObject body;
    private final JobType type;
    private final List<Problem> problems = new ArrayList<>();

    private JobBody(JsonObject body, JobType type) {
        this.body = body;
        this.type = type;
    }

    /** The job to be registered. */
    static JobInput read(JsonObject body) {
        if (body.getString("type").equals(JobType.EVENT.wireName())) {
            throw new OrreryException(
                    ErrorCode.VALIDATION_ERROR,
                    "what events fire is registered with POST /api/v1/event-handlers",
                    List.of(Problem.at(
                            "type",
                            ProblemCode.INVALID_VALUE,
                            "a job of type event is an event handler: register it with POST /api/v1/event-handlers")));
        }
        return new JobBody(body, JobType.ofWireName(body.getString("type"))).input();
    }

    /** The job as it is to be: what the body says, else what it is now. */
    static JobInput change(ScheduledJob job, JsonObject changes) {
        var body = written(job);
        changes.forEach(change -> {
            if (change.getValue() == null) {
                body.remove(change.getKey());
            } else {
                body.put(change.getKey(), change.getValue());
            }
        });
        return new JobBody(body, job.type()).input();
    }

    private static JsonObject written(ScheduledJob job) {
        var timing = job.timing();
        var work = job.work();
        var body = new JsonObject()
                .put("name", job.name())
                .put("timezone", timing.timezone())
                .put("misfire", timing.misfire().wireName())
                .put("overlap", timing.overlap().wireName())
                .put("tags", new JsonArray(job.tags()));
        write(body, work);
        timing.schedule().ifPresent(text -> body.put("schedule", text));
        timing.interval().ifPresent(every -> body.put("interval", Durations.text(every)));
        timing.runAt().ifPresent(time -> body.put("runAt", time.toString()));
        timing.startAt().ifPresent(time -> body.put("startAt", time.toString()));
        timing.endAt().ifPresent(time -> body.put("endAt", time.toString()));
        timing.maxExecutions().ifPresent(count -> body.put("maxExecutions", count));
        if (!timing.excludedDates().isEmpty()) {
            body.put(
                    "excludedDates",
                    timing.excludedDates().stream().map(LocalDate::toString).toList());
        }
        job.metadata().ifPresent(metadata -> body.put("metadata", JsonBody.object(metadata)));
        job.createdBy().ifPresent(name -> body.put("createdBy", name));
        return body;
    }

    private JobInput input() {
        refuseFieldsOfOtherTypes();
        var details = details();
        var input = switch (type) {
            case CRON -> cron(details);
            case ONE_TIME -> once(details);
            case RECURRING -> recurring(details);
            case EVENT -> throw new IllegalStateException("the contract has no jobs of events");
        };
        return input.filter(_ -> problems.isEmpty())
                .orElseThrow(() -> new OrreryException(
                        ErrorCode.VALIDATION_ERROR,
                        "the job is not valid: " + problems.getFirst().message(),
                        problems));
    }

    private void refuseFieldsOfOtherTypes() {
        for (var field : TIMES) {
            if (body.getValue(field) != null
                    && !FIELDS.getOrDefault(type, Set.of()).contains(field)) {
                refuse(
                        field,
                        ProblemCode.CONFLICTING_FIELDS,
                        "a job of type " + type.wireName() + " has no '" + field + "'");
            }
        }
    }

    private Optional<JobInput> cron(Details details) {
        if (text("schedule").isEmpty()) {
            refuse("schedule", ProblemCode.MISSING_FIELD, "a job of type cron needs a 'schedule'");
        }
        return text("schedule").map(schedule -> new ScheduledJobInput(details, schedule));
    }

    private Optional<JobInput> once(Details details) {
        if (body.getValue("runAt") == null) {
            refuse("runAt", ProblemCode.MISSING_FIELD, "a job of type one_time needs 'runAt'");
        }
        return time("runAt").map(time -> new OneTimeJobInput(details, time));
    }

    private Optional<JobInput> recurring(Details details) {
        var hasInterval = body.getValue("interval") != null;
        if (hasInterval == text("schedule").isPresent()) {
            refuse(
                    "interval",
                    hasInterval ? ProblemCode.CONFLICTING_FIELDS : ProblemCode.MISSING_FIELD,
                    "a job of type recurring needs either an 'interval' or a 'schedule'");
        }
        return Optional.of(new RecurringJobInput(details, interval(), text("schedule")));
    }

    private Optional<Duration> interval() {
        var given = text("interval");
        var read = given.flatMap(Durations::parse);
        if (given.isPresent() && read.isEmpty()) {
            refuse("interval", ProblemCode.BAD_DURATION, "'" + given.get() + "' is no duration such as 90s or 1h30m");
        }
        return read;
    }

    private Details details() {
        return new Details(
                body.getString("name"),
                text("timezone").orElse(UTC),
                new Limits(time("startAt"), time("endAt"), count("maxExecutions"), dates()),
                named("misfire", MisfirePolicy::ofWireName, MisfirePolicy.FIRE_ONCE),
                named("overlap", OverlapPolicy::ofWireName, OverlapPolicy.SKIP),
                work(),
                body.getJsonArray("tags", new JsonArray()).stream()
                        .map(String.class::cast)
                        .distinct()
                        .toList(),
                object("metadata"),
                text("createdBy"));
    }

    private Work work() {
        return work(body, problems);
    }

    /** What is to be done, of a body that has the fields of a job's work; what is wrong with it is added to the problems. */
    static Work work(JsonObject body, List<Problem> problems) {
        var type = named(body, "handlerType", HandlerType::ofWireName, HandlerType.FUNCTION);
        if (type == HandlerType.WORKFLOW) {
            RetryRulesBody.refuse(body, problems);
        }
        return new Work(
                type,
                body.getString("handlerName"),
                object(body, "payload"),
                body.getInteger("maxRetries", Work.DEFAULT_RETRIES),
                Duration.ofMillis(body.getLong("retryDelayMs", Work.DEFAULT_RETRY_DELAY.toMillis())),
                Duration.ofMillis(body.getLong("timeoutMs", Work.DEFAULT_TIMEOUT.toMillis())),
                named(body, "priority", JobPriority::ofWireName, JobPriority.MEDIUM),
                RetryRulesBody.totalTimeout(body),
                RetryRulesBody.rules(body, problems));
    }

    /** The fields of a job's work, as they are read. */
    static void write(JsonObject body, Work work) {
        body.put("handlerType", work.type().wireName())
                .put("handlerName", work.handler())
                .put("maxRetries", work.maxRetries())
                .put("retryDelayMs", work.retryDelay().toMillis())
                .put("timeoutMs", work.timeout().toMillis())
                .put("priority", work.priority().wireName());
        RetryRulesBody.write(body, work.totalTimeout(), work.rules());
        work.payload().ifPresent(payload -> body.put("payload", JsonBody.object(payload)));
    }

    static Optional<Json> object(JsonObject body, String field) {
        return Optional.ofNullable(body.getJsonObject(field)).map(JsonBody::text);
    }

    private static <T> T named(JsonObject body, String field, Function<String, T> reader, T otherwise) {
        return Optional.ofNullable(body.getString(field)).map(reader).orElse(otherwise);
    }

    private <T> T named(String field, Function<String, T> reader, T otherwise) {
        return named(body, field, reader, otherwise);
    }

    private Set<LocalDate> dates() {
        return body.getJsonArray("excludedDates", new JsonArray()).stream()
                .flatMap(text -> date((String) text).stream())
                .collect(Collectors.toUnmodifiableSet());
    }

    private Optional<LocalDate> date(String text) {
        try {
            return Optional.of(LocalDate.parse(text));
        } catch (DateTimeException _) {
            refuse("excludedDates", ProblemCode.INVALID_VALUE, "'" + text + "' is no date such as 2026-12-25");
            return Optional.empty();
        }
    }

    private Optional<Instant> time(String field) {
        return text(field).flatMap(text -> {
            var read = Times.parse(text);
            if (read.isEmpty()) {
                refuse(field, ProblemCode.INVALID_VALUE, "'" + text + "' is no time such as 2026-01-31T08:00:00Z");
            }
            return read;
        });
    }

    private OptionalInt count(String field) {
        var value = body.getInteger(field);
        return value == null ? OptionalInt.empty() : OptionalInt.of(value);
    }

    private Optional<Json> object(String field) {
        return object(body, field);
    }

    private Optional<String> text(String field) {
        return Optional.ofNullable(body.getString(field));
    }

    private void refuse(String field, ProblemCode code, String message) {
        problems.add(Problem.at(field, code, message));
    }
}

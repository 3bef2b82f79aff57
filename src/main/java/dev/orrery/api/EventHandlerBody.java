package dev.orrery.api;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.event.EventRule;
import dev.orrery.domain.event.EventRule.Debounce;
import dev.orrery.domain.event.EventRule.Throttle;
import dev.orrery.domain.task.Durations;
import dev.orrery.service.EventHandlerInput;
import dev.orrery.store.EventHandlerRepository.StoredHandler;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads an event handler from a body that agrees with the contract; all that the contract cannot say is said here at once. */
final class EventHandlerBody {

    private static final Duration SHORTEST = Duration.ofMillis(10);

    private final JsonObject body;
    private final List<Problem> problems = new ArrayList<>();

    private EventHandlerBody(JsonObject body) {
        this.body = body;
    }

    /** The handler to be registered. */
    static EventHandlerInput read(JsonObject body) {
        return new EventHandlerBody(body).input();
    }

    /** The handler as it is to be: what the body says, else what it is now. */
    static EventHandlerInput change(StoredHandler handler, JsonObject changes) {
        var body = written(handler);
        changes.forEach(change -> {
            if (change.getValue() == null) {
                body.remove(change.getKey());
            } else {
                body.put(change.getKey(), change.getValue());
            }
        });
        return new EventHandlerBody(body).input();
    }

    private static JsonObject written(StoredHandler handler) {
        var job = handler.stored().job();
        var rule = handler.rule();
        var body = new JsonObject()
                .put("name", job.name())
                .put("eventName", rule.eventName())
                .put("enabled", handler.enabled())
                .put("tags", new JsonArray(job.tags()));
        JobBody.write(body, job.work());
        rule.filter().ifPresent(text -> body.put("filter", text));
        rule.payloadMapping().ifPresent(text -> body.put("payloadMapping", text));
        rule.debounce().ifPresent(debounce -> {
            var written = new JsonObject().put("wait", Durations.text(debounce.quiet()));
            debounce.maxWait().ifPresent(most -> written.put("maxWait", Durations.text(most)));
            debounce.key().ifPresent(key -> written.put("key", key));
            body.put("debounce", written);
        });
        rule.throttle().ifPresent(throttle -> {
            var written = new JsonObject().put("limit", throttle.limit()).put("per", Durations.text(throttle.per()));
            throttle.key().ifPresent(key -> written.put("key", key));
            body.put("throttle", written);
        });
        job.metadata().ifPresent(metadata -> body.put("metadata", JsonBody.object(metadata)));
        job.createdBy().ifPresent(name -> body.put("createdBy", name));
        return body;
    }

    private EventHandlerInput input() {
        var eventName = body.getString("eventName");
        var debounce = Optional.ofNullable(body.getJsonObject("debounce")).flatMap(this::debounce);
        var throttle = Optional.ofNullable(body.getJsonObject("throttle")).flatMap(this::throttle);
        var work = JobBody.work(body, problems);
        if (!problems.isEmpty()) {
            throw new OrreryException(
                    ErrorCode.VALIDATION_ERROR,
                    "the event handler is not valid: " + problems.getFirst().message(),
                    problems);
        }
        return new EventHandlerInput(
                text("name").orElse(eventName),
                new EventRule(eventName, text("filter"), text("payloadMapping"), debounce, throttle),
                work,
                body.getBoolean("enabled", true),
                body.getJsonArray("tags", new JsonArray()).stream()
                        .map(String.class::cast)
                        .distinct()
                        .toList(),
                JobBody.object(body, "metadata"),
                text("createdBy"));
    }

    private Optional<Debounce> debounce(JsonObject given) {
        var quiet = duration(given, "debounce", "wait");
        var most = duration(given, "debounce", "maxWait");
        if (quiet.isPresent() && most.isPresent() && most.get().compareTo(quiet.get()) < 0) {
            problems.add(Problem.at(
                    "debounce.maxWait", ProblemCode.OUT_OF_RANGE, "the longest wait is shorter than 'wait'"));
            return Optional.empty();
        }
        return quiet.map(wait -> new Debounce(wait, most, Optional.ofNullable(given.getString("key"))));
    }

    private Optional<Throttle> throttle(JsonObject given) {
        return duration(given, "throttle", "per")
                .map(per -> new Throttle(given.getInteger("limit"), per, Optional.ofNullable(given.getString("key"))));
    }

    private Optional<Duration> duration(JsonObject given, String object, String field) {
        var text = Optional.ofNullable(given.getString(field));
        var read = text.flatMap(Durations::parse);
        if (text.isPresent() && read.isEmpty()) {
            problems.add(Problem.at(
                    object + "." + field,
                    ProblemCode.BAD_DURATION,
                    "'" + text.get() + "' is no duration such as 90s or 1h30m"));
        } else if (read.filter(time -> time.compareTo(SHORTEST) < 0 || time.compareTo(EventRule.MAX_WAIT) > 0)
                .isPresent()) {
            problems.add(Problem.at(object + "." + field, ProblemCode.OUT_OF_RANGE, "it may be 10 ms to 7 days"));
            return Optional.empty();
        }
        return read;
    }

    private Optional<String> text(String field) {
        return Optional.ofNullable(body.getString(field));
    }
}

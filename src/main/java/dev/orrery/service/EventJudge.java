package dev.orrery.service;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.domain.EventId;
import dev.orrery.domain.JobId;
import dev.orrery.domain.Json;
import dev.orrery.domain.Problem;
import dev.orrery.domain.RunId;
import dev.orrery.domain.event.EventRule;
import dev.orrery.domain.event.EventRule.Debounce;
import dev.orrery.domain.event.EventRule.Throttle;
import dev.orrery.domain.event.NewEvent;
import dev.orrery.domain.job.HandlerType;
import dev.orrery.expression.Expression;
import dev.orrery.expression.Expression.Reading;
import dev.orrery.expression.Expression.Result;
import dev.orrery.expression.Facts;
import dev.orrery.store.EventHandlerRepository.Enabled;
import dev.orrery.store.EventHandlerRepository.Handlers;
import dev.orrery.store.EventPublication.Judged;
import dev.orrery.store.EventPublication.Wanted;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;

/** What the handlers of a name make of events. Expressions take their time: off the event loop, where there are any. */
final class EventJudge {

    /** Under which all events of a handler without a key are counted, or wait. */
    private static final String NO_KEY = "";

    /** What all handlers of one event are given together, in characters. */
    private static final int MAX_GIVEN = 32 << 20;

    /** What evaluating is counted for, beside judging without. */
    private static final int EXPRESSION_EFFORT = 1_000;

    private final Handlers handlers;
    private final List<Reader> readers;

    /** Compiles the expressions of these handlers, which may take half a second. */
    EventJudge(Handlers handlers) {
        this.handlers = handlers;
        this.readers = handlers.enabled().stream().map(Reader::new).toList();
    }

    /** All that is wrong with the expressions of a rule. */
    static List<Problem> problems(EventRule rule) {
        var problems = new ArrayList<Problem>();
        rule.filter().ifPresent(text -> read(Expression.filter(text, "filter"), problems));
        rule.payloadMapping().ifPresent(text -> read(Expression.mapping(text, "payloadMapping"), problems));
        rule.debounce().flatMap(Debounce::key).ifPresent(text -> read(Expression.key(text, "debounce.key"), problems));
        rule.throttle().flatMap(Throttle::key).ifPresent(text -> read(Expression.key(text, "throttle.key"), problems));
        return problems;
    }

    private static <T> Optional<Expression<T>> read(Reading<T> reading, List<Problem> problems) {
        return switch (reading) {
            case Reading.Compiled<T>(var expression) -> Optional.of(expression);
            case Reading.Refused<T>(var found) -> {
                problems.addAll(found);
                yield Optional.empty();
            }
        };
    }

    Handlers handlers() {
        return handlers;
    }

    /** How much there is to do for one event. */
    long effort() {
        return 1L + readers.stream().mapToInt(Reader::effort).sum();
    }

    /** {@code deadline}: {@link System#nanoTime} after which no more expressions are evaluated, and their handlers fail. */
    Judged judge(EventId id, NewEvent event, Supplier<UUID> runIds, long deadline) {
        var filtered = new ArrayList<JobId>();
        var wanted = new ArrayList<Wanted>();
        var facts = readers.stream().anyMatch(Reader::needsFacts)
                ? Optional.of(Facts.ofEvent(
                        event.name(), event.key(), event.source(), id.value(), id.time(), event.payload()))
                : Optional.<Facts>empty();
        var given = 0L;
        for (var reader : readers) {
            if (!isFor(event, reader.handler)) {
                continue;
            }
            switch (reader.judge(event, facts, deadline)) {
                case Judgement.NotWanted() -> filtered.add(reader.handler.id());
                case Judgement.Failed(var reason) -> wanted.add(reader.failed(new RunId(runIds.get()), reason));
                case Judgement.Fires fires -> {
                    given += fires.given().text().length();
                    wanted.add(
                            given > MAX_GIVEN
                                    ? reader.failed(
                                            new RunId(runIds.get()),
                                            "all handlers of the event are given more than " + MAX_GIVEN
                                                    + " characters together")
                                    : reader.fires(new RunId(runIds.get()), fires));
                }
            }
        }
        return new Judged(id, event, hash(event), handlers, filtered, wanted);
    }

    private static boolean isFor(NewEvent event, Enabled handler) {
        return event.handlers().isEmpty() || event.handlers().get().contains(handler.id());
    }

    /** What a handler makes of an event. */
    private sealed interface Judgement {

        record NotWanted() implements Judgement {}

        record Failed(String reason) implements Judgement {}

        record Fires(Json given, Optional<String> debounceKey, Optional<String> throttleKey) implements Judgement {}
    }

    /** The same key must mean the same event. */
    private static String hash(NewEvent event) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            for (var part : List.of(
                    event.payload().text(),
                    event.source().orElse(""),
                    event.replayOf().map(EventId::toString).orElse(""))) {
                digest.update(part.getBytes(UTF_8));
                digest.update((byte) 0);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** A handler with its expressions. */
    private static final class Reader {

        private final Enabled handler;
        private final List<Problem> problems = new ArrayList<>();
        private final Optional<Expression<Boolean>> filter;
        private final Optional<Expression<Json>> mapping;
        private final Optional<Expression<String>> debounceKey;
        private final Optional<Expression<String>> throttleKey;

        Reader(Enabled handler) {
            this.handler = handler;
            var rule = handler.rule();
            this.filter = rule.filter().flatMap(text -> read(Expression.filter(text, "filter"), problems));
            this.mapping =
                    rule.payloadMapping().flatMap(text -> read(Expression.mapping(text, "payloadMapping"), problems));
            this.debounceKey = rule.debounce()
                    .flatMap(Debounce::key)
                    .flatMap(text -> read(Expression.key(text, "debounce.key"), problems));
            this.throttleKey = rule.throttle()
                    .flatMap(Throttle::key)
                    .flatMap(text -> read(Expression.key(text, "throttle.key"), problems));
        }

        boolean needsFacts() {
            return filter.isPresent() || mapping.isPresent() || debounceKey.isPresent() || throttleKey.isPresent();
        }

        int effort() {
            return needsFacts() ? EXPRESSION_EFFORT : 1;
        }

        Judgement judge(NewEvent event, Optional<Facts> facts, long deadline) {
            // They were all right when they were registered, by another version.
            if (!problems.isEmpty()) {
                var first = problems.getFirst();
                return new Judgement.Failed(first.path() + ": " + first.message());
            }
            if (needsFacts() && System.nanoTime() - deadline > 0) {
                return new Judgement.Failed(
                        "the expressions of all handlers of what was published took too long together");
            }
            return switch (evaluate(filter, facts, true)) {
                case Result.Failed<Boolean>(var reason) -> new Judgement.Failed("filter: " + reason);
                case Result.Value<Boolean>(var isWanted) when !isWanted -> new Judgement.NotWanted();
                case Result.Value<Boolean> _ -> fires(event, facts);
            };
        }

        private Judgement fires(NewEvent event, Optional<Facts> facts) {
            var given = evaluate(mapping, facts, event.payload());
            var debounced = evaluate(debounceKey, facts, NO_KEY);
            var throttled = evaluate(throttleKey, facts, NO_KEY);
            if (given instanceof Result.Failed<Json>(var reason)) {
                return new Judgement.Failed("payloadMapping: " + reason);
            } else if (debounced instanceof Result.Failed<String>(var reason)) {
                return new Judgement.Failed("debounce.key: " + reason);
            } else if (throttled instanceof Result.Failed<String>(var reason)) {
                return new Judgement.Failed("throttle.key: " + reason);
            }
            return fires(value(given), value(debounced), value(throttled));
        }

        private Judgement fires(Json given, String debounced, String throttled) {
            if (handler.type() == HandlerType.WORKFLOW && !given.text().startsWith("{")) {
                return new Judgement.Failed(
                        "a DAG is given an object, and this is none: give the handler a payloadMapping"
                                + " such as {\"value\": event.payload}");
            }
            return new Judgement.Fires(
                    given,
                    handler.rule().debounce().map(_ -> debounced),
                    handler.rule().throttle().map(_ -> throttled));
        }

        Wanted fires(RunId run, Judgement.Fires fires) {
            return new Wanted(
                    handler.id(),
                    run,
                    Optional.of(fires.given()).filter(json -> !json.equals(Json.EMPTY_OBJECT)),
                    Optional.empty(),
                    fires.debounceKey(),
                    fires.throttleKey(),
                    handler.tasks());
        }

        Wanted failed(RunId run, String reason) {
            return new Wanted(
                    handler.id(), run, Optional.empty(), Optional.of(reason), Optional.empty(), Optional.empty(), 0);
        }

        private static <T> Result<T> evaluate(Optional<Expression<T>> expression, Optional<Facts> facts, T otherwise) {
            return expression.isEmpty()
                    ? new Result.Value<>(otherwise)
                    : expression.get().evaluate(facts.orElseThrow());
        }

        private static <T> T value(Result<T> result) {
            return switch (result) {
                case Result.Value<T>(var value) -> value;
                case Result.Failed<T>(var reason) -> throw new IllegalStateException(reason);
            };
        }
    }
}

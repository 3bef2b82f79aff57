package dev.orrery.service;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.domain.EventId;
import dev.orrery.domain.JobId;
import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.event.NewEvent;
import dev.orrery.domain.job.HandlerType;
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

    private final Handlers handlers;

    EventJudge(Handlers handlers) {
        this.handlers = handlers;
    }

    Handlers handlers() {
        return handlers;
    }

    /** How much there is to do for one event. */
    long effort() {
        return 1L + handlers.enabled().size();
    }

    Judged judge(EventId id, NewEvent event, Supplier<UUID> runIds) {
        var filtered = new ArrayList<JobId>();
        var wanted = new ArrayList<Wanted>();
        for (var handler : handlers.enabled()) {
            if (event.handlers().isEmpty() || event.handlers().get().contains(handler.id())) {
                wanted.add(judge(handler, event, new RunId(runIds.get())));
            }
        }
        return new Judged(id, event, hash(event), handlers, filtered, wanted);
    }

    private static Wanted judge(Enabled handler, NewEvent event, RunId run) {
        var given = event.payload();
        if (handler.type() == HandlerType.WORKFLOW && !given.text().startsWith("{")) {
            return failed(
                    handler,
                    run,
                    "a DAG is given an object, and the event's payload is none: give the handler a"
                            + " payloadMapping such as {\"value\": event.payload}");
        }
        var rule = handler.rule();
        return new Wanted(
                handler.id(),
                run,
                Optional.of(given).filter(json -> !json.equals(Json.EMPTY_OBJECT)),
                Optional.empty(),
                rule.debounce().map(_ -> NO_KEY),
                rule.throttle().map(_ -> NO_KEY),
                handler.tasks());
    }

    private static Wanted failed(Enabled handler, RunId run, String error) {
        return new Wanted(
                handler.id(),
                run,
                Optional.empty(),
                Optional.of(error),
                Optional.empty(),
                Optional.empty(),
                handler.tasks());
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
}

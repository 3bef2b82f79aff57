package dev.orrery.service;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.JobsChanged;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.EventId;
import dev.orrery.domain.JobId;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.event.DeliveryOutcome;
import dev.orrery.domain.event.NewEvent;
import dev.orrery.store.Batcher;
import dev.orrery.store.EventHandlerRepository;
import dev.orrery.store.EventHandlerRepository.StoredHandler;
import dev.orrery.store.EventPublication;
import dev.orrery.store.EventPublication.Judged;
import dev.orrery.store.EventPublication.Outcome;
import dev.orrery.store.EventPublication.Result;
import dev.orrery.store.EventPublication.Wanted;
import dev.orrery.store.JobListRepository;
import dev.orrery.store.NewRun;
import dev.orrery.store.PublishedEventRepository;
import dev.orrery.store.PublishedEventRepository.Delivery;
import dev.orrery.store.PublishedEventRepository.StoredEvent;
import dev.orrery.store.ScheduledJobRepository;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Events and their handlers. Handlers are jobs: pausing, history, statistics and retries are those of {@link JobScheduler}.
 *
 * <p>Events are judged by the handlers that are known here, off the database, and then published in one transaction that makes
 * sure of those handlers. Where they were changed meanwhile, all is judged anew.
 */
public final class EventService {

    /** So many events may be published at once. */
    public static final int MAX_EVENTS = 1_000;

    private static final int TRIES = 5;

    // What one request of several events may start: it is one transaction.
    private static final int MAX_EXECUTIONS = 10_000;
    private static final int MAX_TASKS = 20_000;
    private static final long MAX_BYTES = 32 << 20;

    /** How long the expressions of all handlers may take together for one request. */
    private static final Duration JUDGING_LIMIT = Duration.ofSeconds(5);

    /** Where fewer judgements and bytes are to be made, an event loop makes them. */
    private static final int FEW = 200;

    private static final long FEW_BYTES = 64 << 10;

    /** Handlers that wait less are not left to the leader's next look. */
    private static final Duration SOON = Duration.ofSeconds(1);

    private static final int TASK_BYTES = 200;

    private final Vertx vertx;
    private final Repositories repositories;
    private final EventHandlers handlers;
    private final Batcher<EventPublication, Result> publications;
    private final JobDags dags;
    private final Supplier<UUID> ids;
    private final Bus bus;
    private final Optional<ChangeRequest> change;

    /** What it reads and writes through. */
    public record Repositories(
            EventHandlerRepository handlers, PublishedEventRepository events, ScheduledJobRepository jobs) {

        private Repositories by(ChangeRequest request) {
            return new Repositories(handlers.by(request), events, jobs.by(request));
        }
    }

    /**
     * @param publications collects what is published at the same time into one transaction; see {@link #weight}
     * @param ids new ids in the order of time
     */
    public EventService(
            Vertx vertx,
            Repositories repositories,
            Batcher<EventPublication, Result> publications,
            JobDags dags,
            Supplier<UUID> ids,
            Bus bus) {
        this.vertx = vertx;
        this.repositories = repositories;
        this.handlers = new EventHandlers(vertx, repositories.handlers());
        this.publications = publications;
        this.dags = dags;
        this.ids = ids;
        this.bus = bus;
        this.change = Optional.empty();
    }

    private EventService(EventService shared, ChangeRequest request) {
        this.vertx = shared.vertx;
        this.repositories = shared.repositories.by(request);
        this.handlers = shared.handlers;
        this.publications = shared.publications;
        this.dags = shared.dags;
        this.ids = shared.ids;
        this.bus = shared.bus;
        this.change = Optional.of(request);
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public EventService by(ChangeRequest request) {
        return new EventService(this, request);
    }

    /** About how many bytes it stands for. */
    public static long weight(EventPublication publication) {
        return publication.events().stream()
                .mapToLong(judged -> TASK_BYTES
                        + judged.event().payload().text().length()
                        + judged.wanted().stream()
                                .mapToLong(EventService::weight)
                                .sum())
                .sum();
    }

    private static long weight(Wanted wanted) {
        return wanted.params().map(json -> json.text().length()).orElse(0) + (1L + wanted.tasks()) * TASK_BYTES;
    }

    /** Registers a handler. Fails with all that is wrong with it, {@code HANDLER_NOT_FOUND} or {@code CONFLICT}. */
    public Future<StoredHandler> onEvent(TenantId tenant, EventHandlerInput input, Optional<RequestKey> key) {
        var id = new JobId(ids.get());
        var definition = input.definition();
        var passesPayload = JobDags.passesPayload(input.work());
        var storeKey = key.map(EventService::storeKey);
        return check(input)
                .compose(_ -> dags.with(
                        tenant,
                        input.work(),
                        dag -> repositories.handlers().create(tenant, id, dag, definition, passesPayload, storeKey)))
                .compose(made -> getHandler(tenant, made));
    }

    private Future<Void> check(EventHandlerInput input) {
        return vertx.executeBlocking(() -> problems(input), false)
                .compose(problems -> problems.isEmpty()
                        ? Future.succeededFuture()
                        : Future.failedFuture(new OrreryException(
                                ErrorCode.VALIDATION_ERROR,
                                "the event handler is not valid: "
                                        + problems.getFirst().message(),
                                problems)));
    }

    /** Only functions that are tasks have a payload, which is their task: all others are given the event's. */
    private static List<Problem> problems(EventHandlerInput input) {
        var problems = new ArrayList<>(EventJudge.problems(input.rule()));
        if (input.work().payload().isPresent() && JobDags.passesPayload(input.work())) {
            problems.add(Problem.at(
                    "payload",
                    ProblemCode.CONFLICTING_FIELDS,
                    "'" + input.work().handler()
                            + "' is given the event's payload, or what 'payloadMapping' makes of it"));
        }
        return problems;
    }

    public Future<StoredHandler> getHandler(TenantId tenant, JobId id) {
        return repositories.handlers().get(tenant, id).map(found -> found.orElseThrow(() -> noHandler(id)));
    }

    /** Newest first, those behind the position. */
    public Future<List<StoredHandler>> listHandlers(
            TenantId tenant,
            EventHandlerRepository.Filter filter,
            Optional<JobListRepository.Position> behind,
            int limit) {
        return repositories.handlers().list(tenant, filter, behind, limit);
    }

    /** Changes a handler, for all events that are published from now on. {@code change} makes the new one of the present one. */
    public Future<StoredHandler> changeHandler(
            TenantId tenant, JobId id, Function<StoredHandler, EventHandlerInput> change) {
        return changeHandler(tenant, id, change, 1);
    }

    private Future<StoredHandler> changeHandler(
            TenantId tenant, JobId id, Function<StoredHandler, EventHandlerInput> change, int attempt) {
        return getHandler(tenant, id).compose(seen -> {
            if (seen.stored().status().isTerminal()) {
                return Future.failedFuture(new OrreryException(
                        ErrorCode.CONFLICT, "event handler " + id + " was cancelled; register a new one"));
            }
            var input = change.apply(seen);
            var passesPayload = JobDags.passesPayload(input.work());
            return check(input)
                    .compose(_ -> dags.of(tenant, input.work()))
                    .compose(dag -> repositories
                            .handlers()
                            .update(
                                    tenant,
                                    id,
                                    dag,
                                    input.definition(),
                                    passesPayload,
                                    seen.stored().updatedAt()))
                    .compose(isChanged -> {
                        if (isChanged) {
                            return getHandler(tenant, id);
                        }
                        return attempt < TRIES
                                ? changeHandler(tenant, id, change, attempt + 1)
                                : Future.failedFuture(new OrreryException(
                                        ErrorCode.CONFLICT,
                                        "event handler " + id + " is being changed by others; try again"));
                    });
        });
    }

    /** Deletes a handler with its executions; those that run go on to their end, what waits for more events fires no more. */
    public Future<Void> removeHandler(TenantId tenant, JobId id) {
        return getHandler(tenant, id)
                .compose(_ -> repositories.jobs().delete(tenant, id))
                .compose(gone -> gone ? Future.succeededFuture() : Future.failedFuture(noHandler(id)));
    }

    /**
     * An event as it was published.
     *
     * @param repeated it came before under its key, or with its whole request
     */
    public record PublishedEvent(StoredEvent event, boolean repeated) {}

    /**
     * Publishes events, all of them or none, and fires the handlers that want them; answers in their order. An event whose key
     * came before, or all of them where the request's did, are answered as what they were then. Fails with {@code CONFLICT}
     * where a key came with something else.
     */
    public Future<List<PublishedEvent>> publish(TenantId tenant, List<NewEvent> events, Optional<RequestKey> key) {
        var problems = problems(events);
        return problems.isEmpty()
                ? publish(tenant, events, key, 1)
                : Future.failedFuture(new OrreryException(
                        ErrorCode.VALIDATION_ERROR,
                        "the events cannot be published: " + problems.getFirst().message(),
                        problems));
    }

    private static List<Problem> problems(List<NewEvent> events) {
        var problems = new ArrayList<Problem>();
        if (events.isEmpty() || events.size() > MAX_EVENTS) {
            problems.add(Problem.at(
                    "events",
                    ProblemCode.OUT_OF_RANGE,
                    "1 to " + MAX_EVENTS + " events are published at once, not " + events.size()));
        }
        for (var n = 0; n < events.size(); n++) {
            if (isTooLong(events.get(n).payload().text())) {
                problems.add(Problem.at(
                        "events[" + n + "].payload",
                        ProblemCode.OUT_OF_RANGE,
                        "a payload has at most " + NewEvent.MAX_PAYLOAD_BYTES
                                + " bytes; put what is larger where handlers find it, and publish where that is"));
            }
        }
        return problems;
    }

    private static boolean isTooLong(String text) {
        return text.length() > NewEvent.MAX_PAYLOAD_BYTES
                || (text.length() > NewEvent.MAX_PAYLOAD_BYTES / 3
                        && text.getBytes(UTF_8).length > NewEvent.MAX_PAYLOAD_BYTES);
    }

    private Future<List<PublishedEvent>> publish(
            TenantId tenant, List<NewEvent> events, Optional<RequestKey> key, int attempt) {
        var names = events.stream().map(NewEvent::name).collect(Collectors.toUnmodifiableSet());
        return handlers.of(tenant, names)
                .compose(judges -> judge(tenant, events, key, judges)
                        .compose(publication -> publications.add(publication).compose(result -> switch (result) {
                            case Result.Published(var outcomes) -> published(publication, outcomes);
                            case Result.Conflict(var culprits) -> Future.failedFuture(conflict(events, culprits));
                            case Result.NoTenant() ->
                                Future.failedFuture(
                                        new OrreryException(ErrorCode.TENANT_NOT_FOUND, "the tenant was deleted"));
                            case Result.Stale() -> {
                                handlers.forget(tenant, judges.values());
                                yield attempt < TRIES
                                        ? publish(tenant, events, key, attempt + 1)
                                        : Future.failedFuture(new OrreryException(
                                                ErrorCode.UNAVAILABLE,
                                                "the handlers of these events are just being changed; try again"));
                            }
                        })));
    }

    private Future<EventPublication> judge(
            TenantId tenant, List<NewEvent> events, Optional<RequestKey> key, Map<String, EventJudge> judges) {
        var base = ids.get();
        Supplier<EventPublication> judging = () -> {
            var judged = new ArrayList<Judged>(events.size());
            var bytes = 0L;
            var deadline = System.nanoTime() + JUDGING_LIMIT.toNanos();
            for (var event : events) {
                if (!judged.isEmpty() && System.nanoTime() - deadline > 0) {
                    throw tooMuch("their handlers' expressions take longer than " + JUDGING_LIMIT.toSeconds() + " s");
                }
                var judge = requireNonNull(judges.get(event.name()), event.name());
                judged.add(judge.judge(EventId.of(base, judged.size() + 1), event, ids, deadline));
                bytes += given(judged.getLast());
                if (bytes > MAX_BYTES && events.size() > 1) {
                    throw tooMuch("their handlers would be given more than " + MAX_BYTES + " bytes");
                }
            }
            return new EventPublication(tenant, base, key.map(EventService::storeKey), judged, change);
        };
        return (isQuick(events, judges)
                        ? Future.succeededFuture(judging.get())
                        : vertx.executeBlocking(judging::get, false))
                .map(publication -> {
                    refuseTooMuch(publication);
                    return publication;
                });
    }

    private static boolean isQuick(List<NewEvent> events, Map<String, EventJudge> judges) {
        var judgements = 0L;
        var bytes = 0L;
        for (var event : events) {
            judgements += requireNonNull(judges.get(event.name()), event.name()).effort();
            bytes += event.payload().text().length();
        }
        return judgements <= FEW && bytes <= FEW_BYTES;
    }

    private static long given(Judged judged) {
        return judged.wanted().stream()
                .flatMap(each -> each.params().stream())
                .mapToLong(json -> json.text().length())
                .sum();
    }

    /** A single event cannot be made smaller: it is up to its handlers, whose number is bounded. */
    private static void refuseTooMuch(EventPublication publication) {
        var executions = publication.events().stream()
                .mapToLong(judged -> judged.wanted().size())
                .sum();
        var tasks = publication.events().stream()
                .flatMap(judged -> judged.wanted().stream())
                .mapToLong(Wanted::tasks)
                .sum();
        if (publication.events().size() > 1 && (executions > MAX_EXECUTIONS || tasks > MAX_TASKS)) {
            throw tooMuch("they would start " + executions + " executions of " + tasks
                    + " tasks, and at once there may be " + MAX_EXECUTIONS + " of " + MAX_TASKS);
        }
    }

    private static OrreryException tooMuch(String reason) {
        return new OrreryException(
                ErrorCode.VALIDATION_ERROR,
                "the events cannot be published together: " + reason + "; publish fewer at once");
    }

    private Future<List<PublishedEvent>> published(EventPublication publication, List<Outcome> outcomes) {
        signal(publication, outcomes);
        var repeated = outcomes.stream()
                .filter(Outcome::repeated)
                .map(Outcome::id)
                .distinct()
                .toList();
        var known = repeated.isEmpty()
                ? Future.succeededFuture(List.<StoredEvent>of())
                : repositories.events().get(publication.tenant(), repeated);
        return known.map(found -> {
            var byId = found.stream().collect(Collectors.toMap(StoredEvent::id, Function.identity()));
            var answer = new ArrayList<PublishedEvent>(outcomes.size());
            for (var n = 0; n < outcomes.size(); n++) {
                var outcome = outcomes.get(n);
                var made = stored(publication.events().get(n), outcome);
                answer.add(new PublishedEvent(byId.getOrDefault(outcome.id(), made), outcome.repeated()));
            }
            return List.copyOf(answer);
        });
    }

    private void signal(EventPublication publication, List<Outcome> outcomes) {
        var fired = false;
        var soon = false;
        for (var n = 0; n < outcomes.size(); n++) {
            var of = outcomes.get(n).outcomes();
            fired |= of.contains(DeliveryOutcome.FIRED);
            soon |= of.contains(DeliveryOutcome.WAITING)
                    && publication.events().get(n).by().enabled().stream()
                            .flatMap(handler -> handler.rule().debounce().stream())
                            .anyMatch(debounce -> debounce.quiet().compareTo(SOON) < 0);
        }
        if (fired) {
            // Which queues is not told back: routers look at those they serve.
            bus.publish(Addresses.WORK_READY, new WorkReady(Set.of()));
        }
        if (soon) {
            bus.publish(Addresses.JOBS_CHANGED, new JobsChanged());
        }
    }

    private static StoredEvent stored(Judged judged, Outcome outcome) {
        var event = judged.event();
        var deliveries = new ArrayList<Delivery>();
        judged.filtered()
                .forEach(id ->
                        deliveries.add(new Delivery(id, DeliveryOutcome.FILTERED, Optional.empty(), Optional.empty())));
        for (var n = 0; n < outcome.outcomes().size(); n++) {
            var wanted = judged.wanted().get(n);
            var became = outcome.outcomes().get(n);
            deliveries.add(new Delivery(
                    wanted.handler(),
                    became,
                    Optional.of(wanted.run()).filter(_ -> became == DeliveryOutcome.FIRED),
                    became == DeliveryOutcome.FAILED
                            ? wanted.error().or(() -> Optional.of(PublishedEventRepository.DAG_GONE))
                            : Optional.empty()));
        }
        deliveries.sort(Comparator.comparing(each -> each.handler().value()));
        return new StoredEvent(
                outcome.id(),
                event.name(),
                event.key(),
                event.source(),
                Optional.of(event.payload()),
                event.traceparent(),
                event.replayOf(),
                outcome.receivedAt(),
                (int) deliveries.stream()
                        .filter(each -> each.execution().isPresent())
                        .count(),
                deliveries);
    }

    private static OrreryException conflict(List<NewEvent> events, List<Integer> culprits) {
        if (culprits.isEmpty()) {
            return new OrreryException(ErrorCode.CONFLICT, "this Idempotency-Key came before with another request");
        }
        var problems = culprits.stream()
                .map(n -> Problem.at(
                        "events[" + n + "].key",
                        ProblemCode.INVALID_VALUE,
                        "the key '" + events.get(n).key().orElse("") + "' came before with another event '"
                                + events.get(n).name() + "'"))
                .toList();
        return new OrreryException(ErrorCode.CONFLICT, problems.getFirst().message(), problems);
    }

    /** An event with what it caused. */
    public Future<StoredEvent> getEvent(TenantId tenant, EventId id) {
        return repositories.events().get(tenant, List.of(id)).map(found -> {
            if (found.isEmpty()) {
                throw new OrreryException(ErrorCode.EVENT_NOT_FOUND, "there is no event " + id);
            }
            return found.getFirst();
        });
    }

    /** Newest first, those behind the position. */
    public Future<List<StoredEvent>> listEvents(
            TenantId tenant,
            PublishedEventRepository.Filter filter,
            Optional<PublishedEventRepository.Position> behind,
            int limit) {
        return repositories.events().list(tenant, filter, behind, limit);
    }

    private static NewRun.Key storeKey(RequestKey key) {
        return new NewRun.Key(key.operation(), key.key(), key.requestHash());
    }

    private static OrreryException noHandler(JobId id) {
        return new OrreryException(ErrorCode.EVENT_HANDLER_NOT_FOUND, "there is no event handler " + id);
    }
}

package dev.orrery.store;

import dev.orrery.domain.EventId;
import dev.orrery.domain.JobId;
import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.event.DeliveryOutcome;
import dev.orrery.store.EventPublication.Judged;
import dev.orrery.store.EventPublication.Outcome;
import dev.orrery.store.EventPublication.Result;
import dev.orrery.store.EventPublication.Wanted;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Events: published with what they cause in one transaction, looked at, fired later where they wait, and forgotten. */
public final class PublishedEventRepository {

    // language=PostgreSQL
    static final String PUBLISH = """
            WITH made AS MATERIALIZED (
                SELECT verdicts, ids, repeated, outcomes, received_at
                FROM publish_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                                    $21, $22, $23, $24, $25, $26)
            ), new AS MATERIALIZED (
                SELECT DISTINCT e.request FROM made m CROSS JOIN LATERAL unnest($6::int[], m.repeated) e(request, repeated)
                WHERE NOT e.repeated AND m.verdicts[e.request] = 'published'
            ), noted AS (
                INSERT INTO audit_log (tenant_id, tenant, actor, actor_name, operation, kind, address, trace, idempotency_key,
                                       requests, refs)
                SELECT t.tenant_id, t.tenant, t.actor, t.actor_name, t.operation, 'event', t.address, t.trace,
                       t.idempotency_key, count(*), array_agg(($2::uuid[])[o.n])
                FROM json_to_recordset($27::text::json) AS t(
                    tenant_id int, tenant text, actor text, actor_name text, operation text, address text, trace text,
                    idempotency_key text, ordinals int[])
                CROSS JOIN LATERAL unnest(t.ordinals) o(n)
                JOIN new n ON n.request = o.n
                GROUP BY t.tenant_id, t.tenant, t.actor, t.actor_name, t.operation, t.address, t.trace, t.idempotency_key
            )
            SELECT verdicts, ids, repeated, outcomes, received_at FROM made
            """;

    // language=PostgreSQL
    static final String GET = """
            SELECT e.id, e.name, e.key, e.source, e.traceparent, e.replay_of, e.received_at, e.payload::text AS payload,
                   e.filtered, d.jobs, d.outcomes, d.runs, d.errors, d.fired
            FROM events e
            CROSS JOIN LATERAL (
                SELECT array_agg(x.job_id ORDER BY x.job_id) AS jobs, array_agg(x.outcome ORDER BY x.job_id) AS outcomes,
                       array_agg(x.run_id ORDER BY x.job_id) AS runs, array_agg(x.error ORDER BY x.job_id) AS errors,
                       count(*) FILTER (WHERE x.outcome = 'fired') AS fired
                FROM event_deliveries x WHERE x.event_id = e.id
            ) d
            WHERE e.tenant_id = $1 AND e.id = ANY ($2::uuid[])
            """;

    private static final String COLUMNS = """
            e.id, e.name, e.key, e.source, e.traceparent, e.replay_of, e.received_at, NULL::text AS payload,
                   '{}'::uuid[] AS filtered, NULL::uuid[] AS jobs, NULL::text[] AS outcomes, NULL::uuid[] AS runs,
                   NULL::text[] AS errors,
                   (SELECT count(*) FROM event_deliveries x WHERE x.event_id = e.id AND x.outcome = 'fired') AS fired
            FROM events e
            """;

    private static final String PAGE = """
              AND ($2::timestamptz IS NULL OR (e.received_at, e.id) < ($2, $3::uuid))
              AND ($5::timestamptz IS NULL OR e.received_at >= $5)
              AND ($6::timestamptz IS NULL OR e.received_at < $6)
            ORDER BY e.received_at DESC, e.id DESC
            LIMIT $4
            """;

    // One list for each filter, so that each has its own index and none is planned for the others.
    // language=PostgreSQL
    static final String LIST = "SELECT " + COLUMNS + "WHERE e.tenant_id = $1\n" + PAGE;

    // language=PostgreSQL
    static final String LIST_BY_NAME = "SELECT " + COLUMNS + "WHERE e.tenant_id = $1 AND e.name = $7\n" + PAGE;

    // The epoch is held until the transaction ends, and the next leader waits for it.
    // language=PostgreSQL
    static final String FIRE_PENDING = "SELECT f.taken, f.fired, f.pause FROM require_epoch($2), fire_pending($1) f";

    // language=PostgreSQL
    static final String PURGE_OLD =
            "SELECT purge_events($1::bigint * interval '1 millisecond', $2) AS more FROM require_epoch($3)";

    /** Why a handler failed whose DAG was deleted; as the server says it. */
    public static final String DAG_GONE = "the DAG that it fires was deleted";

    private final Sql sql;

    /** {@code pool}: connections with the settings of the hot path, see {@link Pools}. */
    public PublishedEventRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /** Publishes requests in one transaction, each as a whole or not at all; the results are in their order. */
    public Future<List<Result>> publish(List<EventPublication> requests) {
        var columns = new Columns(requests);
        var parameters = columns.parameters()
                .addString(AuditedTraffic.json(
                        requests.stream().map(EventPublication::change).toList()));
        return sql.run(PUBLISH, parameters)
                .map(rows -> results(requests, rows.iterator().next()));
    }

    private static List<Result> results(List<EventPublication> requests, Row row) {
        var verdicts = row.getArrayOfStrings("verdicts");
        var ids = row.getArrayOfUUIDs("ids");
        var repeated = row.getArrayOfBooleans("repeated");
        var outcomes = row.getArrayOfStrings("outcomes");
        var receivedAt = Rows.time(row, "received_at");
        var results = new ArrayList<Result>(verdicts.length);
        var event = 0;
        var delivery = 0;
        for (var n = 0; n < verdicts.length; n++) {
            var isPublished = verdicts[n].equals("published");
            var made = new ArrayList<Outcome>();
            var culprits = new ArrayList<Integer>();
            var events = requests.get(n).events();
            for (var place = 0; place < events.size(); place++) {
                var end = delivery + events.get(place).wanted().size();
                if (repeated[event] == null) {
                    culprits.add(place);
                } else if (isPublished) {
                    made.add(new Outcome(
                            new EventId(ids[event]),
                            repeated[event],
                            receivedAt,
                            repeated[event] ? List.of() : outcomes(outcomes, delivery, end)));
                }
                delivery = end;
                event++;
            }
            results.add(
                    switch (verdicts[n]) {
                        case "published" -> new Result.Published(made);
                        case "stale" -> new Result.Stale();
                        case "unknown" -> new Result.NoTenant();
                        case "conflict" -> new Result.Conflict(culprits);
                        case String other -> throw new IllegalStateException("publish_events answered " + other);
                    });
        }
        return results;
    }

    private static List<DeliveryOutcome> outcomes(String[] outcomes, int from, int to) {
        return Arrays.stream(outcomes, from, to)
                .map(DeliveryOutcome::ofWireName)
                .toList();
    }

    /** The parameters of {@link #PUBLISH}. */
    private static final class Columns {

        private final List<EventPublication> requests;
        private final List<Integer> requestOf = new ArrayList<>();
        private final List<Judged> events = new ArrayList<>();
        private final List<Integer> setOf = new ArrayList<>();
        private final Map<Set, Integer> sets = new LinkedHashMap<>();
        private final List<Integer> eventOf = new ArrayList<>();
        private final List<Wanted> wanted = new ArrayList<>();

        /** Handlers of a name as a request was judged by them. */
        private record Set(int tenant, String name, String state) {}

        Columns(List<EventPublication> requests) {
            this.requests = requests;
            for (var n = 0; n < requests.size(); n++) {
                var request = requests.get(n);
                for (var judged : request.events()) {
                    var set = new Set(
                            request.tenant().value(),
                            judged.by().eventName(),
                            judged.by().state());
                    requestOf.add(n + 1);
                    events.add(judged);
                    setOf.add(sets.computeIfAbsent(set, _ -> sets.size() + 1));
                    for (var each : judged.wanted()) {
                        eventOf.add(events.size());
                        wanted.add(each);
                    }
                }
            }
        }

        Tuple parameters() {
            var parameters = Tuple.tuple();
            addRequests(parameters);
            addEvents(parameters);
            var seen = List.copyOf(sets.keySet());
            parameters
                    .addValue(column(seen, Integer[]::new, Set::tenant))
                    .addValue(column(seen, String[]::new, Set::name))
                    .addValue(column(seen, String[]::new, Set::state));
            addWanted(parameters);
            return parameters;
        }

        private void addRequests(Tuple parameters) {
            parameters
                    .addValue(column(
                            requests, Integer[]::new, each -> each.tenant().value()))
                    .addValue(column(requests, UUID[]::new, EventPublication::base))
                    .addValue(text(requests, each -> each.key().map(NewRun.Key::operation)))
                    .addValue(text(requests, each -> each.key().map(NewRun.Key::key)))
                    .addValue(text(requests, each -> each.key().map(NewRun.Key::requestHash)));
        }

        private void addEvents(Tuple parameters) {
            parameters
                    .addValue(requestOf.toArray(Integer[]::new))
                    .addValue(column(events, UUID[]::new, each -> each.id().value()))
                    .addValue(setOf.toArray(Integer[]::new))
                    .addValue(column(events, String[]::new, each -> each.event().name()))
                    .addValue(text(events, each -> each.event().key()))
                    .addValue(column(events, String[]::new, Judged::hash))
                    .addValue(text(
                            events,
                            each -> Optional.of(
                                    Texts.clean(each.event().payload()).text())))
                    .addValue(text(events, each -> each.event().source().map(Texts::clean)))
                    .addValue(text(events, each -> each.event().traceparent()))
                    .addValue(column(
                            events,
                            UUID[]::new,
                            each -> each.event().replayOf().map(EventId::value).orElse(null)))
                    .addValue(column(events, String[]::new, each -> array(each.filtered())));
        }

        private void addWanted(Tuple parameters) {
            parameters
                    .addValue(eventOf.toArray(Integer[]::new))
                    .addValue(column(wanted, UUID[]::new, each -> each.handler().value()))
                    .addValue(column(wanted, UUID[]::new, each -> each.run().value()))
                    .addValue(
                            text(wanted, each -> each.params().map(Texts::clean).map(Json::text)))
                    .addValue(text(wanted, each -> each.error().map(Texts::clean)))
                    .addValue(text(wanted, each -> each.debounceKey().map(Texts::clean)))
                    .addValue(text(wanted, each -> each.throttleKey().map(Texts::clean)));
        }

        /** As the server writes an array. */
        private static String array(List<JobId> ids) {
            return ids.stream().map(JobId::toString).collect(Collectors.joining(",", "{", "}"));
        }

        private static <T> String[] text(List<T> rows, Function<T, Optional<String>> value) {
            return column(rows, String[]::new, row -> value.apply(row).orElse(null));
        }

        private static <T, C> C[] column(
                List<T> rows, IntFunction<C[]> array, Function<T, ? extends @Nullable C> value) {
            var column = array.apply(rows.size());
            for (var i = 0; i < column.length; i++) {
                column[i] = value.apply(rows.get(i));
            }
            return column;
        }
    }

    /**
     * An event that was published.
     *
     * @param payload absent in lists
     * @param executions how many it made
     * @param deliveries what became of it at each handler; none in lists
     */
    public record StoredEvent(
            EventId id,
            String name,
            Optional<String> key,
            Optional<String> source,
            Optional<Json> payload,
            Optional<String> traceparent,
            Optional<EventId> replayOf,
            Instant receivedAt,
            int executions,
            List<Delivery> deliveries) {

        public StoredEvent {
            deliveries = List.copyOf(deliveries);
        }
    }

    /**
     * What became of an event at a handler.
     *
     * @param execution what it made, where it fired
     * @param error why it could not
     */
    public record Delivery(JobId handler, DeliveryOutcome outcome, Optional<RunId> execution, Optional<String> error) {}

    /** Those there are of these, in any order. */
    public Future<List<StoredEvent>> get(TenantId tenant, List<EventId> ids) {
        var values = ids.stream().map(EventId::value).toArray(UUID[]::new);
        return sql.run(GET, Tuple.of(tenant.value()).addValue(values))
                .map(rows -> Rows.list(rows, PublishedEventRepository::event));
    }

    /** Which events are wanted; {@code to} is excluded. */
    public record Filter(Optional<String> name, Optional<Instant> from, Optional<Instant> to) {}

    /** A place in lists, which are newest first. */
    public record Position(Instant receivedAt, UUID id) {}

    /** Newest first, those behind the position. */
    public Future<List<StoredEvent>> list(TenantId tenant, Filter filter, Optional<Position> behind, int limit) {
        var parameters = Tuple.of(tenant.value())
                .addValue(ScheduledJobRepository.time(behind.map(Position::receivedAt)))
                .addValue(behind.map(Position::id).orElse(null))
                .addValue(limit)
                .addValue(ScheduledJobRepository.time(filter.from()))
                .addValue(ScheduledJobRepository.time(filter.to()));
        filter.name().map(Texts::clean).ifPresent(parameters::addValue);
        return sql.run(filter.name().isPresent() ? LIST_BY_NAME : LIST, parameters)
                .map(rows -> Rows.list(rows, PublishedEventRepository::event));
    }

    private static StoredEvent event(Row row) {
        return new StoredEvent(
                new EventId(row.getUUID("id")),
                row.getString("name"),
                Optional.ofNullable(row.getString("key")),
                Optional.ofNullable(row.getString("source")),
                Optional.ofNullable(row.getString("payload")).map(Json::new),
                Optional.ofNullable(row.getString("traceparent")),
                Optional.ofNullable(row.getUUID("replay_of")).map(EventId::new),
                Rows.time(row, "received_at"),
                row.getInteger("fired"),
                deliveries(row));
    }

    private static List<Delivery> deliveries(Row row) {
        var deliveries = new ArrayList<Delivery>();
        for (var id : row.getArrayOfUUIDs("filtered")) {
            deliveries.add(new Delivery(new JobId(id), DeliveryOutcome.FILTERED, Optional.empty(), Optional.empty()));
        }
        var jobs = row.getArrayOfUUIDs("jobs");
        if (jobs != null) {
            var outcomes = row.getArrayOfStrings("outcomes");
            var runs = row.getArrayOfUUIDs("runs");
            var errors = row.getArrayOfStrings("errors");
            for (var n = 0; n < jobs.length; n++) {
                deliveries.add(new Delivery(
                        new JobId(jobs[n]),
                        DeliveryOutcome.ofWireName(outcomes[n]),
                        Optional.ofNullable(runs[n]).map(RunId::new),
                        Optional.ofNullable(errors[n])));
            }
        }
        deliveries.sort(Comparator.comparing(each -> each.handler().value()));
        return deliveries;
    }

    /**
     * What was fired of that which waited.
     *
     * @param taken how many had waited long enough, those of paused handlers among them
     * @param pause until more is due; none where nothing waits
     */
    public record Fired(int taken, int fired, Optional<Duration> pause) {}

    /** Fires what waited long enough for further events, as many as there are ids. Fails where {@code epoch} is not the leader's. */
    public Future<Fired> firePending(List<UUID> runs, long epoch) {
        return sql.run(
                        FIRE_PENDING,
                        Tuple.tuple().addValue(runs.toArray(UUID[]::new)).addValue(epoch))
                .map(rows -> {
                    var row = rows.iterator().next();
                    return new Fired(
                            row.getInteger("taken"),
                            row.getInteger("fired"),
                            Optional.ofNullable(row.getLong("pause")).map(Duration::ofMillis));
                });
    }

    /**
     * Forgets events that were received longer ago than {@code age}, where one is given, and throttles that are over, so many
     * at once; whether there may be more. Fails where {@code epoch} is not the leader's.
     */
    public Future<Boolean> purgeOld(Optional<Duration> age, int limit, long epoch) {
        var parameters = Tuple.tuple()
                .addValue(age.map(Duration::toMillis).orElse(null))
                .addValue(limit)
                .addValue(epoch);
        return sql.run(PURGE_OLD, parameters).map(rows -> rows.iterator().next().getBoolean("more"));
    }
}

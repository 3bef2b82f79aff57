package dev.orrery.store;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Json;
import dev.orrery.domain.LetterId;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.audit.Resource;
import dev.orrery.domain.audit.Resource.Kind;
import dev.orrery.domain.task.InputEdit;
import dev.orrery.store.DeadLetterRepository.Filter;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Sends dead letters back and discards them; the functions that it calls are in {@code R__dead_letters.sql}. */
public final class LetterRedriveRepository {

    // language=PostgreSQL
    static final String REDRIVE = "SELECT verdict, queues FROM redrive_letter($1, $2, $3, $4, $5, $7, $8, $9, $6)";

    // language=PostgreSQL
    static final String DISCARD = "SELECT discard_letter($1, $2, $3, $4, $5, $6, $7) AS verdict";

    // language=PostgreSQL
    static final String ASK = """
            SELECT id, is_gone
            FROM ask_redrive($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
            """;

    private static final String COLUMNS = """
            r.id, cardinality(r.letters) AS letters, r.queue, r.dag, r.job, r.name, r.handler, r.outcome::text, r.fingerprint,
                   CASE WHEN r.from_id > first_letter_id('epoch') THEN time_of_id(r.from_id) END AS from_at,
                   time_of_id(r.upto) AS to_at, r.as_of, r.rate_per_second, r.asked_by, r.reason, r.created_at, r.ended_at,
                   r.cancelled_at, r.redriven, r.refused, r.expected, r.refusals::text,
                   CASE WHEN r.input IS NOT NULL THEN 'replaced' WHEN r.input_patch IS NOT NULL THEN 'patched' END AS edit
            """;

    // language=PostgreSQL
    static final String GET = "SELECT " + COLUMNS + "FROM letter_redrives r WHERE r.tenant_id = $1 AND r.id = $2";

    // language=PostgreSQL
    static final String LIST = "SELECT " + COLUMNS + """
            FROM letter_redrives r
            WHERE r.tenant_id = $1 AND ($2::uuid IS NULL OR r.id < $2)
            ORDER BY r.id DESC
            LIMIT $3
            """;

    // language=PostgreSQL
    static final String CANCEL = "SELECT cancel_redrive($1, $2, $3, $4, $5) AS verdict";

    // language=PostgreSQL
    static final String CONTINUE = "SELECT went_on, next_due_ms, queues FROM continue_redrives($1, $2)";

    // language=PostgreSQL
    static final String PUT_OFF = "SELECT put_off_redrive($1) AS id";

    // language=PostgreSQL
    static final String PURGE =
            "SELECT purge_redrives($1::bigint * interval '1 millisecond', $2) AS has_more FROM require_epoch($3)";

    private final Sql sql;
    private final int redrivesMax;

    /** {@code redrivesMax}: how often one task may be sent back. */
    public LetterRedriveRepository(Vertx vertx, Pool pool, int redrivesMax) {
        this.sql = new Sql(vertx, pool);
        this.redrivesMax = redrivesMax;
    }

    private LetterRedriveRepository(Sql sql, int redrivesMax) {
        this.sql = sql;
        this.redrivesMax = redrivesMax;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public LetterRedriveRepository by(ChangeRequest request) {
        return new LetterRedriveRepository(sql.by(request), redrivesMax);
    }

    /**
     * What is asked for of many letters.
     *
     * @param letters those that are named; else those that the filter finds
     * @param asOf nothing that came later is meant; absent: than now
     * @param ratePerSecond how many are sent back in a second, at most
     * @param by who asks
     * @param reason why they are discarded; absent where they are sent back
     * @param edit of what the tasks are given from now on
     * @param expected how many there were when they were counted
     */
    public record Asked(
            Optional<List<LetterId>> letters,
            Filter filter,
            Optional<Instant> asOf,
            OptionalInt ratePerSecond,
            String by,
            Optional<String> reason,
            InputEdit edit,
            OptionalInt expected) {

        public Asked {
            letters = letters.map(List::copyOf);
        }

        /** The same, where so many were counted. */
        public Asked expecting(int count) {
            return new Asked(letters, filter, asOf, ratePerSecond, by, reason, edit, OptionalInt.of(count));
        }
    }

    /**
     * Why letters could not be dealt with.
     *
     * @param reason a word of the contract
     * @param letter one of them
     */
    public record Refusal(String reason, int count, LetterId letter) {}

    /**
     * How far a request has come.
     *
     * @param named how many letters were named; absent where they are those that the filter finds
     * @param filter with the last moment that is meant as its end
     * @param reason why its letters are discarded; absent where they are sent back
     * @param edit {@code replaced} or {@code patched}, where they are sent back with another input
     * @param cancelledAt when it was ended before it had come to its end
     * @param redriven how many were sent back, or discarded
     * @param refused how many of its letters could not be: each stays as it is
     * @param expected how many there were when it was asked, as far as they were counted
     */
    public record StoredRedrive(
            UUID id,
            OptionalInt named,
            Filter filter,
            Instant asOf,
            OptionalInt ratePerSecond,
            String by,
            Optional<String> reason,
            Instant createdAt,
            Optional<Instant> endedAt,
            Optional<Instant> cancelledAt,
            int redriven,
            int refused,
            OptionalInt expected,
            List<Refusal> refusals,
            Optional<String> edit) {

        public StoredRedrive {
            refusals = List.copyOf(refusals);
        }
    }

    /**
     * What a step of the requests did.
     *
     * @param wentOn whether there was anything to do
     * @param nextDue where there was not, when there will be
     */
    public record Step(boolean wentOn, Optional<Duration> nextDue, List<String> readyQueues) {}

    /**
     * Sends one back; answers the queues in which tasks became ready. Fails with {@code DEAD_LETTER_NOT_FOUND} or {@code
     * REDRIVE_LIMIT}, and with {@code CONFLICT} or {@code UNIQUE_KEY_TAKEN} where its task can not be tried again as it is.
     *
     * @param edit of what the task is given from now on
     */
    public Future<List<String>> redrive(
            TenantId tenant, LetterId id, String by, InputEdit edit, Optional<NewRun.Key> key) {
        var parameters = Tuple.of(tenant.value(), id.value(), Texts.clean(by), redrivesMax)
                .addValue(text(edit.replacement()))
                .addValue(text(edit.patch()));
        return sql.change(Resource.of(Kind.DEAD_LETTER, tenant, id), REDRIVE, keyed(parameters, key))
                .map(rows -> {
                    var row = rows.iterator().next();
                    return switch (row.getString("verdict")) {
                        case "redriven" -> queues(row);
                        case "repeated" -> List.of();
                        case String verdict -> throw refused(verdict, id);
                    };
                });
    }

    /** Closes one whose task stays as it ended; fails with {@code DEAD_LETTER_NOT_FOUND}, or {@code CONFLICT} where it is closed. */
    public Future<Void> discard(TenantId tenant, LetterId id, String by, String reason, Optional<NewRun.Key> key) {
        var parameters = Tuple.of(tenant.value(), id.value(), Texts.clean(by), Texts.clean(reason));
        return sql.change(Resource.of(Kind.DEAD_LETTER, tenant, id), DISCARD, keyed(parameters, key))
                .map(rows -> {
                    var verdict = rows.iterator().next().getString("verdict");
                    if (!verdict.equals("discarded") && !verdict.equals("repeated")) {
                        throw refused(verdict, id);
                    }
                    return null;
                });
    }

    /** Keeps a request for many under this id; answers the id of the one from before where the key was used for the same. */
    public Future<UUID> ask(TenantId tenant, UUID id, Asked asked, Optional<NewRun.Key> key) {
        var filter = asked.filter();
        var parameters = Tuple.of(tenant.value(), id)
                .addValue(asked.letters()
                        .map(letters -> letters.stream().map(LetterId::value).toArray(UUID[]::new))
                        .orElse(null))
                .addValue(filter.queue().map(Texts::clean).orElse(null))
                .addValue(filter.dag().map(Texts::clean).orElse(null))
                .addValue(filter.job().map(Texts::clean).orElse(null))
                .addValue(filter.name().map(Texts::clean).orElse(null))
                .addValue(filter.handler().map(Texts::clean).orElse(null))
                .addValue(filter.fingerprint().map(Texts::clean).orElse(null))
                .addValue(filter.outcome().orElse(null))
                .addValue(filter.from().map(at -> at.atOffset(ZoneOffset.UTC)).orElse(null))
                .addValue(filter.to().map(at -> at.atOffset(ZoneOffset.UTC)).orElse(null))
                .addValue(asked.asOf().map(at -> at.atOffset(ZoneOffset.UTC)).orElse(null))
                .addValue(number(asked.ratePerSecond()))
                .addValue(Texts.clean(asked.by()))
                .addValue(asked.reason().map(Texts::clean).orElse(null));
        var edited = keyed(parameters, key)
                .addValue(text(asked.edit().replacement()))
                .addValue(text(asked.edit().patch()))
                .addValue(number(asked.expected()));
        return sql.change(Resource.of(Kind.REDRIVE, tenant, id), ASK, edited).map(rows -> {
            var row = rows.iterator().next();
            if (row.getBoolean("is_gone")) {
                throw new OrreryException(ErrorCode.TENANT_NOT_FOUND, "the tenant was deleted");
            }
            return Optional.ofNullable(row.getUUID("id")).orElseThrow(IdempotencyRepository::keyTaken);
        });
    }

    public Future<Optional<StoredRedrive>> get(TenantId tenant, UUID id) {
        return sql.run(GET, Tuple.of(tenant.value(), id))
                .map(rows -> Rows.first(rows, LetterRedriveRepository::redrive));
    }

    /** Requests that have not ended, or not long ago: the newest first, behind this one. */
    public Future<List<StoredRedrive>> list(TenantId tenant, Optional<UUID> behind, int limit) {
        return sql.run(LIST, Tuple.of(tenant.value(), behind.orElse(null), limit))
                .map(rows -> Rows.list(rows, LetterRedriveRepository::redrive));
    }

    /**
     * Ends a request where it stands; what was done stays done. Repeating it changes nothing. Fails with {@code
     * REDRIVE_NOT_FOUND}, or {@code CONFLICT} where it has come to its end.
     */
    public Future<Void> cancel(TenantId tenant, UUID id, Optional<NewRun.Key> key) {
        return sql.change(Resource.of(Kind.REDRIVE, tenant, id), CANCEL, keyed(Tuple.of(tenant.value(), id), key))
                .compose(rows -> switch (rows.iterator().next().getString("verdict")) {
                    case "cancelled", "repeated" -> Future.succeededFuture();
                    case "conflict" -> Future.failedFuture(IdempotencyRepository.keyTaken());
                    case "ended" -> Future.failedFuture(conflict("redrive " + id + " has come to its end"));
                    case "unknown" ->
                        Future.failedFuture(
                                new OrreryException(ErrorCode.REDRIVE_NOT_FOUND, "there is no redrive " + id));
                    case String other -> throw new IllegalStateException("cancel_redrive answered " + other);
                });
    }

    /** Goes on with one request, by at most so many letters, as one transaction. */
    public Future<Step> goOn(int limit) {
        return sql.run(CONTINUE, Tuple.of(limit, redrivesMax)).map(rows -> {
            var row = rows.iterator().next();
            return new Step(
                    row.getBoolean("went_on"),
                    Optional.ofNullable(row.getLong("next_due_ms")).map(Duration::ofMillis),
                    queues(row));
        });
    }

    /** Puts off for this long the request whose turn it is, and answers its id. */
    public Future<Optional<UUID>> putOff(Duration pause) {
        return sql.run(PUT_OFF, Tuple.of(pause.toMillis()))
                .map(rows -> Optional.ofNullable(rows.iterator().next().getUUID("id")));
    }

    /** Forgets requests that ended longer ago than this, some at a time; true where there may be more. */
    public Future<Boolean> purgeOld(Duration age, int limit, long epoch) {
        return sql.run(PURGE, Tuple.of(age.toMillis(), limit, epoch))
                .map(rows -> rows.iterator().next().getBoolean("has_more"));
    }

    private OrreryException refused(String verdict, LetterId id) {
        return switch (verdict) {
            case "unknown" -> new OrreryException(ErrorCode.DEAD_LETTER_NOT_FOUND, "there is no dead letter " + id);
            case "conflict" -> IdempotencyRepository.keyTaken();
            case "limit" ->
                new OrreryException(
                        ErrorCode.REDRIVE_LIMIT,
                        "the task of dead letter " + id + " was sent back " + redrivesMax
                                + " times (dead-letters.max-redrives) and failed each time");
            case "redriven_before" -> conflict("dead letter " + id + " was sent back already");
            case "discarded", "discarded_before" -> conflict("dead letter " + id + " was discarded");
            case "no_input" ->
                conflict("the task of dead letter " + id + " is one of a run that is given no input, as http tasks are:"
                        + " change the DAG and start a new run, or redrive it without 'input'");
            case "not_begun" ->
                conflict("the task of dead letter " + id + " ended before its first attempt, which takes what the DAG"
                        + " says: redrive it without 'input'");
            case "bad_patch" ->
                conflict("what the task of dead letter " + id
                        + " was given is no JSON object of less than 1 MiB with the"
                        + " changes, so it cannot be patched: redrive it with a whole 'input'");
            case "bad_input" ->
                new OrreryException(
                        ErrorCode.VALIDATION_ERROR,
                        "the body has 1 problem",
                        List.of(Problem.at(
                                "input",
                                ProblemCode.INVALID_VALUE,
                                "the task is given it as the params of its run, which are a JSON object")));
            case "cancelled" -> conflict("the run of dead letter " + id + " was cancelled, so it does not go on");
            case "no_dag" -> conflict("the DAG of dead letter " + id + " was deleted, so its run does not go on");
            case "prerequisite" ->
                conflict("the task of dead letter " + id
                        + " waits for one that did not succeed either; redrive that one");
            case "open" -> conflict("the task of dead letter " + id + " has not ended");
            case "succeeded" -> conflict("the task of dead letter " + id + " has succeeded meanwhile");
            case "key_taken" ->
                new OrreryException(
                        ErrorCode.UNIQUE_KEY_TAKEN,
                        "a task which has not ended has the unique key of the task of dead letter " + id);
            default -> throw new IllegalStateException("dead letter " + id + " was answered by " + verdict);
        };
    }

    private static OrreryException conflict(String message) {
        return new OrreryException(ErrorCode.CONFLICT, message);
    }

    private static Tuple keyed(Tuple parameters, Optional<NewRun.Key> key) {
        return parameters
                .addValue(key.map(NewRun.Key::operation).orElse(null))
                .addValue(key.map(NewRun.Key::key).orElse(null))
                .addValue(key.map(NewRun.Key::requestHash).orElse(null));
    }

    private static List<String> queues(Row row) {
        String @Nullable [] queues = row.getArrayOfStrings("queues");
        return queues == null ? List.of() : Arrays.stream(queues).distinct().toList();
    }

    private static @Nullable String text(Optional<Json> json) {
        return json.map(Texts::clean).map(Json::text).orElse(null);
    }

    private static @Nullable Integer number(OptionalInt number) {
        return number.isPresent() ? number.getAsInt() : null;
    }

    private static OptionalInt number(Row row, String column) {
        var number = row.getInteger(column);
        return number == null ? OptionalInt.empty() : OptionalInt.of(number);
    }

    private static Filter filter(Row row) {
        return new Filter(
                Optional.ofNullable(row.getString("queue")),
                Optional.ofNullable(row.getString("dag")),
                Optional.ofNullable(row.getString("job")),
                Optional.ofNullable(row.getString("name")),
                Optional.ofNullable(row.getString("handler")),
                Optional.ofNullable(row.getString("outcome")),
                Optional.ofNullable(row.getString("fingerprint")),
                Rows.optionalTime(row, "from_at"),
                Rows.optionalTime(row, "to_at"));
    }

    private static List<Refusal> refusals(Row row) {
        var refusals = new JsonObject(row.getString("refusals"));
        return refusals.stream()
                .map(each -> {
                    var refusal = (JsonObject) each.getValue();
                    return new Refusal(
                            each.getKey(), refusal.getInteger("count"), LetterId.parse(refusal.getString("letter")));
                })
                .sorted(Comparator.comparingInt(Refusal::count).reversed().thenComparing(Refusal::reason))
                .toList();
    }

    private static StoredRedrive redrive(Row row) {
        return new StoredRedrive(
                row.getUUID("id"),
                number(row, "letters"),
                filter(row),
                Rows.time(row, "as_of"),
                number(row, "rate_per_second"),
                row.getString("asked_by"),
                Optional.ofNullable(row.getString("reason")),
                Rows.time(row, "created_at"),
                Rows.optionalTime(row, "ended_at"),
                Rows.optionalTime(row, "cancelled_at"),
                row.getInteger("redriven"),
                row.getInteger("refused"),
                number(row, "expected"),
                refusals(row),
                Optional.ofNullable(row.getString("edit")));
    }
}

package dev.orrery.store;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.audit.Resource;
import dev.orrery.domain.audit.Resource.Kind;
import dev.orrery.domain.task.TaskSource;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** Single tasks as they come in; the functions that it calls are in {@code R__tasks.sql}, with the reasons for their order. */
public final class SingleTaskRepository {

    // language=PostgreSQL
    static final String SUBMIT_TASKS = """
            SELECT verdicts, refs, codes, tasks, others, created_at, ids, is_new, states, depths, priorities,
                   note_submissions($33::text::json, verdicts, refs)
            FROM submit_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                              $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)
            """;

    // language=PostgreSQL
    static final String DESCRIBE_TASK = "SELECT tenants, tenant_names, definitions, inputs FROM describe_tasks($1, $2)";

    // language=PostgreSQL
    static final String SET_SOURCE_WEIGHTS = "SELECT set_source_weights($1, $2) FROM require_epoch($3)";

    // language=PostgreSQL
    static final String SET_QUEUE_SETTINGS = "SELECT set_queue_settings($1, $2) FROM require_epoch($3)";

    // language=PostgreSQL
    static final String PURGE_OLD = """
            SELECT p.tenant, p.after, p."left"
            FROM require_epoch($5), purge_old_tasks($1::bigint * interval '1 millisecond', $2, $3, $4) p
            """;

    // language=PostgreSQL
    static final String PATCH_TASK = "SELECT patch_task($1, $2, $3, $4, $5) AS verdict";

    private static final int ATTEMPTS = 10;
    private static final String TAGS_APART = "\u001f";

    private final Sql sql;
    private final Limits limits;

    /** How many tasks one may wait for, and how deep they may stand behind one another. */
    public record Limits(int dependencies, int depth) {

        public static final Limits USUAL = new Limits(50, 10);
    }

    /** {@code pool}: connections with the settings of the hot path, see {@link Pools}. */
    public SingleTaskRepository(Vertx vertx, Pool pool, Limits limits) {
        this.sql = new Sql(vertx, pool);
        this.limits = limits;
    }

    private SingleTaskRepository(Sql sql, Limits limits) {
        this.sql = sql;
        this.limits = limits;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public SingleTaskRepository by(ChangeRequest request) {
        return new SingleTaskRepository(sql.by(request), limits);
    }

    /**
     * Submits tasks in one transaction, each submission whole or not at all; the results are in the order of the submissions. One
     * that meets a task of another one, which is not made, is tried again for itself, so that it comes to an end; where others are
     * in its way each time, it is refused with {@code CONFLICT}.
     */
    public Future<List<SubmissionResult>> submit(List<TaskSubmission> submissions) {
        return send(submissions)
                .compose(answer -> answer.again().isEmpty()
                        ? Future.succeededFuture(answer.results())
                        : submitAgain(submissions, answer.results(), answer.again()));
    }

    private Future<SubmittedTasks> send(List<TaskSubmission> submissions) {
        var parameters = new Columns(submissions)
                .parameters(limits)
                .addString(AuditedTraffic.json(
                        submissions.stream().map(TaskSubmission::change).toList()));
        return sql.run(SUBMIT_TASKS, parameters)
                .map(rows -> new SubmittedTasks(rows.iterator().next(), submissions, limits));
    }

    private Future<List<SubmissionResult>> submitAgain(
            List<TaskSubmission> submissions, List<SubmissionResult> results, List<Integer> again) {
        var rest = Future.<Void>succeededFuture();
        for (var number : again) {
            rest = rest.compose(_ -> submitAlone(submissions.get(number), 1))
                    .onSuccess(result -> results.set(number, result))
                    .mapEmpty();
        }
        return rest.map(results);
    }

    private Future<SubmissionResult> submitAlone(TaskSubmission submission, int attempt) {
        return send(List.of(submission)).compose(answer -> {
            if (answer.again().isEmpty()) {
                return Future.succeededFuture(answer.results().getFirst());
            }
            return attempt < ATTEMPTS
                    ? submitAlone(submission, attempt + 1)
                    : Future.succeededFuture(new SubmissionResult.Refused(
                            1,
                            ErrorCode.CONFLICT,
                            "others give and take the unique keys of these tasks all the time: try again"));
        });
    }

    /** What a single task is; {@code TASK_NOT_FOUND} where it is gone. */
    public Future<Claim.Single> describe(TaskInstanceId id) {
        var parameters = Tuple.tuple().addValue(new UUID[] {id.value()}).addValue(new Integer[] {Claim.NO_VERSION});
        return sql.run(DESCRIBE_TASK, parameters)
                .map(rows -> new DescribedClaims(rows.iterator().next())
                        .single(0, id)
                        .orElseThrow(() -> new OrreryException(ErrorCode.TASK_NOT_FOUND, "there is no task " + id)));
    }

    /**
     * Sets what is added to the priority of tasks by their source, nothing for sources that are not named. Fails where {@code epoch}
     * is no longer the leader's.
     */
    public Future<Void> setSourceWeights(Map<TaskSource, Double> weights, long epoch) {
        var sources = weights.keySet().stream().map(TaskSource::wireName).toArray(String[]::new);
        var values = weights.values().stream().map(Double::floatValue).toArray(Float[]::new);
        return sql.run(
                        SET_SOURCE_WEIGHTS,
                        Tuple.tuple().addValue(sources).addValue(values).addValue(epoch))
                .mapEmpty();
    }

    /** Lets the limits hold for tasks that are submitted by SQL too. Fails where {@code epoch} is no longer the leader's. */
    public Future<Void> tellLimits(long epoch) {
        return sql.run(SET_QUEUE_SETTINGS, Tuple.of(limits.dependencies(), limits.depth(), epoch))
                .mapEmpty();
    }

    /** Behind which task of which tenant a round over old tasks goes on. */
    public record Mark(int tenant, UUID task) {

        public static final Mark START = new Mark(0, new UUID(0, 0));
    }

    /**
     * What came of a part of a round.
     *
     * @param next where it goes on; empty at its end
     * @param left how many of those that were looked at stay
     */
    public record Purged(Optional<Mark> next, int left) {}

    /**
     * Looks at {@code limit} tasks behind the mark that are older than {@code age}, of all tenants one after the other, and deletes
     * those that ended so long ago, with all that belongs to them. Fails where {@code epoch} is no longer the leader's.
     */
    public Future<Purged> purgeOld(Duration age, int limit, Mark behind, long epoch) {
        return sql.run(PURGE_OLD, Tuple.of(age.toMillis(), limit, behind.tenant(), behind.task(), epoch))
                .map(rows -> {
                    var row = rows.iterator().next();
                    var tenant = Optional.ofNullable(row.getInteger("tenant"));
                    return new Purged(
                            tenant.map(known -> new Mark(known, row.getUUID("after"))), row.getInteger("left"));
                });
    }

    /**
     * What is to be changed of a task.
     *
     * @param priority as submitted; absent leaves it as it is
     * @param setsDeadline whether its deadline becomes {@code deadline}, which may be none
     */
    public record Patch(OptionalInt priority, boolean setsDeadline, Optional<Instant> deadline) {}

    /** What became of a {@link Patch}. */
    public enum Patched {
        PATCHED,
        ENDED,
        NONE
    }

    /** Changes how urgent a task is that has not ended, and with it all that it waits for, in one transaction. */
    public Future<Patched> patch(TenantId tenant, TaskInstanceId id, Patch patch) {
        var parameters = Tuple.of(
                tenant.value(),
                id.value(),
                patch.priority().isPresent() ? (short) patch.priority().getAsInt() : null,
                patch.setsDeadline(),
                Columns.time(patch.deadline()));
        return sql.change(Resource.of(Kind.TASK, tenant, id), PATCH_TASK, parameters)
                .map(rows -> Patched.valueOf(
                        rows.iterator().next().getString("verdict").toUpperCase(Locale.ROOT)));
    }

    /** Submissions as arrays; a column in which nothing stands is null as a whole, and costs nothing. */
    private static final class Columns {

        private final List<TaskSubmission> submissions;
        private final List<NewTask> tasks = new ArrayList<>();
        private final List<Integer> of = new ArrayList<>();
        private final List<UUID> ids = new ArrayList<>();
        private final List<Integer> dependents = new ArrayList<>();
        private final List<@Nullable Integer> inner = new ArrayList<>();
        private final List<@Nullable UUID> outer = new ArrayList<>();

        Columns(List<TaskSubmission> submissions) {
            this.submissions = submissions;
            for (var n = 0; n < submissions.size(); n++) {
                add(submissions.get(n), n + 1);
            }
        }

        private void add(TaskSubmission submission, int place) {
            var first = tasks.size();
            var number = 0;
            for (var task : submission.tasks()) {
                number++;
                tasks.add(task);
                of.add(place);
                ids.add(TaskInstanceId.single(submission.base(), number).value());
                for (var prerequisite : task.dependencies()) {
                    var id = prerequisite.id();
                    var isInside = id.isSingle() && id.runId().value().equals(submission.base());
                    dependents.add(first + number);
                    inner.add(isInside ? first + (id.taskNumber() & Integer.MAX_VALUE) : null);
                    outer.add(isInside ? null : id.value());
                }
            }
        }

        Tuple parameters(Limits limits) {
            return Tuple.tuple()
                    .addValue(of(UUID[]::new, TaskSubmission::base))
                    .addValue(
                            of(Integer[]::new, submission -> submission.tenant().value()))
                    .addValue(key(NewRun.Key::operation))
                    .addValue(key(NewRun.Key::key))
                    .addValue(key(NewRun.Key::requestHash))
                    .addValue(of(
                            String[]::new,
                            submission -> submission
                                    .trace()
                                    .map(TraceContext::traceparent)
                                    .orElse(null)))
                    .addValue(of.toArray(Integer[]::new))
                    .addValue(ids.toArray(UUID[]::new))
                    .addValue(column(String[]::new, task -> Texts.clean(task.name())))
                    .addValue(column(
                            String[]::new,
                            task -> Texts.clean(task.definition()).text()))
                    .addValue(column(
                            String[]::new,
                            task -> task.input()
                                    .map(input -> Texts.clean(input).text())
                                    .orElse(null)))
                    .addValue(column(String[]::new, NewTask::queue))
                    .addValue(column(Short[]::new, task -> (short) task.priority()))
                    .addValue(column(OffsetDateTime[]::new, task -> time(task.deadline())))
                    .addValue(column(
                            Long[]::new,
                            task -> task.estimate().map(Duration::toMillis).orElse(null)))
                    .addValue(column(String[]::new, task -> task.source().wireName()))
                    .addValue(column(
                            String[]::new,
                            task -> task.createdBy().map(Texts::clean).orElse(null)))
                    .addValue(column(
                            UUID[]::new,
                            task -> task.parent().map(TaskInstanceId::value).orElse(null)))
                    .addValue(column(
                            String[]::new,
                            task -> task.sessionId().map(Texts::clean).orElse(null)))
                    .addValue(
                            column(String[]::new, task -> task.dependencyType().wireName()))
                    .addValue(column(
                            String[]::new,
                            task -> task.tags().isEmpty() ? null : Texts.clean(String.join(TAGS_APART, task.tags()))))
                    .addValue(column(OffsetDateTime[]::new, task -> time(task.notBefore())))
                    .addValue(column(Long[]::new, task -> task.timeout().toMillis()))
                    .addValue(column(
                            String[]::new,
                            task -> task.uniqueKey()
                                    .map(unique -> Texts.clean(unique.value()))
                                    .orElse(null)))
                    .addValue(column(
                            String[]::new,
                            task -> task.uniqueKey()
                                    .map(unique -> unique.onConflict().wireName())
                                    .orElse(null)))
                    .addValue(column(
                            String[]::new,
                            task -> task.concurrencyKey().map(Texts::clean).orElse(null)))
                    .addValue(dependents.isEmpty() ? null : dependents.toArray(Integer[]::new))
                    .addValue(dependents.isEmpty() ? null : inner.toArray(Integer[]::new))
                    .addValue(dependents.isEmpty() ? null : outer.toArray(UUID[]::new))
                    .addValue(limits.dependencies())
                    .addValue(limits.depth())
                    .addValue(column(Boolean[]::new, task -> task.waitsForChildren() ? true : null));
        }

        private static @Nullable OffsetDateTime time(Optional<Instant> at) {
            return at.map(instant -> instant.atOffset(ZoneOffset.UTC)).orElse(null);
        }

        private String @Nullable [] key(Function<NewRun.Key, String> part) {
            return of(String[]::new, submission -> submission.key().map(part).orElse(null));
        }

        private <C> C @Nullable [] of(IntFunction<C[]> array, Function<TaskSubmission, @Nullable C> value) {
            return filled(submissions, array, value);
        }

        private <C> C @Nullable [] column(IntFunction<C[]> array, Function<NewTask, @Nullable C> value) {
            return filled(tasks, array, value);
        }

        private static <R, C> C @Nullable [] filled(
                List<R> rows, IntFunction<C[]> array, Function<R, @Nullable C> value) {
            C[] column = null;
            for (var n = 0; n < rows.size(); n++) {
                var cell = value.apply(rows.get(n));
                if (cell != null) {
                    if (column == null) {
                        column = array.apply(rows.size());
                    }
                    column[n] = cell;
                }
            }
            return column;
        }
    }
}

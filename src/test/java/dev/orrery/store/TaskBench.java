package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.IdSequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.task.DependencyType;
import dev.orrery.domain.task.RetryPolicy;
import dev.orrery.domain.task.TaskSource;
import dev.orrery.domain.task.UniqueKey;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.NewTask.Prerequisite;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/** Single tasks on a database of their own, with a node that claims and ends them. */
final class TaskBench implements AutoCloseable {

    static final List<String> QUEUES = List.of("default");
    static final Verdict SUCCEED = new Verdict.Succeed(new Json("{\"done\":true}"));
    static final Verdict FAIL = new Verdict.Fail("it broke");
    static final Verdict RETRY = new Verdict.Retry(Duration.ofSeconds(60), "again", false);

    private static final IdSequence IDS = new IdSequence(System.nanoTime());
    private static final Json DEFINITION = DagJson.writeSingle(new TaskDefinition(
            new TaskId("task"),
            "task",
            new TaskType.FunctionCall("noop"),
            Duration.ofMinutes(30),
            new RetryPolicy(4, Duration.ofSeconds(1), Duration.ofMinutes(5), 2.0, 0.1),
            Set.of(),
            5,
            "default"));

    final Vertx vertx = Vertx.vertx();
    final TestDatabase database = Postgres.freshDatabase();
    final Pools pools;
    final WorkRepository work;
    final SingleTaskRepository tasks;
    final TaskCallRepository calls;
    final NodeId node = new NodeId(nextId());

    TaskBench(SingleTaskRepository.Limits limits) throws SQLException {
        pools = Pools.open(vertx, database.connectOptions(), 6, 100);
        work = new WorkRepository(vertx, pools.hot());
        tasks = new SingleTaskRepository(vertx, pools.hot(), limits);
        calls = new TaskCallRepository(vertx, pools.hot(), limits);
        execute("INSERT INTO nodes (id, name, pid, mode, version) VALUES ('%s', 'n', 1, 'standalone', 'x')"
                .formatted(node));
    }

    @Override
    public void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    /** A task to be. */
    static final class Draft {

        private Optional<Json> input = Optional.empty();
        private Optional<Instant> notBefore = Optional.empty();
        private Optional<UniqueKey> unique = Optional.empty();
        private Optional<String> concurrencyKey = Optional.empty();
        private Optional<TaskInstanceId> parent = Optional.empty();
        private int innerParent;
        private boolean waits;
        private final List<Integer> inside = new ArrayList<>();
        private final List<TaskInstanceId> outside = new ArrayList<>();

        Draft input(String json) {
            input = Optional.of(new Json(json));
            return this;
        }

        Draft after(Integer... numbers) {
            inside.addAll(Arrays.asList(numbers));
            return this;
        }

        Draft after(TaskInstanceId... ids) {
            outside.addAll(Arrays.asList(ids));
            return this;
        }

        Draft notBefore(Instant time) {
            notBefore = Optional.of(time);
            return this;
        }

        Draft unique(String key, UniqueKey.OnConflict onConflict) {
            unique = Optional.of(new UniqueKey(key, onConflict));
            return this;
        }

        Draft concurrencyKey(String key) {
            concurrencyKey = Optional.of(key);
            return this;
        }

        Draft under(TaskInstanceId id) {
            parent = Optional.of(id);
            return this;
        }

        Draft under(int number) {
            innerParent = number;
            return this;
        }

        Draft waitingForChildren() {
            waits = true;
            return this;
        }

        private NewTask of(UUID base) {
            var prerequisites = new ArrayList<Prerequisite>();
            inside.forEach(number -> prerequisites.add(new Prerequisite(TaskInstanceId.single(base, number))));
            outside.forEach(id -> prerequisites.add(new Prerequisite(id)));
            return new NewTask(
                    "a task",
                    DEFINITION,
                    input,
                    "default",
                    5,
                    Optional.empty(),
                    Optional.empty(),
                    TaskSource.HUMAN,
                    Optional.empty(),
                    innerParent > 0 ? Optional.of(TaskInstanceId.single(base, innerParent)) : parent,
                    Optional.empty(),
                    prerequisites,
                    DependencyType.SEQUENTIAL,
                    List.of(),
                    notBefore,
                    unique,
                    concurrencyKey,
                    Duration.ofMinutes(30),
                    waits);
        }
    }

    static Draft task() {
        return new Draft();
    }

    static TaskSubmission submission(Draft... drafts) {
        return submission(Optional.empty(), drafts);
    }

    static TaskSubmission submission(Optional<NewRun.Key> key, Draft... drafts) {
        var base = nextId();
        return new TaskSubmission(
                TenantId.DEFAULT,
                base,
                Arrays.stream(drafts).map(draft -> draft.of(base)).toList(),
                key);
    }

    SubmissionResult submit(Draft... drafts) {
        return await(tasks.submit(List.of(submission(drafts)))).getFirst();
    }

    List<SubmissionResult.CreatedTask> created(Draft... drafts) {
        var result = submit(drafts);
        assertThat(result).isInstanceOf(SubmissionResult.Created.class);
        return ((SubmissionResult.Created) result).tasks();
    }

    List<TaskInstanceId> submitted(Draft... drafts) {
        return created(drafts).stream().map(SubmissionResult.CreatedTask::id).toList();
    }

    TaskInstanceId submitted(Draft draft) {
        return submitted(new Draft[] {draft}).getFirst();
    }

    List<Claim> claim(int limit) {
        return await(work.commitAndClaim(node, List.of(), QUEUES, limit)).claims();
    }

    Claim claimOne() {
        return claim(1).getFirst();
    }

    /** Claims this task; others that come before it are handed back. */
    Claim claim(TaskInstanceId id) {
        var claims = claim(1000);
        await(work.handBack(
                node,
                claims.stream()
                        .filter(claim -> !claim.id().equals(id))
                        .map(claim -> new WorkRepository.Held(claim.id(), claim.fence()))
                        .toList()));
        return claims.stream()
                .filter(claim -> claim.id().equals(id))
                .findFirst()
                .orElseThrow(() -> new AssertionError(id + " is " + state(id)));
    }

    void end(Claim claim, Verdict verdict) {
        end(List.of(claim), verdict);
    }

    /** Ends them in one commit. */
    void end(List<Claim> claims, Verdict verdict) {
        var reports = claims.stream()
                .map(claim -> report(claim, Optional.of(verdict)))
                .toList();
        assertThat(await(work.commitAndClaim(node, reports, List.of(), 0)).accepted())
                .hasSize(claims.size());
    }

    void end(TaskInstanceId id, Verdict verdict) {
        end(claim(id), verdict);
    }

    void begin(Claim claim) {
        await(work.commitAndClaim(node, List.of(report(claim, Optional.empty())), List.of(), 0));
    }

    static AttemptReport report(Claim claim, Optional<Verdict> verdict) {
        return new AttemptReport(
                claim.id(),
                claim.versionId(),
                claim.attempt(),
                claim.fence(),
                1,
                verdict,
                Optional.of(Duration.ofMillis(3)));
    }

    String state(TaskInstanceId id) {
        return text("SELECT state::text FROM task_states WHERE id = '%s'".formatted(id));
    }

    List<String> states(List<TaskInstanceId> ids) {
        return ids.stream().map(this::state).toList();
    }

    String error(TaskInstanceId id) {
        return text("SELECT error FROM task_states WHERE id = '%s'".formatted(id));
    }

    String text(String query) {
        return database.value(query);
    }

    void execute(String statement) throws SQLException {
        try (var connection = database.connect();
                var sql = connection.createStatement()) {
            sql.execute(statement);
        }
    }

    /** Cascades go so far in one transaction. */
    void room(int tasks) throws SQLException {
        execute("CREATE OR REPLACE FUNCTION cascade_room() RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN "
                + tasks);
    }

    /** Goes on with cascades until there are none; answers in how many transactions. */
    int continueCascades() {
        var count = 0;
        while (await(calls.continueCascades()).isPresent()) {
            count++;
            assertThat(count).isLessThan(10_000);
        }
        return count;
    }

    static UUID nextId() {
        return IDS.next(System.currentTimeMillis());
    }
}

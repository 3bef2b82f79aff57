package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.ErrorCode;
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
import dev.orrery.domain.task.UniqueKey.OnConflict;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.NewTask.Prerequisite;
import dev.orrery.store.SubmissionResult.Created;
import dev.orrery.store.SubmissionResult.CreatedTask;
import dev.orrery.store.SubmissionResult.Refused;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SingleTaskRepositoryIT {

    private static final List<String> QUEUES = List.of("default");
    private static final Verdict SUCCEED = new Verdict.Succeed(new Json("{\"done\":true}"));
    private static final Verdict FAIL = new Verdict.Fail("it broke");
    private static final IdSequence IDS = new IdSequence(System.nanoTime());

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Pools pools;
    private WorkRepository work;
    private SingleTaskRepository tasks;
    private NodeId node;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 4, 100);
        work = new WorkRepository(vertx, pools.hot());
        tasks = new SingleTaskRepository(vertx, pools.hot(), new SingleTaskRepository.Limits(3, 4));
        node = new NodeId(nextId());
        execute("INSERT INTO nodes (id, name, pid, mode, version) VALUES ('%s', 'n', 1, 'standalone', 'x')"
                .formatted(node));
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    @Test
    void aTaskThatWaitsForNothingIsReadyAndClaimedWithAllThatItIs() {
        var id = submitted(task().input("{\"n\":1}"));

        var claim = claimOne();

        assertThat(claim.id()).isEqualTo(id);
        assertThat(id.isSingle()).isTrue();
        var single = claim.single().orElseThrow();
        assertThat(single.definition().type()).isEqualTo(new TaskType.FunctionCall("noop"));
        assertThat(single.definition().id()).isEqualTo(new TaskId(id.toString()));
        assertThat(claim.input()).contains(new Json("{\"n\":1}"));
        assertThat(single.tenant().name()).isEqualTo("default");
    }

    @Test
    void aLargeInputIsNotCarriedByTheClaim() {
        submitted(task().input("\"" + random(10_000) + "\""));

        assertThat(claimOne().input()).isEmpty();
    }

    @Test
    void aHandlerBehindOthersIsClaimedWithItsInputAsWell() {
        submitted(task(), task().after(1).input("7"));
        end(claimOne(), SUCCEED);

        assertThat(claimOne().input()).contains(new Json("7"));
    }

    @Test
    void aTaskIsReleasedInTheCommitThatEndsTheLastOfItsPrerequisites() {
        var ids = submitted(task(), task(), task().after(1, 2));
        assertThat(state(ids.get(2))).isEqualTo("blocked");

        end(claimOne(), SUCCEED);
        assertThat(state(ids.get(2))).isEqualTo("blocked");
        end(claimOne(), SUCCEED);

        assertThat(state(ids.get(2))).isEqualTo("ready");
        assertThat(claimOne().id()).isEqualTo(ids.get(2));
    }

    @Test
    void prerequisitesThatEndInOneBatchAreCountedEach() {
        var ids = submitted(task(), task(), task(), task().after(1, 2, 3));

        end(claim(3), SUCCEED);

        assertThat(state(ids.get(3))).isEqualTo("ready");
    }

    @Test
    void aTaskMayWaitForOnesThatWereThereBefore() {
        var first = submitted(task());
        var second = submitted(task().after(first));
        assertThat(state(second)).isEqualTo("blocked");

        end(claimOne(), SUCCEED);
        var third = submitted(task().after(first, second));

        assertThat(state(second)).isEqualTo("ready");
        end(claimOne(), SUCCEED);
        assertThat(state(third)).isEqualTo("ready");
    }

    @Test
    void whatWaitsForOneThatFailsIsCancelledAndAllBehindIt() {
        var ids = submitted(task(), task().after(1), task().after(2), task());

        end(claimOf(ids.get(0)), FAIL);

        assertThat(ids.stream().map(this::state)).containsExactly("failed", "cancelled", "cancelled", "ready");
        assertThat(text("SELECT error FROM task_attempts WHERE task_id = '%s'".formatted(ids.get(1))))
                .isEqualTo("prerequisite_failed: task " + ids.get(0) + " did not succeed");
        assertThat(text("SELECT count(*)::text FROM dead_letters WHERE task_id = '%s'".formatted(ids.get(0))))
                .isEqualTo("1");
    }

    @Test
    void whatIsToWaitForOneThatHasFailedIsCancelledAtOnce() {
        var failed = submitted(task());
        end(claimOne(), FAIL);

        var ids = submitted(task().after(failed), task().after(1));

        assertThat(ids.stream().map(this::state)).containsExactly("cancelled", "cancelled");
    }

    @Test
    void aTaskWithATimeIsPendingUntilThenAndReadyAfterIt() throws SQLException {
        var id = submitted(task().notBefore(Instant.now().plusSeconds(3600)));
        assertThat(state(id)).isEqualTo("pending");
        assertThat(claim(1)).isEmpty();

        execute("UPDATE task_timers SET due_at = now() - interval '1 second'");
        await(work.wakeDue(10));

        assertThat(claimOne().id()).isEqualTo(id);
    }

    @Test
    void aTaskWithATimeThatIsReleasedBeforeItWaitsForIt() {
        var ids = submitted(task(), task().after(1).notBefore(Instant.now().plusSeconds(3600)));

        end(claimOne(), SUCCEED);

        assertThat(state(ids.get(1))).isEqualTo("pending");
    }

    @Test
    void aRetryKeepsWhatTheTaskIs() throws SQLException {
        var id = submitted(task());
        end(claimOne(), new Verdict.Retry(Duration.ofSeconds(5), "again", false));
        assertThat(state(id)).isEqualTo("retrying");

        execute("UPDATE task_timers SET due_at = now() - interval '1 second'");
        await(work.wakeDue(10));
        var second = claimOne();

        assertThat(second.attempt()).isEqualTo(2);
        assertThat(second.single()).isPresent();
        end(second, SUCCEED);
        assertThat(state(id)).isEqualTo("succeeded");
    }

    @Test
    void claimsOfANodeThatIsLostAreReadyAgain() {
        var id = submitted(task());
        var claim = claimOne();

        await(work.handBack(node, List.of(new WorkRepository.Held(id, claim.fence()))));

        assertThat(claimOne().attempt()).isEqualTo(1);
    }

    @Test
    void aTaskThatRanOnThreeLostNodesFailsAndWhatWaitsForItIsCancelled() {
        var ids = submitted(task(), task().after(1));

        for (var round = 1; round <= 3; round++) {
            var claim = claimOne();
            assertThat(claim.attempt()).isEqualTo(round);
            var start = new AttemptReport(
                    claim.id(),
                    claim.versionId(),
                    round,
                    claim.fence(),
                    1,
                    Optional.empty(),
                    Optional.of(Duration.ZERO));
            await(work.commitAndClaim(node, List.of(start), List.of(), 0));
            assertThat(state(ids.get(0))).isEqualTo("running");
            text("SELECT give_back('%s', ARRAY[%d::bigint], NULL, 'lost')".formatted(node, claim.fence()));
        }

        assertThat(ids.stream().map(this::state)).containsExactly("failed", "cancelled");
        assertThat(text("SELECT error FROM dead_letters")).startsWith("POISON");
        assertThat(text("SELECT count(*)::text FROM claim_batches")).isEqualTo("0");
    }

    @Test
    void theWeightOfASourceIsAddedToThePriority() {
        await(tasks.setSourceWeights(Map.of(TaskSource.HUMAN, 2.5, TaskSource.API, -1.0), 0));
        assertThat(created(task()).getFirst().priority()).isEqualTo(7.5);

        await(tasks.setSourceWeights(Map.of(TaskSource.API, 1.0), 0));
        assertThat(created(task()).getFirst().priority()).isEqualTo(5.0);
        assertThat(text("SELECT string_agg(source || ' ' || weight, ', ') FROM source_weights"))
                .isEqualTo("api 1");
    }

    @Test
    void depthIsOneMoreThanTheDeepestOfThePrerequisites() {
        var outside = submitted(task());
        var created = created(task().after(outside), task().after(1), task().after(1, 2), task());

        assertThat(created.stream().map(CreatedTask::depth)).containsExactly(1, 2, 3, 0);
    }

    @Test
    void whatIsWrongIsRefusedAndLeavesNothing() {
        var other = TaskInstanceId.single(nextId(), 1);
        var deep = submitted(task(), task().after(1), task().after(2), task().after(3), task().after(4))
                .get(4);

        assertRefused(ErrorCode.DEPENDENCY_NOT_FOUND, 2, task(), task().after(other));
        assertRefused(ErrorCode.DEPENDENCY_CYCLE, 1, task().after(1));
        assertRefused(ErrorCode.DEPENDENCY_CYCLE, 1, task().after(2), task());
        assertRefused(ErrorCode.DEPENDENCY_TOO_DEEP, 2, task(), task().after(deep));
        assertRefused(ErrorCode.TOO_MANY_DEPENDENCIES, 5, task(), task(), task(), task(), task().after(1, 2, 3, 4));
        assertRefused(ErrorCode.TASK_NOT_FOUND, 1, task().parent(other));
    }

    private void assertRefused(ErrorCode code, int task, Draft... drafts) {
        var before = text("SELECT count(*)::text FROM task_instances");
        var key = Optional.of(new NewRun.Key("submit", code + "" + task, "h"));

        var results = await(tasks.submit(List.of(submission(key, drafts), submission(Optional.empty(), task()))));

        assertThat(results.getFirst()).isInstanceOfSatisfying(Refused.class, refused -> {
            assertThat(refused.code()).isEqualTo(code);
            assertThat(refused.task()).isEqualTo(task);
        });
        assertThat(results.getLast()).isInstanceOf(Created.class);
        assertThat(text("SELECT (count(*) - 1)::text FROM task_instances")).isEqualTo(before);
        assertThat(text("SELECT count(*)::text FROM idempotency_keys")).isEqualTo("0");
    }

    @Test
    void theSameRequestUnderItsKeyMakesTheSameTasks() {
        var key = Optional.of(new NewRun.Key("submit", "once", "h"));
        var first = submission(key, task(), task());

        assertThat(await(tasks.submit(List.of(first))).getFirst()).isInstanceOf(Created.class);
        assertThat(await(tasks.submit(List.of(submission(key, task(), task())))))
                .containsExactly(new SubmissionResult.Repeated(first.base()));
        assertThat(await(tasks.submit(List.of(submission(Optional.of(new NewRun.Key("submit", "once", "x")), task())))))
                .containsExactly(new SubmissionResult.KeyTaken());
        assertThat(text("SELECT count(*)::text FROM task_instances")).isEqualTo("2");
    }

    @Test
    void toldAgainAfterALostAnswerItMakesNothingTwice() {
        var submission = submission(Optional.empty(), task(), task());

        await(tasks.submit(List.of(submission)));

        assertThat(await(tasks.submit(List.of(submission))))
                .containsExactly(new SubmissionResult.Repeated(submission.base()));
        assertThat(text("SELECT count(*)::text FROM task_ready")).isEqualTo("2");
    }

    @Test
    void aUniqueKeyIsOneTasksUntilItEnds() {
        var first = submitted(task().unique("report", OnConflict.RETURN));

        var standIn = created(task().unique("report", OnConflict.RETURN)).getFirst();
        assertThat(standIn.id()).isEqualTo(first);
        assertThat(standIn.isNew()).isFalse();
        assertRefused(ErrorCode.UNIQUE_KEY_TAKEN, 1, task().unique("report", OnConflict.REFUSE));

        end(claimOf(first), SUCCEED);
        assertThat(created(task().unique("report", OnConflict.REFUSE))
                        .getFirst()
                        .isNew())
                .isTrue();
    }

    @Test
    void whatWaitsForATaskThatAnotherOneStandsInForWaitsForThat() {
        var first = submitted(task().unique("report", OnConflict.RETURN));

        var ids = submitted(task().unique("report", OnConflict.RETURN), task().after(1));
        end(claimOf(first), SUCCEED);

        assertThat(state(ids.get(1))).isEqualTo("ready");
    }

    @Test
    void aDependentThatIsSubmittedWhileItsPrerequisiteEndsIsNeverForgotten() {
        for (var round = 0; round < 100; round++) {
            var first = submitted(task());
            var claim = claimOf(first);
            var ending = work.commitAndClaim(node, List.of(report(claim, SUCCEED)), List.of(), 0);
            var second = submission(Optional.empty(), task().after(first));
            var submitting = tasks.submit(List.of(second));
            await(ending);
            await(submitting);

            assertThat(state(TaskInstanceId.single(second.base(), 1)))
                    .as("round %d", round)
                    .isEqualTo("ready");
            end(claimOf(TaskInstanceId.single(second.base(), 1)), SUCCEED);
        }
    }

    @Test
    void tasksOfRunsAndSingleOnesEndInOneCommit() throws SQLException {
        var singles = submitted(task(), task().after(1));
        var claim = claimOne();

        end(claim, SUCCEED);

        assertThat(state(singles.get(1))).isEqualTo("ready");
        assertThat(text("SELECT count(*)::text FROM claim_batches")).isEqualTo("0");
    }

    /** A task to be. */
    private static final class Draft {

        private Optional<Json> input = Optional.empty();
        private Optional<Instant> notBefore = Optional.empty();
        private Optional<UniqueKey> unique = Optional.empty();
        private Optional<TaskInstanceId> parent = Optional.empty();
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

        Draft unique(String key, OnConflict onConflict) {
            unique = Optional.of(new UniqueKey(key, onConflict));
            return this;
        }

        Draft parent(TaskInstanceId id) {
            parent = Optional.of(id);
            return this;
        }

        NewTask of(UUID base) {
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
                    parent,
                    Optional.empty(),
                    prerequisites,
                    DependencyType.SEQUENTIAL,
                    List.of(),
                    notBefore,
                    unique,
                    Optional.empty(),
                    Duration.ofMinutes(30));
        }
    }

    private static final Json DEFINITION = DagJson.writeSingle(new TaskDefinition(
            new TaskId("task"),
            "task",
            new TaskType.FunctionCall("noop"),
            Duration.ofMinutes(30),
            new RetryPolicy(4, Duration.ofSeconds(1), Duration.ofMinutes(5), 2.0, 0.1),
            Set.of(),
            5,
            "default"));

    private static Draft task() {
        return new Draft();
    }

    private static TaskSubmission submission(Optional<NewRun.Key> key, Draft... drafts) {
        var base = nextId();
        return new TaskSubmission(
                TenantId.DEFAULT,
                base,
                Arrays.stream(drafts).map(draft -> draft.of(base)).toList(),
                key);
    }

    private List<CreatedTask> created(Draft... drafts) {
        var result = await(tasks.submit(List.of(submission(Optional.empty(), drafts))))
                .getFirst();
        assertThat(result).isInstanceOf(Created.class);
        return ((Created) result).tasks();
    }

    private TaskInstanceId submitted(Draft draft) {
        return created(draft).getFirst().id();
    }

    private List<TaskInstanceId> submitted(Draft... drafts) {
        return created(drafts).stream().map(CreatedTask::id).toList();
    }

    private List<Claim> claim(int limit) {
        return await(work.commitAndClaim(node, List.of(), QUEUES, limit)).claims();
    }

    private Claim claimOne() {
        return claim(1).getFirst();
    }

    /** Others that come before it are handed back. */
    private Claim claimOf(TaskInstanceId id) {
        var claims = claim(100);
        var others = claims.stream().filter(claim -> !claim.id().equals(id)).toList();
        await(work.handBack(
                node,
                others.stream()
                        .map(claim -> new WorkRepository.Held(claim.id(), claim.fence()))
                        .toList()));
        return claims.stream()
                .filter(claim -> claim.id().equals(id))
                .findFirst()
                .orElseThrow();
    }

    private void end(Claim claim, Verdict verdict) {
        end(List.of(claim), verdict);
    }

    private void end(List<Claim> claims, Verdict verdict) {
        var reports = claims.stream().map(claim -> report(claim, verdict)).toList();
        var exchange = await(work.commitAndClaim(node, reports, List.of(), 0));
        assertThat(exchange.accepted()).hasSize(claims.size());
    }

    private static AttemptReport report(Claim claim, Verdict verdict) {
        return new AttemptReport(
                claim.id(),
                claim.versionId(),
                claim.attempt(),
                claim.fence(),
                1,
                Optional.of(verdict),
                Optional.of(Duration.ofMillis(3)));
    }

    private String state(TaskInstanceId id) {
        return text("SELECT state::text FROM task_states WHERE id = '%s'".formatted(id));
    }

    private void execute(String statement) throws SQLException {
        try (var connection = database.connect();
                var sql = connection.createStatement()) {
            sql.execute(statement);
        }
    }

    private String text(String query) {
        return database.value(query);
    }

    private static String random(int length) {
        var text = new StringBuilder();
        while (text.length() < length) {
            text.append(UUID.randomUUID());
        }
        return text.toString();
    }

    private static UUID nextId() {
        return IDS.next(System.currentTimeMillis());
    }
}

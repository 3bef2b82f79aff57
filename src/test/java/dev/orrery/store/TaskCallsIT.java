package dev.orrery.store;

import static dev.orrery.store.TaskBench.FAIL;
import static dev.orrery.store.TaskBench.SUCCEED;
import static dev.orrery.store.TaskBench.task;
import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.task.DependencyType;
import dev.orrery.domain.task.UniqueKey.OnConflict;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.TaskBench.Draft;
import io.vertx.core.Future;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is done to single tasks that are there. */
class TaskCallsIT {

    private static final TenantId TENANT = TenantId.DEFAULT;

    private TaskBench bench;

    @BeforeEach
    void open() throws SQLException {
        bench = new TaskBench(new SingleTaskRepository.Limits(3, 4));
    }

    @AfterEach
    void close() {
        bench.close();
    }

    @Test
    void whatHasNotBegunIsCancelledAtOnceWithAllThatWaitsForIt() {
        var ids = bench.submitted(
                task(),
                task().after(1),
                task().after(2),
                task().notBefore(Instant.now().plusSeconds(3600)),
                task());

        cancel(ids.get(0));
        cancel(ids.get(3));

        assertThat(bench.states(ids)).containsExactly("cancelled", "cancelled", "cancelled", "cancelled", "ready");
        assertThat(bench.error(ids.get(2))).isEqualTo("prerequisite_failed: task " + ids.get(1) + " did not succeed");
        assertNothingLeftBut(1);
    }

    @Test
    void whatRunsIsAskedToEndAndWhatIsBelowItIsCancelled() {
        var ids = bench.submitted(task(), task().under(1), task().under(2), task());
        var claim = bench.claim(ids.get(0));
        bench.begin(claim);

        assertThat(cancel(ids.get(0)).nodes()).containsExactly(bench.node);

        assertThat(bench.states(ids)).containsExactly("running", "cancelled", "cancelled", "ready");
        assertThat(bench.error(ids.get(2))).isEqualTo("cancelled_with_parent: task " + ids.get(1) + " was cancelled");
        assertThat(bench.submit(task().under(ids.get(0)))).isInstanceOf(SubmissionResult.Refused.class);
        bench.end(claim, new Verdict.Cancel());
        assertThat(bench.state(ids.get(0))).isEqualTo("cancelled");
        assertThat(bench.text("SELECT count(*)::text FROM cancel_requests")).isEqualTo("0");
        assertThat(bench.submit(task().under(ids.get(0)))).isInstanceOf(SubmissionResult.Refused.class);
    }

    @Test
    void aTaskThatRunsBelowOneThatHasEndedIsCancelledWithIt() {
        var ids = bench.submitted(task(), task().under(1), task().under(2));
        bench.end(ids.get(1), SUCCEED);

        cancel(ids.get(0));

        assertThat(bench.states(ids)).containsExactly("cancelled", "succeeded", "cancelled");
    }

    @Test
    void aCancelUnderAKeyIsDoneOnce() {
        var id = bench.submitted(task());
        var key = Optional.of(new NewRun.Key("cancel", "k", "h"));

        await(bench.calls.cancel(TENANT, id, key));
        await(bench.calls.retry(TENANT, id, Optional.empty()));
        await(bench.calls.cancel(TENANT, id, key));

        assertThat(bench.state(id)).isEqualTo("ready");
        assertFails(
                ErrorCode.CONFLICT,
                bench.calls.cancel(TENANT, id, Optional.of(new NewRun.Key("cancel", "k", "other"))));
        assertFails(ErrorCode.TASK_NOT_FOUND, bench.calls.cancel(new TenantId(1000), id, Optional.empty()));
    }

    @Test
    void longCascadesGoOnInLaterTransactions() throws SQLException {
        bench.room(10);
        var root = bench.submitted(task());
        var waiting = bench.submitted(drafts(35, () -> task().after(root)));
        var behind = bench.submitted(drafts(15, () -> task().after(waiting.get(34))));

        bench.end(root, FAIL);
        assertThat(count(waiting, "cancelled")).isEqualTo(10);
        assertThat(bench.continueCascades()).isGreaterThanOrEqualTo(4);

        assertThat(count(waiting, "cancelled")).isEqualTo(35);
        assertThat(count(behind, "cancelled")).isEqualTo(15);
        assertNothingLeftBut(0);

        await(bench.calls.retry(TENANT, root, Optional.empty()));
        assertThat(count(waiting, "blocked")).isEqualTo(10);
        bench.continueCascades();
        assertThat(count(waiting, "blocked")).isEqualTo(35);
        assertThat(count(behind, "blocked")).isEqualTo(15);
        bench.end(root, SUCCEED);
        assertThat(count(waiting, "ready")).isEqualTo(35);
    }

    @Test
    void treesAreCancelledInStepsToTheLast() throws SQLException {
        bench.room(10);
        var root = bench.submitted(task());
        var children = bench.submitted(drafts(25, () -> task().under(root)));
        var below = bench.submitted(drafts(12, () -> task().under(children.get(24))));

        cancel(root);
        assertThat(count(children, "cancelled")).isEqualTo(10);
        bench.continueCascades();

        assertThat(count(children, "cancelled")).isEqualTo(25);
        assertThat(count(below, "cancelled")).isEqualTo(12);
        assertThat(bench.text("SELECT count(*)::text FROM tree_cancels")).isEqualTo("0");
    }

    @Test
    void whatIsBelowTwoTreesThatAreCancelledInStepsIsCancelledOnce() throws SQLException {
        bench.room(1);
        var ids = bench.submitted(
                task(), task().under(1), task().under(1), task().under(3), task().under(4), task().under(4));
        cancel(ids.get(3));
        cancel(ids.get(0));
        bench.room(10);

        bench.continueCascades();

        assertThat(count(ids, "cancelled")).isEqualTo(6);
        assertThat(bench.error(ids.get(5))).isEqualTo("cancelled_with_parent: task " + ids.get(3) + " was cancelled");
        assertNothingLeftBut(0);
    }

    @Test
    void whoComesBehindATaskThatIsPutDeeperMeanwhileComesDeeperStill() throws SQLException {
        var ids = bench.submitted(task(), task().after(1), task());
        var behind = bench.submitted(task().after(ids.get(2)));
        while (slot(behind) == slot(ids.get(2))) {
            behind = bench.submitted(task().after(ids.get(2)));
        }
        final Future<List<SubmissionResult>> submitted;
        try (var connection = bench.database.connect();
                var sql = connection.createStatement()) {
            connection.setAutoCommit(false);
            sql.execute("SELECT insert_dependency(1, '%s', '%s', 'sequential', 50, 10, 'insert', NULL, NULL)"
                    .formatted(ids.get(2), ids.get(1)));
            submitted = bench.tasks.submit(List.of(TaskBench.submission(task().after(behind))));
            until("it is made, or waits", () -> submitted.isComplete() || someoneWaits());
            connection.commit();
        }

        assertThat(await(submitted).getFirst())
                .isInstanceOfSatisfying(
                        SubmissionResult.Created.class,
                        created ->
                                assertThat(created.tasks().getFirst().depth()).isEqualTo(4));
        assertThat(TaskInvariants.violations(bench.database)).isEmpty();
    }

    /** What is held of a task by those who add something behind it: the millisecond of its id, see hold_slots. */
    private static long slot(TaskInstanceId id) {
        return (id.value().getMostSignificantBits() >>> 16) & 63;
    }

    private boolean someoneWaits() {
        return !bench.text("SELECT count(*) FROM pg_locks l WHERE NOT l.granted"
                        + " AND l.pid IN (SELECT a.pid FROM pg_stat_activity a WHERE a.datname = current_database())")
                .equals("0");
    }

    /** Two nodes that were lost before are no reason to give it up at the next loss. */
    @Test
    void aRetryCountsLostNodesAnewToo() {
        var id = bench.submitted(task());
        lose(id, 2);
        await(bench.calls.cancel(TENANT, id, Optional.empty()));

        await(bench.calls.retry(TENANT, id, Optional.empty()));

        lose(id, 2);
        assertThat(bench.state(id)).isEqualTo("ready");
        lose(id, 1);
        assertThat(bench.error(id)).startsWith("POISON");
    }

    /** Such attempts were under way when their nodes were lost. */
    private void lose(TaskInstanceId id, int times) {
        for (var time = 0; time < times; time++) {
            var claim = bench.claim(id);
            bench.begin(claim);
            bench.text("SELECT give_back('%s', ARRAY[%d], NULL, 'lost')::text".formatted(bench.node, claim.fence()));
        }
    }

    @Test
    void aRetryRevivesWhatWasCancelledBecauseOfItAndCountsAnew() {
        var ids = bench.submitted(task(), task(), task().after(1, 2), task().after(3), task().after(2));
        bench.end(ids.get(0), FAIL);
        assertThat(bench.states(ids)).containsExactly("failed", "ready", "cancelled", "cancelled", "blocked");
        bench.end(ids.get(1), SUCCEED);

        await(bench.calls.retry(TENANT, ids.get(0), Optional.empty()));

        assertThat(bench.states(ids)).containsExactly("ready", "succeeded", "blocked", "blocked", "ready");
        assertThat(bench.text("SELECT count(*)::text FROM dead_letters WHERE state = 'open'"))
                .isEqualTo("0");
        var again = bench.claim(ids.get(0));
        assertThat(again.attempt()).isEqualTo(2);
        assertThat(again.failures()).isZero();
        bench.end(again, SUCCEED);
        assertThat(bench.states(ids)).containsExactly("succeeded", "succeeded", "ready", "blocked", "ready");
        bench.end(ids.get(2), SUCCEED);
        assertThat(bench.state(ids.get(3))).isEqualTo("ready");
    }

    @Test
    void whatWaitsForAnotherOneThatFailedStaysCancelledUntilThatIsRetriedToo() {
        var ids = bench.submitted(task(), task(), task().after(1, 2));
        bench.end(ids.get(0), FAIL);
        bench.end(ids.get(1), FAIL);

        await(bench.calls.retry(TENANT, ids.get(0), Optional.empty()));
        assertThat(bench.state(ids.get(2))).isEqualTo("cancelled");
        assertFails(ErrorCode.CONFLICT, bench.calls.retry(TENANT, ids.get(2), Optional.empty()));

        await(bench.calls.retry(TENANT, ids.get(1), Optional.empty()));
        assertThat(bench.state(ids.get(2))).isEqualTo("blocked");
    }

    @Test
    void whoWasCancelledByHandIsNotRevivedByOthers() {
        var ids = bench.submitted(task(), task().after(1));
        cancel(ids.get(1));
        bench.end(ids.get(0), FAIL);

        await(bench.calls.retry(TENANT, ids.get(0), Optional.empty()));
        assertThat(bench.state(ids.get(1))).isEqualTo("cancelled");

        await(bench.calls.retry(TENANT, ids.get(1), Optional.empty()));
        assertThat(bench.state(ids.get(1))).isEqualTo("blocked");
    }

    @Test
    void onlyWhatEndedBadlyIsRetried() {
        var id = bench.submitted(task());
        assertFails(ErrorCode.CONFLICT, bench.calls.retry(TENANT, id, Optional.empty()));
        bench.end(id, SUCCEED);
        assertFails(ErrorCode.CONFLICT, bench.calls.retry(TENANT, id, Optional.empty()));
        assertThat(bench.state(id)).isEqualTo("succeeded");
    }

    @Test
    void aUniqueKeyIsTakenAgainByARetryUnlessAnotherOneHasIt() {
        var first = bench.submitted(task().unique("k", OnConflict.REFUSE));
        bench.end(first, FAIL);
        var second = bench.submitted(task().unique("k", OnConflict.REFUSE));

        assertFails(ErrorCode.UNIQUE_KEY_TAKEN, bench.calls.retry(TENANT, first, Optional.empty()));
        bench.end(second, FAIL);
        await(bench.calls.retry(TENANT, first, Optional.empty()));

        assertThat(bench.text("SELECT task_id::text FROM unique_keys")).isEqualTo(first.toString());
        assertFails(ErrorCode.UNIQUE_KEY_TAKEN, bench.calls.retry(TENANT, second, Optional.empty()));
    }

    @Test
    void aTaskThatHasNotBegunComesToWaitForAnotherOne() {
        var ids = bench.submitted(
                task(), task(), task().after(2), task().notBefore(Instant.now().plusSeconds(3600)));

        add(ids.get(1), ids.get(0));
        add(ids.get(2), ids.get(0));
        add(ids.get(3), ids.get(0));

        assertThat(bench.states(ids)).containsExactly("ready", "blocked", "blocked", "blocked");
        assertThat(bench.text("SELECT string_agg(depth::text, ',' ORDER BY id) FROM task_instances"))
                .isEqualTo("0,1,2,1");
        bench.end(ids.get(0), SUCCEED);
        assertThat(bench.states(ids)).containsExactly("succeeded", "ready", "blocked", "pending");
        var dependencies = new TaskDependencyRepository(bench.vertx, bench.pools.api());
        assertThat(await(dependencies.getTaskDependencies(ids.get(2), false, 10)))
                .extracting(TaskDependencyRepository.Dependency::prerequisite)
                .containsExactly(ids.get(1), ids.get(0));
    }

    @Test
    void edgesThatCanNotBeAreRefusedAndChangeNothing() {
        var ids = bench.submitted(task(), task().after(1), task().after(2), task().after(3), task(), task());
        var failed = bench.submitted(task());
        bench.end(failed, FAIL);

        assertRefused(ErrorCode.DEPENDENCY_CYCLE, ids.get(0), ids.get(0));
        assertRefused(ErrorCode.DEPENDENCY_CYCLE, ids.get(0), ids.get(3));
        assertRefused(ErrorCode.DEPENDENCY_DUPLICATE, ids.get(1), ids.get(0));
        assertRefused(ErrorCode.DEPENDENCY_NOT_FOUND, ids.get(1), TaskInstanceId.single(TaskBench.nextId(), 1));
        assertRefused(ErrorCode.CONFLICT, ids.get(1), failed);
        add(ids.get(0), ids.get(4));
        assertRefused(ErrorCode.DEPENDENCY_TOO_DEEP, ids.get(4), ids.get(5));
        var running = bench.claim(ids.get(5));
        assertRefused(ErrorCode.CONFLICT, ids.get(5), ids.get(4));
        bench.end(running, SUCCEED);
        assertThatThrownBy(() -> add(ids.get(5), ids.get(4))).hasMessage("task " + ids.get(5) + " has ended");
        assertThat(bench.state(ids.get(4))).isEqualTo("ready");
    }

    @Test
    void oneOfTwoEdgesThatWouldCloseACircleIsRefused() {
        for (var round = 0; round < 40; round++) {
            var ids = bench.submitted(task(), task(), task());
            var tries = IntStream.range(0, 3)
                    .mapToObj(n -> bench.calls
                            .insertTaskDependency(
                                    TENANT,
                                    ids.get(n),
                                    ids.get((n + 1) % 3),
                                    DependencyType.SEQUENTIAL,
                                    Optional.empty())
                            .map(true)
                            .recover(error -> ((OrreryException) error).code() == ErrorCode.DEPENDENCY_CYCLE
                                    ? Future.succeededFuture(false)
                                    : Future.failedFuture(error)))
                    .toList();
            await(Future.join(tries));

            assertThat(tries.stream().filter(Future::result))
                    .as("round %d", round)
                    .hasSize(2);
            assertThat(count(ids, "ready")).isEqualTo(1);
            for (var n = 0; n < 3; n++) {
                bench.claim(1).forEach(claim -> bench.end(claim, SUCCEED));
            }
            assertThat(count(ids, "succeeded")).isEqualTo(3);
        }
    }

    @Test
    void anEdgeThatIsResolvedByHandReleases() {
        var ids = bench.submitted(task(), task().after(1));

        assertThat(await(bench.calls.resolveDependency(TENANT, ids.get(1), ids.get(0))))
                .isTrue();
        assertThat(bench.state(ids.get(1))).isEqualTo("ready");
        assertThat(await(bench.calls.resolveDependency(TENANT, ids.get(1), ids.get(0))))
                .isFalse();
    }

    @Test
    void aTaskIsPutOffUntilItBegins() throws SQLException {
        var ids = bench.submitted(task(), task().after(1));
        await(bench.calls.snoozeFor(TENANT, ids.get(0), Duration.ofHours(1), Optional.empty()));
        await(bench.calls.snoozeUntil(TENANT, ids.get(1), Instant.now().plusSeconds(3600), Optional.empty()));
        assertThat(bench.states(ids)).containsExactly("pending", "blocked");
        assertThat(bench.claim(10)).isEmpty();

        await(bench.calls.snoozeFor(TENANT, ids.get(0), Duration.ZERO, Optional.empty()));
        await(bench.work.wakeDue(10));
        var claim = bench.claim(ids.get(0));
        assertFails(ErrorCode.CONFLICT, bench.calls.snoozeFor(TENANT, ids.get(0), Duration.ZERO, Optional.empty()));
        bench.end(claim, SUCCEED);
        assertFails(ErrorCode.CONFLICT, bench.calls.snoozeFor(TENANT, ids.get(0), Duration.ZERO, Optional.empty()));

        assertThat(bench.state(ids.get(1))).isEqualTo("pending");
    }

    @Test
    void aTaskReplacesTheOneThatHasItsKeyUnlessThatHasBegun() {
        var first = bench.submitted(task().unique("k", OnConflict.RETURN));
        var behind = bench.submitted(task().after(first));

        var second = bench.submitted(task().unique("k", OnConflict.REPLACE), task().after(1));

        assertThat(bench.states(List.of(first, behind))).containsExactly("cancelled", "cancelled");
        assertThat(bench.states(second)).containsExactly("ready", "blocked");
        assertThat(bench.text("SELECT task_id::text FROM unique_keys"))
                .isEqualTo(second.getFirst().toString());
        var claim = bench.claim(second.getFirst());
        assertThat(bench.submit(task().unique("k", OnConflict.REPLACE)))
                .isInstanceOfSatisfying(
                        SubmissionResult.Refused.class,
                        refused -> assertThat(refused.code()).isEqualTo(ErrorCode.UNIQUE_KEY_TAKEN));
        bench.end(claim, SUCCEED);
        assertThat(bench.text("SELECT count(*)::text FROM unique_keys")).isEqualTo("0");
    }

    @Test
    void aRefusedSubmissionReplacesNothing() {
        var first = bench.submitted(task().unique("k", OnConflict.RETURN));

        assertThat(bench.submit(task().unique("k", OnConflict.REPLACE), task().after(2)))
                .isInstanceOf(SubmissionResult.Refused.class);

        assertThat(bench.state(first)).isEqualTo("ready");
        assertThat(bench.text("SELECT task_id::text FROM unique_keys")).isEqualTo(first.toString());
    }

    private TaskCallRepository.Effects cancel(TaskInstanceId id) {
        return await(bench.calls.cancel(TENANT, id, Optional.empty()));
    }

    private void add(TaskInstanceId dependent, TaskInstanceId prerequisite) {
        await(bench.calls.insertTaskDependency(
                TENANT, dependent, prerequisite, DependencyType.SEQUENTIAL, Optional.empty()));
    }

    private void assertRefused(ErrorCode code, TaskInstanceId dependent, TaskInstanceId prerequisite) {
        var before = bench.text("SELECT string_agg(w::text, ';' ORDER BY id) FROM task_wait w");
        var depths = bench.text("SELECT string_agg(depth::text, ',' ORDER BY id) FROM task_instances");
        assertFails(
                code,
                bench.calls.insertTaskDependency(
                        TENANT,
                        dependent,
                        prerequisite,
                        DependencyType.SEQUENTIAL,
                        Optional.of(new NewRun.Key("add", code + "" + prerequisite, "h"))));
        assertThat(bench.text("SELECT string_agg(w::text, ';' ORDER BY id) FROM task_wait w"))
                .isEqualTo(before);
        assertThat(bench.text("SELECT string_agg(depth::text, ',' ORDER BY id) FROM task_instances"))
                .isEqualTo(depths);
        assertThat(bench.text("SELECT count(*)::text FROM idempotency_keys")).isEqualTo("0");
    }

    private static void assertFails(ErrorCode code, Future<?> call) {
        assertThatThrownBy(() -> await(call))
                .isInstanceOfSatisfying(
                        OrreryException.class, error -> assertThat(error.code()).isEqualTo(code));
    }

    private void assertNothingLeftBut(int ready) {
        assertThat(
                        bench.text(
                                "SELECT (SELECT count(*) FROM task_ready) || ' ' || (SELECT count(*) FROM task_wait) || ' '"
                                        + " || (SELECT count(*) FROM task_timers) || ' ' || (SELECT count(*) FROM task_cascades)"))
                .isEqualTo(ready + " 0 0 0");
    }

    private long count(List<TaskInstanceId> ids, String state) {
        return ids.stream().filter(id -> bench.state(id).equals(state)).count();
    }

    private static Draft[] drafts(int count, java.util.function.Supplier<Draft> each) {
        return IntStream.range(0, count).mapToObj(_ -> each.get()).toArray(Draft[]::new);
    }
}

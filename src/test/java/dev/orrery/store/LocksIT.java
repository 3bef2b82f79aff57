package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.DagId;
import dev.orrery.domain.LockName;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.DagDraft;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.task.TaskState;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.LockRepository.StoredLock;
import dev.orrery.store.WorkRepository.Exchange;
import dev.orrery.store.WorkRepository.Held;
import dev.orrery.testing.Graphs;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Who gets a lock, who waits, and who is next. */
class LocksIT extends ClaimsTestBase {

    private static final LockName LOCK = new LockName("lock");
    private static final LockName OTHER = new LockName("other");

    private LockRepository locks;

    @BeforeEach
    void openLocks() {
        locks = new LockRepository(vertx, pools.api());
    }

    @Test
    void ofTwoWhoNeedALockOneIsClaimedAndTheOtherTakesNoPlaceOfThose() throws SQLException {
        givenARun(locking("a", LOCK), locking("b", LOCK), task("c"), task("d"));

        var exchange = claim(3);

        assertThat(names(exchange)).containsExactly("a", "c", "d");
        assertThat(exchange.hasMore()).isFalse();
        assertThat(exchange.claims())
                .extracting(Claim::lockFence)
                .containsExactly(OptionalLong.of(1), OptionalLong.empty(), OptionalLong.empty());
        assertThat(count("task_ready")).isZero();
        assertThat(count("lock_waits")).isEqualTo(1);
        assertThat(names(claim(3))).isEmpty();
    }

    @Test
    void aNodeThatTracesIsToldSinceWhenEachTaskWasReadyWhateverOrderLocksLeave() throws SQLException {
        givenARun(locking("a", LOCK), locking("b", LOCK), task("c"), locking("d", OTHER), task("e"));
        execute("UPDATE task_ready r SET ready_at = to_timestamp(ascii(i.task_id) - 96)"
                + " FROM task_instances i WHERE i.id = r.id AND i.task_id <> 'e'");

        var told = database.value("SELECT string_agg(i.task_id || ' ' || CASE WHEN r.since < 1e9 THEN r.since::text"
                + " WHEN abs(r.since - extract(epoch FROM i.created_at) * 1000) < 1000 THEN 'made' ELSE r.since::text END, ', '"
                + " ORDER BY i.task_id) FROM claim_ready('" + node + "', ARRAY['default'], 10, true) c"
                + " CROSS JOIN LATERAL unnest(c.ids, c.ready_since) r(id, since) JOIN task_instances i ON i.id = r.id");

        assertThat(told).isEqualTo("a 1000, c 3000, d 4000, e made");
    }

    static Stream<Verdict> verdicts() {
        return Stream.of(
                SUCCEED,
                new Verdict.Fail("no"),
                new Verdict.TimeOut("late"),
                new Verdict.Retry(Duration.ofHours(1), "again", false),
                new Verdict.Cancel());
    }

    @ParameterizedTest
    @MethodSource("verdicts")
    void howeverAnAttemptEndsTheNextOneIsClaimedInTheSameExchange(Verdict verdict) throws SQLException {
        givenARun(locking("a", LOCK), locking("b", LOCK));
        var first = claim(2).claims().getFirst();

        var exchange = await(work.commitAndClaim(node, List.of(ended(first, verdict)), List.of("default"), 2));

        assertThat(names(exchange)).containsExactly("b");
        assertThat(exchange.claims().getFirst().lockFence()).hasValue(2);
        assertThat(exchange.readyQueues()).containsExactly("default");
    }

    @Test
    void aStartKeepsTheLockAndWhatIsGivenBackFreesIt() throws SQLException {
        var run = givenARun(locking("a", LOCK), locking("b", LOCK));
        var first = claim(2).claims().getFirst();
        var started = new AttemptReport(
                first.id(),
                first.versionId(),
                first.attempt(),
                first.fence(),
                1,
                Optional.empty(),
                Optional.of(Duration.ZERO));
        assertThat(names(await(work.commitAndClaim(node, List.of(started), List.of("default"), 2))))
                .isEmpty();

        assertThat(await(work.handBack(node, List.of(new Held(first.id(), first.fence())))))
                .containsOnly("default");

        assertThat(holder(LOCK)).isEmpty();
        var next = claim(1).claims().getFirst();
        assertThat(next.lockFence()).hasValue(2);
        assertThat(states(run)).containsOnlyOnce(TaskState.READY).containsOnlyOnce(TaskState.QUEUED);
    }

    @Test
    void theEarliestWaiterIsNextAndAnEarlierNewcomerOvertakesIt() throws SQLException {
        givenARun(locking("first", LOCK));
        var first = claim(1).claims().getFirst();
        givenARun(locking("patient", LOCK, 1), locking("urgent", LOCK, 9), locking("usual", LOCK, 5));
        assertThat(names(claim(9))).isEmpty();
        assertThat(count("lock_waits")).isEqualTo(3);

        var urgent = end(first, 9);
        assertThat(names(urgent)).containsExactly("urgent");
        givenARun(locking("newcomer", LOCK, 10));
        var newcomer = end(urgent.claims().getFirst(), 1);
        assertThat(names(newcomer)).containsExactly("newcomer");
        var usual = end(newcomer.claims().getFirst(), 9);

        assertThat(names(usual)).containsExactly("usual");
        assertThat(names(end(usual.claims().getFirst(), 9))).containsExactly("patient");
    }

    @Test
    void aWaiterInAQueueThatNobodyServesDoesNotStandInTheWay() throws SQLException {
        givenARun(locking("first", LOCK));
        var first = claim(1).claims().getFirst();
        givenARun(in("aside", locking("lost", LOCK, 10)), locking("next", LOCK, 0));
        await(work.commitAndClaim(node, List.of(), List.of("aside", "default"), 9));
        assertThat(count("lock_waits")).isEqualTo(2);

        var next = end(first, 9);

        assertThat(names(next)).containsExactly("next");
        assertThat(next.readyQueues()).containsExactlyInAnyOrder("aside", "default");
    }

    @Test
    void whoIsCalledAndThenCancelledCallsTheNextOne() throws SQLException {
        givenARun(locking("first", LOCK));
        var first = claim(1).claims().getFirst();
        var second = givenARun(locking("second", LOCK, 9));
        givenARun(locking("third", LOCK, 1));
        claim(9);
        await(work.commitAndClaim(node, List.of(ended(first, SUCCEED)), List.of(), 0));
        assertThat(count("lock_waits")).isEqualTo(1);

        var cancelled =
                await(work.cancel(TenantId.DEFAULT, second, Optional.empty())).orElseThrow();

        assertThat(cancelled.readyQueues()).containsExactly("default");
        assertThat(names(claim(9))).containsExactly("third");
    }

    @Test
    void whoWaitsIsCancelledAtOnce() throws SQLException {
        var run = givenARun(locking("a", LOCK), locking("b", LOCK));
        var first = claim(9).claims().getFirst();

        await(work.cancel(TenantId.DEFAULT, run, Optional.of(new TaskId("b"))));
        assertThat(states(run)).containsExactly(TaskState.QUEUED, TaskState.CANCELLED);
        end(first, 0);

        assertThat(holder(LOCK)).isEmpty();
        assertThat(count("lock_waits")).isZero();
    }

    @Test
    void aRunHoldsTheLockOfItsDagForAllItsTasksUntilItEnds() throws SQLException {
        var dag = publish(Optional.of(LOCK), task("a"), task("b"), after("c", "a"));
        var first = create(dag);
        var one = claim(1);
        var second = create(dag);
        var two = claim(1);

        assertThat(names(one)).containsExactly("a");
        assertThat(names(two)).as("of the same run").containsExactly("b");
        assertThat(claim(9).claims()).isEmpty();
        assertThat(holder(LOCK)).contains(first.value());
        assertThat(count("lock_waits")).isEqualTo(2);
        var three = end(one.claims().getFirst(), 9);
        assertThat(names(three)).containsExactly("c");
        assertThat(end(two.claims().getFirst(), 9).claims()).isEmpty();
        var next = end(three.claims().getFirst(), 9);

        assertThat(next.claims()).extracting(claim -> claim.id().runId()).containsExactly(second, second);
        assertThat(next.claims()).extracting(Claim::lockFence).containsOnly(OptionalLong.of(2));
        assertThat(holder(LOCK)).contains(second.value());
        assertThat(count("lock_waits")).isZero();
    }

    @Test
    void aRunThatWasHandedBackUnstartedKeepsItsLock() throws SQLException {
        var dag = publish(Optional.of(LOCK), task("a"));
        var first = create(dag);
        var claim = claim(1).claims().getFirst();
        create(dag);
        await(work.handBack(node, List.of(new Held(claim.id(), claim.fence()))));

        assertThat(claim(9).claims()).extracting(again -> again.id().runId()).containsExactly(first);
        assertThat(holder(LOCK)).contains(first.value());
    }

    @Test
    void bothLocksAreTakenOrNone() throws SQLException {
        givenARun(locking("holder", OTHER));
        var holder = claim(1).claims().getFirst();
        var both = publish(Optional.of(LOCK), locking("both", OTHER));
        var run = create(both);
        assertThat(claim(9).claims()).isEmpty();
        assertThat(holder(LOCK)).isEmpty();
        create(publish(Optional.of(LOCK), task("other")));

        var other = claim(9);

        assertThat(names(other)).as("the lock that was left free").containsExactly("other");
        end(other.claims().getFirst(), 0);
        var last = end(holder, 9);
        assertThat(names(last)).containsExactly("both");
        assertThat(last.claims().getFirst().lockFence()).as("of its own lock").hasValue(2);
        assertThat(holder(LOCK)).contains(run.value());
    }

    @Test
    void whoLeavesAFreeLockToWaitForAnotherCallsTheNextOne() throws SQLException {
        givenARun(locking("holder", OTHER));
        var holder = claim(1).claims().getFirst();
        var first = create(publish(Optional.of(LOCK), task("first")));
        var running = claim(1).claims().getFirst();
        assertThat(running.id().runId()).isEqualTo(first);
        create(publish(Optional.of(LOCK), locking("both", OTHER, 9)));
        create(publish(Optional.of(LOCK), task("last")));
        claim(9);
        assertThat(count("lock_waits")).isEqualTo(2);

        // Called is 'both'; it finds its own lock held, and 'last' is to have the free one.
        var next = end(running, 9);

        assertThat(names(next)).containsExactly("last");
        end(next.claims().getFirst(), 0);
        assertThat(names(end(holder, 9))).containsExactly("both");
    }

    @Test
    void aClaimDoesNotWaitForARowThatIsHeldAndTellsThatThereIsMore() throws SQLException {
        givenARun(locking("a", LOCK), task("b"));
        try (var other = database.connect();
                var statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("SELECT FROM locks FOR NO KEY UPDATE");

            var exchange = claim(1);

            assertThat(names(exchange)).containsExactly("b");
            assertThat(exchange.hasMore()).isTrue();
            assertThat(count("task_ready")).isEqualTo(1);
            other.rollback();
        }
        assertThat(names(claim(1))).containsExactly("a");
    }

    @Test
    void manyWhoWaitAtTheHeadOfTheQueueAreSetAsideWithinBounds() throws SQLException {
        givenARun(locking("holder", LOCK, 10));
        claim(1);
        givenARun(
                IntStream.range(0, 500).mapToObj(n -> locking("t" + n, LOCK, 9)).toArray(TaskDefinition[]::new));
        givenARun(task("free"));

        var rounds = new ArrayList<Exchange>();
        until("it is found behind all who wait", () -> {
            rounds.add(claim(2));
            return !rounds.getLast().claims().isEmpty();
        });

        assertThat(names(rounds.getLast())).containsExactly("free");
        assertThat(rounds).hasSizeBetween(2, 8);
        assertThat(rounds.subList(0, rounds.size() - 1)).allMatch(Exchange::hasMore);
        assertThat(count("lock_waits")).isEqualTo(500);
    }

    @Test
    void theNumberOfALockOutlivesTheDagThatNamedIt() {
        var dags = new DagRepository(vertx, pools.api());
        var id = new DagId(IDS.next(System.currentTimeMillis()));
        var draft = new DagDraft(
                Optional.of("d"),
                Optional.empty(),
                List.of(locking("a", LOCK)),
                Optional.empty(),
                "UTC",
                Optional.of(OTHER));
        await(dags.create(TenantId.DEFAULT, id, DagPublication.of(draft, "v1"), Optional.empty()));
        create(id);
        var claim = claim(1).claims().getFirst();
        await(work.commitAndClaim(node, List.of(ended(claim, SUCCEED)), List.of(), 0));
        await(dags.update(TenantId.DEFAULT, id, DagPublication.of(draft, "v2"), OptionalInt.empty()));
        assertThat(await(locks.list(TenantId.DEFAULT, "", 9)))
                .extracting(lock -> lock.name() + " " + lock.fence())
                .containsExactly("lock 1", "other 1");
        await(dags.delete(TenantId.DEFAULT, id));
        until("its rows are gone", () -> !await(dags.purgeHidden(100)));

        var again = new DagId(IDS.next(System.currentTimeMillis()));
        await(dags.create(TenantId.DEFAULT, again, DagPublication.of(draft, "v1"), Optional.empty()));
        create(again);

        assertThat(claim(1).claims().getFirst().lockFence()).hasValue(2);
    }

    @Test
    void theListTellsHoldersAndHowManyWait() throws SQLException {
        var run = create(publish(Optional.of(OTHER), locking("a", LOCK), locking("b", LOCK)));
        claim(9);

        var list = await(locks.list(TenantId.DEFAULT, "", 9));

        assertThat(list).extracting(lock -> lock.name().value()).containsExactly("lock", "other");
        assertThat(list).extracting(StoredLock::waiting).containsExactly(1L, 0L);
        assertThat(list)
                .allSatisfy(
                        lock -> assertThat(lock.holder().orElseThrow().run()).isEqualTo(run));
        assertThat(list)
                .extracting(lock -> lock.holder().orElseThrow().task())
                .containsExactly(Optional.of(new TaskId("a")), Optional.empty());
        assertThat(await(locks.list(TenantId.DEFAULT, "lock", 1))).containsExactly(list.getLast());
        assertThat(await(locks.list(new TenantId(2), "", 9))).isEmpty();
    }

    private static TaskDefinition task(String id) {
        return Graphs.tasks(id).getFirst();
    }

    private static TaskDefinition after(String id, String upstream) {
        return Graphs.tasks(id + " <- " + upstream).getFirst();
    }

    private static TaskDefinition locking(String id, LockName lock) {
        return task(id).locking(lock);
    }

    private static TaskDefinition locking(String id, LockName lock, int priority) {
        return Graphs.task(id, java.util.Set.of(), priority).locking(lock);
    }

    private DagId publish(Optional<LockName> lock, TaskDefinition... tasks) throws SQLException {
        return Graphs.publish(database, List.of(tasks), lock);
    }

    private RunId givenARun(TaskDefinition... tasks) throws SQLException {
        return create(publish(Optional.empty(), tasks));
    }

    private Optional<UUID> holder(LockName lock) throws SQLException {
        return Optional.ofNullable(database.value("SELECT holder FROM locks WHERE name = '" + lock + "'"))
                .filter(holder -> !holder.equals("null"))
                .map(UUID::fromString);
    }

    /** As readers are told them: alone and among all of the run alike. */
    private List<TaskState> states(RunId run) {
        var tasks = new TaskInstanceRepository(vertx, pools.api());
        var all = await(tasks.getByRunId(TenantId.DEFAULT, run));
        for (var one : all) {
            assertThat(await(tasks.get(TenantId.DEFAULT, one.instance().id()))
                            .orElseThrow()
                            .instance()
                            .state())
                    .isEqualTo(one.instance().state());
        }
        return all.stream().map(one -> one.instance().state()).toList();
    }
}

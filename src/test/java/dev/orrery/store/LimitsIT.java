package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.domain.LockName;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.task.DependencyType;
import dev.orrery.domain.task.Limit;
import dev.orrery.domain.task.Rate;
import dev.orrery.domain.task.TaskSource;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.WorkRepository.Held;
import dev.orrery.testing.Graphs;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What DAGs and keys allow their tasks: who is claimed, who waits, and who is next. */
class LimitsIT extends LimitsBase {

    private static final String NO_RATE = "null, null";
    private static final Json DEFINITION =
            DagJson.writeSingle(Graphs.tasks("t").getFirst().doing(new TaskType.FunctionCall("noop")));

    @Test
    void aDagHasAtMostSoManyClaimsAndOthersTakeThePlacesOfItsTasks() throws SQLException {
        create(publishLimited("2", NO_RATE, tasks("a", 4, "default")));
        create(publish(tasks("b", 2, "default")));

        var exchange = claim(9);

        assertThat(names(exchange)).containsExactlyInAnyOrder("a0", "a1", "b0", "b1");
        assertThat(count("task_ready")).isZero();
        assertThat(count("lock_waits")).isEqualTo(2);
        assertThat(names(claim(9))).isEmpty();
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
    void howeverAnAttemptEndsTheMostUrgentWhoWaitsIsClaimedInTheSameExchange(Verdict verdict) throws SQLException {
        create(publishLimited("1", NO_RATE, tasks("a", 4, "default")));
        var first = claim(9).claims().getFirst();

        var exchange = await(work.commitAndClaim(node, List.of(ended(first, verdict)), List.of("default"), 9));

        assertThat(names(exchange)).containsExactly("a1");
    }

    @Test
    void whatIsGivenBackLeavesItsPlaceAndMayHaveItAgain() throws SQLException {
        create(publishLimited("1", NO_RATE, tasks("a", 2, "default")));
        var first = claim(9).claims().getFirst();

        await(work.handBack(node, List.of(new Held(first.id(), first.fence()))));

        assertThat(count("limit_holders")).isZero();
        assertThat(names(claim(9))).containsExactly("a0");
    }

    @Test
    void aNodeThatIsLostLeavesNothingBehind() throws SQLException {
        create(publishLimited("2", NO_RATE, tasks("a", 4, "default")));
        var lost = node;
        var claims = claim(9).claims();
        await(work.commitAndClaim(
                node,
                List.of(new AttemptReport(
                        claims.getFirst().id(),
                        claims.getFirst().versionId(),
                        claims.getFirst().attempt(),
                        claims.getFirst().fence(),
                        1,
                        Optional.empty(),
                        Optional.of(Duration.ZERO))),
                List.of(),
                0));

        execute("UPDATE nodes SET fenced_at = now() WHERE id = '" + lost + "'");
        execute("SELECT give_back('%s', ARRAY[%d]::bigint[], NULL, 'lost')"
                .formatted(lost, claims.getFirst().fence()));

        assertThat(count("limit_holders")).isZero();
        node = aNode();
        assertThat(names(claim(9))).containsExactly("a0", "a1");
        assertThat(count("lock_waits")).isEqualTo(2);
    }

    @Test
    void whoIsCalledAndThenCancelledCallsTheNextOne() throws SQLException {
        var dag = publishLimited("1", NO_RATE, tasks("a", 1, "default"));
        create(dag);
        var first = claim(9).claims().getFirst();
        var second = create(dag);
        create(dag);
        claim(9);
        await(work.commitAndClaim(node, List.of(ended(first, SUCCEED)), List.of(), 0));
        assertThat(count("lock_waits")).isEqualTo(1);

        await(work.cancel(TenantId.DEFAULT, second, Optional.empty()));

        assertThat(claim(9).claims()).hasSize(1);
    }

    @Test
    void aTaskTakesItsLockAndItsPlaceOrNeither() throws SQLException {
        var lock = new LockName("lock");
        var tasks = tasks("a", 3, "default");
        var limited = publishLimited("1", NO_RATE, tasks[0], tasks[1].locking(lock), tasks[2]);
        create(limited);
        var first = claim(9);
        assertThat(names(first)).containsExactly("a0");
        assertThat(database.value("SELECT count(*) FROM locks WHERE holder IS NOT NULL"))
                .isEqualTo("0");
        create(publish(Graphs.task("other", java.util.Set.of(), 0).locking(lock)));
        var other = claim(9);
        assertThat(names(other)).as("the lock was left free").containsExactly("other");

        var third = end(first.claims().getFirst(), 9);

        assertThat(names(third))
                .as("a1 waits for the lock and leaves its place")
                .containsExactly("a2");
        end(third.claims().getFirst(), 0);
        assertThat(names(end(other.claims().getFirst(), 9))).containsExactly("a1");
    }

    @Test
    void whatIsRaisedOrTakenAwayIsLookedAtAtOnce() throws SQLException {
        var dag = publishLimited("1", NO_RATE, tasks("a", 5, "default"));
        create(dag);
        claim(9);

        limit(dag, "3", NO_RATE);
        var woken = await(work.wakeDue(500));

        assertThat(woken.readyQueues()).containsExactly("default");
        assertThat(names(claim(9))).containsExactly("a1", "a2");
        execute("SELECT limit_dag(1, '%s', null, null, null)".formatted(dag));
        await(work.wakeDue(500));
        assertThat(names(claim(9))).containsExactly("a3", "a4");
    }

    @Test
    void aRateKeepsToTheClockOfTheDatabase() throws SQLException {
        var dag = publishLimited("null", "2, 60000", tasks("a", 5, "default"));
        create(dag);

        assertThat(names(claim(9))).as("a full bucket").containsExactly("a0", "a1");
        assertThat(count("lock_waits")).isEqualTo(3);
        assertThat(await(work.wakeDue(500)).nextDue().orElseThrow())
                .isBetween(Duration.ofSeconds(25), Duration.ofSeconds(30));
        pass("29 seconds");
        assertThat(await(work.wakeDue(500)).readyQueues()).isEmpty();
        pass("1 second");
        assertThat(await(work.wakeDue(500)).readyQueues()).containsExactly("default");
        assertThat(names(claim(9))).containsExactly("a2");
        pass("1 day");
        await(work.wakeDue(500));
        assertThat(names(claim(1))).containsExactly("a3");
        assertThat(names(claim(1))).containsExactly("a4");
    }

    /** As if so much time had gone by. */
    private void pass(String time) throws SQLException {
        execute("UPDATE limits SET tokens_at = tokens_at - interval '%s', due_at = due_at - interval '%s'"
                .formatted(time, time));
    }

    @Test
    void ofAKeyForWhichNothingIsSetOneIsClaimedAtATime() throws SQLException {
        givenTasks("customer-7", 3);
        givenTasks("customer-8", 1);

        var exchange = claim(9);

        assertThat(names(exchange)).containsExactlyInAnyOrder("customer-7 1", "customer-8 1");
        assertThat(count("lock_waits")).isEqualTo(2);
        var first = exchange.claims().stream()
                .filter(claim -> value("concurrency_key", claim).equals("customer-7"))
                .findFirst()
                .orElseThrow();
        assertThat(names(end(first, 9))).containsExactly("customer-7 2");
    }

    @Test
    void theKeyItselfGoesBeforeTheLongestBeginning() throws SQLException {
        set("*", 4);
        set("customer-*", 2);
        set("customer-7", 3);
        set("customer-77*", 1);
        for (var key : List.of("customer-7", "customer-77", "customer-8", "other")) {
            givenTasks(key, 9);
        }

        claim(99);

        assertThat(claimsOf("customer-7")).isEqualTo(3);
        assertThat(claimsOf("customer-77")).isEqualTo(1);
        assertThat(claimsOf("customer-8")).isEqualTo(2);
        assertThat(claimsOf("other")).isEqualTo(4);
    }

    @Test
    void whatIsSetForKeysIsSeenByThoseWhoWait() throws SQLException {
        givenTasks("customer-7", 9);
        claim(99);
        assertThat(claimsOf("customer-7")).isEqualTo(1);

        set("customer-*", 4);
        await(work.wakeDue(500));
        var claims = new ArrayList<>(claim(99).claims());
        assertThat(claimsOf("customer-7")).isEqualTo(4);

        assertThat(await(queues.deleteLimit(TenantId.DEFAULT, "customer-*"))).isTrue();
        assertThat(await(queues.deleteLimit(TenantId.DEFAULT, "customer-*"))).isFalse();
        await(work.wakeDue(500));
        assertThat(claim(99).claims()).isEmpty();
        for (var claim : claims) {
            end(claim, 0);
        }
        assertThat(claimsOf("customer-7"))
                .as("who ran before the limit was lowered")
                .isEqualTo(1);
        assertThat(claim(99).claims()).isEmpty();
    }

    @Test
    void whatHasAKeyIsGivenBackAndTriedAgainWithinItsLimit() throws SQLException {
        givenTasks("k", 2);
        var first = claim(9).claims().getFirst();
        await(work.handBack(node, List.of(new Held(first.id(), first.fence()))));
        var again = claim(9).claims();
        assertThat(again).hasSize(1);
        await(work.commitAndClaim(
                node,
                List.of(ended(again.getFirst(), new Verdict.Retry(Duration.ofMillis(1), "again", false))),
                List.of(),
                0));
        execute("UPDATE task_timers SET due_at = now()");
        await(work.wakeDue(9));

        assertThat(claim(9).claims()).hasSize(1);
        assertThat(count("lock_waits")).isEqualTo(1);
    }

    @Test
    void keysOfTenantsAreTheirOwn() throws SQLException {
        execute("INSERT INTO tenants (name) VALUES ('acme')");
        givenTasks("k", 2);
        givenTasks(2, "k", 2);
        await(queues.setLimit(new TenantId(2), "*", Limit.ofRunning(2)));

        claim(9);

        assertThat(count("limit_holders h JOIN limits l ON l.id = h.limit_id WHERE l.tenant_id = 1"))
                .isEqualTo(1);
        assertThat(count("limit_holders h JOIN limits l ON l.id = h.limit_id WHERE l.tenant_id = 2"))
                .isEqualTo(2);
        assertThat(await(queues.limits(TenantId.DEFAULT, "", 9))).isEmpty();
        assertThat(await(queues.limits(new TenantId(2), "", 9))).hasSize(1);
    }

    @Test
    void aRateOfKeysIsOneForEach() throws SQLException {
        await(queues.setLimit(
                TenantId.DEFAULT,
                "c*",
                new Limit(OptionalInt.empty(), Optional.of(new Rate(2, Duration.ofMinutes(1))))));
        givenTasks("c1", 5);
        givenTasks("c2", 5);

        claim(99);

        assertThat(claimsOf("c1")).isEqualTo(2);
        assertThat(claimsOf("c2")).isEqualTo(2);
    }

    @Test
    void tenThousandKeysOfAnyLettersAreClaimedAndForgotten() throws SQLException {
        var keys = new ArrayList<String>();
        for (var n = 0; n < 10_000; n++) {
            keys.add((n % 3 == 0 ? "日本-" : n % 3 == 1 ? "'; DROP TABLE limits; --" : "%_*\\😀") + n);
        }
        insertTasks(1, keys);

        var claimed = 0;
        while (claimed < 10_000) {
            var claims = claim(500).claims();
            assertThat(claims).hasSize(500);
            claimed += claims.size();
            await(work.commitAndClaim(
                    node, claims.stream().map(claim -> ended(claim, SUCCEED)).toList(), List.of(), 0));
        }

        assertThat(count("limits")).isEqualTo(10_000);
        assertThat(count("limit_holders")).isZero();
        assertThat(database.value("SELECT purge_idle_keys(6000)")).isEqualTo("6000");
        assertThat(database.value("SELECT purge_idle_keys(6000)")).isEqualTo("4000");
        assertThat(count("limits")).isZero();
    }

    @Test
    void aKeyThatIsUsedOrWaitedForIsNotForgotten() throws SQLException {
        givenTasks("used", 2);
        var claim = claim(9).claims().getFirst();

        assertThat(database.value("SELECT purge_idle_keys(9)")).isEqualTo("0");

        assertThat(end(claim, 9).claims()).hasSize(1);
    }

    @Test
    void tellsWhatATaskWaitsForAndWhoHasIt() throws SQLException {
        givenTasks("k", 2);
        var first = claim(9).claims().getFirst();
        var waiting = database.value("SELECT id FROM lock_waits");

        assertThat(database.value("SELECT (kind, name, max_running, running, holders) FROM limit_holders_of('%s')"
                        .formatted(waiting)))
                .isEqualTo("(key,k,1,1,{%s})".formatted(first.id()));
        assertThat(count("limit_holders_of('%s')".formatted(first.id()))).isZero();
    }

    @Test
    void whoIsWithdrawnLeavesThePlaceToTheNextOne() throws SQLException {
        givenTasks("k", 3);
        var first = claim(9).claims().getFirst();
        await(work.commitAndClaim(node, List.of(ended(first, SUCCEED)), List.of(), 0));
        var called = database.value("SELECT id FROM task_ready");

        assertThat(database.value(
                        "SELECT (gone, attempts, queues) FROM withdraw_tasks(ARRAY['%s']::uuid[])".formatted(called)))
                .isEqualTo("({%s},{0},{default})".formatted(called));

        assertThat(names(claim(9))).containsExactly("k 3");
        execute("DELETE FROM task_instances WHERE id = '%s'".formatted(called));
    }

    private void set(String key, int count) {
        await(queues.setLimit(TenantId.DEFAULT, key, Limit.ofRunning(count)));
    }

    private int claimsOf(String key) throws SQLException {
        return count("limit_holders h JOIN limits l ON l.id = h.limit_id WHERE l.name = '" + key + "'");
    }

    private String value(String column, Claim claim) {
        return database.value("SELECT %s FROM task_instances WHERE id = '%s'".formatted(column, claim.id()));
    }

    private void givenTasks(String key, int count) throws SQLException {
        givenTasks(1, key, count);
    }

    private void givenTasks(int tenant, String key, int count) throws SQLException {
        insertTasks(tenant, java.util.Collections.nCopies(count, key));
    }

    /** Single tasks that are ready, each named by its key and number. */
    private void insertTasks(int tenant, List<String> keys) {
        var tasks = new SingleTaskRepository(vertx, pools.hot(), new SingleTaskRepository.Limits(50, 10));
        var submitted = new ArrayList<NewTask>();
        for (var key : keys) {
            submitted.add(new NewTask(
                    key + " " + (submitted.size() + 1),
                    DEFINITION,
                    Optional.empty(),
                    "default",
                    5,
                    Optional.empty(),
                    Optional.empty(),
                    TaskSource.API,
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    List.of(),
                    DependencyType.SEQUENTIAL,
                    List.of(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.of(key),
                    Duration.ofMinutes(1)));
        }
        var base = IDS.next(System.currentTimeMillis());
        assertThat(await(tasks.submit(
                        List.of(new TaskSubmission(new TenantId(tenant), base, submitted, Optional.empty())))))
                .hasOnlyElementsOfType(SubmissionResult.Created.class);
    }
}

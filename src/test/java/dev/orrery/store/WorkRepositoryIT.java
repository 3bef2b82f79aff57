package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.DagId;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.WorkRepository.Held;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class WorkRepositoryIT {

    private static final List<String> QUEUES = List.of("default");
    private static final Verdict SUCCEED = new Verdict.Succeed(Json.NULL);
    private static final Verdict FAIL = new Verdict.Fail("it broke");
    private static final IdSequence IDS = new IdSequence(System.nanoTime());

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Pools pools;
    private WorkRepository work;
    private NodeId node;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 4, 100);
        work = new WorkRepository(vertx, pools.hot());
        node = aNode();
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    @Test
    void aNewRunHasItsRootsReadyAndTheRestBlocked() throws SQLException {
        var run = givenARun("a", "b <- a", "c <- a b");

        assertThat(states(run)).isEqualTo("a ready, b blocked, c blocked");
        assertThat(runState(run)).isEqualTo("pending");
    }

    @Test
    void aTaskIsReleasedInTheCommitThatEndsItsLastDependency() throws SQLException {
        var run = givenARun("a", "b <- a", "c <- a b");

        end(claimOne(), SUCCEED);
        assertThat(states(run)).isEqualTo("a succeeded, b ready, c blocked");
        assertThat(runState(run)).isEqualTo("running");
        end(claimOne(), SUCCEED);
        end(claimOne(), SUCCEED);

        assertThat(states(run)).isEqualTo("a succeeded, b succeeded, c succeeded");
        assertThat(runState(run)).isEqualTo("succeeded");
        assertThat(count("claim_batches")).isZero();
    }

    @Test
    void parentsThatEndInOneBatchAreAllCounted() throws SQLException {
        var run = givenARun("a", "b", "c", "d <- a b c");

        var claims = claim(10);
        commit(claims.stream().map(claim -> ended(claim, SUCCEED)).toList());

        assertThat(states(run)).isEqualTo("a succeeded, b succeeded, c succeeded, d ready");
    }

    @Test
    void whatCannotBeStoredIsCleanedAndHarmsNoOther() throws SQLException {
        var run = givenARun("a", "b", "c");
        var claims = claim(3);

        commit(List.of(
                ended(claims.get(0), new Verdict.Succeed(new Json("[\"\\u0000\\ud800\",1e999999]"))),
                ended(claims.get(1), new Verdict.Fail("a\0b\uD800")),
                ended(claims.get(2), SUCCEED)));

        assertThat(states(run)).isEqualTo("a succeeded, b failed, c succeeded");
        assertThat(database.value("SELECT output FROM task_outputs")).isEqualTo("[\"\\ufffd\\ufffd\",1e999999]");
        assertThat(database.value("SELECT error FROM dead_letters")).isEqualTo("a\uFFFDb\uFFFD");
    }

    @Test
    void aTaskIsToldAlikeAloneAndAmongAllOfItsRun() throws SQLException {
        var run = givenARun(
                "queued",
                "running",
                "again",
                "retrying",
                "done",
                "failed",
                "late",
                "asked",
                "ready",
                "waits <- ready",
                "skipped <- failed");
        var claims = new HashMap<String, Claim>();
        for (var name : List.of("queued", "running", "again", "retrying", "done", "failed", "late", "asked")) {
            claims.put(name, claimOne());
        }
        var retry = new Verdict.Retry(Duration.ofHours(1), "once more", false);
        commit(List.of(
                report(claims.get("running"), Optional.empty()),
                report(claims.get("again"), Optional.empty()),
                ended(claims.get("retrying"), retry),
                ended(claims.get("done"), new Verdict.Succeed(new Json("1"))),
                ended(claims.get("failed"), FAIL),
                ended(claims.get("late"), new Verdict.TimeOut("too late")),
                ended(claims.get("asked"), new Verdict.Cancel())));
        await(work.handBack(
                node,
                List.of(new Held(claims.get("again").id(), claims.get("again").fence()))));
        var tasks = new TaskInstanceRepository(vertx, pools.api());

        var all = await(tasks.getByRunId(TenantId.DEFAULT, run));

        assertThat(all)
                .map(stored -> stored.instance().taskId() + " "
                        + stored.instance().state().wireName())
                .containsExactly(
                        "queued queued",
                        "running running",
                        "again ready",
                        "retrying retrying",
                        "done succeeded",
                        "failed failed",
                        "late timed_out",
                        "asked cancelled",
                        "ready ready",
                        "waits blocked",
                        "skipped skipped");
        for (var stored : all) {
            var alone =
                    await(tasks.get(TenantId.DEFAULT, stored.instance().id())).orElseThrow();
            assertThat(alone)
                    .usingRecursiveComparison()
                    .ignoringFields("instance.output")
                    .isEqualTo(stored);
        }
        assertThat(await(tasks.getByRunId(new TenantId(2), run))).isEmpty();
    }

    @Test
    void inGraphsOfManyEdgesEveryTaskIsReleasedOnce() throws SQLException {
        var fan = new ArrayList<String>(List.of("first"));
        IntStream.range(0, 3_000).forEach(n -> fan.add("m" + n + " <- first"));
        fan.add("last <- " + names("m", 3_000, 0, 3_000));
        var layers = new ArrayList<String>();
        IntStream.range(0, 3_000).forEach(n -> layers.add("u" + n));
        // Ten dependencies each, spread so that nearly every batch touches nearly every task below.
        IntStream.range(0, 3_000).forEach(n -> layers.add("d" + n + " <- " + names("u", 3_000, n, 10)));

        for (var lines : List.of(fan, layers)) {
            var run = givenARun(lines.toArray(String[]::new));
            for (var claims = claim(500); !claims.isEmpty(); claims = claim(500)) {
                commit(claims.stream().map(claim -> ended(claim, SUCCEED)).toList());
            }

            assertThat(runState(run)).isEqualTo("succeeded");
        }
        assertThat(count("task_wait")).isZero();
    }

    private static String names(String prefix, int of, int from, int count) {
        return IntStream.range(0, count)
                .mapToObj(n -> prefix + (from + n * (count == of ? 1 : 299)) % of)
                .collect(Collectors.joining(" "));
    }

    @Test
    void parentsThatEndInBatchesAtOnceAreAllCounted() throws SQLException {
        var roots = IntStream.range(0, 40).mapToObj(n -> "r" + n).toList();
        var lines = new ArrayList<>(roots);
        lines.add("join <- " + String.join(" ", roots));
        var run = givenARun(lines.toArray(String[]::new));
        var claims = claim(100);

        await(Future.all(claims.stream()
                .map(claim -> work.commitAndClaim(node, List.of(ended(claim, SUCCEED)), QUEUES, 0))
                .toList()));

        assertThat(states(run)).contains("join ready");
    }

    @Test
    void claimantsAtOnceNeverShareATask() throws SQLException {
        givenARun(IntStream.range(0, 200).mapToObj(n -> "t" + n).toArray(String[]::new));

        var claims = await(Future.all(IntStream.range(0, 20)
                        .mapToObj(_ -> work.commitAndClaim(node, List.of(), QUEUES, 10))
                        .toList()))
                .<WorkRepository.Exchange>list()
                .stream()
                .flatMap(exchange -> exchange.claims().stream())
                .toList();

        assertThat(claims).extracting(Claim::id).doesNotHaveDuplicates();
        assertThat(claims).hasSize(200);
    }

    @Test
    void theMostUrgentTaskIsClaimedFirst() throws SQLException {
        var low = Graphs.task("low", Set.of(), 1);
        var high = Graphs.task("high", Set.of(), 9);
        var lowButAwaited = Graphs.task("awaited", Set.of(), 0);
        var urgent = Graphs.task("urgent", Set.of(new TaskId("awaited")), 10);
        givenARunOf(List.of(low, high, lowButAwaited, urgent));

        var order = claim(3).stream().map(claim -> claim.id().taskNumber()).toList();

        assertThat(order).containsExactly(3, 2, 1);
    }

    @Test
    void aResultUnderAnotherFenceChangesNothing() throws SQLException {
        var run = givenARun("a", "b <- a");
        var claim = claimOne();

        var stale = new Claim(
                claim.id(), claim.versionId(), claim.attempt(), claim.failures(), claim.fence() + 1, claim.lockFence());
        var refused = commit(List.of(ended(stale, SUCCEED)));
        assertThat(refused.accepted()).isEmpty();
        assertThat(states(run)).isEqualTo("a queued, b blocked");

        assertThat(end(claim, SUCCEED).accepted()).containsExactly(claim.id());
    }

    @Test
    void aResultToldTwiceIsAcceptedTwiceAndCountsOnce() throws SQLException {
        var run = givenARun("a", "b <- a");
        var claim = claimOne();

        end(claim, SUCCEED);
        var again = end(claim, SUCCEED);

        assertThat(again.accepted()).containsExactly(claim.id());
        assertThat(states(run)).isEqualTo("a succeeded, b ready");
        assertThat(end(claim, FAIL).accepted()).isEmpty();
    }

    @Test
    void aStartIsSeenAndCompletedByItsResult() throws SQLException {
        var run = givenARun("a");
        var claim = claimOne();

        commit(List.of(report(claim, Optional.empty())));
        assertThat(states(run)).isEqualTo("a running");
        assertThat(runState(run)).isEqualTo("running");
        end(claim, SUCCEED);

        assertThat(states(run)).isEqualTo("a succeeded");
        assertThat(count("task_attempts")).isOne();
    }

    @Test
    void whatStandsBehindAFailureIsSkippedAndTheRestRunsOn() throws SQLException {
        var run = givenARun("a", "b", "c <- a", "d <- c", "e <- b", "f <- d e");

        var claims = claim(2);
        commit(List.of(ended(claims.get(0), FAIL), ended(claims.get(1), SUCCEED)));
        assertThat(states(run)).isEqualTo("a failed, b succeeded, c skipped, d skipped, e ready, f skipped");
        end(claimOne(), SUCCEED);

        assertThat(runState(run)).isEqualTo("failed");
        assertThat(count("dead_letters")).isOne();
        assertThat(count("task_wait")).isZero();
    }

    @Test
    void aRetryWaitsForItsTimeAndIsChargedOnce() throws SQLException {
        var run = givenARun("a");
        end(claimOne(), new Verdict.Retry(Duration.ofMillis(1), "try again", false));
        assertThat(states(run)).isEqualTo("a retrying");

        until("the retry is due", () -> await(work.wakeDue(100)).count() == 1);
        assertThat(states(run)).isEqualTo("a ready");
        var second = claimOne();

        assertThat(second.attempt()).isEqualTo(2);
        assertThat(second.failures()).isEqualTo(1);
    }

    @Test
    void cancellingARunEndsWhatIsNotClaimedAndAsksForTheRest() throws SQLException {
        var run = givenARun("a", "b", "c", "d <- a b c");
        var retried = claimOne();
        end(retried, new Verdict.Retry(Duration.ofHours(1), "later", false));
        var held = claimOne();

        var cancelled =
                await(work.cancel(TenantId.DEFAULT, run, Optional.empty())).orElseThrow();
        assertThat(cancelled.nodes()).containsExactly(node);
        assertThat(states(run)).isEqualTo("a cancelled, b queued, c cancelled, d cancelled");
        assertThat(runState(run)).isEqualTo("cancelling");
        assertThat(await(work.cancel(TenantId.DEFAULT, run, Optional.empty()))).isPresent();
        end(held, new Verdict.Cancel());

        assertThat(states(run)).isEqualTo("a cancelled, b cancelled, c cancelled, d cancelled");
        assertThat(runState(run)).isEqualTo("cancelled");
        assertThat(count("cancel_requests")).isZero();
    }

    @Test
    void cancellingATaskSkipsItsDependents() throws SQLException {
        var run = givenARun("a", "b", "c <- a");

        await(work.cancel(TenantId.DEFAULT, run, Optional.of(new TaskId("a"))));
        assertThat(states(run)).isEqualTo("a cancelled, b ready, c skipped");
        end(claimOne(), SUCCEED);

        assertThat(runState(run)).isEqualTo("cancelled");
    }

    @Test
    void whatIsHandedBackKeepsItsNumberUnlessItBegan() throws SQLException {
        var run = givenARun("a", "b");
        var claims = claim(2);
        commit(List.of(report(claims.get(0), Optional.empty())));

        await(work.handBack(
                node,
                claims.stream()
                        .map(claim -> new Held(claim.id(), claim.fence()))
                        .toList()));
        assertThat(states(run)).isEqualTo("a ready, b ready");
        assertThat(count("claim_batches")).isZero();
        assertThat(end(claims.get(1), SUCCEED).accepted()).isEmpty();

        assertThat(claim(2)).extracting(Claim::attempt).containsExactly(2, 1);
    }

    @Test
    void aFencedNodeClaimsNothing() throws SQLException {
        givenARun("a");
        execute("UPDATE nodes SET fenced_at = now()");

        assertThat(claim(1)).isEmpty();
    }

    private RunId givenARun(String... lines) throws SQLException {
        return givenARunOf(Graphs.tasks(lines));
    }

    private RunId givenARunOf(List<TaskDefinition> tasks) throws SQLException {
        return create(Graphs.publish(database, tasks));
    }

    private RunId create(DagId dag) {
        var run = new NewRun(
                new RunId(IDS.next(System.currentTimeMillis())),
                TenantId.DEFAULT,
                dag,
                Trigger.API,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        assertThat(await(work.createRuns(List.of(run)))).hasOnlyElementsOfType(NewRun.Result.Created.class);
        return run.id();
    }

    private NodeId aNode() throws SQLException {
        var id = new NodeId(IDS.next(System.currentTimeMillis()));
        execute("INSERT INTO nodes (id, name, pid, mode, version) VALUES ('%s', 'n', 1, 'standalone', 'x')"
                .formatted(id));
        return id;
    }

    private List<Claim> claim(int limit) {
        return await(work.commitAndClaim(node, List.of(), QUEUES, limit)).claims();
    }

    private Claim claimOne() {
        return claim(1).getFirst();
    }

    private WorkRepository.Exchange end(Claim claim, Verdict verdict) {
        return commit(List.of(ended(claim, verdict)));
    }

    private WorkRepository.Exchange commit(List<AttemptReport> reports) {
        return await(work.commitAndClaim(node, reports, QUEUES, 0));
    }

    private static AttemptReport ended(Claim claim, Verdict verdict) {
        return report(claim, Optional.of(verdict));
    }

    private static AttemptReport report(Claim claim, Optional<Verdict> verdict) {
        return new AttemptReport(
                claim.id(),
                claim.versionId(),
                claim.attempt(),
                claim.fence(),
                1,
                verdict,
                Optional.of(Duration.ofMillis(1)));
    }

    /** The states of a run's tasks in file order, derived from where their rows stand. */
    private String states(RunId run) throws SQLException {
        var states = new TreeMap<Integer, String>();
        try (var connection = database.connect();
                var query = connection.prepareStatement("SELECT id, task_id FROM task_instances WHERE run_id = ?")) {
            query.setObject(1, run.value());
            try (var rows = query.executeQuery()) {
                while (rows.next()) {
                    var id = new TaskInstanceId(rows.getObject(1, java.util.UUID.class));
                    states.put(id.taskNumber(), rows.getString(2) + " " + state(id));
                }
            }
        }
        return String.join(", ", states.values());
    }

    private String state(TaskInstanceId id) throws SQLException {
        var sql = """
                SELECT CASE WHEN EXISTS (SELECT FROM task_wait WHERE id = $id) THEN 'blocked'
                            WHEN EXISTS (SELECT FROM task_ready WHERE id = $id) THEN 'ready'
                            WHEN EXISTS (SELECT FROM task_timers WHERE ref = $id) THEN 'retrying'
                            ELSE coalesce((SELECT state::text FROM task_attempts WHERE task_id = $id
                                           ORDER BY attempt DESC LIMIT 1), 'queued') END
                """.replace("$id", "'" + id + "'::uuid");
        return query(sql);
    }

    private String runState(RunId run) throws SQLException {
        return query("SELECT state FROM dag_runs WHERE id = '" + run + "'");
    }

    private int count(String table) throws SQLException {
        return Integer.parseInt(query("SELECT count(*) FROM " + table));
    }

    private String query(String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        }
    }

    private void execute(String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}

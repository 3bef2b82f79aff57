package dev.orrery.service;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.orrery.domain.DagId;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.DagDraft;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.AttemptReport;
import dev.orrery.store.Claim;
import dev.orrery.store.DagPublication;
import dev.orrery.store.DagRepository;
import dev.orrery.store.DagRunRepository;
import dev.orrery.store.DagVersions;
import dev.orrery.store.EventRepository;
import dev.orrery.store.LogRepository;
import dev.orrery.store.NewRun;
import dev.orrery.store.Pools;
import dev.orrery.store.WorkRepository;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EventFeedIT {

    private static final TenantId TENANT = TenantId.DEFAULT;
    private static final IdSequence IDS = new IdSequence(System.nanoTime());
    private static final Verdict SUCCEED = new Verdict.Succeed(Json.NULL);
    private static final List<String> QUEUES = List.of("default");
    private static final Optional<String> FROM_THE_BEGINNING = Optional.empty();

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Pools pools;
    private WorkRepository work;
    private DagVersions versions;
    private EventFeed feed;
    private NodeId node;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 6, 200);
        work = new WorkRepository(vertx, pools.hot());
        versions = new DagVersions(vertx, pools.api(), 10_000_000);
        feed = feed(10_000_000);
        node = new NodeId(IDS.next(System.currentTimeMillis()));
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
    void theStateOfEverythingComesFirstThenEachChangeThenTheEnd() {
        var run = aRun("a", "b <- a");
        try (var events = open(run)) {
            assertThat(told(await(events.next()))).isEqualTo("a ready, b blocked, run pending");

            var a = claimOne();
            commit(a, Optional.empty());
            assertThat(told(await(events.next()))).isEqualTo("a running, run running");
            commit(a, Optional.of(SUCCEED));
            assertThat(told(await(events.next()))).isEqualTo("a succeeded, b ready");
            commit(claimOne(), Optional.of(SUCCEED));
            assertThat(told(await(events.next()))).isEqualTo("b succeeded, run succeeded");

            assertThat(await(events.next())).isEmpty();
        }
    }

    @Test
    void whoComesWhileTooManyEventsWaitIsTurnedAwayUntilTheyAreRead() {
        var run = aRun(IntStream.range(0, 60).mapToObj(n -> "t" + n).toArray(String[]::new));
        feed = feed(100 * 2 * 100);

        var first = await(feed.open(TENANT, run, FROM_THE_BEGINNING));
        assertThatThrownBy(() -> open(run))
                .isInstanceOfSatisfying(
                        OrreryException.class, error -> assertThat(error.code()).isEqualTo(ErrorCode.OVERLOADED));
        await(first.next());
        open(run).close();

        var second = await(feed.open(TENANT, run, FROM_THE_BEGINNING));
        assertThatThrownBy(() -> open(run)).isInstanceOf(OrreryException.class);
        second.close();
        open(run).close();
        first.close();
    }

    @Test
    void whatIsNotKeptIsReadFromTheDatabase() {
        feed = feed(1);
        var run = aRun("a", "b <- a");
        try (var events = open(run)) {
            await(events.next());

            for (var end = 0; end < 2; end++) {
                commit(claimOne(), Optional.of(SUCCEED));
            }

            var told = new ArrayList<RunEvent>();
            for (var next = await(events.next()); !next.isEmpty(); next = await(events.next())) {
                told.addAll(next);
            }
            assertThat(told(told)).isEqualTo("a succeeded, b ready, run running, b succeeded, run succeeded");
        }
    }

    @Test
    void aReaderThatIsFarBehindWhileTooManyEventsWaitIsBrokenOffAndGoesOnLater() throws SQLException {
        var run = aRun(IntStream.range(0, 700).mapToObj(n -> "t" + n).toArray(String[]::new));
        feed = feed(100 * 2 * 100);
        String last;
        try (var events = open(run)) {
            var all = new ArrayList<>(await(events.next()));
            all.addAll(await(events.next()));
            last = all.getLast().id();

            commitAll(claim(700));

            assertThatThrownBy(() -> await(events.next()))
                    .isInstanceOfSatisfying(
                            OrreryException.class,
                            error -> assertThat(error.code()).isEqualTo(ErrorCode.OVERLOADED));
        }

        feed = feed(10_000_000);
        assertThat(readToTheEnd(run, Optional.of(last))).hasSize(701);
    }

    private void commitAll(List<Claim> claims) {
        var reports = claims.stream()
                .map(claim -> report(claim, Optional.of(SUCCEED)))
                .toList();
        await(work.commitAndClaim(node, reports, QUEUES, 0));
    }

    @Test
    void aSignalIsFasterThanThePoll() {
        var run = aRun("a");
        try (var events = open(run)) {
            await(events.next());
            var next = events.next();
            var began = System.nanoTime();

            commit(claimOne(), Optional.of(SUCCEED));
            feed.signal();

            await(next);
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofMillis(900));
        }
    }

    @Test
    void ofARunThatHasEndedAllIsToldAtOnce() {
        var run = aRun("a");
        commit(claimOne(), Optional.of(SUCCEED));

        try (var events = open(run)) {
            assertThat(told(await(events.next()))).isEqualTo("a succeeded, run succeeded");
            assertThat(await(events.next())).isEmpty();
        }
    }

    @Test
    void afterAnyEventTheRestFollowsWithoutAGap() {
        var run = aRun("a", "b", "c <- a b", "d <- c");
        var all = new ArrayList<RunEvent>();
        try (var events = open(run)) {
            all.addAll(await(events.next()));
            for (var claims = claim(2); !claims.isEmpty(); claims = claim(2)) {
                claims.forEach(claim -> commit(claim, Optional.empty()));
                await(work.commitAndClaim(
                        node,
                        claims.stream()
                                .map(claim -> report(claim, Optional.of(SUCCEED)))
                                .toList(),
                        QUEUES,
                        0));
            }
            for (var next = await(events.next()); !next.isEmpty(); next = await(events.next())) {
                all.addAll(next);
            }
        }
        var whole = told(all);
        assertThat(whole).endsWith("d succeeded, run succeeded");

        for (var n = 4; n < all.size(); n++) {
            var rest = readToTheEnd(run, Optional.of(all.get(n).id()));
            var missing = told(all.subList(n + 1, all.size()));

            assertThat(told(rest)).endsWith(missing);
            assertThat(whole).endsWith(told(rest));
        }
        assertThat(readToTheEnd(run, Optional.of(all.getLast().id()))).isEmpty();
    }

    @Test
    void whoBrokeOffInTheFirstEventsOrNamesNoEventBeginsAnew() {
        var run = aRun("a");
        String first;
        try (var events = open(run)) {
            first = await(events.next()).getFirst().id();
        }

        for (var id : List.of(first, "nonsense", "-1", "999999999", "99999999999999999999999")) {
            try (var events = await(feed.open(TENANT, run, Optional.of(id)))) {
                assertThat(told(await(events.next()))).isEqualTo("reset, a ready, run pending");
            }
        }
    }

    /** One transaction is older, but waits for the other at this run, and a third is open all the while. */
    @Test
    void changesAreToldInTheOrderOfTheirCommitsWhateverTheAgeOfTheirTransactions() throws SQLException {
        var other = aRun("x");
        var run = aRun("a");
        try (var events = open(run);
                var older = transaction();
                var bystander = transaction();
                var younger = transaction()) {
            await(events.next());
            lock(older, other);
            execute(bystander, "SELECT pg_current_xact_id()");
            lock(younger, run);

            event(younger, run, "NULL", "queued", "running");
            younger.commit();
            lock(older, run);
            event(older, run, "'succeeded'", "running", "succeeded");
            execute(
                    older,
                    "UPDATE dag_runs SET state = 'succeeded', remaining = 0, completed_at = now() WHERE id = '" + run
                            + "'");
            older.commit();
            feed.signal();

            var all = new ArrayList<RunEvent>();
            for (var next = await(events.next()); !next.isEmpty(); next = await(events.next())) {
                all.addAll(next);
            }
            assertThat(told(all)).isEqualTo("a running, a succeeded, run succeeded");
        }
    }

    @Test
    void aSlowReaderHearsEverythingInOrder() throws SQLException {
        var lines = IntStream.range(0, 60).mapToObj(n -> "t" + n).toArray(String[]::new);
        var run = aRun(lines);
        try (var slow = open(run);
                var fast = open(run)) {
            await(slow.next());
            await(fast.next());
            for (var n = 0; n < 100; n++) {
                execute("""
                        INSERT INTO task_events (tenant_id, run_id, task_nos, froms, tos, attempts, fences, workers)
                        SELECT 1, '%s', array_agg(t), array_agg('queued'::task_state), array_agg('running'::task_state),
                               array_agg(%d::smallint), array_agg(1::bigint), array_agg(1::smallint)
                        FROM generate_series(1, 60) t
                        """.formatted(run, n));
            }
            feed.signal();
            assertThat(attempts(fast, 6_000)).isEqualTo(attempts(slow, 6_000)).isSorted();
        }
    }

    @Test
    void aRunThatIsDeletedEndsItsStream() {
        var run = aRun("a");
        try (var events = open(run)) {
            await(events.next());
            commit(claimOne(), Optional.of(SUCCEED));

            assertThat(await(new DagRunRepository(vertx, pools.api()).delete(TENANT, run)))
                    .isEqualTo(DagRunRepository.Deletion.DELETED);

            var rest = await(events.next());
            assertThat(rest.isEmpty() || await(events.next()).isEmpty()).isTrue();
        }
    }

    @Test
    void anUnknownRunAndThatOfAnotherTenantAreNotFound() {
        var run = aRun("a");

        for (var failure : List.of(
                catchThrowableOfType(
                        OrreryException.class,
                        () -> await(feed.open(TENANT, new RunId(new UUID(1, 0)), FROM_THE_BEGINNING))),
                catchThrowableOfType(
                        OrreryException.class, () -> await(feed.open(new TenantId(9), run, FROM_THE_BEGINNING))))) {
            assertThat(failure.code()).isEqualTo(ErrorCode.RUN_NOT_FOUND);
        }
    }

    @Test
    void tooManyReadersAreRefusedAndThoseThatLeaveMakeRoom() {
        var run = aRun("a");
        var open = new ArrayList<RunEvents>();
        var unknown = catchThrowableOfType(
                OrreryException.class, () -> await(feed.open(TENANT, new RunId(new UUID(1, 0)), FROM_THE_BEGINNING)));
        for (var n = 0; n < EventFeed.MAX_READERS; n++) {
            open.add(open(run));
        }

        var refused = catchThrowableOfType(OrreryException.class, () -> open(run));
        open.forEach(RunEvents::close);
        open.getFirst().close();

        assertThat(unknown).isNotNull();
        assertThat(refused.code()).isEqualTo(ErrorCode.OVERLOADED);
        assertThat(open(run)).isNotNull();
    }

    @Test
    void whoWaitsHearsThatItWasClosed() {
        var events = open(aRun("a"));
        await(events.next());
        var next = events.next();

        events.close();

        until("it is answered", next::isComplete);
        assertThat(next.failed()).isTrue();
    }

    @Test
    void howFarARunningTaskHasComeIsToldOnceForEachPercentage() {
        var run = aRun("a", "b");
        try (var events = open(run)) {
            await(events.next());
            var claims = claim(2);
            commit(claims.getFirst(), Optional.empty());
            assertThat(told(await(events.next()))).isEqualTo("a running, run running");
            commit(claims.getLast(), Optional.empty());
            assertThat(told(await(events.next()))).isEqualTo("b running");

            tells(claims.getFirst(), 20);
            var first = await(events.next());
            tells(claims.getFirst(), 60);
            var second = await(events.next());
            tells(claims.getLast(), 10);
            var third = await(events.next());

            assertThat(told(first)).isEqualTo("a 20%");
            assertThat(told(second)).isEqualTo("a 60%");
            assertThat(told(third)).as("only what is new").isEqualTo("b 10%");
            try (var later = open(run)) {
                assertThat(told(await(later.next()))).isEqualTo("a running, a 60%, b running, b 10%, run running");
            }
            try (var again =
                    await(feed.open(TENANT, run, Optional.of(first.getFirst().id())))) {
                assertThat(told(await(again.next())).split(", ")).containsExactlyInAnyOrder("a 60%", "b 10%");
            }
            tells(claims.getFirst(), 90);
            commit(claims.getFirst(), Optional.of(SUCCEED));
            var rest = new ArrayList<RunEvent>();
            while (!told(rest).contains("succeeded")) {
                rest.addAll(await(events.next()));
            }
            assertThat(told(rest)).endsWith("a succeeded");
        }
    }

    private void tells(Claim claim, int percent) {
        await(new LogRepository(vertx, pools.api())
                .progress(List.of(new LogRepository.Progress(claim.id(), claim.attempt(), percent))));
    }

    private RunEvents open(RunId run) {
        return await(feed.open(TENANT, run, FROM_THE_BEGINNING));
    }

    private EventFeed feed(long bytes) {
        return new EventFeed(vertx, new EventRepository(vertx, pools.api()), versions::version, bytes);
    }

    private List<RunEvent> readToTheEnd(RunId run, Optional<String> id) {
        var all = new ArrayList<RunEvent>();
        try (var events = await(feed.open(TENANT, run, id))) {
            for (var next = await(events.next()); !next.isEmpty(); next = await(events.next())) {
                all.addAll(next);
            }
        }
        return all;
    }

    private static List<Integer> attempts(RunEvents events, int count) {
        var attempts = new ArrayList<Integer>();
        while (attempts.size() < count) {
            for (var event : await(events.next())) {
                attempts.add(((RunEvent.Task) event).attempt());
            }
        }
        return attempts;
    }

    private static String told(List<RunEvent> events) {
        return String.join(
                ", ",
                events.stream()
                        .map(event -> switch (event) {
                            case RunEvent.Task task ->
                                task.taskId() + " " + task.state().wireName();
                            case RunEvent.Progress progress -> progress.taskId() + " " + progress.percent() + "%";
                            case RunEvent.Run run -> "run " + run.state().wireName();
                            case RunEvent.Reset _ -> "reset";
                        })
                        .toList());
    }

    private RunId aRun(String... lines) {
        var id = new DagId(IDS.next(System.currentTimeMillis()));
        var draft = new DagDraft(
                Optional.of("dag-" + id),
                Optional.empty(),
                Graphs.tasks(lines),
                Optional.empty(),
                DagDraft.DEFAULT_TIMEZONE);
        await(new DagRepository(vertx, pools.api()).create(TENANT, id, DagPublication.of(draft, ""), Optional.empty()));
        var run = new NewRun(
                new RunId(IDS.next(System.currentTimeMillis())),
                TENANT,
                id,
                Trigger.API,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        await(work.createRuns(List.of(run)));
        return run.id();
    }

    private List<Claim> claim(int limit) {
        return await(work.commitAndClaim(node, List.of(), QUEUES, limit)).claims();
    }

    private Claim claimOne() {
        return claim(1).getFirst();
    }

    private void commit(Claim claim, Optional<Verdict> verdict) {
        var report = report(claim, verdict);
        assertThat(await(work.commitAndClaim(node, List.of(report), QUEUES, 0)).accepted())
                .containsExactly(claim.id());
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

    private Connection transaction() throws SQLException {
        var connection = database.connect();
        connection.setAutoCommit(false);
        return connection;
    }

    private static void lock(Connection connection, RunId run) throws SQLException {
        execute(connection, "SELECT id FROM dag_runs WHERE id = '" + run + "' FOR NO KEY UPDATE");
    }

    private static void event(Connection connection, RunId run, String runState, String from, String to)
            throws SQLException {
        execute(connection, """
                INSERT INTO task_events (tenant_id, run_id, run_state, task_nos, froms, tos, attempts, fences, workers)
                VALUES (1, '%s', %s, '{1}', '{%s}', '{%s}', '{1}', '{1}', '{1}')
                """.formatted(run, runState, from, to));
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private void execute(String sql) throws SQLException {
        try (var connection = database.connect()) {
            execute(connection, sql);
        }
    }
}

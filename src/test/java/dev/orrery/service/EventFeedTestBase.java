package dev.orrery.service;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.DagId;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.DagDraft;
import dev.orrery.domain.dag.PublishedDag;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.AttemptReport;
import dev.orrery.store.Claim;
import dev.orrery.store.DagPublication;
import dev.orrery.store.DagRepository;
import dev.orrery.store.DagVersions;
import dev.orrery.store.EventRepository;
import dev.orrery.store.LogRepository;
import dev.orrery.store.NewRun;
import dev.orrery.store.Pools;
import dev.orrery.store.WorkRepository;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A database with a node that claims, and a feed of what happens to its runs. */
abstract class EventFeedTestBase {

    static final TenantId TENANT = TenantId.DEFAULT;
    static final IdSequence IDS = new IdSequence(System.nanoTime());
    static final Verdict SUCCEED = new Verdict.Succeed(Json.NULL);
    static final List<String> QUEUES = List.of("default");
    static final Optional<String> FROM_THE_BEGINNING = Optional.empty();

    final Vertx vertx = Vertx.vertx();
    TestDatabase database;
    Pools pools;
    WorkRepository work;
    DagVersions versions;
    EventFeed feed;
    NodeId node;

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

    void commitAll(List<Claim> claims) {
        var reports = claims.stream()
                .map(claim -> report(claim, Optional.of(SUCCEED)))
                .toList();
        await(work.commitAndClaim(node, reports, QUEUES, 0));
    }

    void tells(Claim claim, int percent) {
        await(new LogRepository(vertx, pools.api())
                .progress(List.of(new LogRepository.Progress(claim.id(), claim.attempt(), percent))));
    }

    RunEvents open(RunId run) {
        return await(feed.open(TENANT, run, FROM_THE_BEGINNING));
    }

    EventFeed feed(long bytes) {
        return new EventFeed(vertx, new EventRepository(vertx, pools.api()), versions::version, bytes);
    }

    /** One that looks when it is told to, and finds versions with this. */
    EventFeed feedBySignals(IntFunction<Future<PublishedDag>> versions) {
        return new EventFeed(
                vertx,
                new EventRepository(vertx, pools.api()),
                versions,
                1 << 20,
                Duration.ofHours(1),
                Duration.ofHours(1));
    }

    /** One in which there is room for so many bytes, for which those are slow who were quiet for this long. */
    EventFeed feed(long bytes, Duration slowAfter) {
        return new EventFeed(
                vertx,
                new EventRepository(vertx, pools.api()),
                versions::version,
                bytes,
                Duration.ofSeconds(1),
                slowAfter);
    }

    List<RunEvent> readToTheEnd(RunId run, Optional<String> id) {
        var all = new ArrayList<RunEvent>();
        try (var events = await(feed.open(TENANT, run, id))) {
            for (var next = await(events.next()); !next.isEmpty(); next = await(events.next())) {
                all.addAll(next);
            }
        }
        return all;
    }

    static List<Integer> attempts(RunEvents events, int count) {
        var attempts = new ArrayList<Integer>();
        while (attempts.size() < count) {
            for (var event : await(events.next())) {
                attempts.add(((RunEvent.Task) event).attempt());
            }
        }
        return attempts;
    }

    static String told(List<RunEvent> events) {
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

    RunId aRun(String... lines) {
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

    List<Claim> claim(int limit) {
        return await(work.commitAndClaim(node, List.of(), QUEUES, limit)).claims();
    }

    Claim claimOne() {
        return claim(1).getFirst();
    }

    void commit(Claim claim, Optional<Verdict> verdict) {
        var report = report(claim, verdict);
        assertThat(await(work.commitAndClaim(node, List.of(report), QUEUES, 0)).accepted())
                .containsExactly(claim.id());
    }

    static AttemptReport report(Claim claim, Optional<Verdict> verdict) {
        return new AttemptReport(
                claim.id(),
                claim.versionId(),
                claim.attempt(),
                claim.fence(),
                1,
                verdict,
                Optional.of(Duration.ofMillis(1)));
    }

    Connection transaction() throws SQLException {
        var connection = database.connect();
        connection.setAutoCommit(false);
        return connection;
    }

    static void lock(Connection connection, RunId run) throws SQLException {
        execute(connection, "SELECT id FROM dag_runs WHERE id = '" + run + "' FOR NO KEY UPDATE");
    }

    static void event(Connection connection, RunId run, String runState, String from, String to) throws SQLException {
        execute(connection, """
                INSERT INTO task_events (tenant_id, run_id, run_state, task_nos, froms, tos, attempts, fences, workers)
                VALUES (1, '%s', %s, '{1}', '{%s}', '{%s}', '{1}', '{1}', '{1}')
                """.formatted(run, runState, from, to));
    }

    static void execute(Connection connection, String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    void execute(String sql) throws SQLException {
        try (var connection = database.connect()) {
            execute(connection, sql);
        }
    }
}

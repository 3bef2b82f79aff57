package dev.orrery.service;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.orrery.bus.Bus;
import dev.orrery.domain.DagId;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.AttemptReport;
import dev.orrery.store.Batcher;
import dev.orrery.store.Claim;
import dev.orrery.store.DagRepository;
import dev.orrery.store.DagRunRepository;
import dev.orrery.store.DagVersions;
import dev.orrery.store.LogRepository;
import dev.orrery.store.NewRun;
import dev.orrery.store.NodeRepository;
import dev.orrery.store.Pools;
import dev.orrery.store.StoreFailures;
import dev.orrery.store.TaskInstanceRepository;
import dev.orrery.store.WorkRepository;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Runs as callers see them, on a real database; the test takes the part of the engine. */
abstract class RunServiceTestBase {

    static final TenantId TENANT = TenantId.DEFAULT;
    static final IdSequence IDS = new IdSequence(System.nanoTime());
    static final Verdict SUCCEED = new Verdict.Succeed(Json.NULL);

    final Vertx vertx = Vertx.vertx();
    final NodeId node = new NodeId(IDS.next(System.currentTimeMillis()));
    TestDatabase database;
    private Pools pools;
    WorkRepository work;
    LogRepository logs;
    private DagService dags;
    RunService runs;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 6, 200);
        work = new WorkRepository(vertx, pools.hot());
        logs = new LogRepository(vertx, pools.api());
        dags = new DagService(vertx, new DagRepository(vertx, pools.api()), () -> IDS.next(System.currentTimeMillis()));
        runs = new RunService(
                new RunService.Repositories(
                        work,
                        new DagRunRepository(vertx, pools.api()),
                        new TaskInstanceRepository(vertx, pools.api()),
                        logs),
                new Batcher<NewRun, NewRun.Result>(
                        "run submissions",
                        new Batcher.Limits(100, 1 << 20, 2, 1_000, 1 << 20),
                        _ -> 100,
                        work::createRuns,
                        StoreFailures::isLasting),
                new DagVersions(vertx, pools.api(), 1_000_000)::version,
                () -> IDS.next(System.currentTimeMillis()),
                Bus.on(vertx));
        try (var connection = database.connect()) {
            NodeRepository.register(connection, new NodeRepository.Registration(node, "n", 1, "standalone", "x"));
        }
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    DagId publish(String... lines) {
        var yaml = IntStream.range(0, lines.length)
                .mapToObj(n -> {
                    var sides = lines[n].split(" <- ");
                    var upstreams = sides.length > 1 ? String.join(", ", sides[1].split(" ")) : "";
                    return "  - {id: " + sides[0] + ", type: handler, handler: noop, dependencies: [" + upstreams
                            + "]}\n";
                })
                .collect(Collectors.joining("", "tasks:\n", ""));
        var name = "dag-" + IDS.next(System.currentTimeMillis());
        return await(dags.create(TENANT, Optional.of(name), yaml, Optional.empty()))
                .id();
    }

    RunId trigger(DagId dag) {
        return await(runs.trigger(TENANT, dag, Json.EMPTY_OBJECT, Trigger.API, Optional.empty(), Optional.empty()))
                .runId();
    }

    RunStatus status(RunId run) {
        return await(runs.get(TENANT, run));
    }

    TaskDetail task(RunId run, String task) {
        return await(runs.task(TENANT, run, new TaskId(task)));
    }

    static ErrorCode refusal(Future<?> refused) {
        return catchThrowableOfType(OrreryException.class, () -> await(refused)).code();
    }

    Claim claimOne() {
        return claims(1).getFirst();
    }

    List<Claim> claims(int count) {
        var claims = await(work.commitAndClaim(node, List.of(), List.of("default"), count))
                .claims();
        assertThat(claims).hasSize(count);
        return claims;
    }

    void start(Claim claim) {
        commit(claim, Optional.empty());
    }

    void end(Claim claim, Verdict verdict) {
        commit(claim, Optional.of(verdict));
    }

    private void commit(Claim claim, Optional<Verdict> verdict) {
        var report = new AttemptReport(
                claim.id(),
                claim.versionId(),
                claim.attempt(),
                claim.fence(),
                1,
                verdict,
                Optional.of(Duration.ofMillis(1)));
        var exchange = await(work.commitAndClaim(node, List.of(report), List.of(), 0));
        assertThat(exchange.accepted()).containsExactly(claim.id());
    }
}

package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.IdSequence;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.RemoteWorkerRepository.Appended;
import dev.orrery.store.RemoteWorkerRepository.ClaimState;
import dev.orrery.store.RemoteWorkerRepository.NewWorker;
import dev.orrery.store.RemoteWorkerRepository.Overdue;
import dev.orrery.store.RemoteWorkerRepository.Registered;
import dev.orrery.store.WorkRepository.Held;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Remote workers as the database knows them. */
class RemoteWorkerRepositoryIT {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());
    private static final Duration GRACE = Duration.ofSeconds(30);

    /** Told now and then, and by the claim alone. */
    private static final String TOLD_AT_CLAIM = "readySince";

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Pools pools;
    private WorkRepository work;
    private RemoteWorkerRepository workers;

    @BeforeEach
    void open() {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 4, 100);
        work = new WorkRepository(vertx, pools.hot());
        workers = new RemoteWorkerRepository(vertx, pools.api());
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    @Test
    void noMoreThanTheLimitAreAdmittedAndThoseThatWentMakeRoom() {
        var first = register(1);
        assertThat(await(workers.register(worker(), 1, Optional.empty()))).isInstanceOf(Registered.Full.class);

        await(workers.leave(TenantId.DEFAULT, first));

        assertThat(await(workers.register(worker(), 1, Optional.empty()))).isInstanceOf(Registered.Done.class);
    }

    @Test
    void aBeatTellsWhatIsHeldAndWhatIsAskedToEnd() throws SQLException {
        var worker = register(9);
        var gone = register(9);
        await(workers.leave(TenantId.DEFAULT, gone));
        var run = trigger("a", "b");
        var claims = await(work.claim(worker, List.of("default"), 2));
        await(work.cancel(TenantId.DEFAULT, run, Optional.of(new TaskId("a"))));

        var answers = await(workers.beat(List.of(worker, gone, new NodeId(IDS.next(1)), worker)));

        assertThat(answers.get(1)).isEmpty();
        assertThat(answers.get(2)).isEmpty();
        assertThat(answers.getFirst()).isEqualTo(answers.getLast());
        var standing = answers.getFirst().orElseThrow();
        assertThat(standing.open())
                .containsExactlyInAnyOrderElementsOf(
                        claims.stream().map(RemoteWorkerRepositoryIT::held).toList());
        assertThat(standing.askedToEnd()).hasSize(1);
        assertThat(database.value("SELECT beat FROM nodes WHERE id = '" + worker.value() + "'"))
                .isEqualTo("1");
        assertThat(await(workers.claims(worker, claims.stream().map(Claim::id).toList())))
                .usingRecursiveFieldByFieldElementComparatorIgnoringFields(TOLD_AT_CLAIM)
                .containsExactlyInAnyOrderElementsOf(claims);
    }

    @Test
    void whatHasHadItsTimeIsFoundAndTheRestIsLookedAtWhenItsTimeComes() throws SQLException {
        var worker = register(9);
        trigger("quick", "slow");
        execute("UPDATE dag_tasks SET timeout_ms = CASE task_id WHEN 'quick' THEN 30000 ELSE 600000 END");
        var claims = await(work.claim(worker, List.of("default"), 2));
        begin(worker, claims);
        assertThat(await(workers.overdue(GRACE, 10))).isEmpty();

        execute("UPDATE claim_batches SET due_at = now()");
        execute("UPDATE task_attempts SET started_at = started_at - interval '1 minute'");
        var overdue = await(workers.overdue(GRACE, 10));

        assertThat(overdue).hasSize(1);
        assertThat(overdue.getFirst().timeout()).isEqualTo(Duration.ofSeconds(30));
        assertThat(overdue.getFirst().isAskedToEnd()).isFalse();
        assertThat(await(workers.overdue(GRACE, 10))).as("not at once again").isEmpty();
        end(worker, overdue.getFirst());
        execute("UPDATE claim_batches SET due_at = now()");
        assertThat(await(workers.overdue(GRACE, 10))).isEmpty();
        assertThat(database.value("SELECT due_at - now() BETWEEN interval '8 minutes' AND interval '10 minutes'"
                        + " FROM claim_batches"))
                .isEqualTo("t");
    }

    @Test
    void whoDoesNotEndWhatIsCancelledIsOverdue() throws SQLException {
        var worker = register(9);
        var run = trigger("a");
        await(work.claim(worker, List.of("default"), 1));
        await(work.cancel(TenantId.DEFAULT, run, Optional.empty()));
        assertThat(await(workers.overdue(GRACE, 10))).isEmpty();

        var overdue = await(workers.overdue(Duration.ZERO, 10));

        assertThat(overdue).extracting(Overdue::isAskedToEnd).containsExactly(true);
    }

    @Test
    void claimsOfNodesAreNoneOfThis() throws SQLException {
        trigger("a");
        var node = new NodeId(IDS.next(System.currentTimeMillis()));
        execute("INSERT INTO nodes (id, name, pid, mode, version) VALUES ('" + node + "', 'n', 1, 'cluster', 'x')");
        await(work.claim(node, List.of("default"), 1));
        execute("UPDATE claim_batches SET claimed_at = now() - interval '1 day'");

        assertThat(database.value("SELECT due_at IS NULL FROM claim_batches")).isEqualTo("t");
        assertThat(await(workers.overdue(Duration.ZERO, 10))).isEmpty();
        assertThat(await(workers.beat(List.of(node))).getFirst()).isEmpty();
        assertThat(await(workers.find(node))).isEmpty();
        await(workers.leave(TenantId.DEFAULT, node));
        assertThat(database.value("SELECT fenced_at IS NULL FROM nodes WHERE id = '" + node + "'"))
                .isEqualTo("t");
    }

    @Test
    void aLogIsKeptUpToItsLimit() throws SQLException {
        var worker = register(9);
        trigger("a");
        var claim = await(work.claim(worker, List.of("default"), 1)).getFirst();
        begin(worker, List.of(claim));

        assertThat(append(worker, claim, "12345")).isEqualTo(Appended.ADDED);
        assertThat(append(worker, claim, "67890")).isEqualTo(Appended.ADDED);
        assertThat(append(worker, claim, "more")).isEqualTo(Appended.FULL);
        assertThat(append(register(9), claim, "strange")).isEqualTo(Appended.STALE);

        assertThat(database.value(
                        "SELECT string_agg(convert_from(content, 'UTF8'), '|' ORDER BY start_offset) FROM task_logs"))
                .isEqualTo("12345|67890…");
    }

    @Test
    void aClaimIsOpenThenEndedAndStaleForOthers() throws SQLException {
        var worker = register(9);
        trigger("a", "b <- a");
        var claim = await(work.claim(worker, List.of("default"), 1)).getFirst();
        assertThat(await(workers.claim(worker, held(claim)))).isInstanceOfSatisfying(ClaimState.Open.class, open -> {
            assertThat(open.claim())
                    .usingRecursiveComparison()
                    .ignoringFields(TOLD_AT_CLAIM)
                    .isEqualTo(claim);
            assertThat(open.isAskedToEnd()).isFalse();
        });

        end(worker, claim, new Verdict.Fail("no"));

        assertThat(await(workers.claim(worker, held(claim)))).isEqualTo(new ClaimState.Ended("failed"));
        assertThat(await(workers.claim(register(9), held(claim)))).isEqualTo(new ClaimState.Stale());
        assertThat(await(workers.claim(worker, new Held(claim.id(), claim.fence() + 1))))
                .isEqualTo(new ClaimState.Stale());
    }

    @Test
    void whoEndedAWeekAgoIsForgottenUnlessItHoldsSomething() throws SQLException {
        var holding = register(9);
        var idle = register(9);
        register(9);
        trigger("a");
        await(work.claim(holding, List.of("default"), 1));
        await(workers.leave(TenantId.DEFAULT, holding));
        await(workers.leave(TenantId.DEFAULT, idle));
        assertThat(await(workers.forgetOld(10))).isZero();

        execute("UPDATE nodes SET fenced_at = fenced_at - interval '8 days'");

        assertThat(await(workers.forgetOld(10))).isEqualTo(1);
        assertThat(await(workers.find(idle))).isEmpty();
        assertThat(await(workers.find(holding))).isPresent();
    }

    private NodeId register(int max) {
        return switch (await(workers.register(worker(), max, Optional.empty()))) {
            case Registered.Done(var id) -> id;
            case Registered other -> throw new AssertionError(other);
        };
    }

    private static NewWorker worker() {
        return new NewWorker(
                new NodeId(IDS.next(System.currentTimeMillis())),
                TenantId.DEFAULT,
                "w",
                "",
                List.of("x"),
                1,
                Duration.ofSeconds(15),
                Buffer.buffer("hash"));
    }

    private RunId trigger(String... tasks) throws SQLException {
        var run = new NewRun(
                new RunId(IDS.next(System.currentTimeMillis())),
                TenantId.DEFAULT,
                Graphs.publish(database, Graphs.tasks(tasks)),
                Trigger.API,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        await(work.createRuns(List.of(run)));
        execute("UPDATE dag_tasks SET timeout_ms = 1800000");
        return run.id();
    }

    private void begin(NodeId worker, List<Claim> claims) {
        await(work.commit(
                worker,
                claims.stream().map(claim -> report(claim, Optional.empty())).toList()));
    }

    private void end(NodeId worker, Overdue overdue) {
        end(worker, overdue.claim(), new Verdict.TimeOut("late"));
    }

    private void end(NodeId worker, Claim claim, Verdict verdict) {
        assertThat(await(work.commit(worker, List.of(report(claim, Optional.of(verdict)))))
                        .accepted())
                .containsExactly(claim.id());
    }

    private static AttemptReport report(Claim claim, Optional<Verdict> verdict) {
        return new AttemptReport(
                claim.id(), claim.versionId(), claim.attempt(), claim.fence(), 1, verdict, Optional.of(Duration.ZERO));
    }

    private static Held held(Claim claim) {
        return new Held(claim.id(), claim.fence());
    }

    private Appended append(NodeId worker, Claim claim, String text) {
        return await(workers.appendLog(
                TenantId.DEFAULT, worker, held(claim), Buffer.buffer(text), Buffer.buffer("…"), 10, Optional.empty()));
    }

    private void execute(String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}

package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.DagId;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.domain.task.TaskState;
import dev.orrery.domain.task.Verdict;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TaskInstanceRepositoryIT {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());

    private final Vertx vertx = Vertx.vertx();
    private final NodeId node = new NodeId(IDS.next(System.currentTimeMillis()));
    private TestDatabase database;
    private Pools pools;
    private WorkRepository work;
    private TaskInstanceRepository tasks;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 4, 100);
        work = new WorkRepository(vertx, pools.hot());
        tasks = new TaskInstanceRepository(vertx, pools.api());
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

    @Test
    void whatIsReadyIsFoundInTheOrderInWhichItIsClaimed() throws SQLException {
        var run = create(List.of(task("low", 1), task("high", 9), task("usual", 5)));
        create(List.of(task("later", 5)));

        var found = await(tasks.findReady("default", 10));

        assertThat(found.subList(0, 2)).containsExactly(TaskInstanceId.of(run, 2), TaskInstanceId.of(run, 3));
        assertThat(found).hasSize(4);
        assertThat(await(tasks.findReady("default", 2))).isEqualTo(found.subList(0, 2));
        assertThat(await(tasks.findReady("another", 10))).isEmpty();
        for (var expected : found) {
            var claimed = await(work.commitAndClaim(node, List.of(), List.of("default"), 1))
                    .claims();
            assertThat(claimed).singleElement().extracting(Claim::id).isEqualTo(expected);
        }
        assertThat(await(tasks.findReady("default", 10))).isEmpty();
    }

    @Test
    void anInstanceIsOfItsTenantAndStandsWhereTheFileHasIt() throws SQLException {
        var run = create(Graphs.tasks("c", "a <- c", "b <- a"));

        var all = await(tasks.getByRunId(TenantId.DEFAULT, run));

        assertThat(all).extracting(stored -> stored.instance().taskId().value()).containsExactly("c", "a", "b");
        assertThat(await(tasks.getByRunId(new TenantId(2), run))).isEmpty();
        assertThat(await(tasks.get(TenantId.DEFAULT, TaskInstanceId.of(run, 2))))
                .contains(all.get(1));
        assertThat(await(tasks.get(new TenantId(2), TaskInstanceId.of(run, 2)))).isEmpty();
        assertThat(await(tasks.get(TenantId.DEFAULT, TaskInstanceId.of(run, 4))))
                .isEmpty();
    }

    @Test
    void anInstanceIsClaimedByOneOfManyAndMovedOnByItsFence() throws SQLException {
        var run = create(Graphs.tasks("first", "second <- first"));

        var claims = await(Future.all(IntStream.range(0, 8)
                        .mapToObj(_ -> tasks.claim(node, "default"))
                        .toList()))
                .<Optional<Claim>>list()
                .stream()
                .flatMap(Optional::stream)
                .toList();

        assertThat(claims).extracting(Claim::id).containsExactly(TaskInstanceId.of(run, 1));
        var claim = claims.getFirst();
        assertThat(state(run, 1)).isEqualTo(TaskState.QUEUED);
        assertThat(await(tasks.updateState(node, report(claim, claim.fence() + 1, Optional.empty()))))
                .isFalse();
        assertThat(state(run, 1)).isEqualTo(TaskState.QUEUED);
        assertThat(await(tasks.updateState(node, report(claim, claim.fence(), Optional.empty()))))
                .isTrue();
        assertThat(state(run, 1)).isEqualTo(TaskState.RUNNING);
        var done = report(claim, claim.fence(), Optional.of(new Verdict.Succeed(new Json("7"))));
        assertThat(await(tasks.updateState(node, done))).isTrue();
        assertThat(state(run, 1)).isEqualTo(TaskState.SUCCEEDED);
        assertThat(state(run, 2)).isEqualTo(TaskState.READY);
    }

    @Test
    void noRunIsMadeOfADagThatDoesNotExist() {
        var unknown = new DagId(IDS.next(System.currentTimeMillis()));

        assertThat(await(tasks.create(run(unknown)))).isEqualTo(new NewRun.Result.NoSuchDag());
    }

    private TaskState state(RunId run, int number) {
        return await(tasks.get(TenantId.DEFAULT, TaskInstanceId.of(run, number)))
                .orElseThrow()
                .instance()
                .state();
    }

    private static AttemptReport report(Claim claim, long fence, Optional<Verdict> verdict) {
        return new AttemptReport(
                claim.id(), claim.versionId(), claim.attempt(), fence, 1, verdict, Optional.of(Duration.ZERO));
    }

    private static TaskDefinition task(String id, int priority) {
        return Graphs.task(id, Set.of(), priority);
    }

    private RunId create(List<TaskDefinition> definitions) throws SQLException {
        var run = run(Graphs.publish(database, definitions));
        assertThat(await(tasks.create(run))).isInstanceOf(NewRun.Result.Created.class);
        return run.id();
    }

    private static NewRun run(DagId dag) {
        return new NewRun(
                new RunId(IDS.next(System.currentTimeMillis())),
                TenantId.DEFAULT,
                dag,
                Trigger.API,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }
}

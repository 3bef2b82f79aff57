package dev.orrery.engine;

import static dev.orrery.engine.HeldTasks.SUCCEEDED;
import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.DagId;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.DagDraft;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.RetryPolicy;
import dev.orrery.engine.TestEngine.Shape;
import dev.orrery.executor.AttemptLog;
import dev.orrery.executor.Execution;
import dev.orrery.executor.TaskContext;
import dev.orrery.executor.TaskExecutor;
import dev.orrery.store.DagPublication;
import dev.orrery.store.WorkInvariants;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Seeded;
import io.vertx.core.Promise;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** What comes and goes while work is done: the engine itself, and versions of a DAG. */
class StartStopStressIT extends EngineTestBase {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());
    private static final int STARTS = 12;

    @Test
    void howeverOftenTheEngineStopsAndStartsNothingIsLostOrDoubled() {
        Seeded.forAll(1, random -> {
            try {
                startAndStopUnderLoad(random);
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private void startAndStopUnderLoad(RandomGenerator random) throws SQLException {
        var dag = engine.publish(diamond());
        var loading = new AtomicInteger(400);
        keepCreatingRuns(dag, loading);

        for (var n = 0; n < STARTS; n++) {
            engine.start(shape(random), new BriefTasks(random.nextLong()));
            var millis = 1 + random.nextInt(150);
            await(engine.vertx().timer(millis, TimeUnit.MILLISECONDS));
            engine.stop();
            assertThat(engine.value("SELECT count(*) FROM claim_batches")).isEqualTo("0");
            assertThat(violations()).isEmpty();
        }
        engine.start(Shape.of(4, 4), new BriefTasks(random.nextLong()));
        until("all are created", () -> loading.get() <= 0);
        awaitAllEnded();

        engine.stop();
        try (var connection = database.connect()) {
            assertThat(WorkInvariants.violationsAtTheEnd(connection)).isEmpty();
        }
        assertThat(engine.value("SELECT count(*) FROM dag_runs WHERE state = 'succeeded'"))
                .isEqualTo("400");
        assertThat(engine.value("SELECT count(*) FROM task_attempts WHERE state = 'succeeded'"))
                .isEqualTo(engine.value("SELECT count(*) FROM task_instances"));
        assertThat(engine.value("SELECT count(*) FROM (SELECT task_id FROM task_attempts WHERE outcome = 'succeeded'"
                        + " GROUP BY task_id HAVING count(*) > 1) doubled"))
                .isEqualTo("0");
        assertThat(Integer.parseInt(engine.value("SELECT count(*) FROM task_attempts WHERE outcome = 'handed_back'")))
                .as("the engine was stopped while tasks ran")
                .isPositive();
    }

    private static Shape shape(RandomGenerator random) {
        return Shape.of(1 + random.nextInt(4), 1 + random.nextInt(4))
                .withQueueCapacity(random.nextInt(20))
                .claimingFarAhead()
                .withDrainTimeout(Duration.ofMillis(1 + random.nextInt(20)));
    }

    /** One after the other, as fast as the database takes them. */
    private void keepCreatingRuns(DagId dag, AtomicInteger left) {
        engine.create(List.of(engine.newRun(dag))).onSuccess(_ -> {
            if (left.decrementAndGet() > 0) {
                keepCreatingRuns(dag, left);
            }
        });
    }

    /** Attempts that take up to 5 ms, now and then 100, and sometimes fail once. A stop ends them. */
    private final class BriefTasks implements TaskExecutor {

        private final SplittableRandom random;
        private final ConcurrentMap<String, Boolean> failed = new ConcurrentHashMap<>();

        private BriefTasks(long seed) {
            random = new SplittableRandom(seed);
        }

        @Override
        public Execution start(TaskContext context, AttemptLog log) {
            var stopped = Promise.<AttemptOutcome>promise();
            var outcome = outcome(context.instanceId().toString());
            engine.vertx().timer(duration(), TimeUnit.MILLISECONDS).onComplete(_ -> stopped.tryComplete(outcome));
            return HeldTasks.execution(
                    stopped.future(), () -> stopped.tryComplete(new AttemptOutcome.Failed("stopped", true)));
        }

        private synchronized int duration() {
            return random.nextInt(10) == 0 ? 100 : 1 + random.nextInt(5);
        }

        private synchronized AttemptOutcome outcome(String instance) {
            return random.nextInt(20) == 0 && failed.putIfAbsent(instance, true) == null
                    ? new AttemptOutcome.Failed("once", true)
                    : SUCCEEDED;
        }
    }

    private static List<TaskDefinition> diamond() {
        return Graphs.tasks("a", "b <- a", "c <- a", "d <- a", "e <- b c", "f <- c d", "g <- e f").stream()
                .map(task -> new TaskDefinition(
                        task.id(),
                        task.name(),
                        new TaskType.Handler("noop", Json.NULL),
                        task.timeout(),
                        new RetryPolicy(100, Duration.ofMillis(5), Duration.ofMillis(5), 1, 0),
                        task.dependencies(),
                        task.priority(),
                        task.queue()))
                .toList();
    }

    @Test
    void aRunIsOfOneVersionHoweverFastNewOnesArePublished() throws SQLException {
        var dag = new DagId(IDS.next(System.currentTimeMillis()));
        await(engine.dags().create(TenantId.DEFAULT, dag, version(1), Optional.empty()));
        engine.start(2, 4, HeldTasks.endingWith(SUCCEEDED));
        var loading = new AtomicInteger(500);

        keepCreatingRuns(dag, loading);
        for (var n = 2; loading.get() > 0; n++) {
            await(engine.dags().update(TenantId.DEFAULT, dag, version(n), OptionalInt.empty()));
        }
        awaitAllEnded();

        assertThat(engine.value("SELECT count(DISTINCT dag_version) > 5 FROM dag_runs"))
                .isEqualTo("t");
        assertThat(engine.value("SELECT count(*) FROM dag_runs WHERE state <> 'succeeded'"))
                .isEqualTo("0");
        assertThat(engine.value("""
                SELECT count(*) FROM dag_runs r JOIN dag_versions v ON v.id = r.version_id
                WHERE v.version <> r.dag_version
                   OR (SELECT array_agg(i.task_id || i.version_id ORDER BY i.id) FROM task_instances i
                       WHERE i.run_id = r.id)
                      IS DISTINCT FROM
                      (SELECT array_agg(t.task_id || t.version_id ORDER BY t.task_no) FROM dag_tasks t
                       WHERE t.version_id = r.version_id)
                """)).isEqualTo("0");
        assertThat(violations()).isEmpty();
    }

    /** Each version has another number of tasks, with other names. */
    private static DagPublication version(int number) {
        var tasks = new ArrayList<TaskDefinition>();
        for (var n = 0; n <= number % 7; n++) {
            Set<TaskId> upstreams = n == 0 ? Set.of() : Set.of(tasks.getLast().id());
            tasks.add(Graphs.task("v" + number + "_" + n, upstreams, 5));
        }
        var draft = new DagDraft(
                Optional.of("changing"), Optional.empty(), tasks, Optional.empty(), DagDraft.DEFAULT_TIMEZONE);
        return DagPublication.of(draft, "version " + number);
    }

    private void awaitAllEnded() {
        until(
                "all runs have ended",
                Duration.ofMinutes(2),
                () -> engine.value("SELECT count(*) FROM dag_runs WHERE completed_at IS NULL")
                        .equals("0"));
    }

    private List<String> violations() throws SQLException {
        try (var connection = database.connect()) {
            return WorkInvariants.violations(connection);
        }
    }
}

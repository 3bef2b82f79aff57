package dev.orrery.engine;

import static dev.orrery.engine.HeldTasks.SUCCEEDED;
import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.BusMessage.Assign;
import dev.orrery.bus.BusMessage.AttemptEnded;
import dev.orrery.bus.BusMessage.Done;
import dev.orrery.bus.BusMessage.Drained;
import dev.orrery.bus.BusMessage.Report;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.engine.TestEngine.Shape;
import dev.orrery.store.NodeRepository;
import io.vertx.core.Future;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a router makes of single refusals, by the database and by its workers. */
class RouterFaultsIT extends BrokenNetworkTestBase {

    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(50);

    @BeforeEach
    @Override
    void open() throws SQLException, IOException {
        super.open();
        execute("CREATE SEQUENCE refusals");
    }

    @Test
    void aStartThatTheDatabaseRefusesIsToldByItsResult() throws SQLException {
        refuse("INSERT ON task_attempts", "NEW.outcome IS NULL");
        engine.start(Shape.of(1, 1).withQueueCapacity(0), tasks);
        var run = trigger("a", "b <- a");
        tasks.awaitBegun("a");
        until("its start is refused", () -> refusals() > 0);

        tasks.end("a", SUCCEEDED);
        tasks.end("b", SUCCEEDED);

        engine.awaitRun(run, "succeeded");
        assertThat(tasks.order()).containsExactly("a", "b");
    }

    @Test
    void aResultThatIsRefusedWhateverItSaysIsToldAgainWithPauses() throws SQLException {
        engine.start(1, 2, tasks);
        var run = trigger("a", "b");
        tasks.awaitBegun("a");
        refuse("UPDATE OR INSERT ON task_attempts", "NEW.outcome IS NOT NULL AND NEW.task_id::text LIKE '%1'");
        var began = System.nanoTime();

        tasks.end("a", SUCCEEDED);
        until("it is refused again and again", () -> refusals() > 10);

        var pauses = Duration.ofNanos(System.nanoTime() - began).dividedBy(SHORTEST_PAUSE);
        // The result and what stands for it, each once with a claim and once without.
        assertThat(refusals()).isLessThanOrEqualTo(4 + 2 * (pauses + 1));
        tasks.end("b", SUCCEEDED);
        until("b counts", () -> engine.value("SELECT remaining FROM dag_runs").equals("1"));
        execute("DROP TRIGGER refusing ON task_attempts");
        engine.awaitRun(run, "failed");
        assertThat(engine.value("SELECT error FROM dead_letters")).startsWith("INTERNAL_ERROR");
    }

    @Test
    void aClaimThatTheDatabaseRefusesBlamesNoResult() throws SQLException {
        engine.start(1, 1, tasks);
        var run = trigger("a", "b <- a");
        tasks.awaitBegun("a");
        refuse("INSERT ON claim_batches", "true");

        tasks.end("a", SUCCEEDED);
        until(
                "b is ready",
                () -> engine.value("SELECT count(*) FROM task_ready").equals("1"));
        until("its claim is refused", () -> refusals() > 0);
        execute("DROP TRIGGER refusing ON claim_batches");
        tasks.end("b", SUCCEEDED);

        engine.awaitRun(run, "succeeded");
    }

    @Test
    void aDrainThatDoesNotReachTheDatabaseGoesOnUntilItDoes() throws SQLException {
        engine.start(Shape.of(1, 1).claimingFarAhead(), tasks);
        trigger("first", "a <- first", "b <- first", "c <- first");
        tasks.end("first", SUCCEEDED);
        until(
                "one runs, the others are claimed",
                () -> engine.value("SELECT sum(open_count) FROM claim_batches").equals("3")
                        && engine.value("SELECT count(*) FROM task_attempts").equals("2"));

        network.cut();
        var drained = engine.stopping();
        until(
                "the engine has met it",
                () -> await(engine.work().queues().map(false).otherwise(true)));
        var longEnough = System.nanoTime() + Duration.ofSeconds(1).toNanos();
        until("all that can be done without it is done", () -> System.nanoTime() > longEnough);
        assertThat(drained.isComplete()).isFalse();
        network.pass();

        await(drained);
        assertThat(engine.value("SELECT count(*) FROM claim_batches")).isEqualTo("0");
        assertThat(engine.value("SELECT string_agg(attempt::text, ',' ORDER BY attempt) FROM task_ready"))
                .isEqualTo("0,0,1");
    }

    @Test
    void whatAWorkerDoesNotTakeIsHandedBackAndGivenAgain() throws SQLException {
        var asked = new AtomicInteger();
        engine.bus().answer(Addresses.assign(engine.worker(1)), (Assign assign) -> {
            if (asked.incrementAndGet() == 1) {
                return Future.failedFuture("not now");
            }
            assign.assignments().forEach(this::reportSuccess);
            return Future.succeededFuture(new Done());
        });
        engine.bus().answer(Addresses.drain(engine.worker(1)), _ -> Future.succeededFuture(new Drained(List.of())));
        engine.startRouter(Shape.of(1, 1).withQueueCapacity(0));

        var run = trigger("a");

        engine.awaitRun(run, "succeeded");
        assertThat(engine.value("SELECT string_agg(attempt || ' ' || outcome, ',') FROM task_attempts"))
                .isEqualTo("1 succeeded");
    }

    @Test
    void aReportToldTwiceCountsOnceAndAForeignOneNotAtAll() throws SQLException {
        engine.bus().answer(Addresses.assign(engine.worker(1)), (Assign assign) -> {
            assign.assignments().forEach(assignment -> {
                reportSuccess(withFence(assignment, assignment.fence() + 1));
                reportSuccess(assignment);
                reportSuccess(assignment);
            });
            return Future.succeededFuture(new Done());
        });
        engine.bus().answer(Addresses.drain(engine.worker(1)), _ -> Future.succeededFuture(new Drained(List.of())));
        engine.startRouter(Shape.of(1, 1).withQueueCapacity(0));

        var run = trigger("a", "b <- a", "c <- b");

        engine.awaitRun(run, "succeeded");
        assertThat(engine.value("SELECT count(*) FROM task_attempts")).isEqualTo("3");
    }

    @Test
    void whatAFencedNodeStillReportsIsRefusedAndCounted() throws SQLException {
        engine.start(1, 1, tasks);
        var run = trigger("a", "b <- a");
        engine.awaitStates(run, "a running, b blocked");
        try (var connection = database.connect()) {
            assertThat(NodeRepository.fence(connection, engine.node(), 0)).isTrue();
            NodeRepository.takeBackOrphans(connection);
        }

        tasks.end("a", SUCCEEDED);

        until("it is refused", () -> engine.resultsRefused() == 1);
        assertThat(engine.states(run)).isEqualTo("a ready, b blocked");
    }

    @Test
    void aWorkerThatDoesNotAnswerADrainIsAskedAgain() throws SQLException {
        var held = new ConcurrentLinkedQueue<TaskAssignment>();
        var asked = new AtomicInteger();
        engine.bus().answer(Addresses.assign(engine.worker(1)), (Assign assign) -> {
            held.addAll(assign.assignments());
            return Future.succeededFuture(new Done());
        });
        engine.bus()
                .answer(
                        Addresses.drain(engine.worker(1)),
                        _ -> asked.incrementAndGet() < 3
                                ? Future.failedFuture("what?")
                                : Future.succeededFuture(new Drained(List.copyOf(held))));
        engine.startRouter(Shape.of(1, 2));
        trigger("a", "b");
        until("both are given", () -> held.size() == 2);

        engine.stop();

        assertThat(asked).hasValueGreaterThanOrEqualTo(3);
        assertThat(engine.value("SELECT count(*) FROM task_ready")).isEqualTo("2");
    }

    private void reportSuccess(TaskAssignment assignment) {
        var ended = new AttemptEnded(assignment, OptionalLong.of(System.nanoTime()), SUCCEEDED);
        var report = new Report(engine.worker(1), List.of(), List.of(ended));
        engine.bus().request(Addresses.report(engine.node()), report, Duration.ofSeconds(5));
    }

    private static TaskAssignment withFence(TaskAssignment assignment, long fence) {
        return new TaskAssignment(
                assignment.instanceId(),
                assignment.dag(),
                assignment.tenant(),
                assignment.versionId(),
                assignment.taskDefinition(),
                assignment.attempt(),
                assignment.failures(),
                fence,
                assignment.lockFence(),
                assignment.trace(),
                assignment.readySince(),
                assignment.input());
    }

    /** From now on the database refuses such rows, as a wrong value; each refusal is counted. */
    private void refuse(String event, String condition) {
        execute("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM nextval('refusals');"
                + " RAISE EXCEPTION 'refused' USING ERRCODE = '22000'; END $f$");
        execute("CREATE TRIGGER refusing BEFORE " + event + " FOR EACH ROW WHEN (" + condition
                + ") EXECUTE FUNCTION refuse()");
    }

    private long refusals() {
        return Long.parseLong(engine.value("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM refusals"));
    }

    private void execute(String sql) {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new AssertionError(sql, e);
        }
    }
}

package dev.orrery.service;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static java.nio.charset.StandardCharsets.UTF_8;
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
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.domain.task.TaskState;
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
import dev.orrery.store.WorkRepository.Held;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.Yaml;

/** Runs and logs as callers see them; the test takes the part of the engine. */
class RunServiceIT {

    private static final TenantId TENANT = TenantId.DEFAULT;
    private static final IdSequence IDS = new IdSequence(System.nanoTime());
    private static final Page ALL = new Page(100, 0);
    private static final Verdict SUCCEED = new Verdict.Succeed(Json.NULL);
    private static final int LIMIT = 1_000;

    private final Vertx vertx = Vertx.vertx();
    private final NodeId node = new NodeId(IDS.next(System.currentTimeMillis()));
    private TestDatabase database;
    private Pools pools;
    private WorkRepository work;
    private LogRepository logs;
    private DagService dags;
    private RunService runs;

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
                Bus.on(vertx),
                1_000_000);
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

    // Creating.

    @Test
    void aRunIsThereAsSoonAsItIsAnswered() {
        var dag = publish("a", "b <- a");
        var params = new Json("{\"day\":\"monday\"}");

        var created = await(runs.trigger(TENANT, dag, params, Trigger.API, Optional.empty()));

        assertThat(created.state()).isEqualTo(RunState.PENDING);
        assertThat(created.dagId()).isEqualTo(dag);
        var status = status(created.runId());
        assertThat(status.run()).isEqualTo(created);
        assertThat(status.params()).isEqualTo(params);
        assertThat(states(created.runId())).isEqualTo("a ready, b blocked");
        assertThat(status.tasks()).allSatisfy(task -> {
            assertThat(task.attempt()).isZero();
            assertThat(task.startedAt()).isEmpty();
            assertThat(task.completedAt()).isEmpty();
            assertThat(task.workerId()).isEmpty();
            assertThat(task.error()).isEmpty();
        });
    }

    @Test
    void theSameRequestUnderTheSameKeyIsTheSameRun() {
        var dag = publish("a");

        var first = await(trigger(dag, "key", "hash"));
        var repeated = await(trigger(dag, "key", "hash"));
        var other = await(trigger(dag, "other key", "hash"));

        assertThat(repeated).isEqualTo(first);
        assertThat(other.runId()).isNotEqualTo(first.runId());
        assertThat(await(runs.list(TENANT, Optional.of(dag), Optional.empty(), ALL)))
                .hasSize(2);
    }

    @Test
    void aRepeatedRequestIsAnsweredWithTheRunAsItIsNow() {
        var dag = publish("a");
        var first = await(trigger(dag, "key", "hash"));
        end(claimOne(), SUCCEED);

        var repeated = await(trigger(dag, "key", "hash"));

        assertThat(repeated.runId()).isEqualTo(first.runId());
        assertThat(repeated.state()).isEqualTo(RunState.SUCCEEDED);
    }

    @Test
    void anotherRequestUnderTheSameKeyIsAConflict() {
        var dag = publish("a");
        await(trigger(dag, "key", "hash"));

        assertThat(refusal(trigger(dag, "key", "another hash"))).isEqualTo(ErrorCode.CONFLICT);

        assertThat(await(runs.list(TENANT, Optional.of(dag), Optional.empty(), ALL)))
                .hasSize(1);
    }

    @Test
    void ofManyAtOnceUnderOneKeyOneIsCreated() {
        var dag = publish("a");

        var answers = IntStream.range(0, 20)
                .mapToObj(_ -> trigger(dag, "key", "hash"))
                .toList();
        var ids = answers.stream().map(answer -> await(answer).runId()).collect(Collectors.toSet());

        assertThat(ids).hasSize(1);
        assertThat(database.value("SELECT count(*) FROM dag_runs")).isEqualTo("1");
    }

    @Test
    void aRunOfADagThatIsNotThereIsRefused() {
        var nowhere = new DagId(IDS.next(System.currentTimeMillis()));

        assertThat(refusal(trigger(nowhere, "key", "hash"))).isEqualTo(ErrorCode.DAG_NOT_FOUND);
        assertThat(refusal(
                        runs.trigger(new TenantId(2), publish("a"), Json.EMPTY_OBJECT, Trigger.API, Optional.empty())))
                .isEqualTo(ErrorCode.DAG_NOT_FOUND);
    }

    // Lists.

    @Test
    void listsAreNewestFirstAndHeedFiltersAndWindow() {
        var one = publish("a");
        var two = publish("a");
        var a = trigger(one);
        var b = trigger(two);
        var c = trigger(one);
        end(claimOne(), SUCCEED);

        assertThat(list(Optional.empty(), Optional.empty(), ALL)).containsExactly(c, b, a);
        assertThat(list(Optional.of(one), Optional.empty(), ALL)).containsExactly(c, a);
        assertThat(list(Optional.empty(), Optional.of(RunState.SUCCEEDED), ALL)).containsExactly(a);
        assertThat(list(Optional.of(one), Optional.of(RunState.PENDING), ALL)).containsExactly(c);
        assertThat(list(Optional.of(two), Optional.of(RunState.SUCCEEDED), ALL)).isEmpty();
        assertThat(list(Optional.empty(), Optional.empty(), new Page(1, 0))).containsExactly(c);
        assertThat(list(Optional.empty(), Optional.empty(), new Page(2, 1))).containsExactly(b, a);
        assertThat(list(Optional.empty(), Optional.empty(), new Page(2, 3))).isEmpty();
        assertThat(await(runs.list(new TenantId(2), Optional.empty(), Optional.empty(), ALL)))
                .isEmpty();
    }

    // A run and its tasks.

    @Test
    void whatIsSkippedSaysWhichDependencyIsToBlame() {
        var run = trigger(
                publish("failing", "timed", "cancelled", "b <- failing", "c <- timed", "d <- cancelled", "e <- b"));
        var claims = claims(3);
        end(claims.get(0), new Verdict.Fail("exit 1"));
        end(claims.get(1), new Verdict.TimeOut("too slow"));
        end(claims.get(2), new Verdict.Cancel());

        var errors = status(run).tasks().stream()
                .collect(Collectors.toMap(
                        task -> task.taskId().value(), task -> task.error().orElse("-")));

        assertThat(errors)
                .containsEntry("failing", "exit 1")
                .containsEntry("b", "skipped: its dependency 'failing' failed")
                .containsEntry("c", "skipped: its dependency 'timed' timed out")
                .containsEntry("d", "skipped: its dependency 'cancelled' was cancelled")
                .containsEntry("e", "skipped: its dependency 'b' was skipped");
        assertThat(status(run).run().state()).isEqualTo(RunState.FAILED);
        assertThat(task(run, "e").status().error()).contains("skipped: its dependency 'b' was skipped");
    }

    @Test
    void aTaskIsShownWithItsAttemptsAndItsOutput() {
        var run = trigger(publish("a", "b <- a"));
        var first = claimOne();
        start(first);
        assertThat(task(run, "a").status().state()).isEqualTo(TaskState.RUNNING);
        assertThat(task(run, "a").attempts()).singleElement().satisfies(attempt -> {
            assertThat(attempt.outcome()).isEmpty();
            assertThat(attempt.completedAt()).isEmpty();
        });
        end(first, new Verdict.Retry(Duration.ZERO, "not yet", false));
        await(work.wakeDue(10));
        end(claimOne(), new Verdict.Succeed(new Json("{\"rows\":3}")));

        var task = task(run, "a");

        assertThat(task.output()).contains(new Json("{\"rows\":3}"));
        assertThat(task.status().completedAt()).isPresent();
        assertThat(task.status().attempt()).isEqualTo(2);
        assertThat(task.status().workerId()).contains(WorkerId.of(node, 1));
        assertThat(task.attempts()).extracting(AttemptStatus::attempt).containsExactly(1, 2);
        assertThat(outcomes(task)).containsExactly("failed", "succeeded");
        assertThat(task.attempts().getFirst().error()).contains("not yet");
        assertThat(task.attempts().getLast().fence())
                .isGreaterThan(task.attempts().getFirst().fence());
        assertThat(task(run, "b").dependencies()).containsExactly(new TaskId("a"));
    }

    @Test
    void aTaskHasNotCompletedWhileItWaitsForAnotherAttempt() {
        var run = trigger(publish("a"));
        var first = claimOne();
        start(first);
        end(first, new Verdict.Retry(Duration.ofMillis(1), "once", false));

        assertOpen(run, TaskState.RETRYING, "once");
        assertThat(task(run, "a").nextAttemptAt()).isPresent();
        until("its time has come", () -> await(work.wakeDue(10)).count() == 1);
        assertOpen(run, TaskState.READY, "once");
        assertThat(task(run, "a").nextAttemptAt()).isEmpty();
        var second = claimOne();
        assertOpen(run, TaskState.QUEUED, "once");
        end(second, SUCCEED);
        assertThat(task(run, "a").status().completedAt()).isPresent();
        assertThat(task(run, "a").status().error()).isEmpty();
    }

    private void assertOpen(RunId run, TaskState state, String error) {
        for (var task : List.of(status(run).tasks().getFirst(), task(run, "a").status())) {
            assertThat(task.state()).isEqualTo(state);
            assertThat(task.completedAt()).as(state.wireName()).isEmpty();
            assertThat(task.error()).contains(error);
            assertThat(task.attempt()).isEqualTo(1);
        }
    }

    @Test
    void attemptsThatTheirNodeGaveBackOrLostSaySo() throws SQLException {
        var run = trigger(publish("a"));
        var first = claimOne();
        start(first);
        await(work.handBack(node, List.of(new Held(first.id(), first.fence()))));
        var second = claimOne();
        start(second);
        try (var connection = database.connect()) {
            NodeRepository.leave(connection, node);
            NodeRepository.takeBackOrphans(connection);
        }

        var task = task(run, "a");

        assertThat(outcomes(task)).containsExactly("handed_back", "lost");
        assertThat(task.status().state()).isEqualTo(TaskState.READY);
        assertThat(task.status().completedAt()).isEmpty();
        assertThat(outcomesOfTheContract()).containsAll(outcomes(task));
    }

    @Test
    void theContractNamesEveryOutcomeThatAnAttemptCanHave() {
        var known = new TreeSet<>(Set.of(database.value("SELECT string_agg(o::text, ',') FROM unnest(enum_range("
                        + "NULL::attempt_outcome)) o WHERE o <> 'skipped'")
                .split(",")));

        assertThat(outcomesOfTheContract()).isEqualTo(known);
    }

    @Test
    void whatIsNotThereIsNotFound() {
        var run = trigger(publish("a"));
        var nowhere = new RunId(IDS.next(System.currentTimeMillis()));

        assertThat(refusal(runs.get(TENANT, nowhere))).isEqualTo(ErrorCode.RUN_NOT_FOUND);
        assertThat(refusal(runs.get(new TenantId(2), run))).isEqualTo(ErrorCode.RUN_NOT_FOUND);
        assertThat(refusal(runs.task(TENANT, run, new TaskId("z")))).isEqualTo(ErrorCode.TASK_NOT_FOUND);
        assertThat(refusal(runs.cancel(TENANT, nowhere, Optional.empty()))).isEqualTo(ErrorCode.RUN_NOT_FOUND);
        assertThat(refusal(runs.cancelTask(TENANT, run, new TaskId("z"), Optional.empty())))
                .isEqualTo(ErrorCode.TASK_NOT_FOUND);
        assertThat(refusal(runs.delete(TENANT, nowhere))).isEqualTo(ErrorCode.RUN_NOT_FOUND);
    }

    // Cancelling and deleting.

    @Test
    void aCancelUnderAKeyHappensOnce() {
        var dag = publish("a");
        var run = trigger(dag);
        var key = Optional.of(new RequestKey("cancel", "key", "hash"));

        await(runs.cancel(TENANT, run, key));
        await(runs.cancel(TENANT, run, key));

        assertThat(status(run).run().state()).isEqualTo(RunState.CANCELLED);
        assertThat(refusal(runs.cancel(TENANT, run, Optional.of(new RequestKey("cancel", "key", "another hash")))))
                .isEqualTo(ErrorCode.CONFLICT);
    }

    @Test
    void aTaskIsCancelledAloneWithWhatDependsOnIt() {
        var run = trigger(publish("a", "b <- a", "c"));

        await(runs.cancelTask(TENANT, run, new TaskId("a"), Optional.empty()));

        assertThat(states(run)).isEqualTo("a cancelled, b skipped, c ready");
    }

    @Test
    void onlyARunThatHasEndedIsDeleted() {
        var dag = publish("a", "b");
        var run = trigger(dag);
        assertThat(refusal(runs.delete(TENANT, run))).isEqualTo(ErrorCode.CONFLICT);
        end(claimOne(), SUCCEED);
        assertThat(refusal(runs.delete(TENANT, run))).isEqualTo(ErrorCode.CONFLICT);
        end(claimOne(), SUCCEED);

        await(runs.delete(TENANT, run));

        assertThat(refusal(runs.get(TENANT, run))).isEqualTo(ErrorCode.RUN_NOT_FOUND);
        assertThat(refusal(runs.delete(TENANT, run))).isEqualTo(ErrorCode.RUN_NOT_FOUND);
        assertThat(database.value("SELECT (SELECT count(*) FROM task_instances) + (SELECT count(*) FROM task_attempts)"
                        + " + (SELECT count(*) FROM task_events)"))
                .isEqualTo("0");
    }

    // Logs.

    @Test
    void aLogIsReadInSlicesThatJoinWithoutAGap() {
        var run = trigger(publish("a"));
        var claim = claimOne();
        start(claim);
        append(claim, 0, "first line\n");
        append(claim, 11, "second line\n");

        var whole = log(run, OptionalInt.empty(), 0, LIMIT);
        assertThat(whole.content().toString(UTF_8)).isEqualTo("first line\nsecond line\n");
        assertThat(whole.nextOffset()).isEqualTo(23);
        assertThat(whole.ended()).as("it still runs").isFalse();

        var joined = new StringBuilder();
        for (var offset = 0L; offset < 23; ) {
            var slice = log(run, OptionalInt.of(1), offset, 5);
            assertThat(slice.offset()).isEqualTo(offset);
            assertThat(slice.content().length()).isBetween(1, 5);
            joined.append(slice.content().toString(UTF_8));
            offset = slice.nextOffset();
        }
        assertThat(joined).hasToString("first line\nsecond line\n");

        end(claim, SUCCEED);
        assertThat(log(run, OptionalInt.empty(), 0, 5).ended()).isFalse();
        assertThat(log(run, OptionalInt.empty(), 0, LIMIT).ended()).isTrue();
        assertThat(log(run, OptionalInt.empty(), 23, LIMIT)).isEqualTo(new LogSlice(1, 23, Buffer.buffer(), true));
    }

    @Test
    void eachAttemptHasALogOfItsOwn() {
        var run = trigger(publish("a"));
        assertThat(log(run, OptionalInt.empty(), 0, LIMIT)).isEqualTo(new LogSlice(0, 0, Buffer.buffer(), false));
        var first = claimOne();
        append(first, 0, "one\n");
        end(first, new Verdict.Retry(Duration.ZERO, "once", false));
        assertThat(log(run, OptionalInt.empty(), 0, LIMIT).ended())
                .as("attempt 1 is over")
                .isTrue();
        await(work.wakeDue(10));
        var second = claimOne();
        start(second);
        append(second, 0, "two\n");

        assertThat(log(run, OptionalInt.of(1), 0, LIMIT).content()).hasToString("one\n");
        assertThat(log(run, OptionalInt.of(1), 0, LIMIT).ended()).isTrue();
        assertThat(log(run, OptionalInt.of(2), 0, LIMIT).content()).hasToString("two\n");
        assertThat(log(run, OptionalInt.empty(), 0, LIMIT).attempt()).isEqualTo(2);
        assertThat(log(run, OptionalInt.empty(), 0, LIMIT).ended()).isFalse();
        assertThat(refusal(runs.log(TENANT, run, new TaskId("a"), OptionalInt.of(3), 0, LIMIT)))
                .isEqualTo(ErrorCode.BAD_REQUEST);
    }

    @Test
    void theLogOfATaskThatNeverRanIsEmptyAndOver() {
        var run = trigger(publish("a"));
        await(runs.cancel(TENANT, run, Optional.empty()));

        assertThat(log(run, OptionalInt.empty(), 0, LIMIT)).isEqualTo(new LogSlice(0, 0, Buffer.buffer(), true));
    }

    // The part of callers.

    private DagId publish(String... lines) {
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

    private RunId trigger(DagId dag) {
        return await(runs.trigger(TENANT, dag, Json.EMPTY_OBJECT, Trigger.API, Optional.empty()))
                .runId();
    }

    private Future<RunSummary> trigger(DagId dag, String key, String hash) {
        return runs.trigger(
                TENANT, dag, Json.EMPTY_OBJECT, Trigger.API, Optional.of(new RequestKey("trigger", key, hash)));
    }

    private List<RunId> list(Optional<DagId> dag, Optional<RunState> state, Page page) {
        return await(runs.list(TENANT, dag, state, page)).stream()
                .map(RunSummary::runId)
                .toList();
    }

    private RunStatus status(RunId run) {
        return await(runs.get(TENANT, run));
    }

    private String states(RunId run) {
        return status(run).tasks().stream()
                .map(task -> task.taskId() + " " + task.state().wireName())
                .collect(Collectors.joining(", "));
    }

    private TaskDetail task(RunId run, String task) {
        return await(runs.task(TENANT, run, new TaskId(task)));
    }

    private static List<String> outcomes(TaskDetail task) {
        return task.attempts().stream()
                .map(attempt -> attempt.outcome().orElse("running"))
                .toList();
    }

    private LogSlice log(RunId run, OptionalInt attempt, long offset, int limit) {
        return await(runs.log(TENANT, run, new TaskId("a"), attempt, offset, limit));
    }

    private static ErrorCode refusal(Future<?> refused) {
        return catchThrowableOfType(OrreryException.class, () -> await(refused)).code();
    }

    private static Set<String> outcomesOfTheContract() {
        try (var contract = RunServiceIT.class.getResourceAsStream("/openapi.yaml")) {
            Object place = new Yaml().load(contract);
            for (var name : List.of("components", "schemas", "AttemptResponse", "properties", "outcome", "enum")) {
                place = ((Map<?, ?>) place).get(name);
            }
            return ((List<?>) place)
                    .stream()
                            .filter(name -> name != null)
                            .map(Object::toString)
                            .collect(Collectors.toCollection(TreeSet::new));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    // The part of the engine.

    private Claim claimOne() {
        return claims(1).getFirst();
    }

    private List<Claim> claims(int count) {
        var claims = await(work.commitAndClaim(node, List.of(), List.of("default"), count))
                .claims();
        assertThat(claims).hasSize(count);
        return claims;
    }

    private void start(Claim claim) {
        commit(claim, Optional.empty());
    }

    private void end(Claim claim, Verdict verdict) {
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

    private void append(Claim claim, long offset, String text) {
        await(logs.append(List.of(new LogRepository.Chunk(claim.id(), claim.attempt(), offset, Buffer.buffer(text)))));
    }
}

package dev.orrery.service;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.DagId;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.store.DagRunRepository;
import io.vertx.core.Future;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** How runs are created, listed, cancelled and deleted, as callers see it. */
class RunServiceIT extends RunServiceTestBase {

    private static final Page ALL = new Page(100, 0);

    @Test
    void aRunIsThereAsSoonAsItIsAnswered() {
        var dag = publish("a", "b <- a");
        var params = new Json("{\"day\":\"monday\"}");

        var created = await(runs.trigger(TENANT, dag, params, Trigger.API, Optional.empty(), Optional.empty()));

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
        assertThat(await(runs.list(TENANT, of(dag), ALL))).hasSize(2);
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

        assertThat(await(runs.list(TENANT, of(dag), ALL))).hasSize(1);
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
        assertThat(refusal(runs.trigger(
                        new TenantId(2),
                        publish("a"),
                        Json.EMPTY_OBJECT,
                        Trigger.API,
                        Optional.empty(),
                        Optional.empty())))
                .isEqualTo(ErrorCode.DAG_NOT_FOUND);
    }

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
        assertThat(await(runs.list(new TenantId(2), DagRunRepository.Filter.ALL, ALL)))
                .isEmpty();
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

    private Future<RunSummary> trigger(DagId dag, String key, String hash) {
        return runs.trigger(
                TENANT,
                dag,
                Json.EMPTY_OBJECT,
                Trigger.API,
                Optional.of(new RequestKey("trigger", key, hash)),
                Optional.empty());
    }

    private List<RunId> list(Optional<DagId> dag, Optional<RunState> state, Page page) {
        return await(runs.list(TENANT, new DagRunRepository.Filter(dag, state, Optional.empty()), page)).stream()
                .map(RunSummary::runId)
                .toList();
    }

    private String states(RunId run) {
        return status(run).tasks().stream()
                .map(task -> task.taskId() + " " + task.state().wireName())
                .collect(Collectors.joining(", "));
    }

    private static DagRunRepository.Filter of(DagId dag) {
        return new DagRunRepository.Filter(Optional.of(dag), Optional.empty(), Optional.empty());
    }
}

package dev.orrery.store;

import static dev.orrery.domain.task.UniqueKey.OnConflict.REFUSE;
import static dev.orrery.domain.task.UniqueKey.OnConflict.REPLACE;
import static dev.orrery.domain.task.UniqueKey.OnConflict.RETURN;
import static dev.orrery.store.TaskBench.SUCCEED;
import static dev.orrery.store.TaskBench.submission;
import static dev.orrery.store.TaskBench.task;
import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.task.UniqueKey.OnConflict;
import dev.orrery.store.SubmissionResult.Created;
import dev.orrery.store.SubmissionResult.CreatedTask;
import dev.orrery.store.SubmissionResult.Refused;
import dev.orrery.store.TaskBench.Draft;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One unique key that several tasks of a submission have, or several submissions that are made together. */
class SharedUniqueKeysIT {

    private TaskBench bench;

    @BeforeEach
    void open() throws SQLException {
        bench = new TaskBench(new SingleTaskRepository.Limits(50, 10));
    }

    @AfterEach
    void close() {
        bench.close();
    }

    @ParameterizedTest
    @CsvSource({"REPLACE, REPLACE", "REPLACE, REFUSE", "RETURN, REPLACE"})
    void twoTasksOfASubmissionThatBothWantToHaveAKeyAreRefused(OnConflict first, OnConflict second) {
        var holder = bench.submitted(keyed(REFUSE));

        var refused = (Refused) bench.submit(task(), keyed(first), keyed(second));

        assertThat(refused.task()).isEqualTo(3);
        assertThat(refused.code()).isEqualTo(ErrorCode.UNIQUE_KEY_TAKEN);
        assertThat(refused.message()).isEqualTo("another task of the batch has the same unique key");
        assertThat(bench.state(holder)).isEqualTo("ready");
        assertThat(holdersOfTheKey()).isEqualTo(holder.toString());
        assertThat(bench.text("SELECT count(*)::text FROM task_instances")).isEqualTo("1");
    }

    @Test
    void theTaskThatReplacesOneIsReturnedFromThenOn() {
        var old = bench.submitted(keyed(REFUSE));

        var results = await(
                bench.tasks.submit(List.of(submission(keyed(REPLACE), keyed(RETURN)), submission(keyed(RETURN)))));

        var replacing = tasks(results.getFirst()).getFirst();
        assertThat(replacing.isNew()).isTrue();
        assertThat(List.of(
                        tasks(results.getFirst()).get(1), tasks(results.get(1)).getFirst()))
                .allSatisfy(returned -> {
                    assertThat(returned.id()).isEqualTo(replacing.id());
                    assertThat(returned.isNew()).isFalse();
                });
        assertThat(bench.states(List.of(old, replacing.id()))).containsExactly("cancelled", "ready");
    }

    @Test
    void whoWaitsForATaskThatStandsInWaitsForTheOneThatIsMadeBesideIt() {
        var ids = bench.submitted(keyed(REFUSE), keyed(RETURN), task().after(2));

        assertThat(ids.get(1)).isEqualTo(ids.getFirst());
        assertThat(bench.states(ids)).containsExactly("ready", "ready", "blocked");
        bench.end(ids.getFirst(), SUCCEED);
        assertThat(bench.state(ids.get(2))).isEqualTo("ready");
    }

    @Test
    void whoWaitsForATaskThatStandsInWaitsForTheOneOfASubmissionMadeTogetherWithIt() {
        var results = await(bench.tasks.submit(List.of(
                submission(task(), task().after(1), keyed(REFUSE).after(2)),
                submission(keyed(RETURN), task().after(1)))));

        var made = tasks(results.getFirst()).get(2);
        var behind = tasks(results.get(1)).get(1);
        assertThat(tasks(results.get(1)).getFirst().id()).isEqualTo(made.id());
        assertThat(behind.depth()).isEqualTo(3);
        assertThat(bench.text("SELECT prerequisite_id::text FROM task_dependencies WHERE dependent_id = '" + behind.id()
                        + "'"))
                .isEqualTo(made.id().toString());
        assertThat(TaskInvariants.violations(bench.database)).isEmpty();
    }

    @Test
    void aSubmissionWhoseTaskStandsInForOneThatIsRefusedIsMadeForItself() {
        var results = await(bench.tasks.submit(List.of(
                submission(keyed(REFUSE), task().after(new TaskInstanceId(TaskBench.nextId()))),
                submission(keyed(RETURN), task().after(1), task().under(1)))));

        assertThat(results.getFirst()).isInstanceOf(Refused.class);
        assertThat(tasks(results.get(1))).allMatch(CreatedTask::isNew).hasSize(3);
        assertThat(TaskInvariants.violations(bench.database)).isEmpty();
    }

    @Test
    void aTaskIsNotMoreUrgentForOneThatStandsInForItAndIsRefused() {
        var results = await(bench.tasks.submit(List.of(
                submission(keyed(REFUSE)),
                submission(keyed(RETURN), task().after(1), task().after(new TaskInstanceId(TaskBench.nextId()))))));

        assertThat(results.get(1)).isInstanceOf(Refused.class);
        var made = tasks(results.getFirst()).getFirst();
        assertThat(made.priority())
                .isEqualTo(tasks(bench.submit(task())).getFirst().priority());
        assertThat(bench.text("SELECT count(*)::text FROM task_dependencies")).isEqualTo("0");
    }

    /** The second one is sent again for itself: it has to find the key where it was. */
    @Test
    void whoIsNotReplacedAfterAllHasItsKeyAgain() {
        var holder = bench.submitted(keyed(REFUSE));

        var results = await(bench.tasks.submit(List.of(
                submission(task().unique("other", REFUSE), task().after(new TaskInstanceId(TaskBench.nextId()))),
                submission(task().unique("other", RETURN), keyed(REPLACE)))));

        assertThat(results.getFirst()).isInstanceOf(Refused.class);
        assertThat(tasks(results.get(1))).allMatch(CreatedTask::isNew);
        assertThat(bench.state(holder)).isEqualTo("cancelled");
        assertThat(TaskInvariants.violations(bench.database)).isEmpty();
    }

    @Test
    void aChildOfATaskThatStandsInIsAChildOfTheOneItStandsInFor() {
        var holder = bench.submitted(keyed(REFUSE).waitingForChildren());

        var child = bench.submitted(keyed(RETURN), task().under(1)).get(1);

        assertThat(parentOf(child)).isEqualTo(holder.toString());
        bench.end(holder, SUCCEED);
        assertThat(bench.state(holder)).isEqualTo("blocked");
        bench.end(child, SUCCEED);
        assertThat(bench.state(holder)).isEqualTo("succeeded");
    }

    @Test
    void aChildOfATaskThatStandsInForACancelledOneIsRefused() throws SQLException {
        var holder = bench.submitted(keyed(REFUSE));
        bench.claim(holder);
        await(bench.calls.cancel(TenantId.DEFAULT, holder, Optional.empty()));

        var refused = (Refused) bench.submit(keyed(RETURN), task().under(1));

        assertThat(refused.task()).isEqualTo(2);
        assertThat(refused.code()).isEqualTo(ErrorCode.CONFLICT);
    }

    @Test
    void aChildOfATaskThatStandsInForOneMadeTogetherWithItIsAChildOfThat() {
        var results = await(bench.tasks.submit(List.of(
                submission(keyed(REFUSE).waitingForChildren()),
                submission(keyed(RETURN), task().under(1), task().after(2)))));

        var parent = tasks(results.getFirst()).getFirst().id();
        assertThat(parentOf(tasks(results.get(1)).get(1).id())).isEqualTo(parent.toString());
        assertThat(TaskInvariants.violations(bench.database)).isEmpty();
    }

    private static Draft keyed(OnConflict onConflict) {
        return task().unique("the key", onConflict);
    }

    private static List<CreatedTask> tasks(SubmissionResult result) {
        assertThat(result).isInstanceOf(Created.class);
        return ((Created) result).tasks();
    }

    private String parentOf(TaskInstanceId id) {
        return bench.text("SELECT parent_id::text FROM task_instances WHERE id = '" + id + "'");
    }

    private String holdersOfTheKey() {
        return bench.text("SELECT string_agg(task_id::text, ' ') FROM unique_keys");
    }
}

package dev.orrery.store;

import static dev.orrery.store.TaskBench.FAIL;
import static dev.orrery.store.TaskBench.SUCCEED;
import static dev.orrery.store.TaskBench.nextId;
import static dev.orrery.store.TaskBench.report;
import static dev.orrery.store.TaskBench.submission;
import static dev.orrery.store.TaskBench.task;
import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.task.TaskSource;
import dev.orrery.domain.task.UniqueKey.OnConflict;
import dev.orrery.store.SubmissionResult.Created;
import dev.orrery.store.SubmissionResult.CreatedTask;
import dev.orrery.store.SubmissionResult.Refused;
import dev.orrery.store.TaskBench.Draft;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is submitted is stored once and as it says, or refused and leaves nothing. */
class TaskSubmissionsIT {

    private TaskBench bench;

    @BeforeEach
    void open() throws SQLException {
        bench = new TaskBench(new SingleTaskRepository.Limits(3, 4));
    }

    @AfterEach
    void close() {
        bench.close();
    }

    @Test
    void whatIsToWaitForOneThatHasFailedIsCancelledAtOnce() {
        var failed = bench.submitted(task());
        bench.end(bench.claimOne(), FAIL);

        var ids = bench.submitted(task().after(failed), task().after(1));

        assertThat(ids.stream().map(bench::state)).containsExactly("cancelled", "cancelled");
    }

    @Test
    void theWeightOfASourceIsAddedToThePriority() {
        await(bench.tasks.setSourceWeights(Map.of(TaskSource.HUMAN, 2.5, TaskSource.API, -1.0), 0));
        assertThat(bench.created(task()).getFirst().priority()).isEqualTo(7.5);

        await(bench.tasks.setSourceWeights(Map.of(TaskSource.API, 1.0), 0));
        assertThat(bench.created(task()).getFirst().priority()).isEqualTo(5.0);
        assertThat(bench.text("SELECT string_agg(source || ' ' || weight, ', ') FROM source_weights"))
                .isEqualTo("api 1");
    }

    @Test
    void depthIsOneMoreThanTheDeepestOfThePrerequisites() {
        var outside = bench.submitted(task());
        var created = bench.created(task().after(outside), task().after(1), task().after(1, 2), task());

        assertThat(created.stream().map(CreatedTask::depth)).containsExactly(1, 2, 3, 0);
    }

    @Test
    void whatIsWrongIsRefusedAndLeavesNothing() {
        var other = TaskInstanceId.single(nextId(), 1);
        var deep = bench.submitted(task(), task().after(1), task().after(2), task().after(3), task().after(4))
                .get(4);

        assertRefused(ErrorCode.DEPENDENCY_NOT_FOUND, 2, task(), task().after(other));
        assertRefused(ErrorCode.DEPENDENCY_CYCLE, 1, task().after(1));
        assertRefused(ErrorCode.DEPENDENCY_CYCLE, 1, task().after(2), task());
        assertRefused(ErrorCode.DEPENDENCY_TOO_DEEP, 2, task(), task().after(deep));
        assertRefused(ErrorCode.TOO_MANY_DEPENDENCIES, 5, task(), task(), task(), task(), task().after(1, 2, 3, 4));
        assertRefused(ErrorCode.TASK_NOT_FOUND, 1, task().under(other));
    }

    @Test
    void whatItsOwnTasksRefuseNamesNoIdThatNeverComesToBe() {
        assertThat(bench.submit(task().unique("k", OnConflict.RETURN), task().unique("k", OnConflict.REFUSE)))
                .isEqualTo(new Refused(
                        2, ErrorCode.UNIQUE_KEY_TAKEN, "another task of the batch has the same unique key"));
        assertThat(bench.submit(
                        task(), task().after(1), task().after(2), task().after(3), task().after(4), task().after(5)))
                .isEqualTo(new Refused(
                        6,
                        ErrorCode.DEPENDENCY_TOO_DEEP,
                        "it would stand more than 4 tasks deep, behind another task of the batch"));
    }

    private void assertRefused(ErrorCode code, int task, Draft... drafts) {
        var before = bench.text("SELECT count(*)::text FROM task_instances");
        var key = Optional.of(new NewRun.Key("submit", code + "" + task, "h"));

        var results = await(bench.tasks.submit(List.of(submission(key, drafts), submission(Optional.empty(), task()))));

        assertThat(results.getFirst()).isInstanceOfSatisfying(Refused.class, refused -> {
            assertThat(refused.code()).isEqualTo(code);
            assertThat(refused.task()).isEqualTo(task);
        });
        assertThat(results.getLast()).isInstanceOf(Created.class);
        assertThat(bench.text("SELECT (count(*) - 1)::text FROM task_instances"))
                .isEqualTo(before);
        assertThat(bench.text("SELECT count(*)::text FROM idempotency_keys")).isEqualTo("0");
    }

    @Test
    void theSameRequestUnderItsKeyMakesTheSameTasks() {
        var key = Optional.of(new NewRun.Key("submit", "once", "h"));
        var first = submission(key, task(), task());

        assertThat(await(bench.tasks.submit(List.of(first))).getFirst()).isInstanceOf(Created.class);
        assertThat(await(bench.tasks.submit(List.of(submission(key, task(), task())))))
                .containsExactly(new SubmissionResult.Repeated(first.base()));
        assertThat(await(bench.tasks.submit(
                        List.of(submission(Optional.of(new NewRun.Key("submit", "once", "x")), task())))))
                .containsExactly(new SubmissionResult.KeyTaken());
        assertThat(bench.text("SELECT count(*)::text FROM task_instances")).isEqualTo("2");
    }

    @Test
    void toldAgainAfterALostAnswerItMakesNothingTwice() {
        var submission = submission(Optional.empty(), task(), task());

        await(bench.tasks.submit(List.of(submission)));

        assertThat(await(bench.tasks.submit(List.of(submission))))
                .containsExactly(new SubmissionResult.Repeated(submission.base()));
        assertThat(bench.text("SELECT count(*)::text FROM task_ready")).isEqualTo("2");
    }

    @Test
    void aUniqueKeyIsOneTasksUntilItEnds() {
        var first = bench.submitted(task().unique("report", OnConflict.RETURN));

        var standIn = bench.created(task().unique("report", OnConflict.RETURN)).getFirst();
        assertThat(standIn.id()).isEqualTo(first);
        assertThat(standIn.isNew()).isFalse();
        assertRefused(ErrorCode.UNIQUE_KEY_TAKEN, 1, task().unique("report", OnConflict.REFUSE));

        bench.end(bench.claim(first), SUCCEED);
        assertThat(bench.created(task().unique("report", OnConflict.REFUSE))
                        .getFirst()
                        .isNew())
                .isTrue();
    }

    @Test
    void whoReplacesOneThatIsSubmittedAtTheSameTimeReplacesItToo() {
        var all = List.of(
                submission(Optional.empty(), task().unique("k", OnConflict.REPLACE)),
                submission(Optional.empty(), task().unique("k", OnConflict.REPLACE)),
                submission(Optional.empty(), task().unique("k", OnConflict.RETURN)),
                submission(Optional.empty(), task().unique("k", OnConflict.REPLACE), task().after(1)));

        var results = await(bench.tasks.submit(all));

        assertThat(results).hasOnlyElementsOfType(SubmissionResult.Created.class);
        var ids = Stream.of(0, 1, 3)
                .map(n -> TaskInstanceId.single(all.get(n).base(), 1))
                .toList();
        assertThat(bench.states(ids)).containsExactly("cancelled", "cancelled", "ready");
        assertThat(bench.text("SELECT task_id::text FROM unique_keys"))
                .isEqualTo(ids.getLast().toString());
    }

    @Test
    void whoMetOneThatIsNotMadeAfterAllMetNothing() {
        var wrong = task().unique("b", OnConflict.RETURN).after(TaskInstanceId.single(nextId(), 1));
        var results = await(bench.tasks.submit(List.of(
                submission(Optional.empty(), task().unique("a", OnConflict.RETURN), wrong),
                submission(Optional.empty(), task().unique("b", OnConflict.REFUSE)),
                submission(Optional.empty(), task().unique("a", OnConflict.REPLACE)))));

        assertThat(results.getFirst()).isInstanceOf(SubmissionResult.Refused.class);
        assertThat(results.subList(1, 3)).hasOnlyElementsOfType(SubmissionResult.Created.class);
        assertThat(bench.text("SELECT count(*)::text FROM task_ready")).isEqualTo("2");
    }

    @Test
    void whatWaitsForATaskThatAnotherOneStandsInForWaitsForThat() {
        var first = bench.submitted(task().unique("report", OnConflict.RETURN));

        var ids = bench.submitted(task().unique("report", OnConflict.RETURN), task().after(1));
        bench.end(bench.claim(first), SUCCEED);

        assertThat(bench.state(ids.get(1))).isEqualTo("ready");
    }

    @Test
    void aDependentThatIsSubmittedWhileItsPrerequisiteEndsIsNeverForgotten() {
        for (var round = 0; round < 100; round++) {
            var first = bench.submitted(task());
            var claim = bench.claim(first);
            var ending =
                    bench.work.commitAndClaim(bench.node, List.of(report(claim, Optional.of(SUCCEED))), List.of(), 0);
            var second = submission(Optional.empty(), task().after(first));
            var submitting = bench.tasks.submit(List.of(second));
            await(ending);
            await(submitting);

            assertThat(bench.state(TaskInstanceId.single(second.base(), 1)))
                    .as("round %d", round)
                    .isEqualTo("ready");
            bench.end(bench.claim(TaskInstanceId.single(second.base(), 1)), SUCCEED);
        }
    }
}

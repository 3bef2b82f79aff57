package dev.orrery.cli.run;

import static dev.orrery.cli.run.Events.data;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.client.JsonObject;
import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.task.TaskState;
import org.junit.jupiter.api.Test;

class RunProgressTest {

    private final RunProgress progress = new RunProgress("nightly", Events.START, 0);

    private void task(String id, String state) {
        progress.task(data(Events.task(id, state, 1, 0)));
    }

    @Test
    void everyTaskIsCountedWhereItStandsNow() {
        task("a", "ready");
        task("b", "blocked");
        task("a", "running");
        task("a", "succeeded");
        task("b", "running");

        assertThat(progress.total()).isEqualTo(2);
        assertThat(progress.done()).isEqualTo(1);
        assertThat(progress.count(TaskState.RUNNING)).isEqualTo(1);
        assertThat(progress.count(TaskState.READY)).isZero();
        assertThat(progress.running()).extracting(RunProgress.Task::id).containsExactly("b");
    }

    @Test
    void aChangeTellsWhereTheTaskCameFrom() {
        assertThat(progress.task(data(Events.task("a", "ready", 0, 0)))
                        .orElseThrow()
                        .before())
                .isEmpty();

        var change = progress.task(data(Events.task("a", "running", 1, 5))).orElseThrow();

        assertThat(change.before().orElseThrow().state()).isEqualTo(TaskState.READY);
        assertThat(change.task().attempt()).isEqualTo(1);
    }

    @Test
    void theTasksThatAreStillToBeToldOfCountToo() {
        var large = new RunProgress("large", Events.START, 300);

        assertThat(large.task(data(Events.task("a", "running", 1, 0)))).isPresent();

        assertThat(large.total()).isEqualTo(300);
    }

    @Test
    void aRunKnowsItsEnd() {
        progress.run(data(Events.run("running", 10)));
        assertThat(progress.endedAt()).isEmpty();

        progress.run(data(Events.run("failed", 20)));

        assertThat(progress.state()).isEqualTo(RunState.FAILED);
        assertThat(progress.endedAt()).contains(Events.START.plusMillis(20));
    }

    @Test
    void aResetForgetsWhatWasKnown() {
        task("a", "running");

        progress.reset();
        task("b", "succeeded");

        assertThat(progress.total()).isEqualTo(1);
        assertThat(progress.running()).isEmpty();
        assertThat(progress.done()).isEqualTo(1);
    }

    @Test
    void whatANewerNodeMaySayIsLeftAside() {
        assertThat(progress.task(JsonObject.parse("{\"taskId\":\"a\",\"state\":\"dreaming\"}")))
                .isEmpty();
        assertThat(progress.task(JsonObject.parse("{\"state\":\"running\"}"))).isEmpty();
        progress.run(JsonObject.parse("{\"state\":\"dreaming\"}"));

        assertThat(progress.total()).isZero();
        assertThat(progress.state()).isEqualTo(RunState.PENDING);
    }
}

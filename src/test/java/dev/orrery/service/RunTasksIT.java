package dev.orrery.service;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.task.TaskState;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.NodeRepository;
import dev.orrery.store.WorkRepository.Held;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.Yaml;

/** The tasks of a run and their attempts, as callers see them. */
class RunTasksIT extends RunServiceTestBase {

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

    private void assertOpen(RunId run, TaskState state, String error) {
        for (var task : List.of(status(run).tasks().getFirst(), task(run, "a").status())) {
            assertThat(task.state()).isEqualTo(state);
            assertThat(task.completedAt()).as(state.wireName()).isEmpty();
            assertThat(task.error()).contains(error);
            assertThat(task.attempt()).isEqualTo(1);
        }
    }

    private static List<String> outcomes(TaskDetail task) {
        return task.attempts().stream()
                .map(attempt -> attempt.outcome().orElse("running"))
                .toList();
    }

    private static Set<String> outcomesOfTheContract() {
        try (var contract = RunTasksIT.class.getResourceAsStream("/openapi.yaml")) {
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
}

package dev.orrery.domain.dag;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.DagId;
import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.dag.TaskAssignment.DagReference;
import dev.orrery.domain.dag.TaskType.Handler;
import dev.orrery.domain.dag.TaskType.Http;
import dev.orrery.domain.dag.TaskType.Python;
import dev.orrery.domain.dag.TaskType.PythonSource.Code;
import dev.orrery.domain.dag.TaskType.Shell;
import dev.orrery.domain.task.RetryPolicy;
import dev.orrery.testing.Graphs;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DefinitionsTest {

    private static final DagId ID = new DagId(new UUID(1, 0));
    private static final TaskId TASK = new TaskId("a");
    private static final TaskType NOOP = new Handler("noop", Json.NULL);

    @Test
    void aDraftIsAGraph() {
        assertThat(draft(Graphs.tasks("a", "b <- a")).tasks()).hasSize(2);
        assertThatThrownBy(() -> draft(List.of())).hasMessage("a DAG needs at least one task");
        assertThatThrownBy(() -> draft(Graphs.tasks("a", "a"))).hasMessageContaining("stands twice");
        assertThatThrownBy(() -> draft(Graphs.tasks("a <- b"))).hasMessageContaining("unknown");
        assertThatThrownBy(() -> draft(Graphs.tasks("a <- b", "b <- a"))).hasMessageContaining("cycle");
    }

    @Test
    void aDraftCanBeGivenAnotherName() {
        var draft = draft(Graphs.tasks("a"));

        assertThat(draft.named("x").name()).contains("x");
        assertThat(draft.named("x").tasks()).isEqualTo(draft.tasks());
    }

    @Test
    void aDefinitionHasANameTasksAndAVersion() {
        var definition = definition("report", Graphs.tasks("a", "b <- a"), 3);

        assertThat(definition.task(2).id()).isEqualTo(new TaskId("b"));
        assertThatThrownBy(() -> definition(" ", Graphs.tasks("a"), 1)).hasMessageContaining("1..255");
        assertThatThrownBy(() -> definition("x", List.of(), 1)).hasMessageContaining("at least one task");
        assertThatThrownBy(() -> definition("x", Graphs.tasks("a", "b", "a"), 1))
                .hasMessage("task id a stands twice");
        assertThatThrownBy(() -> definition("x", Graphs.tasks("a"), 0)).hasMessage("versions start at 1, was 0");
    }

    @Test
    void aPublishedDagKnowsWhoWaits() {
        var dag = PublishedDag.of(7, Tenant.DEFAULT, definition("report", Graphs.tasks("a", "b <- a", "c <- a"), 1));

        assertThat(dag.taskCount()).isEqualTo(3);
        assertThat(dag.followers(1)).isEqualTo(2);
        assertThat(dag.followers(3)).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "Nightly report", "ä", " x ", "😀"})
    void namesAreShortVisibleTexts(String name) {
        assertThat(TaskDefinition.isName(name)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "\t", "a\nb", "a\u0000", "\u001b[2J", "a\u009b"})
    void otherTextsAreNoNames(String name) {
        assertThat(TaskDefinition.isName(name)).isFalse();
    }

    @Test
    void aNameHasAtMost255Characters() {
        assertThat(TaskDefinition.isName("😀".repeat(255))).isTrue();
        assertThat(TaskDefinition.isName("x".repeat(256))).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "'', 1000, 5, default, name",
        "a, 9, 5, default, timeout",
        "a, 2592000001, 5, default, timeout",
        "a, 1000, -1, default, priority",
        "a, 1000, 11, default, priority",
        "a, 1000, 5, '', not a queue name",
        "a, 1000, 5, a b, not a queue name",
    })
    void aTaskRefusesNonsense(String name, long timeout, int priority, String queue, String message) {
        assertThatThrownBy(() -> new TaskDefinition(
                        TASK, name, NOOP, Duration.ofMillis(timeout), RetryPolicy.DEFAULT, Set.of(), priority, queue))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(message);
    }

    @Test
    void aTaskDoesNotWaitForItself() {
        assertThatThrownBy(() -> Graphs.task("a", Set.of(TASK), 5)).hasMessage("task a depends on itself");
    }

    @Test
    void aDefinitionDoesNotChangeWithWhatItWasMadeFrom() {
        var tasks = new ArrayList<>(Graphs.tasks("a"));
        var env = new LinkedHashMap<>(Map.of("A", "1"));
        var args = new ArrayList<>(List.of("x"));
        var dag = draft(tasks);
        var shell = new Shell("x", env, Optional.empty());
        var http = new Http("GET", "http://x", env, Optional.empty());
        var python = new Python(new Code("x"), args, env, Optional.empty(), Optional.empty());

        tasks.clear();
        env.clear();
        args.clear();

        assertThat(dag.tasks()).hasSize(1);
        assertThat(shell.env()).containsEntry("A", "1");
        assertThat(http.headers()).containsEntry("A", "1");
        assertThat(python.args()).containsExactly("x");
        assertThat(python.env()).containsEntry("A", "1");
        assertThatThrownBy(() -> shell.env().put("B", "2")).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void typesHaveTheNamesThatStandInFiles() {
        assertThat(new Shell("x", Map.of(), Optional.empty()).wireName()).isEqualTo("shell");
        assertThat(new Http("GET", "http://x", Map.of(), Optional.empty()).wireName())
                .isEqualTo("http");
        assertThat(new Python(new Code(""), List.of(), Map.of(), Optional.empty(), Optional.empty()).wireName())
                .isEqualTo("python");
        assertThat(NOOP.wireName()).isEqualTo("handler");
    }

    @Test
    void anAssignmentNamesItsRunAndItsTask() {
        var run = new RunId(new UUID(2, 0));
        var assignment = new TaskAssignment(
                TaskInstanceId.of(run, 1),
                Optional.of(new DagReference(ID, "report")),
                Tenant.DEFAULT,
                7,
                Graphs.tasks("a").getFirst(),
                1,
                0,
                99,
                OptionalLong.empty(),
                TraceContext.ofRun(run, Optional.empty()),
                OptionalLong.empty(),
                Optional.empty());

        assertThat(assignment.runId()).isEqualTo(run);
        assertThat(assignment.taskId()).isEqualTo(TASK);
        assertThat(assignment.taskName()).isEqualTo("a");
        assertThatThrownBy(() -> new TaskAssignment(
                        TaskInstanceId.of(run, 1),
                        Optional.of(new DagReference(ID, "report")),
                        Tenant.DEFAULT,
                        7,
                        Graphs.tasks("a").getFirst(),
                        0,
                        0,
                        99,
                        OptionalLong.empty(),
                        TraceContext.ofRun(run, Optional.empty()),
                        OptionalLong.empty(),
                        Optional.empty()))
                .hasMessage("attempts start at 1, was 0");
    }

    private static DagDraft draft(List<TaskDefinition> tasks) {
        return new DagDraft(Optional.empty(), Optional.empty(), tasks, Optional.empty(), DagDraft.DEFAULT_TIMEZONE);
    }

    private static DagDefinition definition(String name, List<TaskDefinition> tasks, int version) {
        return new DagDefinition(
                ID,
                name,
                Optional.empty(),
                tasks,
                Optional.empty(),
                DagDraft.DEFAULT_TIMEZONE,
                Optional.empty(),
                version,
                Instant.EPOCH);
    }
}

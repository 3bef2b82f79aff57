package dev.orrery.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.domain.task.TaskState;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ValuesTest {

    @ParameterizedTest
    @ValueSource(strings = {"a", "_", "7", "A-b_c.d", "extract.1"})
    void aTaskIdHasItsForm(String text) {
        assertThat(new TaskId(text)).hasToString(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "-a", ".a", "a b", "a/b", "ä", "a\n"})
    void nothingElseIsATaskId(String text) {
        assertThatThrownBy(() -> new TaskId(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("not a task id: '" + text + "'");
    }

    @Test
    void aTaskIdHasAtMost255Characters() {
        assertThat(new TaskId("a".repeat(255)).value()).hasSize(255);
        assertThatThrownBy(() -> new TaskId("a".repeat(256))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void taskIdsAreOrderedAsTexts() {
        assertThat(Stream.of("b", "B", "a").map(TaskId::new).sorted().toList()).hasToString("[B, a, b]");
    }

    @Test
    void jsonKnowsNull() {
        assertThat(Json.NULL.isNull()).isTrue();
        assertThat(Json.EMPTY_OBJECT.isNull()).isFalse();
        assertThat(new Json("[1]")).hasToString("[1]");
    }

    @Test
    void aProblemOfAPlaceWithoutALine() {
        assertThat(Problem.at("limit", ProblemCode.OUT_OF_RANGE, "must be 1 to 500"))
                .isEqualTo(new Problem("OUT_OF_RANGE", 0, 0, "limit", "must be 1 to 500", Optional.empty()));
    }

    @Test
    void anErrorKeepsItsCodeItsProblemsAndItsCause() {
        var problem = Problem.at("a", ProblemCode.INVALID_VALUE, "c");
        var cause = new IllegalStateException("why");

        assertThat(new OrreryException(ErrorCode.BAD_REQUEST, "no", List.of(problem)))
                .hasMessage("no")
                .satisfies(error -> assertThat(error.problems()).containsExactly(problem))
                .satisfies(error -> assertThat(error.code()).isEqualTo(ErrorCode.BAD_REQUEST));
        assertThat(new OrreryException(ErrorCode.UNAVAILABLE, "no", cause).getCause())
                .isSameAs(cause);
        assertThat(new OrreryException(ErrorCode.UNAVAILABLE, "no").problems()).isEmpty();
        assertThat(new StartupException("no", cause)).hasCause(cause);
        assertThat(new StartupException("no").code()).isEqualTo(ErrorCode.UNAVAILABLE);
    }

    @ParameterizedTest
    @EnumSource
    void everyErrorHasAStatusACauseAndACure(ErrorCode code) {
        assertThat(code.status()).isBetween(400, 599);
        assertThat(code.cause()).endsWith(".");
        assertThat(code.cure()).endsWith(".");
    }

    @Test
    void wireNamesLeadBackToTheirConstants() {
        assertThat(TaskState.values())
                .allSatisfy(state ->
                        assertThat(TaskState.ofWireName(state.wireName())).isEqualTo(state));
        assertThat(RunState.values())
                .allSatisfy(state ->
                        assertThat(RunState.ofWireName(state.wireName())).isEqualTo(state));
        assertThat(Trigger.values())
                .allSatisfy(trigger ->
                        assertThat(Trigger.ofWireName(trigger.wireName())).isEqualTo(trigger));
        assertThat(Arrays.stream(TaskState.values()).map(WireNamed::wireName))
                .containsExactly(
                        "pending",
                        "blocked",
                        "ready",
                        "queued",
                        "running",
                        "retrying",
                        "succeeded",
                        "failed",
                        "timed_out",
                        "skipped",
                        "cancelled");
        assertThatThrownBy(() -> RunState.ofWireName("PENDING")).hasMessage("no RunState is called 'PENDING'");
    }
}

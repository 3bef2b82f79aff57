package dev.orrery.domain.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class TaskTransitionsTest {

    /** Every legal change; what does not stand here must be refused. */
    private static final String LEGAL = """
            PENDING   BLOCK -> BLOCKED  RELEASE -> READY  CANCEL -> CANCELLED
            BLOCKED   RELEASE -> READY  SKIP -> SKIPPED  CANCEL -> CANCELLED
            READY     CLAIM -> QUEUED  BLOCK -> BLOCKED  TIME_OUT -> TIMED_OUT  CANCEL -> CANCELLED
            QUEUED    START -> RUNNING  SUCCEED -> SUCCEEDED  FAIL -> FAILED  TIME_OUT -> TIMED_OUT  RETRY -> RETRYING  HAND_BACK -> READY  LOSE -> READY  CANCEL -> CANCELLED
            RUNNING   SUCCEED -> SUCCEEDED  FAIL -> FAILED  TIME_OUT -> TIMED_OUT  RETRY -> RETRYING  HAND_BACK -> READY  LOSE -> READY  CANCEL -> CANCELLED
            RETRYING  WAKE -> READY  CANCEL -> CANCELLED
            SUCCEEDED
            FAILED    REOPEN -> PENDING
            TIMED_OUT REOPEN -> PENDING
            SKIPPED   REOPEN -> PENDING
            CANCELLED REOPEN -> PENDING
            """;

    @ParameterizedTest
    @MethodSource("allStatesAndEvents")
    void aChangeIsLegalOrRefused(TaskState state, TaskEvent event) {
        var expected = legal().get(state).get(event);

        if (expected == null) {
            assertThat(TaskTransitions.find(state, event)).isEmpty();
            assertThatThrownBy(() -> TaskTransitions.next(state, event))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage(event + " cannot happen to a task that is " + state);
        } else {
            assertThat(TaskTransitions.find(state, event)).contains(expected);
            assertThat(TaskTransitions.next(state, event)).isEqualTo(expected);
        }
    }

    static Stream<Arguments> allStatesAndEvents() {
        return Arrays.stream(TaskState.values())
                .flatMap(state -> Arrays.stream(TaskEvent.values()).map(event -> Arguments.of(state, event)));
    }

    private static Map<TaskState, Map<TaskEvent, TaskState>> legal() {
        var table = new HashMap<TaskState, Map<TaskEvent, TaskState>>();
        LEGAL.lines().forEach(line -> {
            var cells = line.split("\\s{2,}| (?=[A-Z_]+ ->)", -1);
            var row = new HashMap<TaskEvent, TaskState>();
            for (var cell : cells) {
                if (cell.contains(" -> ")) {
                    var sides = cell.split(" -> ", -1);
                    row.put(TaskEvent.valueOf(sides[0]), TaskState.valueOf(sides[1]));
                }
            }
            table.put(TaskState.valueOf(cells[0]), row);
        });
        return table;
    }

    @Test
    void theTableAboveHasARowForEachState() {
        assertThat(legal().keySet()).containsExactlyInAnyOrder(TaskState.values());
        assertThat(legal().get(TaskState.QUEUED)).hasSize(8);
    }

    @Test
    void everyStateIsReachedFromPendingAndLeadsToAnEnd() {
        assertThat(reachableFrom(TaskState.PENDING)).containsExactlyInAnyOrder(TaskState.values());
        for (var state : TaskState.values()) {
            assertThat(reachableFrom(state)).anyMatch(TaskState::isTerminal);
        }
    }

    private static EnumSet<TaskState> reachableFrom(TaskState start) {
        var reached = EnumSet.of(start);
        var open = new ArrayDeque<>(reached);
        while (!open.isEmpty()) {
            var state = open.remove();
            for (var event : TaskEvent.values()) {
                TaskTransitions.find(state, event).filter(reached::add).ifPresent(open::add);
            }
        }
        return reached;
    }

    @Test
    void anEndIsFinalButForAnOperator() {
        assertThat(Arrays.stream(TaskState.values()).filter(TaskState::isTerminal))
                .containsExactly(
                        TaskState.SUCCEEDED,
                        TaskState.FAILED,
                        TaskState.TIMED_OUT,
                        TaskState.SKIPPED,
                        TaskState.CANCELLED)
                .allSatisfy(state -> assertThat(TaskEvent.values())
                        .filteredOn(event -> event != TaskEvent.REOPEN)
                        .allSatisfy(event ->
                                assertThat(TaskTransitions.find(state, event)).isEmpty()));
    }
}

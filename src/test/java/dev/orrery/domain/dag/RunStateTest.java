package dev.orrery.domain.dag;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunStateTest {

    @ParameterizedTest
    @CsvSource({
        "true,  3, 2, CANCELLED",
        "true,  0, 0, CANCELLED",
        "false, 1, 2, FAILED",
        "false, 0, 1, CANCELLED",
        "false, 0, 0, SUCCEEDED",
    })
    void aRunEndsByWhatWasAskedThenByItsWorstTask(boolean cancelAsked, int failed, int cancelled, RunState end) {
        assertThat(RunState.atEnd(cancelAsked, failed, cancelled)).isEqualTo(end);
    }

    @Test
    void theLastThreeAreTerminal() {
        assertThat(Arrays.stream(RunState.values()).filter(RunState::isTerminal))
                .containsExactly(RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED);
    }
}

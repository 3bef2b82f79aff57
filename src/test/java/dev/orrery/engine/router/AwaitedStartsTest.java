package dev.orrery.engine.router;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.engine.router.ReportBuffer.Entry;
import dev.orrery.store.WorkRepository.Held;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class AwaitedStartsTest {

    private static final TaskInstanceId TASK =
            TaskInstanceId.of(new RunId(UUID.fromString("01890a5d-ac96-7000-8000-000000000000")), 1);

    private final AwaitedStarts starts = new AwaitedStarts();

    /** The node may have lost its claim and have claimed the same task once more. */
    @Test
    void whatIsAnsweredOfAnEarlierClaimLetsNoLaterStartGo() {
        var earlier = starts.await(new Held(TASK, 7));
        var later = starts.await(new Held(TASK, 8));

        starts.answered(report(7));
        assertThat(earlier.isComplete()).isTrue();
        assertThat(later.isComplete()).isFalse();

        starts.answered(report(8));
        assertThat(later.succeeded()).isTrue();
    }

    @Test
    void whoeverAsksAgainWaitsForTheSame() {
        var first = starts.await(new Held(TASK, 7));
        var again = starts.await(new Held(TASK, 7));

        starts.answered(report(7));

        assertThat(first.succeeded()).isTrue();
        assertThat(again.succeeded()).isTrue();
    }

    private static Entry report(long fence) {
        return new Entry(TASK, 1, 1, fence, 1, Optional.empty(), OptionalLong.of(1), 0, false);
    }
}

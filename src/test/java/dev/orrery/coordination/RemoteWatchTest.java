package dev.orrery.coordination;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.IdSequence;
import dev.orrery.domain.NodeId;
import dev.orrery.store.NodeRepository.RemoteMember;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class RemoteWatchTest {

    private static final IdSequence IDS = new IdSequence(1);
    private static final NodeId QUICK = new NodeId(IDS.next(1));
    private static final NodeId SLOW = new NodeId(IDS.next(2));

    private final RemoteWatch watch = new RemoteWatch(Duration.ofSeconds(5));

    @Test
    void eachIsSilentByItsOwnLease() {
        for (var second = 0; second <= 3; second++) {
            look(second, 1, 1);
        }
        assertThat(silent()).containsExactly(QUICK);

        for (var second = 4; second <= 8; second++) {
            look(second, second, 1);
        }
        assertThat(silent()).containsExactly(SLOW);
    }

    @Test
    void theTimeInWhichNobodyLookedDoesNotCount() {
        look(0, 1, 1);
        look(1, 1, 1);

        look(9, 1, 1);
        assertThat(silent())
                .as("this node may have slept, and nobody heard their beats")
                .isEmpty();
        look(10, 1, 1);
        assertThat(silent()).isEmpty();
        look(11, 1, 1);
        assertThat(silent()).isEmpty();
        look(12, 1, 1);

        assertThat(silent()).containsExactly(QUICK);
    }

    @Test
    void theTimeOfAFailedLookDoesNotCount() {
        look(0, 1, 1);
        look(1, 1, 1);
        watch.broken();
        look(2, 1, 1);
        look(3, 1, 1);

        assertThat(silent()).isEmpty();
    }

    @Test
    void whoIsGivenUpIsForgotten() {
        for (var second = 0; second <= 3; second++) {
            look(second, 1, 1);
        }
        watch.saw(List.of(), seconds(4), seconds(4));

        assertThat(silent()).isEmpty();
    }

    private void look(int second, long quick, long slow) {
        watch.saw(
                List.of(
                        new RemoteMember(QUICK, "quick", quick, Duration.ofSeconds(2)),
                        new RemoteMember(SLOW, "slow", slow, Duration.ofSeconds(6))),
                seconds(second),
                seconds(second) + 1);
    }

    private static long seconds(int count) {
        return Duration.ofSeconds(count).toNanos();
    }

    private List<NodeId> silent() {
        return watch.silent().stream().map(RemoteMember::id).toList();
    }
}

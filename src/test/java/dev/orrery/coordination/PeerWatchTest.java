package dev.orrery.coordination;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.IdSequence;
import dev.orrery.domain.NodeId;
import dev.orrery.store.NodeRepository.AliveNode;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class PeerWatchTest {

    private static final IdSequence IDS = new IdSequence(1);
    private static final NodeId SELF = new NodeId(IDS.next(1));
    private static final NodeId OTHER = new NodeId(IDS.next(2));

    private final PeerWatch watch = new PeerWatch(SELF, Duration.ofSeconds(5), Duration.ofMillis(2_500));

    @Test
    void whoStandsStillForTheLeaseIsSilent() {
        for (var second = 0; second <= 5; second++) {
            look(second, 7);
        }
        assertThat(watch.silent()).isEmpty();

        look(6, 7);

        assertThat(watch.silent()).extracting(AliveNode::id).containsExactly(OTHER);
        assertThat(watch.silent().getFirst().beat()).isEqualTo(7);
    }

    @Test
    void oneBeatEndsTheSilence() {
        for (var second = 0; second <= 6; second++) {
            look(second, 7);
        }

        look(7, 8);

        assertThat(watch.silent()).isEmpty();
    }

    @Test
    void aCounterThatGoesBackIsASignOfLifeToo() {
        for (var second = 0; second <= 6; second++) {
            look(second, 7);
        }

        look(7, 1);

        assertThat(watch.silent()).isEmpty();
    }

    @Test
    void theTimeOfAFailedLookDoesNotCount() {
        for (var second = 0; second <= 4; second++) {
            look(second, 7);
        }
        watch.broken();

        for (var second = 5; second <= 10; second++) {
            look(second, 7);
            assertThat(watch.silent()).isEmpty();
        }

        look(11, 7);
        assertThat(watch.silent()).hasSize(1);
    }

    @Test
    void aGapBetweenLooksBeginsAnew() {
        look(0, 7);
        look(1, 7);

        look(9, 7);

        assertThat(watch.silent()).as("this node may have slept itself").isEmpty();
    }

    @Test
    void aSlowLookIsNoTimeOfSilence() {
        look(0, 7);
        look(2, 7);
        watch.saw(List.of(node(OTHER, 7)), seconds(4), seconds(4));
        // Sent before the lease was over, and long under way: the other may have beaten meanwhile.
        watch.saw(List.of(node(OTHER, 7)), seconds(4), seconds(6));

        assertThat(watch.silent()).isEmpty();
    }

    @Test
    void aNodeDoesNotWatchItself() {
        for (var second = 0; second <= 9; second++) {
            watch.saw(List.of(node(SELF, 1)), seconds(second), seconds(second));
        }

        assertThat(watch.silent()).isEmpty();
    }

    @Test
    void whoIsGoneIsForgotten() {
        for (var second = 0; second <= 6; second++) {
            look(second, 7);
        }

        watch.saw(List.of(), seconds(7), seconds(7));

        assertThat(watch.silent()).isEmpty();
    }

    private void look(int second, long beat) {
        // Half a second between question and answer.
        watch.saw(List.of(node(SELF, second), node(OTHER, beat)), seconds(second), seconds(second) + 500_000_000L);
    }

    private static long seconds(int count) {
        return count * 1_000_000_000L;
    }

    private static AliveNode node(NodeId id, long beat) {
        return new AliveNode(id, "n", 1, "local", "", beat, false, 8, 0, 0, 0);
    }
}

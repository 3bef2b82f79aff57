package dev.orrery.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.store.CheckResult;
import dev.orrery.store.InvariantRepository;
import dev.orrery.store.InvariantRepository.Part;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class InvariantWalkTest {

    private static final UUID LOW = UUID.fromString("01980000-0000-7000-8000-000000000000");
    private static final UUID HIGH = UUID.fromString("f1980000-0000-7000-8000-000000000000");

    private final InvariantWalk walk = new InvariantWalk();

    @Test
    void afterALookThatFailedFewerRowsAreTakenUntilSomeHaveGoneWell() {
        walk.hasFailed();
        assertThat(walk.rows()).isEqualTo(2_500);

        looks(9);
        assertThat(walk.rows()).isEqualTo(2_500);
        looks(1);
        assertThat(walk.rows()).isEqualTo(5_000);

        looks(1_000);
        assertThat(walk.rows()).isEqualTo(InvariantRepository.ROWS_MAX);
    }

    @Test
    void noFewerAreTakenThanLeadOn() {
        for (var n = 0; n < 20; n++) {
            walk.hasFailed();
        }

        assertThat(walk.rows()).isEqualTo(InvariantRepository.ROWS_MIN);
    }

    /** Where tasks ended meanwhile, the newest part reaches further down than the walk had come. */
    @Test
    void whatTheNewestPartHoldsIsNotLookedAtTwice() {
        walk.hasSeen(part(0, HIGH), part(0, HIGH));

        assertThat(walk.olderThan(part(0, LOW))).contains(LOW);
    }

    @Test
    void whatWasFoundAmongTheOlderCountsUntilTheWalkHasComeByAgain() {
        assertThat(walk.hasSeen(part(1, HIGH), part(2, LOW))).isEqualTo(3);
        assertThat(walk.hasSeen(part(0, HIGH), part(0, null))).isEqualTo(2);
        assertThat(walk.hasSeen(part(0, HIGH), part(0, LOW))).isEqualTo(2);
        assertThat(walk.hasSeen(part(0, HIGH), part(0, null))).isZero();
    }

    private void looks(int times) {
        for (var n = 0; n < times; n++) {
            walk.hasSeenAll(part(0, null));
        }
    }

    private static Part part(int found, @Nullable UUID next) {
        return new Part(
                new CheckResult("c", CheckResult.Outcome.OK, "", found, List.of(), "", ""), Optional.ofNullable(next));
    }
}

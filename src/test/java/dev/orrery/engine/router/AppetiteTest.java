package dev.orrery.engine.router;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.coordination.Trust;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.WorkerId;
import dev.orrery.store.WorkRepository.Held;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AppetiteTest {

    private static final UUID SOME = UUID.fromString("01890a5d-ac96-7000-8000-000000000000");
    private static final long NOW = System.nanoTime();
    private static final int SLOTS = 4;
    private static final int ROOM = 20;

    private final HeldClaims held =
            new HeldClaims(List.of(WorkerId.of(new NodeId(SOME), 1), WorkerId.of(new NodeId(SOME), 2)), ROOM / 2);
    private boolean hasRoom = true;
    private final Appetite appetite = new Appetite(settings(List.of(), 1_000), held, () -> hasRoom, Trust.always());

    @Test
    void afterSomeClaimsInVainSoonAfterOneAnotherItIsWokenInVainUntilAMomentHasPassedOrOneIsFull() {
        for (var claim = 0; claim < 4; claim++) {
            assertThat(appetite.isWokenInVain(NOW + claim)).isFalse();
            appetite.ask(SLOTS);
            appetite.answered(SLOTS, 0, NOW + claim);
        }
        assertThat(appetite.isWokenInVain(NOW + 4)).isTrue();
        assertThat(appetite.isWokenInVain(NOW + 1_000_000_000)).isFalse();

        appetite.ask(SLOTS);
        appetite.answered(SLOTS, 1, NOW + 5);
        assertThat(appetite.isWokenInVain(NOW + 6)).isFalse();
    }

    @Test
    void claimsInVainThatAreFarApartAreNoReasonToWait() {
        for (var claim = 0; claim < 10; claim++) {
            var now = NOW + claim * 1_000_000_000L;
            appetite.ask(SLOTS);
            appetite.answered(SLOTS, 0, now);
            assertThat(appetite.isWokenInVain(now)).isFalse();
        }
    }

    @Test
    void anIdleNodeWantsToFillItsSlots() {
        appetite.offer(List.of("default"));
        appetite.wake();

        assertThat(appetite.sizeIfAwake()).isEqualTo(SLOTS);
    }

    @Test
    void whileTooMuchWaitsForTheDatabaseItWantsNothingAndForgetsNothing() {
        appetite.offer(List.of("default"));
        appetite.wake();
        hasRoom = false;
        assertThat(appetite.size()).isZero();
        appetite.ask(0);
        appetite.answered(0, 0, NOW);

        hasRoom = true;

        assertThat(appetite.sizeIfAwake()).isEqualTo(SLOTS);
    }

    @Test
    void itAsksOnceAndSleepsUntilThereMayBeMore() {
        appetite.offer(List.of("default"));
        appetite.wake();
        appetite.ask(SLOTS);
        assertThat(appetite.sizeIfAwake()).isZero();
        appetite.wake();
        assertThat(appetite.sizeIfAwake()).as("all is asked for already").isZero();

        appetite.answered(SLOTS, 3, NOW);

        assertThat(appetite.sizeIfAwake()).as("woken meanwhile").isEqualTo(SLOTS);
    }

    @Test
    void anAnswerThatIsNotFullShowsAllThereIs() {
        appetite.offer(List.of("default"));
        appetite.wake();
        appetite.ask(SLOTS);

        appetite.answered(SLOTS, SLOTS - 1, NOW);

        assertThat(appetite.sizeIfAwake()).isZero();
        assertThat(appetite.size()).isEqualTo(SLOTS);
    }

    @Test
    void afterAFullAnswerOrNoneItLooksAgain() {
        appetite.offer(List.of("default"));
        appetite.ask(2);
        appetite.answered(2, 2, NOW);
        assertThat(appetite.sizeIfAwake()).isEqualTo(SLOTS);

        appetite.ask(SLOTS);
        appetite.unanswered(SLOTS);

        assertThat(appetite.sizeIfAwake()).isEqualTo(SLOTS);
    }

    @Test
    void anExchangeThatAskedForNothingTellsNothing() {
        appetite.offer(List.of("default"));

        appetite.ask(0);
        appetite.answered(0, 0, NOW);
        appetite.ask(0);
        appetite.unanswered(0);

        assertThat(appetite.sizeIfAwake()).isZero();
    }

    @Test
    void howeverFastTasksEndItNeverWantsMoreThanTheQueuesTakeOrABatchHolds() {
        appetite.offer(List.of("default"));
        appetite.ended(1_000_000, System.nanoTime());
        assertThat(appetite.size()).isEqualTo(ROOM);

        held.expect(IntStream.rangeClosed(1, 5)
                .mapToObj(n -> new Held(TaskInstanceId.of(new RunId(SOME), n), 1))
                .toList());
        appetite.ask(3);

        assertThat(appetite.size()).isEqualTo(ROOM - 5 - 3);
        var small = new Appetite(settings(List.of(), 6), held, () -> true, Trust.always());
        small.offer(List.of("default"));
        small.ended(1_000_000, System.nanoTime());
        assertThat(small.size()).isEqualTo(6);
    }

    @Test
    void aNodeWithoutQueuesAndOneThatDrainsWantNothing() {
        appetite.wake();
        assertThat(appetite.sizeIfAwake()).isZero();

        appetite.offer(List.of("default"));
        appetite.lose();

        assertThat(appetite.sizeIfAwake()).isZero();
    }

    @Test
    void itServesAllQueuesUnlessItIsToldWhich() {
        assertThat(appetite.offer(List.of("a", "b"))).isTrue();
        assertThat(appetite.offer(List.of("a", "b"))).isFalse();
        assertThat(appetite.queues()).containsExactly("a", "b");

        var choosy = new Appetite(settings(List.of("b"), 10), held, () -> true, Trust.always());

        assertThat(choosy.offer(List.of("a", "b"))).isTrue();
        assertThat(choosy.queues()).containsExactly("b");
        assertThat(choosy.serves(List.of("b"))).isTrue();
        assertThat(choosy.serves(List.of("a", "b"))).isFalse();
    }

    private static RouterSettings settings(List<String> queues, int batchSize) {
        return new RouterSettings(
                Duration.ofSeconds(1),
                Duration.ofMillis(50),
                batchSize,
                SLOTS / 2,
                ROOM / 2 - SLOTS / 2,
                queues,
                Duration.ofSeconds(1));
    }
}

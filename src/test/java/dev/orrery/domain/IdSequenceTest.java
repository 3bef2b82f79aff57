package dev.orrery.domain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Seeded;
import java.util.Comparator;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class IdSequenceTest {

    private static final long LATEST = (1L << 48) - 1;

    @Test
    void idsAreOfVersionSevenCarryTheirTimeAndLeaveRoomForNumbers() {
        Seeded.forAll(random -> {
            var millis = random.nextLong(1, LATEST);

            var id = new IdSequence(random.nextLong()).next(millis);

            assertThat(id.version()).isEqualTo(7);
            assertThat(id.variant()).isEqualTo(2);
            assertThat(id.getMostSignificantBits() >>> 16).isEqualTo(millis);
            assertThat(id.getLeastSignificantBits() & 0xFFFF_FFFFL).isZero();
        });
    }

    @Test
    void idsRiseEvenWhereTimeStepsBackOrStandsStill() {
        Seeded.forAll(20, random -> {
            var sequence = new IdSequence(random.nextLong());
            var now = random.nextLong(1_000_000, LATEST / 2);

            var ids = LongStream.range(0, 10_000)
                    .mapToObj(_ -> sequence.next(now + random.nextLong(-100, 100)))
                    .toList();

            assertThat(ids)
                    .isSortedAccordingTo(Comparator.comparing(UUID::toString))
                    .doesNotHaveDuplicates();
        });
    }

    @Test
    void processesWithOtherTagsMakeOtherIds() {
        assertThat(new IdSequence(1).next(5)).isNotEqualTo(new IdSequence(2).next(5));
        assertThat(new IdSequence(1).next(5)).isEqualTo(new IdSequence(1L << 30 | 1).next(5));
    }

    @Test
    void threadsNeverGetTheSameId() {
        var sequence = new IdSequence(7);

        var ids = IntStream.range(0, 50_000)
                .parallel()
                .mapToObj(_ -> sequence.next(1_000))
                .toList();

        assertThat(ids).doesNotHaveDuplicates();
    }
}

package dev.orrery.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TraceSamplingTest {

    private static final IdSequence IDS = new IdSequence(7);

    @Test
    void aShareOfTheTracesIsRecordedThoughTheirIdsAreAlmostAlike() {
        var sampling = new TraceSampling(0.25);

        var taken = IntStream.range(0, 20_000)
                .filter(_ -> sampling.takes(IDS.next(1_700_000_000_000L)))
                .count();

        assertThat(taken / 20_000.0).isCloseTo(0.25, within(0.02));
    }

    @Test
    void aLargerShareRecordsWhatASmallerOneDoes() {
        var some = new TraceSampling(0.1);
        var more = new TraceSampling(0.5);
        for (var n = 0; n < 1_000; n++) {
            var id = UUID.randomUUID();
            assertThat(more.takes(id) || !some.takes(id)).isTrue();
            assertThat(TraceSampling.ALL.takes(id)).isTrue();
            assertThat(new TraceSampling(0).takes(id)).isFalse();
        }
    }

    @Test
    void whatACallerDecidedHolds() {
        var run = new RunId(new UUID(1, 2));
        var given = TraceContext.parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

        assertThat(new TraceSampling(0).given(run, given)).isEqualTo(given);
    }

    @Test
    void aRunThatIsNotRecordedKeepsItsPlaceWithoutTheFlag() {
        var run = new RunId(new UUID(1, 2));

        var given = new TraceSampling(0).given(run, Optional.empty());

        var place = TraceContext.ofRun(run, given);
        assertThat(place.isSampled()).isFalse();
        assertThat(place.at(1).traceId()).isEqualTo(run.value());
        assertThat(place.spanId())
                .isEqualTo(TraceContext.ofRun(run, Optional.empty()).spanId())
                .isEqualTo(TraceContext.spanOf(run));
        assertThat(TraceSampling.ALL.given(run, Optional.empty())).isEmpty();
    }
}

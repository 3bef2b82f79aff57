package dev.orrery.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.testing.Seeded;
import java.util.HashSet;
import java.util.Optional;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TraceContextTest {

    private static final String GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    private static final RunId RUN = RunId.parse("01980f6e-7a10-7000-8b2d-5f3100000000");

    @Test
    void isReadAndWrittenAsTheHeaderSaysIt() {
        var given = TraceContext.parse(GIVEN).orElseThrow();

        assertThat(given.traceIdText()).isEqualTo("0af7651916cd43dd8448eb211c80319c");
        assertThat(given.spanIdText()).isEqualTo("b7ad6b7169203331");
        assertThat(given.flags()).isEqualTo(1);
        assertThat(given.traceparent()).isEqualTo(GIVEN);
        assertThat(TraceContext.parseTraceId(given.traceIdText())).isEqualTo(given.traceId());
    }

    @Test
    void eachIsReadAsItIsWritten() {
        Seeded.forAll(random -> {
            var trace = new TraceContext(uuid(random), random.nextLong() | 1, random.nextInt(4));

            assertThat(trace.traceparent()).hasSize(55);
            assertThat(TraceContext.parse(trace.traceparent())).contains(trace);
        });
    }

    @Test
    void aLaterVersionIsReadAsFarAsItIsUnderstood() {
        var later = "cc" + GIVEN.substring(2, 53) + "ff";

        assertThat(TraceContext.parse(later).map(TraceContext::traceparent)).contains(GIVEN.substring(0, 53) + "03");
        assertThat(TraceContext.parse(later + "-what-the-future-will-be-like")).isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "00",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 ",
                "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
                "00-0af7651916cd43dd8448eb211c80319-b7ad6b71692033311-01",
                "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more"
            })
    void whatIsNotValidIsNone(String text) {
        assertThat(TraceContext.parse(text)).isEmpty();
    }

    @Test
    void noTextBreaksIt() {
        Seeded.forAll(random -> {
            var text = new StringBuilder(GIVEN);
            for (var change = random.nextInt(4); change >= 0; change--) {
                text.setCharAt(random.nextInt(text.length()), (char) random.nextInt(0x20, 0x100));
            }

            TraceContext.parse(text.toString())
                    .ifPresent(read ->
                            assertThat(TraceContext.parse(read.traceparent())).contains(read));
        });
    }

    @Test
    void aRunWithoutATraceHasOneByItsId() {
        var trace = TraceContext.ofRun(RUN, Optional.empty());

        assertThat(trace.traceIdText()).isEqualTo("01980f6e7a1070008b2d5f3100000000");
        assertThat(trace.flags()).isEqualTo(1);
    }

    @Test
    void whatBelongsToARunIsInTheTraceThatItWasGiven() {
        var given = TraceContext.parse(GIVEN.replace("-01", "-00"));

        var run = TraceContext.ofRun(RUN, given);
        var attempt = TraceContext.ofAttempt(TaskInstanceId.of(RUN, 1), 2, given);

        assertThat(run.traceId()).isEqualTo(given.orElseThrow().traceId());
        assertThat(attempt.traceId()).isEqualTo(run.traceId());
        assertThat(run.flags()).isZero();
        assertThat(attempt.flags()).isZero();
    }

    /** Nodes of all versions have to tell the same. */
    @Test
    void spansStayWhatTheyAre() {
        assertThat(TraceContext.ofRun(RUN, Optional.empty()).spanIdText()).isEqualTo("1e1863e57020e917");
        assertThat(TraceContext.ofAttempt(TaskInstanceId.of(RUN, 3), 2, Optional.empty())
                        .spanIdText())
                .isEqualTo("06f8548b9212ff56");
    }

    @Test
    void spansDiffer() {
        var spans = new HashSet<Long>();
        for (var run = 0; run < 100; run++) {
            var id = new RunId(new UUID(
                    RUN.value().getMostSignificantBits() + run, RUN.value().getLeastSignificantBits()));
            spans.add(TraceContext.ofRun(id, Optional.empty()).spanId());
            for (var task = 1; task <= 10; task++) {
                for (var attempt = 1; attempt <= 10; attempt++) {
                    spans.add(TraceContext.ofAttempt(TaskInstanceId.of(id, task), attempt, Optional.empty())
                            .spanId());
                }
            }
        }

        assertThat(spans).hasSize(100 + 100 * 10 * 10).doesNotContain(0L);
    }

    @Test
    void refusesWhatNoTraceIs() {
        assertThatThrownBy(() -> new TraceContext(new UUID(0, 0), 1, 1)).hasMessage("a trace id is not zero");
        assertThatThrownBy(() -> new TraceContext(new UUID(0, 1), 0, 1)).hasMessage("a span id is not zero");
        assertThatThrownBy(() -> new TraceContext(new UUID(0, 1), 1, 4)).hasMessage("unknown flags: 4");
        assertThatThrownBy(() -> TraceContext.parseTraceId("0AF7651916CD43DD8448EB211C80319C"))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static UUID uuid(RandomGenerator random) {
        return new UUID(random.nextLong(), random.nextLong());
    }
}

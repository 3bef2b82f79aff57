package dev.orrery.domain.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.Json;
import dev.orrery.testing.Seeded;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LogEntryTest {

    private static final Instant AT = Instant.parse("2026-11-21T17:00:00.123Z");
    private static final String WORDS = "ab{}[]\": \\,1é\t";

    @Test
    void isOneLineWithTimeLevelMessageAndData() {
        var entry = new LogEntry(AT, LogLevel.INFO, "3 rows read", json("{\"file\":\"a.csv\"}"));

        assertThat(entry.text()).isEqualTo("2026-11-21T17:00:00.123Z INFO 3 rows read {\"file\":\"a.csv\"}");
        assertThat(LogEntry.parse(entry.text())).contains(entry);
    }

    @Test
    void furtherLinesOfAMessageStandBehindTabs() {
        var entry = new LogEntry(AT, LogLevel.ERROR, "it broke\n\tat here\r\n\nand there", json("{\"n\":1}"));

        assertThat(entry.text())
                .isEqualTo("2026-11-21T17:00:00.123Z ERROR it broke\n\t\tat here\n\t\n\tand there {\"n\":1}");
        assertThat(LogEntry.parse(entry.text())).contains(entry);
    }

    @Test
    void isReadAsItWasWritten() {
        Seeded.forAll(random -> {
            var message = text(random);
            var data = random.nextBoolean() ? json("{\"k\":\"" + random.nextInt() + " {}\"}") : Optional.<Json>empty();
            var entry = new LogEntry(
                    Instant.ofEpochMilli(random.nextLong(-60_000_000_000_000L, 250_000_000_000_000L)),
                    LogLevel.ofWireName(
                            List.of("debug", "info", "warning", "error").get(random.nextInt(4))),
                    message,
                    data);

            assertThat(LogEntry.parse(entry.text())).contains(entry);
        });
    }

    @Test
    void whatStandsBehindTheMessageIsDataOnlyIfItIsAnObject() {
        assertThat(parsed("a {b}")).isEqualTo(new LogEntry(AT, LogLevel.INFO, "a {b}"));
        assertThat(parsed("a [1]")).isEqualTo(new LogEntry(AT, LogLevel.INFO, "a [1]"));
        assertThat(parsed("{\"a\":1}")).isEqualTo(new LogEntry(AT, LogLevel.INFO, "{\"a\":1}"));
        assertThat(parsed("a {x} {\"a\": {\"b\":[ ]}}"))
                .isEqualTo(new LogEntry(AT, LogLevel.INFO, "a {x}", json("{\"a\": {\"b\":[ ]}}")));
        assertThat(parsed(" {\"a\":1}")).isEqualTo(new LogEntry(AT, LogLevel.INFO, "", json("{\"a\":1}")));
    }

    @Test
    void otherWaysOfWritingATimeAndALevelAreUnderstood() {
        assertThat(LogEntry.parse("2026-11-21T17:00:00Z WARN late"))
                .contains(new LogEntry(Instant.parse("2026-11-21T17:00:00Z"), LogLevel.WARNING, "late"));
        assertThat(LogEntry.parse("2026-11-21T18:00:00,123456+01:00 DEBUG"))
                .contains(new LogEntry(AT, LogLevel.DEBUG, ""));
    }

    @Test
    void aLineThatIsNoEntryIsNone() {
        assertThat(LogEntry.parse("")).isEmpty();
        assertThat(LogEntry.parse("INFO no time")).isEmpty();
        assertThat(LogEntry.parse("2026-11-21T17:00:00.123Z no level")).isEmpty();
        assertThat(LogEntry.parse("2026-11-21T17:00:00.123Z NOTICE unknown")).isEmpty();
        assertThat(LogEntry.parse("2026-11-21T17:00:00.123Z INFORMAL")).isEmpty();
        assertThat(LogEntry.parse("2026-13-21T17:00:00.123Z INFO no such month"))
                .isEmpty();
        assertThat(LogEntry.parse("2026-11-21T17:00:00.123+99:00 INFO no such zone"))
                .isEmpty();
        assertThat(LogEntry.parse("9999-12-31T23:59:59-01:00 INFO the year 10000"))
                .isEmpty();
    }

    @Test
    void aLineFullOfBracesIsReadInNoTime() {
        var braces = "a" + " {\"a\":".repeat(2_500) + "}";

        assertThat(parsed(braces)).isEqualTo(new LogEntry(AT, LogLevel.INFO, braces));
    }

    @Test
    void refusesWhatNoLineCanSay() {
        assertThatThrownBy(() -> new LogEntry(Instant.MAX, LogLevel.INFO, "")).hasMessageContaining("9999");
        assertThatThrownBy(() -> new LogEntry(AT, LogLevel.INFO, "", json("[1]")))
                .hasMessage("data is no object in one line");
        assertThatThrownBy(() -> new LogEntry(AT, LogLevel.INFO, "", json("{\n}")))
                .hasMessage("data is no object in one line");
    }

    @Test
    void levelsAreOrdered() {
        assertThat(LogLevel.WARNING.isAtLeast(LogLevel.INFO)).isTrue();
        assertThat(LogLevel.WARNING.isAtLeast(LogLevel.WARNING)).isTrue();
        assertThat(LogLevel.WARNING.isAtLeast(LogLevel.ERROR)).isFalse();
    }

    private static LogEntry parsed(String rest) {
        return LogEntry.parse("2026-11-21T17:00:00.123Z INFO " + rest).orElseThrow();
    }

    /** Never ends in an object of its own. */
    private static String text(RandomGenerator random) {
        return IntStream.range(0, random.nextInt(20))
                        .mapToObj(_ -> random.nextInt(12) == 0
                                ? "\n"
                                : String.valueOf(WORDS.charAt(random.nextInt(WORDS.length()))))
                        .collect(Collectors.joining())
                + "z";
    }

    private static Optional<Json> json(String text) {
        return Optional.of(new Json(text));
    }
}

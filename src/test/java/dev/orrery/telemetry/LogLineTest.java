package dev.orrery.telemetry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

class LogLineTest {

    private static final String START = "time=2026-11-21T03:04:59.557Z level=WARN logger=Router ";

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "took back tasks node=n1 count=3        | event=\"took back tasks\" node=n1 count=3",
                "an executor failed: task=42            | event=\"an executor failed\" task=42",
                "event=server_died pid=7                | event=server_died pid=7",
                "says \"no\" at C:\\x                   | event=\"says \\\"no\\\" at C:\\\\x\"",
                "nothing to tell                        | event=\"nothing to tell\""
            })
    void programsReadPairs(String message, String expected) {
        assertThat(encode(false, message, null)).isEqualTo(START + expected + "\n");
    }

    @Test
    void peopleReadTheMessage() {
        assertThat(encode(true, "took back tasks node=n1 count=3", null))
                .isEqualTo("03:04:59.557 WARN  took back tasks node=n1 count=3\n");
    }

    @Test
    void aMessageCannotForgeALineNorSteerATerminal() {
        assertThat(encode(true, "name=a\nb\u001b[2J\u0085", null)).endsWith(" name=a\\nb\\u001b[2J\\u0085\n");
    }

    @Test
    void aStackTraceFollowsIndented() {
        var lines = encode(false, "it broke", new IllegalStateException("why\nreally"))
                .lines();

        assertThat(lines.skip(1).limit(3))
                .satisfiesExactly(
                        first -> assertThat(first).isEqualTo("\tjava.lang.IllegalStateException: why"),
                        second -> assertThat(second).isEqualTo("\treally"),
                        third -> assertThat(third).startsWith("\tat dev.orrery.telemetry.LogLineTest"));
    }

    @Test
    void theLevelIsOfOurOwnEventsFirst() {
        try {
            LogSetup.level("DEBUG");
            assertThat(level("dev.orrery.node.Node")).isEqualTo(Level.DEBUG);
            assertThat(level("org.example.Library")).isEqualTo(Level.INFO);
            assertThat(level("io.netty.channel.Channel")).isEqualTo(Level.WARN);

            LogSetup.level("ERROR");
            assertThat(level("dev.orrery.node.Node")).isEqualTo(Level.ERROR);
            assertThat(level("org.example.Library")).isEqualTo(Level.ERROR);
            assertThat(level("io.netty.channel.Channel")).isEqualTo(Level.ERROR);
        } finally {
            LogSetup.level("INFO");
        }
    }

    @Test
    void logbackFindsTheSetUpByItself() {
        var context = (LoggerContext) LoggerFactory.getILoggerFactory();

        var appenders = context.getLogger(Logger.ROOT_LOGGER_NAME).iteratorForAppenders();

        assertThat(appenders).toIterable().singleElement().hasFieldOrPropertyWithValue("target", "System.err");
        assertThat(System.getLogger("dev.orrery").isLoggable(System.Logger.Level.DEBUG))
                .isFalse();
    }

    private static Level level(String logger) {
        return ((LoggerContext) LoggerFactory.getILoggerFactory())
                .getLogger(logger)
                .getEffectiveLevel();
    }

    private static String encode(boolean isForPeople, String message, Throwable thrown) {
        var logger = ((LoggerContext) LoggerFactory.getILoggerFactory()).getLogger("dev.orrery.engine.Router");
        var event = new LoggingEvent("", logger, Level.WARN, message, thrown, null);
        event.setInstant(Instant.parse("2026-11-21T03:04:59.557Z"));
        return new String(new LogLine(isForPeople, ZoneOffset.UTC).encode(event), UTF_8);
    }
}

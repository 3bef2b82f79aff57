package dev.orrery.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.LoggingEvent;
import dev.orrery.testing.LogLines;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** Of what the JDK reports, only what somebody else has called is told. */
class ExitTellerTest {

    @Test
    void aHandlerThatEndsTheNodeIsNamed() {
        assertThat(toldOf("java.lang.System", "mine.Leaving", "java.lang.Thread"))
                .contains("status=3 by=mine.Leaving.method(File.java:7)");
    }

    @Test
    void commandsThatHaveDoneTheirWorkAreNotToldOf() {
        assertThat(toldOf("java.lang.System", "dev.orrery.cli.Main")).isEmpty();
    }

    @Test
    void aSignalForWhichTheProgramDoesNotListenYetIsNotToldOf() {
        assertThat(toldOf(
                        "java.lang.Shutdown",
                        "java.lang.Terminator$1",
                        "jdk.internal.misc.Signal$1",
                        "java.lang.Thread"))
                .isEmpty();
    }

    private static String toldOf(String... callers) {
        var report = new Throwable("Runtime.exit(3)");
        var frames = new StackTraceElement[callers.length];
        for (var n = 0; n < callers.length; n++) {
            frames[n] = new StackTraceElement(callers[n], "method", "File.java", 7);
        }
        report.setStackTrace(frames);
        var logger = (Logger) LoggerFactory.getLogger(ExitTeller.REPORTS);
        try (var log = new LogLines(ExitTeller.class)) {
            new ExitTeller()
                    .append(new LoggingEvent(
                            "", logger, Level.DEBUG, "Runtime.exit() called with status: 3", report, null));
            return String.join("\n", log.messages());
        }
    }
}

package dev.orrery.telemetry;

import static java.lang.System.Logger.Level.ERROR;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxy;
import ch.qos.logback.core.UnsynchronizedAppenderBase;
import java.util.Arrays;
import java.util.List;

/**
 * Tells who ends the process by {@code System.exit}, where that is not the program itself: a handler that does so would else
 * leave a node that is gone and a log without a word of it. The JDK reports each call before it obeys, on the thread that
 * makes it. {@code conf/logback.xml} names this class.
 */
public final class ExitTeller extends UnsynchronizedAppenderBase<ILoggingEvent> {

    /** To whom the JDK reports, where somebody listens at {@code DEBUG}. */
    static final String REPORTS = "java.lang.Runtime";

    private static final System.Logger LOG = System.getLogger(ExitTeller.class.getName());
    private static final List<String> OF_THE_JDK = List.of("java.", "jdk.");

    /** The commands end by it, when all is done. */
    private static final List<String> OF_THE_PROGRAM = List.of("dev.orrery.cli.", "dev.orrery.launcher.");

    /** Has it told in this log. */
    static void listen(LoggerContext context) {
        var teller = new ExitTeller();
        teller.setContext(context);
        teller.start();
        Logger reports = context.getLogger(REPORTS);
        reports.setLevel(Level.DEBUG);
        reports.setAdditive(false);
        reports.addAppender(teller);
    }

    @Override
    protected void append(ILoggingEvent event) {
        if (event.getThrowableProxy() instanceof ThrowableProxy report) {
            var caller = callerOf(report.getThrowable());
            if (!begins(caller, OF_THE_PROGRAM)) {
                var message = event.getFormattedMessage();
                LOG.log(
                        ERROR,
                        "a call of System.exit ends the process: status="
                                + message.substring(message.lastIndexOf(' ') + 1) + " by=" + caller + " thread="
                                + event.getThreadName(),
                        report.getThrowable());
            }
        }
    }

    /** The first place outside of the JDK, such as {@code mine.jar//Mine.run(Mine.java:5)}. */
    private static String callerOf(Throwable report) {
        return Arrays.stream(report.getStackTrace())
                .filter(frame -> !begins(frame.getClassName(), OF_THE_JDK))
                .findFirst()
                .map(ExitTeller::shown)
                .orElse("unknown");
    }

    /** Without what says of each class of the program that it is of the program. */
    private static String shown(StackTraceElement frame) {
        var text = frame.toString();
        return text.startsWith("app//") ? text.substring("app//".length()) : text;
    }

    private static boolean begins(String name, List<String> prefixes) {
        return prefixes.stream().anyMatch(name::startsWith);
    }
}

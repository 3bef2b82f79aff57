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
import java.util.Optional;

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
            callerOf(report.getThrowable())
                    .filter(caller -> !begins(caller, OF_THE_PROGRAM))
                    .ifPresent(caller -> tell(event, report.getThrowable(), caller));
        }
    }

    private static void tell(ILoggingEvent event, Throwable report, String caller) {
        var message = event.getFormattedMessage();
        LOG.log(
                ERROR,
                "a call of System.exit ends the process: status=" + message.substring(message.lastIndexOf(' ') + 1)
                        + " by=" + caller + " thread=" + event.getThreadName(),
                report);
    }

    /**
     * The first place outside of the JDK, such as {@code mine.jar//Mine.run(Mine.java:5)}. There is none where a signal comes
     * before the program listens for it: then the JDK itself ends.
     */
    private static Optional<String> callerOf(Throwable report) {
        return Arrays.stream(report.getStackTrace())
                .filter(frame -> !begins(frame.getClassName(), OF_THE_JDK))
                .findFirst()
                .map(ExitTeller::shown);
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

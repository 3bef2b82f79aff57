package dev.orrery.telemetry;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.spi.ContextAwareBase;
import java.io.Console;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.LoggerFactory;

/**
 * Sets up the log: to standard error, plain on a terminal, {@code key=value} elsewhere. Logback finds this class by itself; a
 * file of the user's ({@code -Dlogback.configurationFile}) replaces it. In code, because reading XML would take half a
 * second of every start.
 */
public final class LogSetup extends ContextAwareBase implements Configurator {

    private static final String OURS = "dev.orrery";
    private static final String USERS_FILE = "logback.configurationFile";

    /** What libraries say without being asked; what matters of it, we say ourselves. {@code conf/logback.xml} repeats it. */
    static final Map<String, Level> LIBRARIES = Map.of(
            "org.flywaydb", Level.OFF,
            "io.netty", Level.WARN,
            "io.vertx", Level.WARN,
            "io.vertx.core.eventbus.impl.clustered", Level.OFF, // each message to a lost node, with its trace
            "io.vertx.core.impl.VertxImpl", Level.OFF, // a port in use, with its trace
            "com.hazelcast.instance.AddressPicker", Level.OFF, // the same again
            "io.etcd", Level.OFF,
            "io.grpc", Level.OFF,
            "com.hazelcast", Level.ERROR);

    /** Libraries that log by the JDK; kept here, since the JDK forgets the settings of loggers that nobody holds. */
    private static final List<java.util.logging.Logger> OF_THE_JDK = List.of(
            java.util.logging.Logger.getLogger("io.grpc"),
            java.util.logging.Logger.getLogger("io.opentelemetry"),
            java.util.logging.Logger.getLogger("com.hazelcast"));

    @Override
    public ExecutionStatus configure(LoggerContext context) {
        OF_THE_JDK.forEach(logger -> logger.setLevel(java.util.logging.Level.OFF));
        if (System.getProperty(USERS_FILE) != null) {
            return ExecutionStatus.INVOKE_NEXT_IF_ANY;
        }
        var line = new LogLine(isTerminal(), ZoneId.systemDefault());
        line.setContext(context);
        line.start();
        var standardError = new ConsoleAppender<ILoggingEvent>();
        standardError.setContext(context);
        standardError.setTarget("System.err");
        standardError.setEncoder(line);
        standardError.start();
        var root = context.getLogger(Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.INFO);
        root.addAppender(standardError);
        LIBRARIES.forEach((name, level) -> context.getLogger(name).setLevel(level));
        ExitTeller.listen(context);
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }

    /**
     * Sets the least serious level that is logged: ERROR, WARN, INFO, DEBUG or TRACE. Libraries never tell more than INFO. A
     * file of the user's is left alone.
     */
    public static void level(String name) {
        if (System.getProperty(USERS_FILE) == null
                && LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            var level = Level.valueOf(name);
            context.getLogger(OURS).setLevel(level);
            var root = level.isGreaterOrEqual(Level.INFO) ? level : Level.INFO;
            context.getLogger(Logger.ROOT_LOGGER_NAME).setLevel(root);
            LIBRARIES.forEach((library, quiet) ->
                    context.getLogger(library).setLevel(level.isGreaterOrEqual(quiet) ? level : quiet));
        }
    }

    /** The folder of the file that standard error, and so the log, goes to; empty where it goes to no file. */
    public static Optional<Path> folder() {
        try {
            return Optional.of(Files.readSymbolicLink(Path.of("/proc/self/fd/2")))
                    .filter(target -> target.isAbsolute() && Files.isRegularFile(target))
                    .map(Path::getParent);
        } catch (IOException | UnsupportedOperationException _) {
            return Optional.empty();
        }
    }

    private static boolean isTerminal() {
        try {
            var target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException | UnsupportedOperationException _) {
            return Optional.ofNullable(System.console())
                    .filter(Console::isTerminal)
                    .isPresent();
        }
    }
}

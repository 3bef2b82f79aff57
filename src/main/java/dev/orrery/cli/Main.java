package dev.orrery.cli;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.command.Context;
import dev.orrery.cli.command.Orrery;
import dev.orrery.cli.command.ProcessFolder;
import dev.orrery.domain.StartupException;
import java.util.Set;

/** The entry of the program: the commands of the jar. */
public final class Main {

    private static final Set<String> STARTING_A_NODE = Set.of("node", "try");

    private Main() {}

    /** Runs one command and ends the process with its exit code. */
    public static void main(String[] arguments) {
        if (arguments.length > 0 && !STARTING_A_NODE.contains(arguments[0])) {
            doWithoutLogging();
            System.exit(run(() -> {}, arguments));
        }
        System.exit(runWithFolder(arguments));
    }

    private static int run(Runnable cleanUp, String... arguments) {
        return Orrery.run(Context.ofThisProcess(cleanUp), arguments);
    }

    /** A node unpacks files of the jar, which are not to be left behind. */
    private static int runWithFolder(String... arguments) {
        try (var folder = ProcessFolder.open()) {
            return run(folder::close, arguments);
        } catch (StartupException e) {
            System.err.println("error: " + e.getMessage());
            return ExitCode.FAILED.code();
        }
    }

    /**
     * Java's own HTTP client asks for a logger, and to load the logging backend for it would take half of the time that a
     * command takes which only asks a node. Nothing logs there.
     */
    private static void doWithoutLogging() {
        System.setProperty("slf4j.provider", "org.slf4j.helpers.NOP_FallbackServiceProvider");
        System.setProperty("slf4j.internal.verbosity", "ERROR");
    }
}

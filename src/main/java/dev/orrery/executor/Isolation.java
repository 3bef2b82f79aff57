package dev.orrery.executor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * How far the processes of an attempt can be held together on this system, found out by trying.
 *
 * <p>In a PID namespace nothing survives its first process: not a daemon, not a child in a session of its own, and
 * nothing when the node is killed. That takes the right to make one (root, as a rule). A user namespace would give it
 * to everyone, but inside it sudo fails and files of others seem to belong to nobody, which breaks more tasks than it
 * protects. Without a namespace, children are found by their parents and by the attempt's folder in their environment.
 *
 * @param level what holds an attempt together
 * @param namespace the command that makes a namespace; empty at other levels
 * @param session the command that makes a session; empty at level {@code PLAIN}
 */
record Isolation(Level level, List<String> namespace, List<String> session) {

    enum Level {
        NAMESPACE("each attempt runs in its own PID namespace: none of its processes outlives it"),
        SESSION("each attempt runs in its own session: a child that leaves both its parents and its environment"
                + " could outlive it (run as root for PID namespaces)"),
        PLAIN("attempts run without a session of their own (setsid is missing): a signal from the node's terminal"
                + " reaches them");

        private final String description;

        Level(String description) {
            this.description = description;
        }

        String description() {
            return description;
        }
    }

    /**
     * The first process of a namespace ignores SIGTERM, and when it ends the kernel kills the rest. So it is a shell
     * that waits for the command and passes its exit code on; and where the attempt was asked to end (the file $1
     * exists), it lets processes which are still cleaning up do so, until the node's patience ends.
     */
    private static final String INIT = """
            stop=$1; shift; "$@"; code=$?
            while [ -e "$stop" ] && kill -0 -1; do sleep 0.05 || break; done 2>/dev/null
            exit $code""";

    private static final List<String> TOOL_FOLDERS =
            List.of("/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin");
    private static final int EXPECTED_CODE = 42;
    private static final long PROBE_SECONDS = 5;

    /**
     * What begins the command of an attempt where the system has it: when memory runs out the kernel ends tasks, before it
     * comes to the node and to databases.
     */
    static final List<String> FIRST_TO_GO =
            tool("choom", "-n", "1000", "--").filter(Isolation::works).orElse(List.of());

    Isolation {
        namespace = List.copyOf(namespace);
        session = List.copyOf(session);
    }

    /** Tries out what the system allows. */
    static Isolation probe() {
        var setsid = tool("setsid").filter(Isolation::works);
        if (setsid.isEmpty()) {
            return new Isolation(Level.PLAIN, List.of(), List.of());
        }
        var session = setsid.get();
        return namespaceCommand(session)
                .map(namespace -> new Isolation(Level.NAMESPACE, namespace, session))
                .orElseGet(() -> session(session));
    }

    /**
     * The whole command of an attempt.
     *
     * @param alone whether it sees no processes but its own, nor what others share in memory
     */
    List<String> wrap(List<String> command, Path stopFile, boolean alone) {
        var whole = new ArrayList<>(FIRST_TO_GO);
        whole.addAll(namespace);
        if (alone) {
            whole.addAll(List.of("--mount-proc", "--ipc"));
        }
        if (level == Level.NAMESPACE) {
            whole.addAll(first(stopFile));
        }
        whole.addAll(inSession(command));
        return whole;
    }

    /** What begins the command of the first process of a namespace. */
    static List<String> first(Path stopFile) {
        return List.of("/bin/sh", "-c", INIT, "orrery-init", stopFile.toString());
    }

    /** A command in a session of its own, where that is possible. */
    List<String> inSession(List<String> command) {
        return Stream.concat(session.stream(), command.stream()).toList();
    }

    private static Isolation session(List<String> setsid) {
        return new Isolation(Level.SESSION, List.of(), setsid);
    }

    private static Optional<List<String>> namespaceCommand(List<String> setsid) {
        // The signal at the death of the parent makes the namespace die with the node; the watchdog alone is slower.
        var mortal = tool("setpriv", "--pdeathsig", "KILL").filter(Isolation::works);
        return tool("unshare", "--pid", "--fork", "--kill-child")
                .map(unshare -> Stream.of(mortal.orElse(List.of()), setsid, unshare)
                        .flatMap(List::stream)
                        .toList())
                .filter(Isolation::works);
    }

    private static boolean works(List<String> prefix) {
        var command = Stream.concat(prefix.stream(), Stream.of("/bin/sh", "-c", "exit " + EXPECTED_CODE))
                .toList();
        try {
            var process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            if (process.waitFor(PROBE_SECONDS, TimeUnit.SECONDS)) {
                return process.exitValue() == EXPECTED_CODE;
            }
            process.destroyForcibly();
            return false;
        } catch (IOException _) {
            return false;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** By its full path: a task's own PATH must not decide which one it is. */
    static Optional<List<String>> tool(String name, String... arguments) {
        return TOOL_FOLDERS.stream()
                .map(folder -> Path.of(folder, name))
                .filter(Files::isExecutable)
                .findFirst()
                .map(path -> Stream.concat(Stream.of(path.toString()), Stream.of(arguments))
                        .toList());
    }
}

package dev.orrery.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.testing.NodeProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The program as a user calls it: the real jar in a process of its own. */
final class ProgramRun implements AutoCloseable {

    private static final long LIMIT_SECONDS = 120;

    private final Process process;
    private final Path out;
    private final Path err;
    private final long startedAt = System.nanoTime();

    private ProgramRun(Process process, Path out, Path err) {
        this.process = process;
        this.out = out;
        this.err = err;
    }

    /** The command line that calls the program with the Java of this test. */
    static List<String> commandLine(String... arguments) {
        return NodeProcess.commandLine(arguments);
    }

    /** Starts it in this folder, with these variables besides ours. */
    static ProgramRun start(Path folder, Map<String, String> variables, String... arguments) throws IOException {
        return start(folder, variables, commandLine(arguments));
    }

    static ProgramRun start(Path folder, Map<String, String> variables, List<String> command) throws IOException {
        var out = Files.createTempFile(folder, "out", ".txt");
        var err = Files.createTempFile(folder, "err", ".txt");
        // Signals that the tests were told to ignore (in the background of a script, say) are the program's again.
        var withSignals = new ArrayList<>(List.of("env", "--default-signal"));
        withSignals.addAll(command);
        var builder = new ProcessBuilder(withSignals)
                .directory(folder.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment()
                .keySet()
                .removeIf(name -> name.startsWith("ORRERY_") || name.startsWith("LC_") || name.equals("NO_COLOR"));
        builder.environment().put("LANG", "C.UTF-8");
        builder.environment().putAll(variables);
        return new ProgramRun(builder.start(), out, err);
    }

    /** Its exit code, once it has ended. */
    int exitCode() {
        try {
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("it does not end; out: " + out() + " err: " + err());
            }
            return process.exitValue();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", interrupted);
        }
    }

    /** How long it took from the start to its end, which must have been waited for. */
    Duration took() {
        return Duration.ofNanos(System.nanoTime() - startedAt);
    }

    String out() {
        return read(out);
    }

    String err() {
        return read(err);
    }

    private static String read(Path file) {
        try {
            return new String(Files.readAllBytes(file), UTF_8);
        } catch (IOException broken) {
            throw new AssertionError(broken);
        }
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Writes to its standard input. */
    void type(String text) throws IOException {
        var input = process.getOutputStream();
        input.write(text.getBytes(UTF_8));
        input.flush();
    }

    /** Sends it a signal, such as {@code INT}. */
    void signal(String name) throws IOException {
        new ProcessBuilder("/bin/kill", "-" + name, Long.toString(process.pid())).start();
    }

    /** Asks it to end and waits until it has: a node that is killed leaves its database at work for a moment. */
    void end() {
        process.destroy();
        try {
            exitCode();
        } finally {
            close();
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}

package dev.orrery.launcher;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The launcher in real processes, under an older Java, with a small program in the place of ours. */
class LauncherIT {
    private static final int LIMIT_SECONDS = 20;
    /** A reader that is stuck must not hold up the next test's. */
    private static final Executor READERS = task -> Thread.ofPlatform().daemon().start(task);

    private static final String PROGRAM = """
            package dev.orrery.cli;

            public final class Main {
                public static void main(String[] args) throws Exception {
                    System.out.println("java " + Runtime.version().feature() + " flag " + System.getProperty("flag")
                            + " args " + String.join(",", args));
                    switch (args[0]) {
                        case "exit" -> System.exit(Integer.parseInt(args[1]));
                        case "throw" -> throw new IllegalStateException("planned");
                        case "die" -> new ProcessBuilder("kill", "-9", "" + ProcessHandle.current().pid()).start();
                        default -> {
                            for (String name : new String[] {"TERM", "INT", "HUP"}) {
                                sun.misc.Signal.handle(new sun.misc.Signal(name), signal -> {
                                    System.out.println("got " + signal.getName());
                                    settle();
                                    System.exit(40 + signal.getNumber());
                                });
                            }
                            System.out.println("waiting");
                        }
                    }
                    Thread.sleep(java.time.Duration.ofMinutes(2));
                }

                /** Time for a second signal, which must not come. */
                private static void settle() {
                    try {
                        Thread.sleep(300);
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                }
            }
            """;

    @TempDir
    static Path folder;

    private static Path jar;
    private static Path oldJava;

    private final List<Process> started = new ArrayList<>();

    @BeforeAll
    static void buildJarAndFindOldJava() throws IOException {
        Path source = Files.writeString(folder.resolve("Main.java"), PROGRAM);
        Path classes = Files.createDirectories(folder.resolve("classes"));
        int status = ToolProvider.getSystemJavaCompiler()
                .run(null, null, OutputStream.nullOutputStream(), "-d", classes.toString(), source.toString());
        assertThat(status).isZero();
        jar = folder.resolve("program.jar");
        writeJar(classes, Path.of("target/classes"));
        oldJava = OlderJava.program();
    }

    @AfterEach
    void endWhatStillRuns() {
        for (Process process : started) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    @Test
    void argumentsAndJvmFlagsReachTheProgramUnderANewerJava() throws Exception {
        Process launcher = start(oldJava, List.of("-Dflag=with blank"), "exit", "0", "a b", "");

        assertThat(outputOf(launcher)).containsExactly("java " + feature() + " flag with blank args exit,0,a b,");
        assertThat(exitOf(launcher)).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 6, 130})
    void theExitCodeComesBack(int code) throws Exception {
        assertThat(exitOf(start(oldJava, List.of(), "exit", "" + code))).isEqualTo(code);
    }

    @Test
    void aProgramThatASignalKilledGives128AndTheSignal() throws Exception {
        assertThat(exitOf(start(oldJava, List.of(), "die"))).isEqualTo(128 + 9);
    }

    @ParameterizedTest
    @ValueSource(strings = {"TERM", "INT", "HUP"})
    void aSignalReachesTheProgramOnceAndItsExitCodeComesBack(String signal) throws Exception {
        Process launcher = start(oldJava, List.of(), "wait");
        BufferedReader output = launcher.inputReader();
        awaitLine(output, "waiting");

        assertThat(exitOf(run("kill", "-" + signal, "" + launcher.pid()))).isZero();

        int number = Map.of("HUP", 1, "INT", 2, "TERM", 15).get(signal);
        assertThat(exitOf(launcher)).isEqualTo(40 + number);
        assertThat(output.lines()).containsExactly("got " + signal);
    }

    @Test
    void controlCOnATerminalReachesTheProgramOnce() throws Exception {
        // exec: a shell that waits for it would have its own answer to the signal.
        Process terminal =
                run("script", "-qec", "exec env --default-signal " + oldJava + " -jar " + jar + " wait", "/dev/null");
        BufferedReader output = terminal.inputReader();
        awaitLine(output, "waiting");

        terminal.outputWriter().append('\u0003').flush();

        assertThat(exitOf(terminal)).isEqualTo(40 + 2);
        assertThat(output.lines().filter(line -> line.endsWith("got INT"))).hasSize(1);
    }

    @Test
    void theProgramEndsWhenItsLauncherIsKilled() throws Exception {
        Process launcher = start(oldJava, List.of(), "wait");
        BufferedReader output = launcher.inputReader();
        awaitLine(output, "waiting");
        ProcessHandle program = launcher.children().findFirst().orElseThrow();

        assertThat(exitOf(run("kill", "-9", "" + launcher.pid()))).isZero();

        // The pipe ends when its last writer, the program, is gone.
        assertThat(CompletableFuture.supplyAsync(() -> output.lines().toList(), READERS)
                        .get(LIMIT_SECONDS, SECONDS))
                .isEmpty();
        program.onExit().get(LIMIT_SECONDS, SECONDS);
    }

    @Test
    void underANewEnoughJavaTheProgramRunsInTheSameProcess() throws Exception {
        Process launcher = start(Path.of(System.getProperty("java.home"), "bin/java"), List.of(), "wait");
        awaitLine(launcher.inputReader(), "waiting");

        assertThat(launcher.children()).isEmpty();
    }

    @Test
    void anExceptionOfTheProgramIsNotWrapped() throws Exception {
        Process launcher = start(Path.of(System.getProperty("java.home"), "bin/java"), List.of(), "throw");

        assertThat(exitOf(launcher)).isEqualTo(1);
        assertThat(outputOf(launcher).get(1))
                .isEqualTo("Exception in thread \"main\" java.lang.IllegalStateException: planned");
    }

    private Process start(Path java, List<String> flags, String... args) throws IOException {
        // A session of its own has no terminal that would send signals to the program as well.
        // Signals that the tests were told to ignore (by nohup, say) are its own again.
        List<String> command = new ArrayList<>(List.of("env", "--default-signal", "setsid", java.toString()));
        command.addAll(OlderJava.coverageFlag());
        command.addAll(flags);
        command.addAll(List.of("-jar", jar.toString()));
        command.addAll(Arrays.asList(args));
        return run(command.toArray(String[]::new));
    }

    private Process run(String... command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        // The newer Java is there to be found, but not first on the path.
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        Process process = builder.start();
        started.add(process);
        return process;
    }

    private static void awaitLine(BufferedReader output, String wanted) throws Exception {
        CompletableFuture.runAsync(
                        () -> assertThat(output.lines().anyMatch(wanted::equals))
                                .isTrue(),
                        READERS)
                .get(LIMIT_SECONDS, SECONDS);
    }

    private static List<String> outputOf(Process process) throws Exception {
        return CompletableFuture.supplyAsync(() -> process.inputReader().lines().toList(), READERS)
                .get(LIMIT_SECONDS, SECONDS);
    }

    private static int exitOf(Process process) throws InterruptedException {
        assertThat(process.waitFor(LIMIT_SECONDS, SECONDS)).as("ends in time").isTrue();
        return process.exitValue();
    }

    private static int feature() {
        return Runtime.version().feature();
    }

    private static void writeJar(Path program, Path project) throws IOException {
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, Launcher.class.getName());
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar), manifest)) {
            add(out, program, "dev/orrery/cli");
            add(out, project, "dev/orrery/launcher");
        }
    }

    private static void add(JarOutputStream out, Path root, String folder) throws IOException {
        try (Stream<Path> files = Files.list(root.resolve(folder))) {
            for (Path file : files.toList()) {
                out.putNextEntry(new JarEntry(root.relativize(file).toString()));
                Files.copy(file, out);
            }
        }
    }
}

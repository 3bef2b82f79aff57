package dev.orrery;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.NodeProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The scripts of the project, as a user calls them: from anywhere, into a pipe. */
class ScriptsE2E {
    private static final Path SCRIPTS = Path.of("scripts").toAbsolutePath();
    private static final int LIMIT_SECONDS = 150;

    @TempDir
    Path elsewhere;

    static List<Path> scripts() throws IOException {
        try (Stream<Path> files = Files.list(SCRIPTS)) {
            return files.filter(Files::isExecutable).sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("scripts")
    void eachAnswersHelpWithoutColours(Path script) throws Exception {
        Ended ended = call(script.toString(), "--help");

        assertThat(ended.exit).isZero();
        assertThat(ended.output).containsIgnoringCase("usage:").doesNotContain("\u001b[");
    }

    @Test
    void argumentsAndExitCodeOfTheProgramPassThrough() throws Exception {
        Ended ended = call(SCRIPTS.resolve("orrery").toString(), "no such command", "");

        assertThat(ended.exit).isEqualTo(2);
        assertThat(ended.output).contains("no such command");
    }

    @Test
    void theBenchRefusesWhatItDoesNotKnowBeforeItBuildsAnything() throws Exception {
        var bench = SCRIPTS.resolve("bench").toString();

        assertThat(call(bench, "--task", "5")).satisfies(ended -> {
            assertThat(ended.exit).isEqualTo(2);
            assertThat(ended.output).contains("unknown option '--task'");
        });
        assertThat(call(bench, "--tasks", "many")).satisfies(ended -> {
            assertThat(ended.exit).isEqualTo(2);
            assertThat(ended.output).contains("--tasks needs a whole number");
        });
    }

    @ParameterizedTest
    @MethodSource("scripts")
    void eachIsFoundThroughALinkInAFolderWithBlanks(Path script) throws Exception {
        var folder = Files.createDirectories(elsewhere.resolve("my own files"));
        var link = Files.createSymbolicLink(folder.resolve(script.getFileName()), script);

        Ended ended = call(link.toString(), "--help");

        assertThat(ended.output).containsIgnoringCase("usage:");
        assertThat(ended.exit).isZero();
    }

    @Test
    void theProgramRunsThroughALinkAndNamesItInWhatIsToBeCopied() throws Exception {
        var folder = Files.createDirectories(elsewhere.resolve("my own files"));
        var link = Files.createSymbolicLink(folder.resolve("orrery"), SCRIPTS.resolve("orrery"));

        Ended ended = call(link.toString(), "dag", "list", "--server", "http://127.0.0.1:1");

        assertThat(ended.output).contains("cannot reach");
        assertThat(ended.exit).isEqualTo(6);
    }

    @Test
    void theDemoRunsItsJobPrintsItsReportAndLeavesNothingBehind() throws Exception {
        var temporary = Files.createDirectory(elsewhere.resolve("tmp"));

        Ended ended = call("env", "TMPDIR=" + temporary, SCRIPTS.resolve("demo").toString(), "--once");

        assertThat(ended.exit).as(ended.output).isZero();
        assertThat(ended.output)
                .containsPattern("started a standalone node +[0-9]+\\.[0-9] s\n")
                .containsPattern("published log-report +[0-9]+\\.[0-9] s\n")
                .containsPattern("ran log-report +[0-9]+\\.[0-9] s\n")
                .contains("By hour", "By status", "  the run    http://127.0.0.1:", "  the API    http://127.0.0.1:")
                .doesNotContain("\u001b[");
        assertThat(temporary).isEmptyDirectory();
    }

    @Test
    void theDemoEndsWithTheStatusOfItsRun() throws Exception {
        var project = copyOfTheScripts("");
        var examples = Files.createDirectories(project.resolve("conf/examples"));
        Files.writeString(examples.resolve("log-report.yaml"), """
                name: log-report
                tasks: [{ id: report, type: shell, command: echo boom; exit 7, retry: { maxAttempts: 1 } }]
                """);
        Files.createSymbolicLink(
                Files.createDirectory(project.resolve("target")).resolve("orrery.jar"), NodeProcess.jar());

        Ended ended = call(project.resolve("scripts/demo").toString(), "--once");

        assertThat(ended.exit).as(ended.output).isEqualTo(1);
        assertThat(ended.output).contains("boom", "the run    http://127.0.0.1:");
    }

    @ParameterizedTest
    @MethodSource("scripts")
    void whereThereIsNoJdkOneLineNamesWhatIsMissingAndTheCure(Path script) throws Exception {
        var project = copyOfTheScripts("JAVA_NEEDED=999");
        var command = new ArrayList<>(
                List.of(project.resolve("scripts").resolve(script.getFileName()).toString()));
        if (script.endsWith("cluster")) {
            command.addAll(List.of("up", "--dir", elsewhere.resolve("cluster").toString()));
        }

        Ended ended = call(command.toArray(String[]::new));

        assertThat(ended.exit).isEqualTo(78);
        assertThat(ended.output.lines())
                .singleElement()
                .asString()
                .contains("needs a JDK 999 or newer", "Install one", "or set JAVA_HOME");
    }

    @Test
    void whereThereIsNoPythonTheDemoSaysSoBeforeItBuildsAnything() throws Exception {
        var project = copyOfTheScripts("has() { [ \"$1\" != python3 ] && command -v \"$1\" >/dev/null; }");

        Ended ended = call(project.resolve("scripts/demo").toString(), "--once");

        assertThat(ended.exit).as(ended.output).isEqualTo(78);
        assertThat(ended.output.lines())
                .singleElement()
                .asString()
                .contains("needs python3", "apt-get install python3");
    }

    /** Another project's folder with these scripts in it; {@code setting} overrides one of theirs. */
    private Path copyOfTheScripts(String setting) throws IOException {
        var folder = Files.createDirectories(elsewhere.resolve("project/scripts"));
        try (Stream<Path> files = Files.list(SCRIPTS)) {
            for (var file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()), StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
        Files.writeString(folder.resolve("lib.sh"), "\n" + setting + "\n", StandardOpenOption.APPEND);
        return folder.getParent();
    }

    private Ended call(String... command) throws IOException, InterruptedException {
        Path output = elsewhere.resolve("output");
        Process process = NodeProcess.withoutSettings(new ProcessBuilder(command))
                .directory(elsewhere.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            assertThat(process.waitFor(LIMIT_SECONDS, SECONDS))
                    .as("ends in time")
                    .isTrue();
        } finally {
            process.destroyForcibly();
        }
        return new Ended(process.exitValue(), Files.readString(output));
    }

    private record Ended(int exit, String output) {}
}

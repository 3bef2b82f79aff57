package dev.orrery;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The scripts of the project, as a user calls them: from anywhere, into a pipe. */
class ScriptsE2E {
    private static final Path SCRIPTS = Path.of("scripts").toAbsolutePath();
    private static final int LIMIT_SECONDS = 60;

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

    private Ended call(String... command) throws IOException, InterruptedException {
        Path output = elsewhere.resolve("output");
        Process process = new ProcessBuilder(command)
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

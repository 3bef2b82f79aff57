package dev.orrery.dagfile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.dag.DagDraft;
import dev.orrery.domain.dag.TaskDefinition;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The examples that come with the program are valid, named like their files, and lead editors to the schema. */
class ExampleFilesTest {

    private static final Path FOLDER = Path.of("conf/examples");
    private static final String SCHEMA = "# yaml-language-server: $schema=";

    static List<Path> examples() throws IOException {
        try (var files = Files.list(FOLDER)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("examples")
    void anExampleIsValid(Path file) throws IOException {
        var draft = draft(file);

        var first = Files.readAllLines(file).getFirst();
        assertThat(draft.name())
                .isEqualTo(Optional.of(file.getFileName().toString().replace(".yaml", "")));
        assertThat(first).startsWith(SCHEMA);
        assertThat(FOLDER.resolve(first.substring(SCHEMA.length()))).isRegularFile();
    }

    @Test
    void theyShowWhatTheyPromise() throws IOException {
        assertThat(examples().stream().map(file -> file.getFileName().toString()))
                .containsExactly("failure.yaml", "fan-out.yaml", "hello.yaml", "log-report.yaml", "one-at-a-time.yaml");

        var fanOut = draft(FOLDER.resolve("fan-out.yaml")).tasks();

        assertThat(fanOut).hasSize(102);
        assertThat(fanOut.getLast().dependencies()).hasSize(100);
        assertThat(dependencyCounts(fanOut.subList(1, 101))).containsOnly(1);
    }

    private static List<Integer> dependencyCounts(List<TaskDefinition> tasks) {
        return tasks.stream().map(task -> task.dependencies().size()).toList();
    }

    private static DagDraft draft(Path file) {
        try {
            return switch (DagFileParser.parse(Files.readAllBytes(file))) {
                case Parsed.Valid(var draft) -> draft;
                case Parsed.Invalid(var problems) ->
                    throw new AssertionError(
                            new ProblemPrinter(false).text(file.toString(), Files.readAllBytes(file), problems));
            };
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

package dev.orrery.cli.command;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.CommandRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the guide shows of DAG files is valid, and what it shows of the program is what the program prints. */
class GuideTest {

    private static final Path GUIDE = Path.of("src/site/markdown");

    @TempDir
    private Path folder;

    private final CommandRun command = new CommandRun();

    @ParameterizedTest
    @ValueSource(strings = {"dag-files.md", "tasks.md", "remote-workers.md", "queues.md"})
    void everyFileThatIsShownIsValid(String page) throws IOException {
        var shown = blocks(page, "yaml").stream()
                .filter(block -> block.contains("id:"))
                .map(block -> block.startsWith("- id:") ? "name: shown\ntasks:\n" + block : block)
                .toList();

        assertThat(shown).isNotEmpty();
        for (var file : shown) {
            Files.writeString(folder.resolve("dag.yaml"), file);
            assertThat(command.in(folder).run("dag", "validate", "dag.yaml"))
                    .as(command.out())
                    .isZero();
        }
    }

    @Test
    void theProblemThatIsShownIsToldSo() throws IOException {
        var shown = blocks("dag-files.md", "text").getFirst();
        var wrong = Pattern.compile("\n +12 \\|(.*)\n").matcher(shown);
        assertThat(wrong.find()).isTrue();
        Files.writeString(
                folder.resolve("dag.yaml"),
                "name: shown\n" + "\n".repeat(6) + "tasks:\n  - id: a\n    type: shell\n    command: echo hello\n"
                        + wrong.group(1).substring(1) + "\n");

        assertThat(command.in(folder).run("dag", "validate", "dag.yaml")).isEqualTo(4);
        assertThat(command.out()).isEqualTo(shown);
    }

    @ParameterizedTest
    @ValueSource(strings = {"jobs.md", "events.md", "queue.md", "queues.md", "dead-letters.md"})
    void everyCommandThatIsShownIsUnderstood(String page) throws IOException, InterruptedException {
        var shown = blocks(page, "sh").stream()
                .flatMap(String::lines)
                .map(line -> line.substring(line.indexOf("orrery ")))
                .toList();

        assertThat(shown).hasSizeGreaterThan(10);
        for (var line : shown) {
            var help = new CommandRun();
            assertThat(help.run(words(line + " --help"))).as(line + help.err()).isZero();
            assertThat(help.out()).contains("Usage: " + line.replaceFirst("^(orrery [a-z-]+ [a-z]+).*", "$1"));
        }
    }

    /** The arguments as a shell takes them apart. */
    @SuppressWarnings("OrphanedFormatString")
    private static String[] words(String line) throws IOException, InterruptedException {
        var shell = new ProcessBuilder("/bin/sh", "-c", "orrery() { printf '%s\\n' \"$@\"; }; " + line).start();
        var words =
                new String(shell.getInputStream().readAllBytes(), UTF_8).lines().toArray(String[]::new);
        assertThat(shell.waitFor()).isZero();
        return words;
    }

    private static List<String> blocks(String page, String language) throws IOException {
        return Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(GUIDE.resolve(page)))
                .results()
                .map((MatchResult block) -> block.group(1))
                .toList();
    }
}

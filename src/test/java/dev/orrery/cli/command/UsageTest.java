package dev.orrery.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.CommandRun;
import dev.orrery.cli.text.Style;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class UsageTest {

    private final CommandRun command = new CommandRun();

    /** The words of every command there is, found by asking each for its help. */
    private static List<List<String>> allCommands() {
        var found = new ArrayList<List<String>>();
        collect(List.of(), found);
        return found;
    }

    private static void collect(List<String> words, List<List<String>> found) {
        found.add(words);
        var inCommands = false;
        for (var line : help(words).lines().toList()) {
            if (inCommands && line.matches("  [a-z]+ .*")) {
                var deeper = new ArrayList<>(words);
                deeper.add(line.strip().split(" ")[0]);
                collect(deeper, found);
            } else if (!line.startsWith("   ")) {
                inCommands = line.equals("Commands:");
            }
        }
    }

    private static String help(List<String> words) {
        var run = new CommandRun();
        var arguments = new ArrayList<>(words);
        arguments.add("--help");
        assertThat(run.run(arguments.toArray(String[]::new))).isZero();
        assertThat(run.err()).isEmpty();
        return run.out();
    }

    @TestFactory
    Stream<DynamicTest> everyHelpEndsWithExamplesThatBeginWithTheCommand() {
        var commands = allCommands();
        assertThat(commands).hasSizeGreaterThan(15);
        return commands.stream()
                .map(words -> DynamicTest.dynamicTest("orrery " + String.join(" ", words), () -> {
                    var help = help(words);
                    assertThat(help).contains("\nExamples:\n");
                    assertThat(help.substring(help.indexOf("\nExamples:\n")))
                            .contains("orrery " + String.join(" ", words));
                    assertThat(help.substring(help.indexOf("\nExamples:\n") + 11)
                                    .lines())
                            .as("no example is broken where pasting it would begin another command")
                            .allMatch(line -> line.startsWith("  "));
                    assertThat(help)
                            .as("no folder and no setting is taken apart at its dot")
                            .doesNotContainPattern("\\.\\n *(orrery|drain-timeout|data-dir|size|token|url)\\b");
                    assertThat(help.lines()).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(110));
                }));
    }

    @Test
    void theRootTellsTheExitCodes() {
        assertThat(help(List.of()))
                .contains("130   interrupted by Ctrl-C")
                .contains("6     the node cannot be reached");
    }

    @Test
    void theRootShowsEveryCommandThereIs() {
        var help = help(List.of()).replaceAll("\\s+", " ");

        assertThat(help)
                .contains(
                        "start and pause DAGs: new, validate, graph, apply, list, show, trigger, pause, resume, delete.")
                .contains("delete runs: list, show, watch, logs, cancel, delete.")
                .contains("See who executes tasks: list.");
    }

    @Test
    void aMisspeltCommandIsGuessed() {
        assertThat(command.run("dag", "lsit")).isEqualTo(2);
        assertThat(command.err()).contains("unknown command 'lsit'").contains("did you mean 'list'?");
    }

    @Test
    void aMisspeltGroupIsGuessed() {
        assertThat(command.run("rnu", "list")).isEqualTo(2);
        assertThat(command.err()).contains("unknown command 'rnu'").contains("did you mean 'run'?");
    }

    @Test
    void aMisspeltOptionIsGuessedAndItsValueNotRepeated() {
        assertThat(command.run("dag", "list", "--tokne=s3cret")).isEqualTo(2);
        assertThat(command.err())
                .contains("unknown option '--tokne'")
                .contains("did you mean '--token'?")
                .doesNotContain("s3cret");
    }

    @Test
    void anOptionBeforeTheCommandIsSentBehindIt() {
        assertThat(command.run("--server", "http://x", "dag", "list")).isEqualTo(2);
        assertThat(command.err()).contains("unknown option '--server'").contains("options stand after the command");
    }

    @Test
    void theWordHelpIsUnderstoodToo() {
        assertThat(command.run("help", "dag", "list")).isZero();
        assertThat(command.out()).isEqualTo(help(List.of("dag", "list")));
    }

    @Test
    void whatIsMissingIsNamedWithTheUsage() {
        assertThat(command.run("dag", "show")).isEqualTo(2);
        assertThat(command.err())
                .contains("'DAG'")
                .contains("usage: orrery dag show")
                .contains("--help");
    }

    @Test
    void aGroupAloneSaysWhichCommandsItHas() {
        assertThat(command.run("run")).isEqualTo(2);
        assertThat(command.err()).contains("list, show, watch, logs, cancel, delete");
    }

    @Test
    void aNumberMustBeOne() {
        assertThat(command.run("dag", "list", "--limit", "many")).isEqualTo(2);
        assertThat(command.err()).contains("many");
    }

    @Test
    void whereThereAreColoursHelpHasThemAndElseNot() {
        var coloured = new CommandRun().onATerminal(new Style(true, true));

        assertThat(coloured.run("dag", "--help")).isZero();
        assertThat(coloured.out()).contains("\u001b[");
        assertThat(help(List.of("dag"))).doesNotContain("\u001b[");
    }
}

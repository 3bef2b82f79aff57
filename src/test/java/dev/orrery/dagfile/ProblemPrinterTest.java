package dev.orrery.dagfile;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Problem;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ProblemPrinterTest {

    private final ProblemPrinter printer = new ProblemPrinter(false);

    @Test
    void aProblemIsShownInItsLineWithACaretAndTheCure() {
        var yaml = """
                tasks:
                  - id: a
                    type: shell
                    comand: echo
                    command: echo
                    timeout: 30
                """;

        assertThat(print(yaml)).isEqualTo("""
                        dag.yaml:4:5 UNKNOWN_FIELD unknown field 'comand'
                            4 |     comand: echo
                              |     ^
                          help: did you mean 'command'?
                        dag.yaml:6:14 BAD_DURATION 'timeout' needs a unit: '30' could be seconds or minutes
                            6 |     timeout: 30
                              |              ^
                          help: write 30s for seconds, or ms, m, h, d
                        2 problems in dag.yaml
                        """);
    }

    @Test
    void theCaretStandsUnderThePlaceBehindTabsAndWideLetters() {
        var printed = printer.text("f", "a:\t日本: x", List.of(problem(1, 6)));

        assertThat(printed).contains("    1 | a: 日本: x\n      |        ^\n");
    }

    @Test
    void aLongLineIsCutAroundThePlace() {
        var printed = printer.text("f", "x".repeat(300) + "y" + "z".repeat(300), List.of(problem(1, 301)));

        var lines = printed.lines().toList();
        assertThat(lines.get(1)).hasSizeLessThan(115).contains("…x").endsWith("z…");
        assertThat(lines.get(1).charAt(lines.get(2).indexOf('^'))).isEqualTo('y');
    }

    @Test
    void whatAFileHoldsCannotSteerTheTerminal() {
        var printed = printer.text("f\u001b[2J", "a\u001b[31m\u202eb", List.of(problem(1, 1)));

        assertThat(printed).doesNotContain("\u001b").doesNotContain("\u202e");
    }

    @Test
    void aProblemWithoutALineOrBehindTheEndHasNoSource() {
        assertThat(printer.text("f", "a", List.of(problem(0, 0)))).isEqualTo("f X broken\n1 problem in f\n");
        assertThat(printer.text("f", "a", List.of(problem(7, 1)))).isEqualTo("f:7:1 X broken\n1 problem in f\n");
    }

    @Test
    void linesEndAsTheParserCountsThem() {
        var yaml = "\uFEFFa: 1\r\nb: 2\rc: 3\u2028tasks: []\n";

        assertThat(print(yaml)).contains("dag.yaml:4:8 NO_TASKS").contains("    4 | tasks: []\n      |        ^\n");
    }

    @Test
    void coloursAreOnlyAddedWhereTheyAreWanted() {
        var coloured = new ProblemPrinter(true).text("f", "a", List.of(problem(1, 1)));

        assertThat(coloured).contains("\u001b[1;31mX\u001b[0m").contains("\u001b[1;31m^\u001b[0m");
    }

    @Test
    void bytesThatAreNoTextArePrintedToo() {
        var bytes = "name: ".getBytes(UTF_8);
        bytes[5] = (byte) 0xFF;

        var parsed = (Parsed.Invalid) DagFileParser.parse(bytes);

        assertThat(printer.text("f", bytes, parsed.problems()))
                .contains("f:1:6 PARSE_ERROR")
                .contains("1 | name:\uFFFD");
    }

    private String print(String yaml) {
        return printer.text("dag.yaml", yaml, ((Parsed.Invalid) DagFileParser.parse(yaml)).problems());
    }

    private static Problem problem(int line, int column) {
        return new Problem("X", line, column, "", "broken", Optional.empty());
    }
}

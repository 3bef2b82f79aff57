package dev.orrery.cli.text;

import static dev.orrery.cli.text.Table.cell;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TableTest {

    private static Table table() {
        return Table.of("TASK", "ATTEMPT#", "ERROR")
                .row(cell("extract"), cell("1"), cell(""))
                .row(cell("日本"), cell("12"), cell("exit code 1, and a long story about it"));
    }

    @Test
    void columnsAreAsWideAsTheirWidestCellAndNumbersStandToTheRight() {
        assertThat(table().lines(0, Style.PLAIN))
                .containsExactly(
                        "TASK     ATTEMPT  ERROR",
                        "extract        1",
                        "日本          12  exit code 1, and a long story about it");
    }

    @Test
    void onANarrowTerminalOnlyTheLastColumnIsShortened() {
        var lines = table().lines(40, Style.PLAIN);

        assertThat(lines.get(2)).isEqualTo("日本          12  exit code 1, and a ...");
        assertThat(lines).allSatisfy(line -> assertThat(TextWidth.of(line)).isLessThanOrEqualTo(40));
    }

    @Test
    void onAVeryNarrowTerminalTheLastColumnKeepsEightColumns() {
        assertThat(table().lines(10, Style.PLAIN).get(2)).isEqualTo("日本          12  exit ...");
    }

    @Test
    void coloursDoNotShiftColumns() {
        var style = new Style(true, true);

        var lines = Table.of("STATE", "DAG")
                .row(cell("failed", Colour.RED), cell("a"))
                .row(cell("succeeded", Colour.GREEN), cell("b"))
                .lines(0, style);

        assertThat(lines.get(1)).isEqualTo("\u001b[31mfailed\u001b[0m     a");
        assertThat(lines.get(2)).isEqualTo("\u001b[32msucceeded\u001b[0m  b");
    }

    @Test
    void cellsCannotBreakTheTable() {
        assertThat(Table.of("A", "B")
                        .row(cell("x\ny\u001b[2J"), cell("z"))
                        .lines(0, Style.PLAIN)
                        .get(1))
                .isEqualTo("x y  z");
    }

    @Test
    void aRowMustFitItsHeadings() {
        assertThatThrownBy(() -> Table.of("A", "B").row(cell("x"))).isInstanceOf(IllegalArgumentException.class);
    }
}

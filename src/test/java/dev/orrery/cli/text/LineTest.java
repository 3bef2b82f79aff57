package dev.orrery.cli.text;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LineTest {

    @Test
    void whatDoesNotFitIsCut() {
        assertThat(new Line(10, Style.PLAIN).add("12345").add("67890123").toString())
                .isEqualTo("1234567...");
    }

    @Test
    void whatIsPaintedStandsWholeOrNotAtAll() {
        var line = new Line(4, Style.PLAIN)
                .add("ab")
                .addPainted("\u001b[1mcde\u001b[0m", 3)
                .addPainted("fg", 2);

        assertThat(line.toString()).isEqualTo("abfg");
    }

    @Test
    void coloursTakeNoRoom() {
        var style = new Style(true, true);

        assertThat(new Line(3, style).add("abc", Colour.GREEN).toString()).isEqualTo("\u001b[32mabc\u001b[0m");
    }

    @Test
    void itKnowsWhatStillFits() {
        var line = new Line(5, Style.PLAIN).add("abc");

        assertThat(line.fits("de")).isTrue();
        assertThat(line.fits("def")).isFalse();
    }
}

package dev.orrery.cli.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.text.ProgressBar.Part;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressBarTest {

    private static String bar(int good, int bad, int total) {
        var parts = List.of(new Part(good, Colour.GREEN, "━", "#"), new Part(bad, Colour.RED, "━", "x"));
        return ProgressBar.of(parts, total, 10, Style.PLAIN);
    }

    @Test
    void itsPartsStandInProportion() {
        assertThat(bar(0, 0, 20)).isEqualTo("----------");
        assertThat(bar(10, 0, 20)).isEqualTo("#####-----");
        assertThat(bar(10, 6, 20)).isEqualTo("#####xxx--");
        assertThat(bar(20, 0, 20)).isEqualTo("##########");
    }

    @Test
    void aSmallPartIsStillSeen() {
        assertThat(bar(1, 1, 10_000)).isEqualTo("#x--------");
    }

    @Test
    void itIsNeverWiderThanAsked() {
        assertThat(bar(10_000, 1, 10_000)).hasSize(10);
        assertThat(bar(0, 0, 0)).hasSize(10);
        assertThat(bar(5, 5, 0)).hasSize(10);
    }
}

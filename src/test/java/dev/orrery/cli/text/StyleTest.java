package dev.orrery.cli.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class StyleTest {

    @Test
    void coloursAreForTerminalsThatWantThem() {
        assertThat(Style.of(true, Map.of("TERM", "xterm")).colours()).isTrue();
        assertThat(Style.of(false, Map.of("TERM", "xterm")).colours()).isFalse();
        assertThat(Style.of(true, Map.of("TERM", "dumb")).colours()).isFalse();
        assertThat(Style.of(true, Map.of("TERM", "xterm", "NO_COLOR", "1")).colours())
                .isFalse();
        assertThat(Style.of(true, Map.of("TERM", "xterm", "NO_COLOR", "")).colours())
                .isTrue();
    }

    @Test
    void ornamentsNeedAUtf8Locale() {
        assertThat(Style.of(true, Map.of("LANG", "de_DE.UTF-8")).unicode()).isTrue();
        assertThat(Style.of(true, Map.of("LC_CTYPE", "C.utf8")).unicode()).isTrue();
        assertThat(Style.of(true, Map.of("LC_ALL", "C", "LANG", "de_DE.UTF-8")).unicode())
                .isFalse();
        assertThat(Style.of(true, Map.of()).unicode()).isFalse();
    }

    @Test
    void withoutColoursNoEscapeSequenceIsWritten() {
        assertThat(Style.PLAIN.paint(Colour.RED, "x")).isEqualTo("x");
        assertThat(new Style(true, true).paint(Colour.RED, "x")).isEqualTo("\u001b[31mx\u001b[0m");
    }

    @Test
    void drawingsAreShownInAsciiWhereOnlyThatIsThere() {
        assertThat(Style.PLAIN.drawing("●─╮\n╰╴a ×2 …")).isEqualTo("*-+\n+-a x2 ~");
        assertThat(new Style(false, true).drawing("●─╮")).isEqualTo("●─╮");
    }
}

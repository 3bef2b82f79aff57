package dev.orrery.cli.text;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TextWidthTest {

    private static final Style UNICODE = new Style(false, true);

    @Test
    void wideCharactersTakeTwoColumnsAndCombiningMarksNone() {
        assertThat(TextWidth.of("abc")).isEqualTo(3);
        assertThat(TextWidth.of("日本")).isEqualTo(4);
        assertThat(TextWidth.of("e\u0301")).isEqualTo(1);
        assertThat(TextWidth.of("🚀")).isEqualTo(2);
    }

    @Test
    void aTextThatFitsStaysWhole() {
        assertThat(TextWidth.shorten("extract", 7, UNICODE)).isEqualTo("extract");
    }

    @Test
    void aLongerTextEndsInAnEllipsisAndFits() {
        assertThat(TextWidth.shorten("extract-all", 7, UNICODE)).isEqualTo("extrac…");
        assertThat(TextWidth.shorten("extract-all", 7, Style.PLAIN)).isEqualTo("extr...");
        assertThat(TextWidth.shorten("extract-all", 2, Style.PLAIN)).isEqualTo("ex");
        assertThat(TextWidth.shorten("extract-all", 0, UNICODE)).isEmpty();
    }

    @Test
    void aWideCharacterIsNeverCutInHalf() {
        assertThat(TextWidth.shorten("日本語", 4, UNICODE)).isEqualTo("日…");
    }

    @Test
    void nothingThatATerminalWouldObeyIsLeft() {
        assertThat(TextWidth.clean("a\u001b[31mred\u001b[0m\u0007b\r\nc\td")).isEqualTo("aredb c d");
        assertThat(TextWidth.clean("\u001b]0;title\u0007x")).isEqualTo("x");
        assertThat(TextWidth.clean("\u001bc\u009bm")).isEqualTo("cm");
        assertThat(TextWidth.clean("abc\u202edef")).isEqualTo("abcdef");
    }

    @Test
    void whatIsHarmlessIsLeftAlone() {
        assertThat(TextWidth.clean("grüße, 日本 🚀")).isEqualTo("grüße, 日本 🚀");
    }
}

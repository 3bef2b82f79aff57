package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.testing.Seeded;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class TextsTest {

    private static final String HIGH = "\uD83D";
    private static final String LOW = "\uDE80";

    @Test
    void whatCanBeStoredStaysTheSame() {
        var text = "line 1\n\ttab " + HIGH + LOW + " \u00e4 \uFFFF";
        var json = new Json("{\"a\":\"\\ud83d\\ude80 \\u0001 \\\\u0000\"}");

        assertThat(Texts.clean(text)).isSameAs(text);
        assertThat(Texts.clean(json)).isSameAs(json);
    }

    @Test
    void nulAndHalfPairsAreReplaced() {
        assertThat(Texts.clean("a\0b")).isEqualTo("a\uFFFDb");
        assertThat(Texts.clean(HIGH)).isEqualTo("\uFFFD");
        assertThat(Texts.clean(LOW + HIGH + LOW)).isEqualTo("\uFFFD" + HIGH + LOW);
        assertThat(Texts.clean(HIGH + HIGH + LOW)).isEqualTo("\uFFFD" + HIGH + LOW);
    }

    @Test
    void escapesInJsonAreReplacedToo() {
        assertThat(clean("\"\\u0000\"")).isEqualTo("\"\\ufffd\"");
        assertThat(clean("\"\\\\\\u0000\"")).isEqualTo("\"\\\\\\ufffd\"");
        assertThat(clean("\"\\ud83d\"")).isEqualTo("\"\\ufffd\"");
        assertThat(clean("\"\\ude80\\ud83d\\uDE80\"")).isEqualTo("\"\\ufffd\\ud83d\\uDE80\"");
        assertThat(clean("\"\\ud83d" + LOW + "\"")).isEqualTo("\"\\ufffd\uFFFD\"");
    }

    @Test
    void cleanTextHasNoNulAndIsUtf8() {
        Seeded.forAll(2_000, random -> {
            var text = new StringBuilder();
            for (var n = random.nextInt(12); n > 0; n--) {
                switch (random.nextInt(5)) {
                    case 0 -> text.append('\0');
                    case 1 -> text.append((char) random.nextInt(0xD800, 0xDC00));
                    case 2 -> text.append((char) random.nextInt(0xDC00, 0xE000));
                    case 3 -> text.appendCodePoint(random.nextInt(0x10000, 0x110000));
                    default -> text.append((char) random.nextInt(1, 0xD800));
                }
            }

            var cleaned = Texts.clean(text.toString());

            assertThat(cleaned).doesNotContain("\0").hasSameSizeAs(text);
            assertThat(isUtf8(cleaned)).isTrue();
            assertThat(Texts.clean(cleaned)).isSameAs(cleaned);
        });
    }

    private static boolean isUtf8(String text) {
        try {
            StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    private static String clean(String json) {
        return Texts.clean(new Json(json)).text();
    }
}

package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Seeded;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class LineSplitterTest {

    private final OutputLineWatch output = new OutputLineWatch();

    @Test
    void cleanLinesPassAsTheyAre() {
        assertThat(split("one\n\nthree \u001b[31mred\u001b[0m\ttab\r\n"))
                .isEqualTo("one\n\nthree \u001b[31mred\u001b[0m\ttab\r\n");
    }

    @Test
    void theLastLineIsEndedWhereItsLineFeedIsMissing() {
        assertThat(split("one\ntwo")).isEqualTo("one\ntwo\n");
    }

    @Test
    void nulAndMalformedUtf8BecomeReplacementCharacters() {
        var raw = "a\0b\nc\u00ff\u00fed\n".getBytes(ISO_8859_1);

        assertThat(split(raw)).isEqualTo("a\uFFFDb\nc\uFFFD\uFFFDd\n");
    }

    @Test
    void charactersBeyondAsciiPassAsTheyAre() {
        assertThat(split("grüße 🪐\n")).isEqualTo("grüße 🪐\n");
    }

    @Test
    void aLineTooLongKeepsItsBeginningAndSaysWhatIsMissing() {
        var line = "x".repeat(LogText.LINE_LIMIT) + "yyy";

        assertThat(split(line + "\nnext\n"))
                .isEqualTo("x".repeat(LogText.LINE_LIMIT) + " [line cut here: 3 bytes more]\nnext\n");
    }

    @Test
    void aLineOfFullLengthIsWhole() {
        var line = "x".repeat(LogText.LINE_LIMIT) + "\n";

        assertThat(split(line)).isEqualTo(line);
    }

    @Test
    void aCharacterIsNotCutInTwo() {
        var line = "x".repeat(LogText.LINE_LIMIT - 1) + "ü";

        assertThat(split(line)).isEqualTo("x".repeat(LogText.LINE_LIMIT - 1) + " [line cut here: 2 bytes more]\n");
    }

    @Test
    void aGigabyteWithoutLineFeedIsOneCutLine() {
        var kept = new ByteArrayOutputStream();
        var splitter = new LineSplitter(into(kept), output);
        var block = new byte[1 << 20];
        Arrays.fill(block, (byte) 'z');

        for (var i = 0; i < 1024; i++) {
            splitter.accept(block, block.length);
        }
        splitter.end();

        assertThat(kept.toString(UTF_8))
                .hasSizeLessThan(LogText.LINE_LIMIT + 100)
                .endsWith(" [line cut here: " + ((1L << 30) - LogText.LINE_LIMIT) + " bytes more]\n");
    }

    @Test
    void whereBlocksEndMakesNoDifference() {
        Seeded.forAll(random -> {
            var raw = new ByteArrayOutputStream();
            for (var line = random.nextInt(30); line > 0; line--) {
                var length = random.nextInt(10) == 0 ? random.nextInt(40_000) : random.nextInt(60);
                for (var i = 0; i < length; i++) {
                    raw.write(random.nextInt(20) == 0 ? random.nextInt(256) : 'a' + random.nextInt(26));
                }
                raw.writeBytes((random.nextBoolean() ? "\n" : "\n::output " + random.nextInt() + "\n").getBytes(UTF_8));
            }
            var bytes = raw.toByteArray();
            var whole = new ByteArrayOutputStream();
            var wholeOutput = new OutputLineWatch();
            var all = new LineSplitter(into(whole), wholeOutput);
            all.accept(bytes, bytes.length);
            all.end();

            var parts = new ByteArrayOutputStream();
            var partsOutput = new OutputLineWatch();
            var splitter = new LineSplitter(into(parts), partsOutput);
            for (var at = 0; at < bytes.length; ) {
                var step = Math.min(bytes.length - at, random.nextInt(1, 5_000));
                splitter.accept(Arrays.copyOfRange(bytes, at, at + step), step);
                at += step;
            }
            splitter.end();

            assertThat(parts.toByteArray()).isEqualTo(whole.toByteArray());
            assertThat(partsOutput.payload()).isEqualTo(wholeOutput.payload());
        });
    }

    @Test
    void theLastOutputLineIsRemembered() {
        split("::output 1\nelse\n::output {\"a\":2}\n ::output 3\n::outputs 4\nmore");

        assertThat(new String(output.payload(), UTF_8)).isEqualTo("{\"a\":2}");
    }

    @Test
    void anOutputLineMayBeLongerThanTheLogKeeps() {
        var payload = "\"" + "p".repeat(OutputJson.LIMIT - 2) + "\"";

        split("::output " + payload + "\n");

        assertThat(new String(output.payload(), UTF_8)).isEqualTo(payload);
    }

    @Test
    void anOutputLineTooLongIsKnownToBe() {
        split("::output " + "p".repeat(3 * OutputJson.LIMIT) + "\nend\n");

        assertThat(output.payload()).hasSizeGreaterThan(OutputJson.LIMIT);
    }

    @Test
    void theLastLineThatSaysSomethingIsRemembered() {
        var last = new LastLineWatch();
        var splitter = new LineSplitter((_, _, _) -> {}, last);
        var text = "first\n  the reason\0 \n\n   \n".getBytes(UTF_8);

        splitter.accept(text, text.length);

        assertThat(last.lastLine()).contains("the reason\uFFFD");
    }

    private String split(String text) {
        return split(text.getBytes(UTF_8));
    }

    private String split(byte[] raw) {
        var lines = new ByteArrayOutputStream();
        var splitter = new LineSplitter(into(lines), output);
        splitter.accept(raw, raw.length);
        splitter.end();
        return lines.toString(UTF_8);
    }

    private static LineSplitter.Lines into(ByteArrayOutputStream lines) {
        return (block, from, to) -> lines.write(block, from, to - from);
    }
}

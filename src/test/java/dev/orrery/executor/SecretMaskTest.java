package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Seeded;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SecretMaskTest {

    @Test
    void secretsAreHiddenWhereverTheyStandAlsoOneInAnother() {
        Seeded.forAll(random -> {
            var letters = "abc";
            var secrets = Stream.generate(() -> IntStream.range(0, random.nextInt(1, 8))
                            .mapToObj(_ -> letters.substring(random.nextInt(3)).substring(0, 1))
                            .collect(Collectors.joining()))
                    .limit(random.nextInt(1, 4))
                    .toList();
            var text = new StringBuilder();
            for (var length = random.nextInt(60); length > 0; length--) {
                text.append(
                        random.nextInt(5) == 0
                                ? secrets.get(random.nextInt(secrets.size()))
                                : letters.charAt(random.nextInt(3)));
            }
            var bytes = text.toString().getBytes(ISO_8859_1);

            new SecretMask(secrets).hide(bytes, 0, bytes.length);

            assertThat(new String(bytes, ISO_8859_1)).isEqualTo(hiddenOneByOne(secrets, text.toString()));
        });
    }

    private static String hiddenOneByOne(List<String> secrets, String text) {
        var hidden = new StringBuilder(text);
        for (var secret : secrets) {
            for (var at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + 1)) {
                hidden.replace(at, at + secret.length(), "*".repeat(secret.length()));
            }
        }
        return hidden.toString();
    }

    @Test
    void secretsThatOverlapAreHiddenWhereverTheTextIsCut() {
        var text = "x KEYMID MIDEND KEYMIDEND y\n".getBytes(UTF_8);
        for (var cut = 0; cut <= text.length; cut++) {
            var kept = new ByteArrayOutputStream();
            var splitter = new LineSplitter(
                    (block, from, to) -> kept.write(block, from, to - from),
                    new LastLineWatch(),
                    new SecretMask(List.of("KEYMID", "MIDEND")));

            splitter.accept(Arrays.copyOfRange(text, 0, cut), cut);
            splitter.accept(Arrays.copyOfRange(text, cut, text.length), text.length - cut);
            splitter.end();

            assertThat(kept.toString(UTF_8)).as("cut at " + cut).isEqualTo("x ****** ****** ********* y\n");
        }
    }

    @Test
    void whatStandsOutsideOfTheRangeIsLeft() {
        var bytes = "key key key".getBytes(UTF_8);

        new SecretMask("key").hide(bytes, 1, 10);

        assertThat(new String(bytes, UTF_8)).isEqualTo("key *** key");
    }

    @Test
    void noSecretHidesNothing() {
        assertThat(hidden("", "anything")).isEqualTo("anything");
    }

    @Test
    void aLineThatComesInPiecesIsMaskedWhereverTheyEnd() {
        var text = "x\n::output \"s3cret\"\nAuthorization: s3cret\ns3cret".getBytes(UTF_8);
        for (var first = 0; first <= text.length; first++) {
            for (var second = first; second <= text.length; second++) {
                var kept = new ByteArrayOutputStream();
                var output = new OutputLineWatch();
                var splitter = new LineSplitter(
                        (block, from, to) -> kept.write(block, from, to - from), output, new SecretMask("s3cret"));

                splitter.accept(Arrays.copyOfRange(text, 0, first), first);
                splitter.accept(Arrays.copyOfRange(text, first, second), second - first);
                splitter.accept(Arrays.copyOfRange(text, second, text.length), text.length - second);
                splitter.end();

                assertThat(kept.toString(UTF_8))
                        .as(first + ", " + second)
                        .isEqualTo("x\n::output \"******\"\nAuthorization: ******\n******\n");
                assertThat(output.payload()).asString(UTF_8).isEqualTo("\"******\"");
            }
        }
    }

    @Test
    void aCutLineShowsNoPartOfIt() {
        var secret = "s3cret";
        for (var before = LogText.LINE_LIMIT - 8; before <= LogText.LINE_LIMIT + 1; before++) {
            var kept = new ByteArrayOutputStream();
            var splitter = new LineSplitter(
                    (block, from, to) -> kept.write(block, from, to - from),
                    new LastLineWatch(),
                    new SecretMask(secret));

            for (var each : ("x".repeat(before) + secret + "y".repeat(100)).getBytes(UTF_8)) {
                splitter.accept(new byte[] {each}, 1);
            }
            splitter.end();

            assertThat(kept.toString(UTF_8)).as("after " + before).doesNotContain("s3");
        }
    }

    private static String hidden(String secret, String text) {
        var bytes = text.getBytes(ISO_8859_1);
        new SecretMask(secret).hide(bytes, 0, bytes.length);
        return new String(bytes, ISO_8859_1);
    }
}

package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Seeded;
import java.net.URLEncoder;
import java.util.Base64;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SecretFormsTest {

    @Test
    void inBase64ItIsHiddenWhateverStandsBeforeAndBehindIt() {
        Seeded.forAll(random -> {
            var secret = letters(random.nextInt(6, 200), random);
            var before = letters(random.nextInt(20), random);
            var behind = letters(random.nextInt(20), random);
            var encoder = random.nextBoolean() ? Base64.getEncoder() : Base64.getUrlEncoder();
            var text = encoder.encodeToString((before + secret + behind).getBytes(UTF_8));

            var hidden = hidden(secret, text);

            // At each end one character holds bits of both, and what remains may begin or end in it.
            var shown = hidden.replace("*", "").length();
            assertThat(shown)
                    .as(hidden)
                    .isLessThanOrEqualTo(text.length() - (secret.length() * 8 / 6 - 2))
                    .isLessThan(text.length());
        });
    }

    @Test
    void aLongOneIsHiddenInEveryLineOfBase64() {
        var secret = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".repeat(3);
        for (var length : new int[] {64, 76}) {
            var text = Base64.getMimeEncoder(length, new byte[] {'\n'}).encodeToString(secret.getBytes(UTF_8));

            assertThat(hidden(secret, text)).matches("[*\n]+");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "curl --data-urlencode, a%2Fb%20c%2Bd~e",
        "lower case,            a%2fb%20c%2bd~e",
        "a form,                a%2Fb+c%2Bd%7Ee",
        "python quote,          a/b%20c%2Bd~e",
        "JSON,                  a/b c+d~e",
        "JSON of PHP,           a\\/b c+d~e"
    })
    void asTheseWriteItItIsHidden(String who, String text) {
        assertThat(hidden("a/b c+d~e", "x " + text + " y")).as(who).matches("x [*]+ y");
    }

    @Test
    void beyondAsciiItIsHiddenToo() {
        var secret = "schlüssel€\"7";

        assertThat(hidden(secret, "schl\\u00fcssel\\u20ac\\\"7")).matches("[*]+");
        assertThat(hidden(secret, URLEncoder.encode(secret, UTF_8))).matches("[*]+");
    }

    private static String hidden(String secret, String text) {
        return new SecretMask(SecretForms.of(secret)).hidden(text);
    }

    private static String letters(int count, java.util.random.RandomGenerator random) {
        return random.ints(count, '!', '~').mapToObj(Character::toString).collect(Collectors.joining());
    }
}

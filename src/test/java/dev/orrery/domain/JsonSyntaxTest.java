package dev.orrery.domain;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonToken;
import dev.orrery.testing.Seeded;
import java.io.IOException;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonSyntaxTest {

    private static final JsonFactory PARSERS = new JsonFactory();
    private static final String[] PIECES = {
        "{",
        "}",
        "[",
        "]",
        "\"a\":",
        "\"b\"",
        ",",
        ":",
        "1",
        "-0.5e+3",
        "01",
        "true",
        "null",
        "\"\\u00e9\\n\"",
        "\"\\x\"",
        " ",
        "\"",
        "-",
        "1.",
        "tru"
    };

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{ }",
                "{\"a\":1}",
                "{\"a\" : [ 1 , -2.5e-3, 0, true,false ,null, {}, [], \"\\u00E9\\\\\\\"\" ] , \"a\":{\"b\":\"{\"}}"
            })
    void anObjectIsOne(String text) {
        assertThat(JsonSyntax.isObject(text, 0)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "}",
                "[]",
                "1",
                "{} ",
                "{}{}",
                "{a:1}",
                "{\"a\"}",
                "{\"a\":}",
                "{\"a\":1,}",
                "{,}",
                "{\"a\":01}",
                "{\"a\":1.}",
                "{\"a\":.1}",
                "{\"a\":+1}",
                "{\"a\":1e}",
                "{\"a\":tru}",
                "{\"a\":\"\\x\"}",
                "{\"a\":\"\\u12g4\"}",
                "{\"a\":\"\t\"}",
                "{\"a\":\"}",
                "{\"a\":[1}",
                "{\"a\":NaN}",
                "{\"a\":\"\\"
            })
    void anythingElseIsNot(String text) {
        assertThat(JsonSyntax.isObject(text, 0)).isFalse();
    }

    @Test
    void levelsAreBounded() {
        assertThat(JsonSyntax.isObject("{\"a\":" + "[".repeat(199) + "]".repeat(199) + "}", 0))
                .isTrue();
        assertThat(JsonSyntax.isObject("{\"a\":" + "[".repeat(100_000), 0)).isFalse();
    }

    @Test
    void judgesAsAParserDoes() {
        Seeded.forAll(3_000, random -> {
            var text = text(random);

            assertThat(JsonSyntax.isObject(text, 0)).as(text).isEqualTo(isObject(text));
        });
    }

    private static String text(RandomGenerator random) {
        var text = new StringBuilder("{\"a\":");
        for (var piece = random.nextInt(6); piece >= 0; piece--) {
            text.append(PIECES[random.nextInt(PIECES.length)]);
        }
        return text.append("}").toString();
    }

    private static boolean isObject(String text) {
        try (var parser = PARSERS.createParser(text)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                return false;
            }
            parser.skipChildren();
            var ended = parser.currentTokenLocation().getCharOffset() == text.length() - 1;
            return ended && parser.nextToken() == null;
        } catch (IOException wrong) {
            return false;
        }
    }
}

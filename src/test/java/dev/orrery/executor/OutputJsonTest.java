package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.executor.OutputJson.Reading.Unreadable;
import dev.orrery.executor.OutputJson.Reading.Value;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OutputJsonTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '%', textBlock = """
            { "a" : [ 1 , true , null ] } | {"a":[1,true,null]}
            "text"                        | "text"
            42                            | 42
            null                          | null
            [ ]                           | []
            3.14159265358979323846264338  | 3.14159265358979323846264338
            123456789012345678901234567890 | 123456789012345678901234567890
            1e100                         | 1e100
            """)
    void jsonOfEveryKindIsTakenWithItsDigits(String text, String compact) {
        assertThat(OutputJson.read(text)).isEqualTo(new Value(new Json(compact)));
    }

    @Test
    void nulAndLoneSurrogatesBecomeReplacementCharacters() {
        var text = "{\"a\\u0000\":\"x\\u0000y\",\"b\":\"\\ud800\",\"c\":\"\\ud83e\\ude90\"}";

        assertThat(OutputJson.read(text))
                .isEqualTo(new Value(new Json("{\"a\uFFFD\":\"x\uFFFDy\",\"b\":\"\uFFFD\",\"c\":\"🪐\"}")));
    }

    @Test
    void malformedUtf8BecomesReplacementCharacters() {
        assertThat(OutputJson.read("\"a\u00ffb\"".getBytes(ISO_8859_1))).isEqualTo(new Value(new Json("\"a\uFFFDb\"")));
    }

    @Test
    void charactersBeyondAsciiAreKept() {
        assertThat(OutputJson.read("\"grüße 🪐\"".getBytes(UTF_8))).isEqualTo(new Value(new Json("\"grüße 🪐\"")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "  ",
                "{",
                "[1,",
                "{\"a\":}",
                "nope",
                "'single'",
                "{} {}",
                "1 2",
                "NaN",
                "01",
                "1e5000",
                "1e-5000"
            })
    void whatIsNoJsonIsUnreadableWithAReason(String text) {
        assertThat(OutputJson.read(text))
                .isInstanceOfSatisfying(
                        Unreadable.class,
                        unreadable -> assertThat(unreadable.reason()).isNotBlank());
    }

    @Test
    void aReasonNamesThePlace() {
        assertThat(OutputJson.read("{\"a\":\n  nope}"))
                .isInstanceOfSatisfying(
                        Unreadable.class,
                        unreadable -> assertThat(unreadable.reason()).contains("line 2, column "));
    }

    @Test
    void depthIsLimited() {
        var deep = OutputJson.MAX_DEPTH;

        assertThat(OutputJson.read("[".repeat(deep) + "]".repeat(deep))).isInstanceOf(Value.class);
        assertThat(OutputJson.read("[".repeat(deep + 1) + "]".repeat(deep + 1))).isInstanceOf(Unreadable.class);
    }

    @Test
    void endlessNumbersAreRefused() {
        assertThat(OutputJson.read("9".repeat(1_001))).isInstanceOf(Unreadable.class);
    }
}

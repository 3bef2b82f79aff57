package dev.orrery.domain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Seeded;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NearestTest {

    private static final List<String> FIELDS =
            List.of("command", "dependencies", "timeout", "retry", "maxAttempts", "url", "env");

    @ParameterizedTest
    @CsvSource({
        "comand, command",
        "commmand, command",
        "cmomand, command",
        "comnand, command",
        "COMMAND, command",
        "max_attempts, maxAttempts",
        "max-attemps, maxAttempts",
        "dependancys, dependencies",
        "ulr, url",
        "evn, env",
        "en, env",
        "timeoutt, timeout",
    })
    void aSlipOfTheFingerIsUndone(String written, String meant) {
        assertThat(Nearest.to(written, FIELDS)).contains(meant);
    }

    @ParameterizedTest
    @CsvSource({"x", "''", "kommandozeile", "dependencyGraph", "abc", "urlurl"})
    void nothingIsSuggestedWhereNothingIsNear(String written) {
        assertThat(Nearest.to(written, FIELDS)).isEmpty();
    }

    @Test
    void theNearestComesFirstAndThenTheFirst() {
        assertThat(Nearest.to("taks", List.of("tasks", "task"))).contains("tasks");
        assertThat(Nearest.to("ab", List.of("ac", "ad"))).contains("ac");
        assertThat(Nearest.to("x", List.of())).isEmpty();
    }

    @Test
    void longNamesAreComparedByTheirBeginnings() {
        var longName = "a".repeat(100_000);

        assertThat(Nearest.to(longName + "b", List.of(longName))).contains(longName);
    }

    @Test
    void oneSlipInAnyNameIsAlwaysUndone() {
        Seeded.forAll(random -> {
            var name = word(random, random.nextInt(4, 60));

            assertThat(Nearest.to(slipped(name, random), List.of("0".repeat(70), name, "1".repeat(70))))
                    .contains(name);
        });
    }

    private static String slipped(String name, RandomGenerator random) {
        var at = random.nextInt(name.length() - 1);
        return switch (random.nextInt(4)) {
            case 0 -> name.substring(0, at) + name.substring(at + 1);
            case 1 -> name.substring(0, at) + "z" + name.substring(at);
            case 2 -> name.substring(0, at) + "z" + name.substring(at + 1);
            default -> name.substring(0, at) + name.charAt(at + 1) + name.charAt(at) + name.substring(at + 2);
        };
    }

    private static String word(RandomGenerator random, int length) {
        var word = new StringBuilder();
        while (word.length() < length) {
            word.append((char) ('a' + random.nextInt(25)));
        }
        return word.toString();
    }
}

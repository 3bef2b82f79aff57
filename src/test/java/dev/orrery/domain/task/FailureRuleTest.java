package dev.orrery.domain.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.task.FailureKind.CouldNotStart;
import dev.orrery.domain.task.FailureKind.ExitCode;
import dev.orrery.domain.task.FailureKind.HttpStatus;
import dev.orrery.domain.task.FailureKind.NamedError;
import dev.orrery.domain.task.FailureKind.Signal;
import dev.orrery.domain.task.FailureKind.TimeOut;
import dev.orrery.testing.Seeded;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FailureRuleTest {

    private static final List<FailureKind> KINDS = List.of(
            new TimeOut(),
            new CouldNotStart(),
            new ExitCode(1),
            new ExitCode(75),
            new Signal(9),
            new HttpStatus(429),
            new HttpStatus(500),
            new HttpStatus(599),
            new NamedError("ConnectionRefused"),
            NamedError.OTHER);

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "timeout                 | 0",
                "start                   | 1",
                "exit                    | 2 3 4",
                "exit:75                 | 3",
                "exit:1-74               | 2",
                "exit:1-75               | 2 3",
                "exit:137                | 4",
                "signal                  | 4",
                "signal:9                | 4",
                "signal:15               | ",
                "http                    | 5 6 7",
                "http:429                | 5",
                "http:5xx                | 6 7",
                "http:400-500            | 5 6",
                "error                   | 8 9",
                "error:ConnectionRefused | 8",
                "error:Other             | 9",
                "error:connectionrefused | "
            })
    void aRuleCoversWhatItNames(String rule, String covered) {
        var expected = covered == null ? Stream.<String>empty() : Stream.of(covered.split(" "));

        assertThat(KINDS.stream().filter(new FailureRule(rule)::covers))
                .containsExactlyElementsOf(expected.map(number -> KINDS.get(Integer.parseInt(number)))
                        .toList());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "Timeout",
                "timeout:3",
                "start:x",
                "exit:",
                "exit:0",
                "exit:256",
                "exit:9-1",
                "exit:-1",
                "exit:5xx",
                "exit: 3",
                "signal:0",
                "signal:65",
                "signal:KILL",
                "signal:1-9",
                "http:99",
                "http:600",
                "http:6xx",
                "http:4x",
                "http:500-400",
                "error:",
                "error:a b",
                "error:3",
                "lost",
                "exit:75,http:429",
                "exit:99999999999"
            })
    void whatIsNoKindOfFailureIsRefused(String text) {
        assertThat(FailureRule.objection(text)).isPresent();
        assertThatThrownBy(() -> new FailureRule(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theHelpSaysWhatWasProbablyMeant() {
        assertThat(FailureRule.help("timout")).isEqualTo("did you mean 'timeout'?");
        assertThat(FailureRule.help("exti:75")).isEqualTo("did you mean 'exit:75'?");
        assertThat(FailureRule.help("exit:0")).startsWith("write timeout, start, exit");
        assertThat(FailureRule.help("lost")).contains("nothing is charged");
    }

    @Test
    void aRangeCoversExactlyWhatLiesInIt() {
        Seeded.forAll(random -> {
            var first = random.nextInt(1, 256);
            var last = random.nextInt(first, 256);
            var code = random.nextInt(1, 256);

            assertThat(new FailureRule("exit:" + first + "-" + last).covers(new ExitCode(code)))
                    .isEqualTo(code >= first && code <= last);
        });
    }

    @Test
    void giveUpOnWinsThenRetryOnThenWhatIsUsual() {
        Seeded.forAll(random -> {
            var kind = KINDS.get(random.nextInt(KINDS.size()));
            var retryOn = rules(random.nextInt(3), random.nextInt());
            var giveUpOn = rules(random.nextInt(3), random.nextInt());
            var isUsual = random.nextBoolean();

            var isAllowed = new RetryRules(retryOn, giveUpOn).allow(kind, isUsual);

            var isGivenUp = giveUpOn.stream().anyMatch(rule -> rule.covers(kind));
            var isNamed = retryOn.stream().anyMatch(rule -> rule.covers(kind));
            assertThat(isAllowed).isEqualTo(!isGivenUp && (retryOn.isEmpty() ? isUsual : isNamed));
        });
    }

    private static List<FailureRule> rules(int count, int seed) {
        var all = List.of("timeout", "start", "exit", "exit:75", "signal", "http", "http:5xx", "error", "error:Other");
        return Stream.iterate(seed, last -> last * 31 + 7)
                .limit(count)
                .map(number -> new FailureRule(all.get(Math.floorMod(number, all.size()))))
                .toList();
    }
}

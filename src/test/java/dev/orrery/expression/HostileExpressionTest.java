package dev.orrery.expression;

import static dev.orrery.expression.ExpressionTest.compiled;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.expression.Expression.Reading;
import dev.orrery.expression.Expression.Result;
import dev.orrery.testing.Seeded;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts and data that want to cost much time or memory, or to break what reads them. */
class HostileExpressionTest {

    private static final UUID ID = UUID.fromString("01997a50-0000-7000-8000-000000000000");

    /** Long enough for a machine that is busy; without limits each of these takes minutes, or all memory. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private static final Facts LARGE = facts("{\"list\":"
            + IntStream.range(0, 20_000).boxed().toList()
            + ",\"thousand\":" + IntStream.range(0, 1000).boxed().toList()
            + ",\"text\":\"" + "a".repeat(1_000_000) + "\",\"deep\":" + "[".repeat(900) + "]".repeat(900) + "}");

    @BeforeAll
    static void loadTheCompiler() {
        compiled(Expression.filter("true", "filter"));
    }

    static Stream<Arguments> dear() {
        return Stream.of(
                Arguments.of("event.payload.list.all(x, x >= 0)", "Iteration budget exceeded: 10000"),
                Arguments.of(
                        "event.payload.thousand.all(x, event.payload.thousand.all(y, y >= 0))",
                        "Iteration budget exceeded: 10000"),
                Arguments.of("['x']" + ".map(a, a + a)".repeat(40) + "[0] == ''", "it makes a text of over"),
                Arguments.of("[[0]]" + ".map(a, [a, a])".repeat(40) + " == []", "it makes a value of over"),
                Arguments.of("[[0]]" + ".map(a, a + a)".repeat(40) + " == []", "it makes a value of over"),
                Arguments.of(
                        "[{'k': 0}]" + ".map(a, {'l': a, 'r': a})".repeat(40) + " == []", "it makes a value of over"),
                Arguments.of("event.payload.thousand.map(x, event.payload.text).join() == ''", "it "),
                Arguments.of("event.payload.text.replace('a', event.payload.text) == ''", "it makes a text of over"),
                Arguments.of("event.payload.text.split('').map(x, event.payload.text) == []", "it "),
                Arguments.of("event.payload.thousand.all(x, !event.payload.text.contains('b'))", "it takes over"),
                Arguments.of(
                        "event.payload.thousand.all(x, !event.payload.text.matches('(.*a){9}b'))", "it takes over"));
    }

    @ParameterizedTest
    @MethodSource("dear")
    void whatWouldCostTooMuchIsEnded(String text, String reason) {
        var filter = compiled(Expression.filter(text, "filter"));

        var began = System.nanoTime();
        var result = filter.evaluate(LARGE);

        assertThat(result)
                .isInstanceOfSatisfying(
                        Result.Failed.class,
                        failed -> assertThat(failed.reason()).startsWith(reason));
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(PATIENCE);
    }

    @Test
    void aPatternThatComesWithTheDataIsLimitedToo() {
        var filter = compiled(Expression.filter("'a'.matches(event.name + '{1000}')", "filter"));
        var facts = Facts.ofEvent(
                "((a{1000}){1000})", Optional.empty(), Optional.empty(), ID, Instant.EPOCH, Json.EMPTY_OBJECT);

        assertThat(filter.evaluate(facts))
                .isEqualTo(new Result.Failed<>("the pattern is too large: it has, with its repetitions, over 1000 parts"
                        + " (line 1, column 12)"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"^[A-Z]{2}-[0-9]{4,8}$", "^(?:[a-z0-9-]{1,63}\\\\.){1,5}[a-z]{2,63}$", "^(a|b){0,100}c?$"})
    void patternsThatPeopleWriteAreTaken(String pattern) {
        assertThat(Expression.filter("event.name.matches('" + pattern + "')", "filter"))
                .isInstanceOf(Reading.Compiled.class);
    }

    @Test
    void whatItAnswersHasALimitToo() {
        var mapping = compiled(Expression.mapping("[event.payload.text, event.payload.text]", "payload"));

        assertThat(mapping.evaluate(LARGE)).isEqualTo(new Result.Failed<>("it gave over 262144 characters of JSON"));
    }

    @Test
    void aLoopOverAllThatIsAllowedIsNotTooDear() {
        var mapping = compiled(Expression.mapping(
                "event.payload.thousand.map(x, x % 2 == 0, {'n': x, 'text': string(x) + '!'}).size()", "payload"));

        assertThat(mapping.evaluate(LARGE)).isEqualTo(new Result.Value<>(new Json("500")));
    }

    @Test
    void deepDataIsNoDanger() {
        assertThat(compiled(Expression.filter("event.payload.deep == event.payload.deep", "filter"))
                        .evaluate(LARGE))
                .isEqualTo(new Result.Value<>(true));
        assertThat(compiled(Expression.mapping("event.payload.deep", "payload")).evaluate(LARGE))
                .isEqualTo(new Result.Failed<>("it gave a value of over 500 levels"));
    }

    static Stream<String> refused() {
        return Stream.of(
                "(".repeat(2000) + "true" + ")".repeat(2000),
                "[".repeat(2000) + "]".repeat(2000),
                "true ? ".repeat(400) + "true" + " : true".repeat(400),
                "event.payload" + "[0".repeat(1000) + "]".repeat(1000) + " == 1",
                "[1].map(a, ".repeat(300) + "a" + ")".repeat(300) + " == []",
                "'a'.matches('((a{1000}){1000}){1000}')",
                "'a'.matches('(a{2,900}b{30,}c{5}){2}')",
                "'\\ud800' == ''",
                "\u0000",
                "true \u202e",
                "true // " + "x\n".repeat(2000) + "&& (",
                "1" + "+1".repeat(2000) + " == 2001",
                "[1]" + ".map(a,a)".repeat(400) + " == [1]",
                "event.payload" + ".a".repeat(1000) + "== 1",
                "{".repeat(4000));
    }

    @ParameterizedTest
    @MethodSource("refused")
    void textsThatWantToBreakTheCompilerAreRefused(String text) {
        assertThat(Expression.filter(text, "filter")).isInstanceOf(Reading.Refused.class);
    }

    static Stream<String> longButFlat() {
        return Stream.of(
                "event.payload.thousand.size() == 1000" + " && true".repeat(400),
                "!".repeat(4000) + "true",
                "-".repeat(4000) + "1 == 1");
    }

    @ParameterizedTest
    @MethodSource("longButFlat")
    void longRowsOfTheSameOperatorAreNotDeep(String text) {
        assertThat(compiled(Expression.filter(text, "filter")).evaluate(LARGE)).isEqualTo(new Result.Value<>(true));
    }

    @Test
    void anythingAtAllIsCompiledOrRefusedAndEvaluatedOrFailed() {
        var parts = List.of(
                "event",
                ".",
                "payload",
                "name",
                "receivedAt",
                "(",
                ")",
                "[",
                "]",
                "{",
                "}",
                "'",
                "\"",
                "1",
                "-1",
                "2.5",
                "1u",
                "b'x'",
                "null",
                "true",
                "+",
                "-",
                "*",
                "/",
                "%",
                "==",
                "!=",
                "<",
                ">=",
                "&&",
                "||",
                "!",
                "?",
                ":",
                ",",
                "in",
                ".map(x, x)",
                ".filter(y, y)",
                ".all(z, z > 1)",
                "has(",
                "size(",
                "string(",
                "int(",
                "timestamp(",
                "duration(",
                ".list",
                ".?none",
                ".orValue(1)",
                ".join()",
                ".split('a')",
                ".matches('a')",
                "9223372036854775807",
                "'ü\\u00e9'",
                "\\",
                "\n",
                "\t",
                "@",
                "#",
                "`",
                "\ud83d\ude00",
                "optional.of(",
                "dyn(",
                "type(",
                "r'\\d'");
        var facts = facts("{\"list\":[1,\"a\",null,{\"b\":[true]}],\"n\":1.5}");
        Seeded.forAll(2000, random -> {
            var text = random.ints(1 + random.nextInt(12), 0, parts.size())
                    .mapToObj(parts::get)
                    .collect(Collectors.joining(random.nextBoolean() ? "" : " "));
            switch (Expression.mapping(text, "payload")) {
                case Reading.Refused(var problems) ->
                    assertThat(problems).isNotEmpty().allSatisfy(problem -> {
                        assertThat(problem.message()).isNotBlank().doesNotContain("\n");
                        assertThat(problem.line()).isBetween(0, text.length() + 1);
                    });
                case Reading.Compiled(var mapping) ->
                    assertThat(mapping.evaluate(facts)).isNotNull();
            }
        });
    }

    @Test
    void anyJsonPassesUnchanged() {
        var mapping = compiled(Expression.mapping("event.payload", "payload"));
        Seeded.forAll(random -> {
            var json = new Json(anyJson(random, 5));
            assertThat(mapping.evaluate(facts(json.text()))).isEqualTo(new Result.Value<>(json));
        });
    }

    private static String anyJson(RandomGenerator random, int depth) {
        return switch (random.nextInt(depth > 0 ? 9 : 7)) {
            case 0 -> "null";
            case 1 -> String.valueOf(random.nextBoolean());
            case 2 -> String.valueOf(random.nextLong());
            case 3 -> String.valueOf(random.nextDouble() * Math.pow(10, random.nextInt(-300, 300)));
            case 4 ->
                new java.math.BigInteger(random.nextInt(60, 300), new java.util.Random(random.nextLong())).toString();
            case 5 ->
                "\""
                        + random.ints(random.nextInt(8), 'a', 'z')
                                .mapToObj(Character::toString)
                                .collect(Collectors.joining())
                        + "\"";
            case 6 -> "\"\\\"\\\\\\nü😀\"";
            case 7 ->
                IntStream.range(0, random.nextInt(4))
                        .mapToObj(_ -> anyJson(random, depth - 1))
                        .collect(Collectors.joining(",", "[", "]"));
            default ->
                IntStream.range(0, random.nextInt(4))
                        .mapToObj(n -> "\"k" + n + "\":" + anyJson(random, depth - 1))
                        .collect(Collectors.joining(",", "{", "}"));
        };
    }

    private static Facts facts(String payload) {
        return Facts.ofEvent("n", Optional.empty(), Optional.empty(), ID, Instant.EPOCH, new Json(payload));
    }
}

package dev.orrery.dagfile;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.orrery.dagfile.Parsed.Invalid;
import dev.orrery.dagfile.Parsed.Valid;
import dev.orrery.domain.Problem;
import dev.orrery.testing.Seeded;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever the bytes are: an answer, in a time that does not depend on their cunning, and never an exception. */
class HostileFilesTest {

    /** Far more than needed: only what grows with the square of the length, or worse, takes so long. */
    private static final Duration LIMIT = Duration.ofSeconds(60);

    /** Pieces that mean something to a YAML parser or to us. */
    private static final List<String> PIECES = List.of(
            "\n",
            "\r\n",
            " ",
            "  ",
            "\t",
            "-",
            "- ",
            "? ",
            ": ",
            ":",
            ",",
            "[",
            "]",
            "{",
            "}",
            "#",
            "&a ",
            "*a",
            "!",
            "!!str ",
            "|\n",
            ">-\n",
            "'",
            "\"",
            "%YAML 1.2\n",
            "---\n",
            "...\n",
            "@",
            "`",
            "<<: ",
            "~",
            "null",
            "true",
            "no",
            "007",
            "0x1F",
            "1e999",
            ".nan",
            "\\",
            "\\0",
            "\\uD800",
            "\\U00110000",
            "\uFEFF",
            "\u0000",
            "\u0085",
            "\u2028",
            "😀",
            "30",
            "99999999999999999999d",
            "P",
            "PT1S",
            "0 0 31W 2 *",
            "@daily",
            "L-",
            "1#9",
            "tasks:",
            "id: a",
            "dependencies: [a]",
            "retry: {}",
            "${ORRERY_API}",
            "http://",
            "http://[",
            "Europe/Berln",
            "=",
            "\u001b[2J");

    private static final List<String> SEPARATORS = List.of("", " ", ", ", "\n");

    @Test
    void randomDamageToAFileNeverThrows() {
        Seeded.forAll(1_000, random -> {
            var file = random.nextBoolean() ? DagTemplate.text("x") : RandomYaml.yaml(random, 8);
            var bytes = file.getBytes(UTF_8);

            var damages = random.nextInt(1, 8);
            for (var n = 0; n < damages; n++) {
                bytes = damaged(bytes, random);
            }

            assertAnswered(bytes);
        });
    }

    private static byte[] damaged(byte[] bytes, RandomGenerator random) {
        var at = random.nextInt(bytes.length + 1);
        var to = Math.min(bytes.length, at + random.nextInt(20));
        var damaged = new ByteArrayOutputStream();
        damaged.write(bytes, 0, at);
        switch (random.nextInt(4)) {
            case 0 -> damaged.write(random.nextInt(256));
            case 1 ->
                damaged.writeBytes(PIECES.get(random.nextInt(PIECES.size())).getBytes(UTF_8));
            case 2 -> damaged.write(bytes, at, to - at);
            default -> at = to;
        }
        damaged.write(bytes, at, bytes.length - at);
        return damaged.toByteArray();
    }

    @Test
    void randomPiecesNeverThrow() {
        Seeded.forAll(1_000, random -> {
            var count = random.nextInt(1, random.nextBoolean() ? 4 : 40);
            var separator = SEPARATORS.get(random.nextInt(SEPARATORS.size()));
            var text = IntStream.range(0, count)
                    .mapToObj(_ -> PIECES.get(random.nextInt(PIECES.size())))
                    .collect(joining(separator));

            assertAnswered(text.getBytes(UTF_8));
            assertAnswered(("tasks:\n- id: a\n  type: shell\n  command: " + text).getBytes(UTF_8));
            assertAnswered(("tasks: [{id: a, type: handler, handler: x, input: [" + text + "]}]").getBytes(UTF_8));
            assertAnswered(("schedule: \"" + text + "\"\ntimezone: " + text).getBytes(UTF_8));
        });
    }

    /** Not only that there is an answer: its places are inside the file, in order, and it can be printed. */
    private static void assertAnswered(byte[] bytes) {
        switch (DagFileParser.parse(bytes)) {
            case Valid(var draft) -> {
                assertThat(DagDrawing.text(draft)).isNotEmpty();
                assertThat(DagDrawing.mermaid(draft)).isNotEmpty();
            }
            case Invalid(var problems) -> {
                assertThat(problems).isNotEmpty().isSortedAccordingTo((a, b) -> a.line() - b.line());
                assertThat(problems).allSatisfy(problem -> {
                    assertThat(problem.line()).isBetween(1, bytes.length + 1);
                    assertThat(problem.column()).isBetween(1, bytes.length + 1);
                    assertThat(problem.message()).hasSizeLessThan(1_500);
                });
                assertThat(new ProblemPrinter(false).text("f", bytes, problems))
                        .endsWith(" in f\n")
                        .doesNotContain("\u001b");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[",
                "{",
                "{a: ",
                "- ",
                "? ",
                "\"",
                "'",
                "a: b: ",
                "&a ",
                "!a ",
                "%a\n",
                "#",
                "\n",
                "\r",
                "\t",
                " ",
                "|\n ",
                "a\n",
                "*a ",
                "- *a\n",
                "- &a x\n",
                "? a\n: b\n",
                "\"\\n",
                "[],",
                "a,",
                "😀",
                "\u2028",
                "---\n",
                "x: 1\n",
                "- {id: a}\n",
                "<<: ",
                "\"a\\\n",
                "\uFEFF"
            })
    void aMebibyteOfTheSameIsAnsweredInTime(String piece) {
        var count = SourceText.MAX_BYTES / piece.getBytes(UTF_8).length - 10;

        assertInTime(piece.repeat(count));
        assertInTime("tasks:\n  - " + piece.repeat(count));
    }

    @Test
    void manySuggestionsAreSearchedInTime() {
        var alike = "abcdefghij".repeat(5);
        var tasks = IntStream.range(0, 6_000)
                .mapToObj(n -> "- {id: " + alike + n + ", type: handler, handler: noop, dependencies: [x" + alike + "zz"
                        + n + "]}\n")
                .collect(joining("", "tasks:\n", ""));

        assertThat(assertInTime(tasks)).extracting(Problem::code).contains("UNKNOWN_DEPENDENCY");
    }

    @Test
    void manyCyclesAreSearchedInTime() {
        var tasks = IntStream.range(0, 5_000)
                .mapToObj(n -> "- {id: t" + n + ", type: handler, handler: noop, dependencies: ["
                        + IntStream.range(n / 10 * 10, n / 10 * 10 + 10)
                                .filter(other -> other != n)
                                .mapToObj(other -> "t" + other)
                                .collect(joining(","))
                        + "]}\n")
                .collect(joining("", "tasks:\n", ""));

        assertThat(assertInTime(tasks)).hasSize(CycleSearch.MAX_CYCLES);
    }

    @Test
    void hugeNumbersAreRefusedInTime() {
        var digits = "9".repeat(100_000);
        var numbers = IntStream.range(0, 9).mapToObj(_ -> digits).collect(joining(","));

        var problems = assertInTime("tasks: [{id: a, type: handler, handler: x, input: [" + numbers + "]}]");

        assertThat(problems)
                .hasSize(9)
                .allSatisfy(problem -> assertThat(problem.code()).isEqualTo("OUT_OF_RANGE"));
    }

    @Test
    void keysThatCollideAreTakenInTime() {
        var keys = IntStream.range(0, 1 << 14)
                .mapToObj(n -> IntStream.range(0, 14)
                        .mapToObj(bit -> (n >> bit & 1) == 0 ? "Aa" : "BB")
                        .collect(joining()))
                .toList();
        assertThat(keys.stream().map(String::hashCode).distinct()).hasSize(1);

        assertInTime(keys.stream().collect(joining(": 1, ", "x: {", ": 1}")));
    }

    private static List<Problem> assertInTime(String yaml) {
        var parsed = assertTimeoutPreemptively(LIMIT, () -> DagFileParser.parse(yaml));
        assertThat(parsed).isInstanceOf(Invalid.class);
        return ((Invalid) parsed).problems();
    }

    @Test
    void everyPrefixOfAFileIsAnswered() {
        var bytes = DagTemplate.text("ä").getBytes(UTF_8);

        for (var length = 0; length <= bytes.length; length++) {
            assertAnswered(Arrays.copyOf(bytes, length));
        }
    }
}

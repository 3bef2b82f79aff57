package dev.orrery.dagfile;

import static dev.orrery.dagfile.DagFiles.problems;
import static dev.orrery.dagfile.DagFiles.task;
import static dev.orrery.dagfile.DagFiles.valid;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Problem;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The text of a file before it means anything: its bytes, its characters, and what of YAML is taken. */
class DagFileTextTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "name: &a x             | anchors",
                "name: *a               | aliases",
                "name: !!str x          | tags",
                "name: ! x              | tags",
                "name: !x {a: b}        | tags",
                "tasks: !!set {a, b}    | tags",
                "<<: {name: x}          | merge keys",
                "name: x: y             | this is no YAML",
                "name: [x               | this is no YAML",
                "name: \"x              | this is no YAML",
                "name: @x               | this is no YAML",
                "name: \"\\q\"          | this is no YAML",
                "%YAML 3.0              | this is no YAML",
            })
    void whatIsNoPlainYamlIsRefused(String yaml, String message) {
        var problems = problems(yaml);

        assertThat(problems).anySatisfy(problem -> {
            assertThat(problem.code()).isEqualTo("PARSE_ERROR");
            assertThat(problem.message()).contains(message);
            assertThat(problem.line()).isEqualTo(1);
        });
        assertThat(((Parsed.Invalid) DagFileParser.parse(yaml)).errorCode()).isEqualTo(ErrorCode.PARSE_ERROR);
    }

    @Test
    void aQuotedMergeKeyIsAKeyLikeAnother() {
        assertThat(valid(task("type: handler, handler: echo, input: {'<<': 1}")).tasks())
                .hasSize(1);
    }

    @Test
    void aTabForIndentationIsExplained() {
        var problems = problems("tasks:\n\t- id: a");

        assertThat(problems.getFirst().help()).contains("indent with spaces, not with tabs");
        assertThat(problems.getFirst().line()).isEqualTo(2);
    }

    @Test
    void anUnknownEscapeIsExplained() {
        assertThat(problems("name: \"a\\/b\"").getFirst().help())
                .contains("write a backslash as \\\\ and a slash as it is, or use single quotes");
    }

    @Test
    void aSecondDocumentIsRefusedAndTheFirstStillChecked() {
        var problems = problems("---\nname: ''\n" + task("type: shell, command: x") + "\n---\nname: y");

        assertThat(problems).extracting(Problem::code).containsExactly("BAD_NAME", "PARSE_ERROR");
        assertThat(problems.getLast().line()).isEqualTo(4);
    }

    @Test
    void aDuplicateKeyNamesTheFirstOne() {
        var problems = problems("name: x\nname: y\n" + task("type: shell, command: x"));

        assertThat(problems).extracting(Problem::code).containsExactly("DUPLICATE_KEY");
        assertThat(problems.getFirst().message()).isEqualTo("'name' already stands in line 1");
        assertThat(problems.getFirst().line()).isEqualTo(2);
    }

    @Test
    void aKeyThatIsNoTextIsRefused() {
        assertThat(problems(task("type: handler, handler: echo, input: {[a]: b}")))
                .extracting(Problem::code)
                .containsExactly("WRONG_TYPE");
    }

    @Test
    void depthNodesAndTextsHaveLimits() {
        var deep = task("type: handler, handler: echo, input: " + "[".repeat(70) + "]".repeat(70));
        var many = task("type: handler, handler: echo, input: [" + "1,".repeat(YamlTree.MAX_NODES) + "1]");
        var longText = task("type: shell, command: \"" + "x".repeat(YamlTree.MAX_TEXT_BYTES + 1) + "\"");

        assertThat(problems(deep)).extracting(Problem::message).containsExactly("values are nested more than 64 deep");
        assertThat(problems(many))
                .extracting(Problem::message)
                .containsExactly("the file holds more than 250000 values");
        assertThat(problems(longText))
                .extracting(Problem::message)
                .containsExactly("this text is longer than 102400 bytes");
    }

    @Test
    void aFileHasAtMostOneMebibyte() {
        var padded = task("type: shell, command: x") + "\n#" + "ä".repeat(SourceText.MAX_BYTES / 2);

        assertThat(problems(padded)).extracting(Problem::code).containsExactly("FILE_TOO_LARGE");
        assertThat(DagFileParser.parse(padded.getBytes(UTF_8)))
                .isEqualTo(DagFileParser.parse(padded))
                .extracting(parsed -> ((Parsed.Invalid) parsed).errorCode())
                .isEqualTo(ErrorCode.PAYLOAD_TOO_LARGE);
        assertThat(valid(padded.substring(0, padded.length() - 30)).tasks()).hasSize(1);
    }

    @Test
    void bytesThatAreNotUtf8AreRefusedWithTheirPlace() {
        var broken = ("name: x\ndescription: ä" + "?").getBytes(UTF_8);
        broken[broken.length - 1] = (byte) 0xC3;

        var problems = problems(DagFileParser.parse(concat(broken, "\n".getBytes(UTF_8))));

        assertThat(problems).extracting(Problem::code).containsExactly("PARSE_ERROR");
        assertThat(problems.getFirst().line()).isEqualTo(2);
        assertThat(problems.getFirst().column()).isEqualTo(15);
    }

    @Test
    void aFileThatEndsInsideACharacterIsRefused() {
        var bytes = "name: ä".getBytes(UTF_8);

        var problems = problems(DagFileParser.parse(Arrays.copyOf(bytes, bytes.length - 1)));

        assertThat(problems.getFirst().message()).startsWith("the file is not UTF-8");
    }

    @Test
    void utf16IsRecognised() {
        var bytes = concat(new byte[] {(byte) 0xFF, (byte) 0xFE}, "name: x".getBytes(UTF_16LE));

        assertThat(problems(DagFileParser.parse(bytes)).getFirst().help())
                .contains("it looks like UTF-16: save it as UTF-8");
    }

    @Test
    void aByteOrderMarkIsSkipped() {
        assertThat(valid("\uFEFF" + task("type: shell, command: x")).tasks()).hasSize(1);
    }

    @Test
    void controlCharactersMayNotStandInAFile() {
        var problems = problems("name: x\ndescription: a\u0007b");

        assertThat(problems)
                .extracting(Problem::message)
                .containsExactly("the character U+0007 may not stand in a YAML file");
        assertThat(problems.getFirst().column()).isEqualTo(15);
    }

    @Test
    void columnsCountCharactersNotHalvesOfThem() {
        var problems = problems("{description: 😀, x: 1, tasks: [{id: a, type: shell, command: x}]}");

        assertThat(problems.getFirst().column()).isEqualTo(18);
    }

    @Test
    void messagesAreShortAndCannotSteerATerminal() {
        var problems = problems("\"\\e[2J" + "x".repeat(500) + "\": 1\n" + task("type: shell, command: x"));

        assertThat(problems.getFirst().message()).contains("\\u001B[2J").hasSizeLessThan(100);
    }

    private static byte[] concat(byte[] first, byte[] second) {
        var all = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, all, first.length, second.length);
        return all;
    }
}

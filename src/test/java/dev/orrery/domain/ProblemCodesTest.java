package dev.orrery.domain;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ProblemCodesTest {

    private static final Path GUIDE = Path.of("src/site/markdown/dag-files.md");
    private static final String BEGIN = "<!-- problem codes: begin; made from ProblemCode -->\n";
    private static final String END = "<!-- problem codes: end -->\n";
    private static final Pattern MENTION = Pattern.compile("ProblemCode\\.([A-Z_]+)");

    /** What the test says is missing is what has to stand in the guide. */
    @Test
    void theGuideListsEveryCodeWithItsCauseAndCure() throws IOException {
        var table = Arrays.stream(ProblemCode.values())
                .map(code -> "| `" + code + "` | " + code.cause() + " | " + code.cure() + " |\n")
                .collect(Collectors.joining("", "| code | cause | cure |\n|---|---|---|\n", ""));

        assertThat(Files.readString(GUIDE)).contains(BEGIN + table + END);
    }

    @Test
    void everyCodeIsGivenSomewhere() throws IOException {
        var given = new ArrayList<String>();
        for (var source : sources()) {
            MENTION.matcher(Files.readString(source)).results().forEach(mention -> given.add(mention.group(1)));
        }

        assertThat(ProblemCode.values())
                .extracting(Enum::name)
                .allSatisfy(code -> assertThat(given).contains(code));
    }

    private static List<Path> sources() throws IOException {
        try (var files = Files.walk(Path.of("src/main/java"))) {
            return files.filter(file -> file.toString().endsWith(".java")).toList();
        }
    }

    @Test
    void causesAndCuresAreSentences() {
        assertThat(ProblemCode.values()).allSatisfy(code -> {
            assertThat(code.cause()).matches("(?s)[A-Z].{8,}\\.").doesNotContain("|", "<");
            assertThat(code.cure()).matches("(?s)[A-Z].{5,}\\.").doesNotContain("|", "<");
        });
    }
}

package dev.orrery.dagfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.task.RetryPolicy;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DagTemplateTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nightly",
                "007",
                "true",
                "null",
                "a: b",
                "say \"hi\"",
                "- x",
                "ä # b",
                "1e3",
                "%s",
                "back\\slash"
            })
    void theFileToBeginWithIsValidUnderAnyName(String name) {
        var draft = DagFileParser.parse(DagTemplate.text(name)).orThrow();

        assertThat(draft.name()).contains(name);
        assertThat(draft.tasks()).hasSize(3);
    }

    @Test
    void itSaysTheDefaultsAsTheyAre() {
        var task = DagFileParser.parse(DagTemplate.text("x")).orThrow().tasks().getFirst();

        assertThat(task.retry()).isEqualTo(RetryPolicy.DEFAULT);
    }

    @Test
    void whatIsCommentedOutIsValidToo() {
        var uncommented = Pattern.compile("^( *)# (schedule:|timezone:|- id:|  [a-z]+:)", Pattern.MULTILINE)
                .matcher(DagTemplate.text("x"))
                .replaceAll("$1$2");

        assertThat(uncommented).contains("\nschedule:").contains("\n  - id: fetch\n    type: http");
        assertThat(DagFileParser.parse(uncommented).orThrow().tasks()).hasSize(4);
    }

    @Test
    void noFileIsMadeForANameThatNoDagCanHave() {
        assertThatThrownBy(() -> DagTemplate.text(" ")).isInstanceOf(IllegalArgumentException.class);
    }
}

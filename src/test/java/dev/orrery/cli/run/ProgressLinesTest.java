package dev.orrery.cli.run;

import static dev.orrery.cli.run.Events.data;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.client.EventStream.ServerEvent;
import dev.orrery.cli.text.Style;
import dev.orrery.cli.text.TextWidth;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ProgressLinesTest {

    private static final Style UNICODE = new Style(false, true);

    private final RunProgress progress = new RunProgress("nightly-report", Events.START, 0);

    ProgressLinesTest() {
        for (var n = 0; n < 10; n++) {
            task("done-" + n, "succeeded", 1_000);
        }
        task("bad", "failed", 1_000);
        task("left", "skipped", 1_000);
        task("extract", "running", 1_000);
        task("enrich", "running", 4_000);
        for (var n = 0; n < 6; n++) {
            task("later-" + n, "blocked", 0);
        }
    }

    private void task(String id, String state, long millis) {
        progress.task(data(Events.task(id, state, 1, millis)));
    }

    @Test
    void aBarItsCountsAndTheRunningTasks() {
        assertThat(new ProgressLines(UNICODE, 79).of(progress, Events.START.plusMillis(5_200)))
                .containsExactly(
                        "nightly-report  ━━━━━━━━━━━━━━━━━━━━━━━━╍╍╍╍──────────── 12/20  5.2s",
                        "  2 running · 6 blocked · 10 succeeded · 1 failed · 1 skipped",
                        "  running: extract 4.2s, enrich 1.2s");
    }

    @Test
    void withoutUnicodeItIsDrawnInAscii() {
        assertThat(new ProgressLines(Style.PLAIN, 79).of(progress, Events.START.plusMillis(5_200)))
                .containsExactly(
                        "nightly-report  ####################xx..====------------ 12/20  5.2s",
                        "  2 running, 6 blocked, 10 succeeded, 1 failed, 1 skipped",
                        "  running: extract 4.2s, enrich 1.2s");
    }

    @Test
    void noLineIsWiderThanTheTerminal() {
        for (var width = 1; width < 120; width++) {
            var limit = width;
            assertThat(new ProgressLines(UNICODE, width).of(progress, Events.START.plusMillis(5_200)))
                    .allSatisfy(line -> assertThat(TextWidth.of(line)).isLessThanOrEqualTo(limit));
        }
    }

    @Test
    void whereNotAllRunningTasksFitTheOthersAreCounted() {
        assertThat(new ProgressLines(UNICODE, 30)
                        .of(progress, Events.START.plusMillis(5_200))
                        .get(2))
                .isEqualTo("  running: extract 4.2s +1");
    }

    @Test
    void aRunningTaskShowsHowFarItsAttemptHasCome() {
        percent("extract", 1, 40);
        percent("enrich", 2, 70);
        percent("left", 1, 70);

        assertThat(running()).isEqualTo("  running: extract 4.2s 40%, enrich 1.2s");

        task("extract", "retrying", 5_000);
        task("extract", "running", 5_100);
        assertThat(running()).doesNotContain("%");
    }

    private String running() {
        return new ProgressLines(Style.PLAIN, 79)
                .of(progress, Events.START.plusMillis(5_200))
                .get(2);
    }

    private void percent(String id, int attempt, int percent) {
        progress.percent(data(new ServerEvent(
                Optional.empty(),
                "progress",
                "{\"taskId\":\"" + id + "\",\"attempt\":" + attempt + ",\"percent\":" + percent + "}")));
    }

    @Test
    void aRunWithoutRunningTasksHasTwoLines() {
        task("extract", "succeeded", 5_000);
        task("enrich", "succeeded", 5_000);

        assertThat(new ProgressLines(UNICODE, 79).of(progress, Events.START.plusMillis(5_200)))
                .hasSize(2);
    }
}

package dev.orrery.cli.run;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.text.Style;
import dev.orrery.cli.text.Terminal;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;

class PlainViewTest {

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final Terminal terminal = new Terminal(
            new PrintStream(out, true, UTF_8), new PrintStream(out, true, UTF_8), Style.PLAIN, false, () -> 0);
    private final RunProgress progress = new RunProgress("nightly", Events.START, 0);
    private final PlainView view = new PlainView(terminal, Clock.fixed(Events.START.plusSeconds(5), ZoneOffset.UTC));

    private List<String> lines() {
        return out.toString(UTF_8).lines().toList();
    }

    @Test
    void aLineForEachTaskThatStartsEndsOrMustBeTriedAgain() {
        view.begin(progress);
        Events.tell(view, progress, Events.task("a", "ready", 0, 0));
        Events.tell(view, progress, Events.task("b", "blocked", 0, 0));
        Events.tell(view, progress, Events.task("a", "queued", 1, 3));
        Events.tell(view, progress, Events.task("a", "running", 1, 10));
        Events.tell(view, progress, Events.task("a", "retrying", 1, 900));
        Events.tell(view, progress, Events.task("a", "running", 2, 2_000));
        Events.tell(view, progress, Events.task("a", "succeeded", 2, 62_500));
        Events.tell(view, progress, Events.task("b", "skipped", 0, 62_501));

        assertThat(lines())
                .containsExactly(
                        "    10ms  a running",
                        "   900ms  a retrying after 890ms",
                        "    2.0s  a running (attempt 2)",
                        "  1m 02s  a succeeded (attempt 2) after 1m 00s",
                        "  1m 02s  b skipped");
    }

    @Test
    void whatIsToldTwiceIsSaidOnce() {
        view.begin(progress);
        Events.tell(view, progress, Events.task("a", "running", 1, 10));
        Events.tell(view, progress, Events.task("a", "running", 1, 10));

        assertThat(lines()).hasSize(1);
    }

    @Test
    void aLargeRunIsSummedUpButItsTroubleIsNot() {
        view.begin(progress);
        for (var n = 0; n < 300; n++) {
            Events.tell(view, progress, Events.task("task-" + n, "blocked", 0, 0));
        }
        for (var n = 0; n < 299; n++) {
            Events.tell(view, progress, Events.task("task-" + n, "running", 1, 1));
        }
        Events.tell(view, progress, Events.task("task-7", "failed", 1, 2_000));

        assertThat(lines())
                .containsExactly("    5.0s  0 of 300 tasks done, 1 running", "    2.0s  task-7 failed after 1.9s");
    }

    @Test
    void aLostConnectionIsARemark() {
        view.begin(progress);

        view.connectionLost("reset by peer");

        assertThat(lines()).containsExactly("connection lost (reset by peer), trying again");
    }
}

package dev.orrery.cli.run;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.text.Style;
import dev.orrery.cli.text.Terminal;
import dev.orrery.testing.Await;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LiveViewTest {

    private final ByteArrayOutputStream sent = new ByteArrayOutputStream();
    private final Terminal terminal = new Terminal(
            new PrintStream(sent, true, UTF_8), new PrintStream(sent, true, UTF_8), Style.PLAIN, true, () -> 60);
    private final RunProgress progress = new RunProgress("nightly", Events.START, 0);
    private final LiveView view = new LiveView(terminal, Clock.fixed(Events.START.plusSeconds(5), ZoneOffset.UTC));

    @AfterEach
    void close() {
        view.close();
    }

    private Screen screen() {
        return Screen.after(sent.toString(UTF_8));
    }

    private void awaitShown(String text) {
        Await.until("the screen shows " + text, () -> screen().lines().stream().anyMatch(line -> line.contains(text)));
    }

    @Test
    void thePictureFollowsTheEventsOnTheSameLines() {
        view.begin(progress);
        Events.tell(view, progress, Events.task("a", "running", 1, 0));
        Events.tell(view, progress, Events.task("b", "blocked", 0, 0));
        awaitShown("running: a 5.0s");

        Events.tell(view, progress, Events.task("a", "succeeded", 1, 1_000));
        Events.tell(view, progress, Events.task("b", "running", 1, 1_000));
        awaitShown("running: b 4.0s");

        assertThat(screen().lines())
                .containsExactly(
                        "nightly  ####################==================== 1/2  5.0s",
                        "  1 running, 1 succeeded",
                        "  running: b 4.0s",
                        "");
        assertThat(screen().isCursorVisible()).isFalse();
    }

    @Test
    void troubleStaysAboveThePicture() {
        view.begin(progress);
        Events.tell(view, progress, Events.task("a", "running", 1, 0));
        Events.tell(view, progress, Events.task("a", "retrying", 1, 500));
        Events.tell(view, progress, Events.task("a", "timed_out", 2, 900));
        Events.tell(view, progress, Events.task("b", "failed", 1, 950));
        awaitShown("b failed");

        assertThat(screen().lines().subList(0, 3))
                .containsExactly("! a failed in attempt 1 and will be tried again", "x a timed out", "x b failed");
    }

    @Test
    void afterwardsOnlyTheTroubleIsLeftAndTheCursorIsBack() {
        view.begin(progress);
        Events.tell(view, progress, Events.task("a", "running", 1, 0));
        awaitShown("running: a");
        Events.tell(view, progress, Events.task("a", "failed", 1, 950));

        view.close();
        view.close();

        assertThat(screen().lines()).containsExactly("x a failed", "");
        assertThat(screen().isCursorVisible()).isTrue();
    }

    @Test
    void aLostConnectionIsSaidUntilTheNextEvent() {
        view.begin(progress);
        view.connectionLost("reset by peer");
        awaitShown("connection lost (reset by peer), trying again");

        Events.tell(view, progress, Events.task("a", "running", 1, 0));
        awaitShown("running: a");

        assertThat(screen().lines()).noneMatch(line -> line.contains("connection lost"));
    }

    @Test
    void itIsDrawnAtMostTenTimesASecond() {
        view.begin(progress);
        var started = System.nanoTime();
        for (var n = 0; n < 20_000; n++) {
            Events.tell(view, progress, Events.task("task-" + n, "running", 1, 0));
        }
        awaitShown("20000 running");
        view.close();

        var passed = Duration.ofNanos(System.nanoTime() - started);
        var draws = sent.toString(UTF_8).split("\u001b\\[J", -1).length - 2;
        assertThat(draws).isLessThanOrEqualTo((int) (passed.toMillis() / 100) + 1);
    }
}

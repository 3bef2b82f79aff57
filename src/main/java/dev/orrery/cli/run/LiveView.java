package dev.orrery.cli.run;

import dev.orrery.cli.client.EventStream.ServerEvent;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.RunProgress.Change;
import dev.orrery.cli.text.Terminal;
import dev.orrery.cli.text.TextWidth;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * For terminals: some lines at the bottom that are drawn anew ten times a second at most, and above them a line for each
 * task that failed or must be tried again. The cursor is hidden meanwhile and comes back with {@link #restore}.
 */
final class LiveView implements RunView {

    private static final long REDRAW_MILLIS = 100;
    private static final String HIDE_CURSOR = "\u001b[?25l";
    private static final String SHOW_CURSOR = "\u001b[?25h";
    private static final String CLEAR_LINE = "\u001b[2K";
    private static final String CLEAR_BELOW = "\u001b[J";

    private final Terminal terminal;
    private final Clock clock;
    private final List<String> lasting = new ArrayList<>();
    private @Nullable RunProgress progress;
    private @Nullable Thread painter;
    private String remark = "";
    private int drawnLines;

    LiveView(Terminal terminal, Clock clock) {
        this.terminal = terminal;
        this.clock = clock;
    }

    @Override
    public synchronized void begin(RunProgress newProgress) {
        progress = newProgress;
        terminal.out().print(HIDE_CURSOR);
        painter = Thread.ofPlatform().daemon().name("progress").start(this::paint);
    }

    private void paint() {
        try {
            while (!Thread.currentThread().isInterrupted()) {
                Thread.sleep(REDRAW_MILLIS);
                draw();
            }
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public synchronized void event(ServerEvent event, JsonObject data, Optional<Change> change) {
        remark = "";
        change.flatMap(this::lastingLine).ifPresent(lasting::add);
    }

    private Optional<String> lastingLine(Change change) {
        var task = change.task();
        var id = TextWidth.clean(task.id());
        var style = terminal.style();
        return switch (task.state()) {
            case FAILED -> Optional.of(style.failedMark() + " " + id + " failed");
            case TIMED_OUT -> Optional.of(style.failedMark() + " " + id + " timed out");
            case RETRYING ->
                Optional.of(style.paint(StateColours.of("retrying"), "! ") + id + " failed in attempt " + task.attempt()
                        + " and will be tried again");
            case PENDING, BLOCKED, READY, QUEUED, RUNNING, SUCCEEDED, SKIPPED, CANCELLED -> Optional.empty();
        };
    }

    @Override
    public synchronized void connectionLost(String reason) {
        remark = "connection lost (" + reason + "), trying again";
    }

    private synchronized void draw() {
        var current = progress;
        if (current == null || painter == null) {
            return;
        }
        var columns = terminal.columns().now();
        var picture = new ProgressLines(terminal.style(), columns - 1).of(current, clock.instant());
        if (!remark.isEmpty()) {
            picture.add(TextWidth.shorten(remark, columns - 1, terminal.style()));
        }
        var screen = new StringBuilder(back());
        for (var line : lasting) {
            screen.append(CLEAR_LINE).append(line).append('\n');
        }
        lasting.clear();
        for (var line : picture) {
            screen.append(CLEAR_LINE).append(line).append('\n');
        }
        screen.append(CLEAR_BELOW);
        drawnLines = picture.size();
        terminal.out().print(screen);
        terminal.out().flush();
    }

    /** Back to where the drawing began. */
    private String back() {
        return drawnLines == 0 ? "" : "\r\u001b[" + drawnLines + "A";
    }

    @Override
    public synchronized void restore() {
        var running = painter;
        if (running == null) {
            return;
        }
        painter = null;
        running.interrupt();
        var rest = new StringBuilder(back()).append(CLEAR_BELOW);
        lasting.forEach(line -> rest.append(line).append('\n'));
        lasting.clear();
        drawnLines = 0;
        terminal.out().print(rest.append(SHOW_CURSOR));
        terminal.out().flush();
    }
}

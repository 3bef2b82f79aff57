package dev.orrery.cli.run;

import dev.orrery.cli.text.Colour;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Line;
import dev.orrery.cli.text.ProgressBar;
import dev.orrery.cli.text.ProgressBar.Part;
import dev.orrery.cli.text.Style;
import dev.orrery.cli.text.TextWidth;
import dev.orrery.domain.task.TaskState;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** The picture of a run in three lines: its bar, its counts by state, the tasks that run now. None is wider than allowed. */
final class ProgressLines {

    private static final int BAR_MAX = 40;
    private static final int BAR_MIN = 8;
    private static final List<TaskState> ORDER = List.of(
            TaskState.RUNNING,
            TaskState.RETRYING,
            TaskState.QUEUED,
            TaskState.READY,
            TaskState.PENDING,
            TaskState.BLOCKED,
            TaskState.SUCCEEDED,
            TaskState.FAILED,
            TaskState.TIMED_OUT,
            TaskState.SKIPPED,
            TaskState.CANCELLED);

    private final Style style;
    private final int width;

    ProgressLines(Style style, int width) {
        this.style = style;
        this.width = width;
    }

    List<String> of(RunProgress progress, Instant now) {
        var lines = new ArrayList<String>();
        lines.add(bar(progress, now));
        lines.add(counts(progress));
        if (!progress.running().isEmpty()) {
            lines.add(running(progress, now));
        }
        return lines;
    }

    private String bar(RunProgress progress, Instant now) {
        var figures = " " + progress.done() + "/" + progress.total() + "  "
                + HumanTime.of(Duration.between(
                        progress.createdAt(), progress.endedAt().orElse(now)));
        var name = TextWidth.shorten(TextWidth.clean(progress.dagName()), Math.max(8, width / 3), style);
        var room = width - TextWidth.of(name) - 2 - TextWidth.of(figures);
        var line = new Line(width, style).add(name + "  ", Colour.BOLD);
        if (room >= BAR_MIN) {
            var barWidth = Math.min(room, BAR_MAX);
            line.addPainted(ProgressBar.of(parts(progress), progress.total(), barWidth, style), barWidth);
        }
        return line.add(figures).toString();
    }

    private static List<Part> parts(RunProgress progress) {
        var wrong = progress.count(TaskState.FAILED) + progress.count(TaskState.TIMED_OUT);
        var left = progress.count(TaskState.SKIPPED) + progress.count(TaskState.CANCELLED);
        return List.of(
                new Part(progress.count(TaskState.SUCCEEDED), Colour.GREEN, "━", "#"),
                new Part(wrong, Colour.RED, "━", "x"),
                new Part(left, Colour.DIM, "━", "."),
                new Part(progress.count(TaskState.RUNNING), Colour.CYAN, "╍", "="));
    }

    private String counts(RunProgress progress) {
        var line = new Line(width, style).add("  ");
        var separator = "";
        for (var state : ORDER) {
            var count = progress.count(state);
            if (count > 0) {
                var name = state.wireName();
                line.add(separator).add(count + " " + name.replace('_', ' '), StateColours.of(name));
                separator = style.separator();
            }
        }
        return line.toString();
    }

    private static String percent(RunProgress progress, RunProgress.Task task) {
        var percent = progress.percent(task.id());
        return percent.isPresent() ? " " + percent.getAsInt() + "%" : "";
    }

    private String running(RunProgress progress, Instant now) {
        var line = new Line(width, style).add("  running: ", Colour.DIM);
        var named = 0;
        for (var task : progress.running()) {
            var text = (named == 0 ? "" : ", ") + TextWidth.clean(task.id()) + " "
                    + HumanTime.of(Duration.between(task.at(), now)) + percent(progress, task);
            var others = progress.running().size() - named - 1;
            var more = others == 0 ? "" : " +" + others;
            if (named > 0 && !line.fits(text + more)) {
                return line.add(" +" + (others + 1), Colour.DIM).toString();
            }
            line.add(text);
            named++;
        }
        return line.toString();
    }
}

package dev.orrery.cli.run;

import dev.orrery.cli.client.EventStream.ServerEvent;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.RunProgress.Change;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Terminal;
import dev.orrery.cli.text.TextWidth;
import dev.orrery.domain.task.TaskState;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * For files and pipes: a line for each task that starts, ends or must be tried again. A large run would drown its reader
 * so; there, what goes well is summed up once a second.
 */
final class PlainView implements RunView {

    private static final int LARGE = 200;
    private static final Duration SUM_UP_EVERY = Duration.ofSeconds(1);

    private final Terminal terminal;
    private final Clock clock;
    private @Nullable RunProgress progress;
    private Instant summedUpAt = Instant.MIN;

    PlainView(Terminal terminal, Clock clock) {
        this.terminal = terminal;
        this.clock = clock;
    }

    @Override
    public synchronized void begin(RunProgress newProgress) {
        progress = newProgress;
    }

    @Override
    public synchronized void event(ServerEvent event, JsonObject data, Optional<Change> change) {
        var current = progress;
        if (current == null || change.isEmpty() || !isWorthALine(change.get())) {
            return;
        }
        if (current.total() > LARGE && !isTrouble(change.get())) {
            sumUp(current);
        } else {
            terminal.line(line(current, change.get()));
        }
    }

    private static boolean isWorthALine(Change change) {
        var state = change.task().state();
        return (state == TaskState.RUNNING || state == TaskState.RETRYING || state.isTerminal())
                && change.before().map(before -> before.state() != state).orElse(true);
    }

    private static boolean isTrouble(Change change) {
        return switch (change.task().state()) {
            case FAILED, TIMED_OUT, RETRYING -> true;
            case PENDING, BLOCKED, READY, QUEUED, RUNNING, SUCCEEDED, SKIPPED, CANCELLED -> false;
        };
    }

    private void sumUp(RunProgress current) {
        var now = clock.instant();
        if (summedUpAt.plus(SUM_UP_EVERY).isAfter(now)) {
            return;
        }
        summedUpAt = now;
        terminal.line(stamp(current, now) + current.done() + " of " + current.total() + " tasks done, "
                + current.count(TaskState.RUNNING) + " running");
    }

    private String line(RunProgress current, Change change) {
        var task = change.task();
        var state = task.state().wireName().replace('_', ' ');
        var line = stamp(current, task.at()) + TextWidth.clean(task.id()) + " "
                + terminal.style().paint(StateColours.of(task.state().wireName()), state);
        if (task.attempt() > 1) {
            line += " (attempt " + task.attempt() + ")";
        }
        return change.before()
                .filter(before -> before.state() == TaskState.RUNNING)
                .map(before -> " after " + HumanTime.of(Duration.between(before.at(), task.at())))
                .map(line::concat)
                .orElse(line);
    }

    private static String stamp(RunProgress current, Instant at) {
        var passed = HumanTime.of(Duration.between(current.createdAt(), at));
        return " ".repeat(Math.max(0, 8 - passed.length())) + passed + "  ";
    }

    @Override
    public synchronized void connectionLost(String reason) {
        terminal.remark("connection lost (" + reason + "), trying again");
    }

    @Override
    public void restore() {
        terminal.out().flush();
    }
}

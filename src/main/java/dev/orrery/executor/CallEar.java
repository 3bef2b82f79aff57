package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.bus.BusMessage.HandlerSaid;
import dev.orrery.domain.task.LogEntry;
import dev.orrery.domain.task.LogLevel;
import java.time.Instant;

/** Writes down what a handler says, each line once however often it is said. */
final class CallEar {

    private static final int NO_PROGRESS = -1;

    private final AttemptLog log;
    private long heard;
    private int progress = NO_PROGRESS;

    CallEar(AttemptLog log) {
        this.log = log;
    }

    synchronized void hear(HandlerSaid said) {
        var known = heard - said.offset();
        if (known >= 0 && known < said.text().length()) {
            var news = said.text().substring((int) known);
            heard += news.length();
            var lines = news.getBytes(UTF_8);
            log.lines(lines, 0, lines.length);
        }
        said.progress().ifPresent(this::showProgress);
    }

    private void showProgress(int percent) {
        if (percent != progress) {
            progress = percent;
            log.progress(percent);
            log.line(new LogEntry(Instant.now(), LogLevel.INFO, "progress " + percent + "%").text());
        }
    }
}

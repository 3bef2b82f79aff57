package dev.orrery.executor;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.HandlerCall;
import dev.orrery.bus.BusMessage.HandlerHeard;
import dev.orrery.bus.BusMessage.HandlerSaid;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * What a handler says while it works, on its way to the log of its attempt. Lines may come from any thread and never wait:
 * they are sent in pieces, one at a time, each again until it is heard; of what comes faster a bounded part is kept, and the
 * log says how many lines are missing.
 *
 * <p>A caller on another node is spoken to at least every second, which tells both that the other is there. One that answers
 * no more, like one that says so, ends the call.
 */
final class CallVoice {

    /**
     * How long to wait.
     *
     * @param speakEvery after this a caller on another node is spoken to again
     * @param deafLimit after this without an answer from it the handler is stopped
     * @param lastWords after this what an ended handler said is given up
     */
    record Patience(Duration speakEvery, Duration deafLimit, Duration lastWords) {}

    static final Patience USUAL = new Patience(Duration.ofSeconds(1), Duration.ofSeconds(10), Duration.ofSeconds(5));

    /** How many characters may wait to be heard. */
    static final int ROOM = 256 << 10;

    /** A line with its cut remark always fits. */
    private static final int PIECE = 32 << 10;

    private static final Duration GATHERED_FOR = Duration.ofMillis(50);
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(2);
    private static final int NONE = -1;

    private final Vertx vertx;
    private final Bus bus;
    private final HandlerCall call;
    private final Patience patience;
    private final SharedRoom room;
    private final Runnable unwanted;
    private final Promise<Void> silent = Promise.promise();

    // Guarded by this, since handlers speak from threads of their own.
    private final StringBuilder waiting = new StringBuilder();
    private long heard;
    private long missingLines;
    private int progress = NONE;
    private int heardProgress = NONE;
    private boolean speaking;
    private boolean timerSet;
    private boolean ending;
    private long answeredNanos = System.nanoTime();

    /** @param unwanted is run when nobody waits for the handler any more; more than once perhaps */
    CallVoice(Vertx vertx, Bus bus, HandlerCall call, Patience patience, SharedRoom room, Runnable unwanted) {
        this.vertx = vertx;
        this.bus = bus;
        this.call = call;
        this.patience = patience;
        this.room = room;
        silent.future().onComplete(_ -> forget());
        this.unwanted = unwanted;
        if (isElsewhere()) {
            var beat = vertx.setPeriodic(1, patience.speakEvery().toMillis(), _ -> speak(true));
            silent.future().onComplete(_ -> vertx.cancelTimer(beat));
        }
    }

    /** Adds a line, or several where the text has line feeds. */
    void say(String text) {
        var lines = LogText.lines(text);
        synchronized (this) {
            if (ending || silent.future().isComplete()) {
                return;
            }
            lines.forEach(this::add);
        }
        speakSoon();
    }

    private synchronized void add(String line) {
        var text = missingLines == 0 ? line : missingRemark() + line;
        if (waiting.length() + text.length() > ROOM || !room.take(text.length())) {
            missingLines++;
            return;
        }
        waiting.append(text);
        missingLines = 0;
    }

    private synchronized String missingRemark() {
        return "[" + missingLines + (missingLines == 1 ? " line is" : " lines are")
                + " missing here: the handler said more than could be heard]\n";
    }

    void progress(int percent) {
        synchronized (this) {
            progress = percent;
        }
        speakSoon();
    }

    /** Completes when all is heard, or cannot be. What is said later is dropped. */
    Future<Void> end() {
        synchronized (this) {
            ending = true;
            if (missingLines > 0) {
                var remark = missingRemark();
                room.takeAnyway(remark.length());
                waiting.append(remark);
                missingLines = 0;
            }
        }
        speak(false);
        if (!silent.future().isComplete()) {
            var limit = vertx.setTimer(patience.lastWords().toMillis(), _ -> silent.tryComplete());
            silent.future().onComplete(_ -> vertx.cancelTimer(limit));
        }
        return silent.future();
    }

    private void speakSoon() {
        synchronized (this) {
            if (speaking || timerSet) {
                return;
            }
            timerSet = true;
        }
        vertx.setTimer(GATHERED_FOR.toMillis(), _ -> {
            synchronized (this) {
                timerSet = false;
            }
            speak(false);
        });
    }

    private void speak(boolean evenWithoutWords) {
        var said = nextPiece(evenWithoutWords);
        if (said != null) {
            bus.request(Addresses.handlerSaid(call), said, ANSWER_LIMIT).onComplete(answer -> answered(said, answer));
        } else if (isDone()) {
            silent.tryComplete();
        }
    }

    private synchronized boolean isDone() {
        return ending && !speaking && waiting.isEmpty();
    }

    private synchronized @Nullable HandlerSaid nextPiece(boolean evenWithoutWords) {
        var news = progress != heardProgress ? OptionalInt.of(progress) : OptionalInt.empty();
        if (speaking || silent.future().isComplete() || (waiting.isEmpty() && news.isEmpty() && !evenWithoutWords)) {
            return null;
        }
        speaking = true;
        return new HandlerSaid(call.instanceId(), call.fence(), heard, waiting.substring(0, pieceEnd()), news);
    }

    private synchronized int pieceEnd() {
        return waiting.length() <= PIECE ? waiting.length() : waiting.lastIndexOf("\n", PIECE - 1) + 1;
    }

    private void answered(HandlerSaid said, AsyncResult<HandlerHeard> answer) {
        boolean isDeaf;
        boolean more;
        synchronized (this) {
            speaking = false;
            if (answer.succeeded() && waiting.length() >= said.text().length()) {
                waiting.delete(0, said.text().length());
                room.give(said.text().length());
                heard += said.text().length();
                heardProgress = said.progress().orElse(heardProgress);
                answeredNanos = System.nanoTime();
            }
            isDeaf = isElsewhere()
                    && System.nanoTime() - answeredNanos > patience.deafLimit().toNanos();
            more = answer.succeeded() && (ending || !waiting.isEmpty() || progress != heardProgress);
        }
        if (isDeaf || (answer.succeeded() && !answer.result().goOn())) {
            unwanted.run();
        }
        if (more) {
            speak(false);
        } else if (answer.failed()) {
            vertx.setTimer(patience.speakEvery().toMillis(), _ -> speak(false));
        }
    }

    private synchronized void forget() {
        room.give(waiting.length());
        waiting.setLength(0);
    }

    private boolean isElsewhere() {
        return call.caller().isPresent();
    }
}

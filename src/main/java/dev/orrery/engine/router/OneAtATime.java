package dev.orrery.engine.router;

import io.vertx.core.Future;
import java.util.function.Supplier;

/**
 * A question that is asked again and again, never twice at the same time: whoever asks while it is under way has it asked
 * once more when the answer has come, since that answer may be older than the reason to ask.
 */
final class OneAtATime {

    private final Supplier<Future<?>> question;
    private boolean underWay;
    private boolean onceMore;

    /** {@code question}: looks after its own failures; whatever its answer, the next may be asked. */
    OneAtATime(Supplier<Future<?>> question) {
        this.question = question;
    }

    void ask() {
        if (underWay) {
            onceMore = true;
            return;
        }
        underWay = true;
        // Composed, so that a question which throws is one that failed: it must not be the last.
        Future.succeededFuture().compose(_ -> question.get().mapEmpty()).onComplete(_ -> {
            underWay = false;
            if (onceMore) {
                onceMore = false;
                ask();
            }
        });
    }
}

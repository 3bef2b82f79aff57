package dev.orrery.handler;

import org.jspecify.annotations.Nullable;

/** What may block: it is called on a thread of its own, which is interrupted when its attempt is to stop. */
@FunctionalInterface
public interface BlockingTaskHandler {

    /** As {@link TaskHandler#handle}, but returns the result itself. */
    @Nullable Object handle(Call call) throws Exception;
}

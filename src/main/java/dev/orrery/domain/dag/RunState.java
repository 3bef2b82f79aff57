package dev.orrery.domain.dag;

import dev.orrery.domain.WireNamed;

/** Where a run stands; {@code CANCELLING} waits for the processes that are told to end. The last three are terminal. */
public enum RunState implements WireNamed {
    PENDING,
    RUNNING,
    CANCELLING,
    SUCCEEDED,
    FAILED,
    CANCELLED;

    public boolean isTerminal() {
        return compareTo(SUCCEEDED) >= 0;
    }

    /** How a run ends: {@code failed} and {@code cancelled} count its tasks that ended so (timed out counts as failed). */
    public static RunState atEnd(boolean cancelAsked, int failed, int cancelled) {
        if (cancelAsked) {
            return CANCELLED;
        }
        if (failed > 0) {
            return FAILED;
        }
        return cancelled > 0 ? CANCELLED : SUCCEEDED;
    }

    /** The state with this wire name; throws IllegalArgumentException where there is none. */
    public static RunState ofWireName(String name) {
        return WireNamed.of(RunState.class, name);
    }
}

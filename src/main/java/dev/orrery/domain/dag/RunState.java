package dev.orrery.domain.dag;

import java.util.Locale;

/** Where a run stands; {@code CANCELLING} waits for the processes that are told to end. The last three are terminal. */
public enum RunState {
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

    /** The name in the API and in the database. */
    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The state with this wire name; throws IllegalArgumentException where there is none. */
    public static RunState ofWireName(String name) {
        for (var state : values()) {
            if (state.wireName().equals(name)) {
                return state;
            }
        }
        throw new IllegalArgumentException("no run state is called '" + name + "'");
    }
}

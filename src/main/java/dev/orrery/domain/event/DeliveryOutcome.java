package dev.orrery.domain.event;

import dev.orrery.domain.WireNamed;

/**
 * What became of an event at a handler: it fired; its filter did not want it; it waits whether more come; a later one took its
 * place; the handler had fired as often as it may; or it could not be fired.
 */
public enum DeliveryOutcome implements WireNamed {
    FIRED,
    FILTERED,
    WAITING,
    DEBOUNCED,
    THROTTLED,
    FAILED;

    /** The outcome with this wire name; throws IllegalArgumentException where there is none. */
    public static DeliveryOutcome ofWireName(String name) {
        return WireNamed.of(DeliveryOutcome.class, name);
    }
}

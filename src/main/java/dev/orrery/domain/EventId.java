package dev.orrery.domain;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.UUID;

/** Identifies an event. Those that were published by one request are numbered below one base, see {@link NumberedIds}. */
public record EventId(UUID value) {

    public EventId {
        requireNonNull(value, "value");
    }

    /** That of the event of this number, from 1 on, of a request. */
    public static EventId of(UUID base, int number) {
        return new EventId(NumberedIds.member(base, number));
    }

    /** Reads the canonical text form; throws IllegalArgumentException for anything else. */
    public static EventId parse(String text) {
        return new EventId(NumberedIds.parse(text));
    }

    /** When it was made, to the millisecond. */
    public Instant time() {
        return Instant.ofEpochMilli(value.getMostSignificantBits() >>> 16);
    }

    @Override
    public String toString() {
        return value.toString();
    }
}

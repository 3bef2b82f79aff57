package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Optional;

/**
 * A part of a list that is read from entry to entry.
 *
 * @param nextCursor names the part that follows, for the next call; absent on the last one
 */
public record CursorPage<T>(List<T> items, Optional<String> nextCursor) {

    public CursorPage {
        items = List.copyOf(items);
        requireNonNull(nextCursor, "nextCursor");
    }
}

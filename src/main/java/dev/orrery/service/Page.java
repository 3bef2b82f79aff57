package dev.orrery.service;

import static dev.orrery.domain.Checks.require;

/** A window of a list that is newest first: at most {@code limit} entries after the first {@code offset}. */
public record Page(int limit, int offset) {

    public static final int DEFAULT_LIMIT = 20;
    public static final int MAX_LIMIT = 500;
    public static final Page FIRST = new Page(DEFAULT_LIMIT, 0);

    public Page {
        require(limit >= 1 && limit <= MAX_LIMIT, "limit must be 1..500, was " + limit);
        require(offset >= 0, "offset must not be negative, was " + offset);
    }
}

package dev.orrery.service;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import io.vertx.core.buffer.Buffer;

/**
 * A piece of what an attempt printed, as bytes of UTF-8 that may begin or end inside a character.
 *
 * @param attempt whose log it is: the asked one, else the newest; 0 before the first has begun
 * @param offset where in that log {@code content} begins, in bytes
 * @param ended whether nothing can follow: the attempt is over and {@code content} reaches its log's end
 */
public record LogSlice(int attempt, long offset, Buffer content, boolean ended) {

    public LogSlice {
        require(attempt >= 0, "attempt must not be negative, was " + attempt);
        require(offset >= 0, "offset must not be negative, was " + offset);
        requireNonNull(content, "content");
    }

    /** Where the next piece begins. */
    public long nextOffset() {
        return offset + content.length();
    }
}

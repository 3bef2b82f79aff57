package dev.orrery.api;

import dev.orrery.config.MemoryBudget;
import java.time.Duration;

/**
 * How long a node waits for the other side, and how many it takes on.
 *
 * @param head from the opening of a connection, or its last answer, to the next complete request head
 * @param body from a request's head to the end of its body
 * @param answer from a complete request to the answer of its operation, which may still do its work after that
 * @param reader how long a reader of a stream may take nothing
 * @param comment after how long a silent stream says that it lives
 * @param streams how many streams a node serves at once
 * @param connections how many connections an event loop keeps open
 * @param bytes how many bytes of bodies and answers a node holds at once
 */
record Limits(
        Duration head,
        Duration body,
        Duration answer,
        Duration reader,
        Duration comment,
        int streams,
        int connections,
        long bytes) {

    static final Limits DEFAULT = new Limits(
            Duration.ofSeconds(60),
            Duration.ofSeconds(30),
            Duration.ofSeconds(30),
            Duration.ofSeconds(60),
            Duration.ofSeconds(15),
            1_000,
            2_000,
            MemoryBudget.requests(Runtime.getRuntime().maxMemory()));

    /** How long a connection may stay without anything being read or written: a living stream is never silent so long. */
    Duration idle() {
        return reader.plus(comment);
    }
}

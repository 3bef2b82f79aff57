package dev.orrery.api;

import dev.orrery.service.LogSlice;
import io.vertx.core.Future;
import java.util.OptionalInt;

/** Reads a task's logs in pieces of at most {@link #PIECE_BYTES}. */
@FunctionalInterface
interface LogReader {

    int PIECE_BYTES = 64 * 1024;

    /** A piece from {@code offset} on; of the newest attempt where none is named. */
    Future<LogSlice> read(OptionalInt attempt, long offset);
}

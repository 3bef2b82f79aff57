package dev.orrery.api;

import io.vertx.core.Future;
import java.util.function.Supplier;

/**
 * A plain route beside the contract, for GET and HEAD.
 *
 * @param name how metrics call it
 */
record Page(String name, Supplier<Future<Answer>> answer) {

    /** A page that is always the same. */
    static Page fixed(String name, Answer answer) {
        return new Page(name, () -> Future.succeededFuture(answer));
    }
}

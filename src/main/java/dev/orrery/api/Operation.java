package dev.orrery.api;

import io.vertx.core.Future;

/** Answers one operation of the contract. What it cannot answer is a failed future. */
@FunctionalInterface
public interface Operation {

    Future<Answer> answer(ApiRequest request);

    /** One that waits for something to happen: it takes no place among the requests in work, and has a bound of its own. */
    @FunctionalInterface
    interface Waiting extends Operation {

        /** {@code gone} completes when nobody hears the answer any more. */
        Future<Answer> answer(ApiRequest request, Future<Void> gone);

        @Override
        default Future<Answer> answer(ApiRequest request) {
            return answer(request, Future.future(_ -> {}));
        }
    }

    /** One that reads its body itself, from the bytes in {@link ApiRequest#sent}. */
    @FunctionalInterface
    interface Reading extends Operation {}
}

package dev.orrery.api;

import io.vertx.core.Future;

/** Answers one operation of the contract. What it cannot answer is a failed future. */
@FunctionalInterface
public interface Operation {

    Future<Answer> answer(ApiRequest request);
}

package dev.orrery.planted.service;

import io.vertx.core.Vertx;

/** The event bus has one user. */
public final class SpeaksOnTheEventBus {
    void speak(Vertx vertx) {
        vertx.eventBus().publish("address", "message");
    }
}

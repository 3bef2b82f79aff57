package dev.orrery.planted.domain;

import io.vertx.core.json.JsonObject;

/** The domain knows the language alone. */
public record KnowsALibrary(JsonObject json) {}

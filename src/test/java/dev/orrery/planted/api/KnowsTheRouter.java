package dev.orrery.planted.api;

import dev.orrery.planted.engine.router.Router;

/** The interface and the engine meet on the bus only. */
public record KnowsTheRouter(Router router) {}

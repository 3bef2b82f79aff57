package dev.orrery.planted.store;

import dev.orrery.planted.service.LosesItsParentException;

/** Arrows point downward. */
public record KnowsAService(LosesItsParentException problem) {}

package dev.orrery.planted.store;

import dev.orrery.planted.domain.Value;

/** A legal use of the domain. */
public record Table(Value value) {}

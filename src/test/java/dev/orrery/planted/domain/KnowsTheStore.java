package dev.orrery.planted.domain;

import dev.orrery.planted.store.Table;

/** Arrows point downward; and with the store using the domain, this is a cycle. */
public record KnowsTheStore(Table table) {}

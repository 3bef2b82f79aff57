package dev.orrery.planted.engine.worker;

import dev.orrery.planted.executor.Runner;

/** A legal use of an executor. */
public record Worker(Runner runner) {}

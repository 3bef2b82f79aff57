package dev.orrery.planted.engine.router;

import dev.orrery.planted.executor.Runner;

/** Only workers execute. */
public record Executes(Runner runner) {}

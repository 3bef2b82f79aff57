package dev.orrery.planted.engine.router;

import dev.orrery.planted.engine.worker.Worker;

/** Parts of the engine do not know each other. */
public record KnowsAWorker(Worker worker) {}

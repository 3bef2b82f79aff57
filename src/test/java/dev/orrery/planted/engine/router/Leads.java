package dev.orrery.planted.engine.router;

import dev.orrery.planted.coordination.Leadership;

/** Only the scheduler leads. */
public record Leads(Leadership leadership) {}

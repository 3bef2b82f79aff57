package dev.orrery.planted.launcher;

import dev.orrery.planted.domain.Value;

/** The launcher must load where the program cannot. */
public record KnowsTheProgram(Value value) {}

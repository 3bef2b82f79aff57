package dev.orrery.planted.executor;

/** How work is done. */
public final class Runner {}

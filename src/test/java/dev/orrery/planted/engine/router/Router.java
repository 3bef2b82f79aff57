package dev.orrery.planted.engine.router;

/** A legal part of the engine. */
public final class Router {}

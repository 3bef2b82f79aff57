package dev.orrery.planted.coordination;

/** The right to lead. */
public final class Leadership {}

package dev.orrery.planted.domain;

/** What the others may use. */
public record Value(int number) {}

package dev.orrery.planted.domain;

/** The parent that exceptions should have. */
public class OrreryException extends RuntimeException {}

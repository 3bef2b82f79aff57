package dev.orrery.planted.service;

/** An exception that the interface cannot turn into an answer. */
public class LosesItsParentException extends RuntimeException {}

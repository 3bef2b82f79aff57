package dev.orrery.planted.service;

import java.sql.Connection;

/** Blocking SQL has no place on an event loop. */
public record SpeaksJdbc(Connection connection) {}

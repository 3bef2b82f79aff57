package dev.orrery.planted.service;

import io.vertx.sqlclient.Pool;

/** SQL is spoken in the store only. */
public record SpeaksSql(Pool pool) {}

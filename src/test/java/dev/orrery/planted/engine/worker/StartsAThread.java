package dev.orrery.planted.engine.worker;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Lock;

/** State belongs to one event loop. */
public record StartsAThread(Thread thread, Lock lock, CompletableFuture<String> future) {}

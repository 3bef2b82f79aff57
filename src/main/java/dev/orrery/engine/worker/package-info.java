/** Runs assignments through executors: bounded queues, timeouts, stops, and reports to the router. */
@NullMarked
package dev.orrery.engine.worker;

import org.jspecify.annotations.NullMarked;

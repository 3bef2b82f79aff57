/**
 * The typed event bus: every address and every message of the system, and the only user of Vert.x's own bus.
 *
 * <p>Delivery is best effort. Losing or doubling a message costs latency and nothing else: the database is the truth.
 */
@NullMarked
package dev.orrery.bus;

import org.jspecify.annotations.NullMarked;

package dev.orrery.bus;

/** One mailbox: its name on the wire, what may be sent to it, and what comes back. */
public record Address<Q extends BusMessage, R extends BusMessage>(String name, Class<Q> request, Class<R> reply) {}

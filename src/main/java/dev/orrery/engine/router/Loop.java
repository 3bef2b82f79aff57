package dev.orrery.engine.router;

import java.time.Duration;

/** What every part of a router needs of the event loop that they all live on. */
interface Loop {

    /** Does something after a while; nothing once the router is gone. */
    void later(Duration delay, Runnable action);

    /** Looks what is to be done next: called whenever something has come to an end or has changed. */
    void turn();
}

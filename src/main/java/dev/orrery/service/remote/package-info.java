/**
 * Remote workers: programs elsewhere that fetch tasks over HTTP and tell what became of them. Each is a member like a node, so
 * that claims, fences and what is taken back from the dead are the engine's own; any node answers any of them, since nothing
 * that must last is in memory. {@link dev.orrery.service.remote.RemoteWorkers} knows who is there,
 * {@link dev.orrery.service.remote.RemoteWork} what they are given and report, {@code PollLines} who waits for what, and
 * {@link dev.orrery.service.remote.RemoteTimeouts} ends what has had its time, whatever its worker says.
 */
@NullMarked
package dev.orrery.service.remote;

import org.jspecify.annotations.NullMarked;

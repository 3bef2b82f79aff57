package dev.orrery.service;

import dev.orrery.domain.LockName;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import java.time.Instant;
import java.util.Optional;

/**
 * A lock as lists show it. It is free where {@code runId} is absent.
 *
 * @param fence how often it was taken; the number that its holder was given
 * @param taskId the task of that run that holds it for an attempt; absent where the run does
 * @param waiting how many tasks wait for it
 */
public record LockSummary(
        LockName name,
        long fence,
        Optional<RunId> runId,
        Optional<String> dagName,
        Optional<TaskId> taskId,
        Optional<Instant> heldSince,
        long waiting) {}

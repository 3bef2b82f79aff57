package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.WorkerId;
import java.time.Instant;
import java.util.Optional;

/**
 * One attempt at a task.
 *
 * @param attempt its number, from 1 on
 * @param outcome {@code succeeded}, {@code snoozed} (it put itself off), {@code failed}, {@code timed_out}, {@code cancelled}, {@code lost} (its node died) or
 *     {@code handed_back} (its node stopped); absent while it runs
 * @param fence the number of its claim: grows with each claim
 */
public record AttemptStatus(
        int attempt,
        Optional<String> outcome,
        long fence,
        Optional<WorkerId> workerId,
        Optional<String> error,
        Optional<Instant> startedAt,
        Optional<Instant> completedAt) {

    public AttemptStatus {
        requireNonNull(outcome, "outcome");
        requireNonNull(workerId, "workerId");
        requireNonNull(error, "error");
        requireNonNull(startedAt, "startedAt");
        requireNonNull(completedAt, "completedAt");
    }
}

package dev.orrery.store;

import dev.orrery.domain.TaskInstanceId;

/**
 * One attempt that a node has taken.
 *
 * @param attempt its number, from 1 on
 * @param failures how many earlier attempts were charged to the retry policy
 */
public record Claim(TaskInstanceId id, int versionId, int attempt, int failures, long fence) {}

package dev.orrery.store;

import dev.orrery.domain.TaskInstanceId;
import java.util.OptionalLong;

/**
 * One attempt that a node has taken.
 *
 * @param attempt its number, from 1 on
 * @param failures how many earlier attempts were charged to the retry policy
 * @param lockFence the number of the lock that comes with it: the task's own, else its DAG's
 */
public record Claim(TaskInstanceId id, int versionId, int attempt, int failures, long fence, OptionalLong lockFence) {}

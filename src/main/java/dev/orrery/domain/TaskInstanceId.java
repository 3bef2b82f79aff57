package dev.orrery.domain;

import static java.util.Objects.requireNonNull;

import java.util.UUID;

/**
 * Identifies a task instance. Inside a run it is the run's id plus the task's number in its DAG version; of a single task it
 * is the id of its submission plus its number there, with the first bit set.
 */
public record TaskInstanceId(UUID value) {

    public TaskInstanceId {
        requireNonNull(value, "value");
    }

    /** Reads the canonical text form; throws IllegalArgumentException for anything else. */
    public static TaskInstanceId parse(String text) {
        return new TaskInstanceId(NumberedIds.parse(text));
    }

    /** Whether {@link #parse} reads it. */
    public static boolean isId(String text) {
        return NumberedIds.isId(text);
    }

    /** The id of the task with this number (1, 2, …) in a run. */
    public static TaskInstanceId of(RunId run, int taskNumber) {
        return new TaskInstanceId(NumberedIds.member(run.value(), taskNumber));
    }

    /** The id of the n-th (1, 2, …) of the single tasks that are submitted together under this base. */
    public static TaskInstanceId single(UUID base, int n) {
        return new TaskInstanceId(NumberedIds.single(base, n));
    }

    /** Whether the task belongs to no run. */
    public boolean isSingle() {
        return NumberedIds.number(value) < 0;
    }

    /** What a single task shares with all that were submitted together with it: the base that {@link #single} takes. */
    public UUID submission() {
        return NumberedIds.base(value);
    }

    /** The run that it belongs to, unless it is single. */
    public RunId runId() {
        return new RunId(NumberedIds.base(value));
    }

    /** The task's number in its DAG version, from 1 on. */
    public int taskNumber() {
        return NumberedIds.number(value);
    }

    /** When its run or its submission was made, in milliseconds since 1970, as the id tells; see {@link IdSequence}. */
    public long createdMillis() {
        return value.getMostSignificantBits() >>> 16;
    }

    @Override
    public String toString() {
        return value.toString();
    }
}

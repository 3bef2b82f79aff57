package dev.orrery.domain.job;

import dev.orrery.domain.WireNamed;

/** How urgent a job's executions are; {@code taskPriority} is that of their tasks. */
public enum JobPriority implements WireNamed {
    LOW(2),
    MEDIUM(5),
    HIGH(8),
    CRITICAL(10);

    private final int taskPriority;

    JobPriority(int taskPriority) {
        this.taskPriority = taskPriority;
    }

    public int taskPriority() {
        return taskPriority;
    }

    /** The one whose tasks have this priority; throws IllegalArgumentException where there is none. */
    public static JobPriority ofTaskPriority(int priority) {
        for (var each : values()) {
            if (each.taskPriority == priority) {
                return each;
            }
        }
        throw new IllegalArgumentException("no priority of jobs stands for " + priority);
    }

    /** The priority with this wire name; throws IllegalArgumentException where there is none. */
    public static JobPriority ofWireName(String name) {
        return WireNamed.of(JobPriority.class, name);
    }
}

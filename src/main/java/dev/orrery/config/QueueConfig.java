package dev.orrery.config;

/**
 * What single tasks may be like.
 *
 * @param maxDependencies how many others one may wait for
 * @param maxDependencyDepth how many may stand behind one another
 */
public record QueueConfig(int maxDependencies, int maxDependencyDepth) {

    public static final QueueConfig DEFAULT = new QueueConfig(50, 10);

    public QueueConfig {
        Settings.QUEUE_MAX_DEPENDENCIES.check(maxDependencies);
        Settings.QUEUE_MAX_DEPENDENCY_DEPTH.check(maxDependencyDepth);
    }
}

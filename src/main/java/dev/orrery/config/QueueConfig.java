package dev.orrery.config;

import dev.orrery.domain.task.TaskSource;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What single tasks may be like.
 *
 * @param maxDependencies how many others one may wait for
 * @param maxDependencyDepth how many may stand behind one another
 * @param sourceWeights what is added to the priority of those of a source, as {@code source=weight}
 */
public record QueueConfig(int maxDependencies, int maxDependencyDepth, List<String> sourceWeights) {

    public static final QueueConfig DEFAULT = new QueueConfig(50, 10, List.of());

    public QueueConfig {
        Settings.QUEUE_MAX_DEPENDENCIES.check(maxDependencies);
        Settings.QUEUE_MAX_DEPENDENCY_DEPTH.check(maxDependencyDepth);
        Settings.QUEUE_SOURCE_WEIGHTS.check(sourceWeights);
        sourceWeights = List.copyOf(sourceWeights);
    }

    /** The weights by source; of a source that is named twice the last. */
    public Map<TaskSource, Double> weights() {
        var weights = new EnumMap<TaskSource, Double>(TaskSource.class);
        for (var entry : sourceWeights) {
            var at = entry.indexOf('=');
            weights.put(TaskSource.ofWireName(entry.substring(0, at)), Double.valueOf(entry.substring(at + 1)));
        }
        return weights;
    }
}

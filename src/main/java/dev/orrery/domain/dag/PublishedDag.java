package dev.orrery.domain.dag;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Tenant;

/**
 * A DAG version as the engine uses it.
 *
 * @param versionId its row in the store
 */
public record PublishedDag(int versionId, Tenant tenant, DagDefinition definition, TaskGraph graph) {

    public PublishedDag {
        requireNonNull(tenant, "tenant");
        requireNonNull(definition, "definition");
        requireNonNull(graph, "graph");
    }

    public static PublishedDag of(int versionId, Tenant tenant, DagDefinition definition) {
        return new PublishedDag(versionId, tenant, definition, TaskGraph.of(definition.tasks()));
    }

    public int taskCount() {
        return definition.tasks().size();
    }

    /** How many tasks wait for the one with this number (1, 2, …). */
    public int followers(int taskNumber) {
        return graph.downstreamCount(taskNumber - 1);
    }
}

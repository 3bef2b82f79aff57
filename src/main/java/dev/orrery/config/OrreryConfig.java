package dev.orrery.config;

import static java.util.Objects.requireNonNull;

/** The whole configuration of a node, a record for each section. */
public record OrreryConfig(
        NodeConfig node,
        HttpConfig http,
        DatabaseConfig database,
        WorkersConfig workers,
        TasksConfig tasks,
        RouterConfig router,
        LogConfig log) {

    public static final OrreryConfig DEFAULT = new OrreryConfig(
            NodeConfig.DEFAULT,
            HttpConfig.DEFAULT,
            DatabaseConfig.DEFAULT,
            WorkersConfig.DEFAULT,
            TasksConfig.DEFAULT,
            RouterConfig.DEFAULT,
            LogConfig.DEFAULT);

    public OrreryConfig {
        requireNonNull(node, "node");
        requireNonNull(http, "http");
        requireNonNull(database, "database");
        requireNonNull(workers, "workers");
        requireNonNull(tasks, "tasks");
        requireNonNull(router, "router");
        requireNonNull(log, "log");
    }
}

package dev.orrery.config;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

/** The whole configuration of a node, a record for each section. */
public record OrreryConfig(
        NodeConfig node,
        HttpConfig http,
        DatabaseConfig database,
        EtcdConfig etcd,
        BusConfig bus,
        WorkersConfig workers,
        TasksConfig tasks,
        HandlersConfig handlers,
        RouterConfig router,
        QueueConfig queue,
        DeadLettersConfig deadLetters,
        RetentionConfig retention,
        HealthConfig health,
        LogConfig log,
        TracingConfig tracing) {

    public static final OrreryConfig DEFAULT = new OrreryConfig(
            NodeConfig.DEFAULT,
            HttpConfig.DEFAULT,
            DatabaseConfig.DEFAULT,
            EtcdConfig.DEFAULT,
            BusConfig.DEFAULT,
            WorkersConfig.DEFAULT,
            TasksConfig.DEFAULT,
            HandlersConfig.DEFAULT,
            RouterConfig.DEFAULT,
            QueueConfig.DEFAULT,
            DeadLettersConfig.DEFAULT,
            RetentionConfig.DEFAULT,
            HealthConfig.DEFAULT,
            LogConfig.DEFAULT,
            TracingConfig.DEFAULT);

    public OrreryConfig {
        requireNonNull(node, "node");
        requireNonNull(http, "http");
        requireNonNull(database, "database");
        requireNonNull(etcd, "etcd");
        requireNonNull(bus, "bus");
        requireNonNull(workers, "workers");
        requireNonNull(tasks, "tasks");
        requireNonNull(handlers, "handlers");
        requireNonNull(router, "router");
        requireNonNull(queue, "queue");
        requireNonNull(deadLetters, "deadLetters");
        requireNonNull(retention, "retention");
        requireNonNull(health, "health");
        requireNonNull(log, "log");
        requireNonNull(tracing, "tracing");
        require(
                !etcd.isGiven() || !database.embedded(),
                "etcd.endpoints makes the node one of a cluster, which needs a PostgreSQL that all its nodes reach: set"
                        + " database.url");
    }

    /** Whether the node is one of several that work together. */
    public boolean isCluster() {
        return etcd.isGiven();
    }
}

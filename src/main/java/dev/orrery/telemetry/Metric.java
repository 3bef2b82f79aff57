package dev.orrery.telemetry;

import java.util.List;

/** Every metric of Orrery's own, with its kind, unit, labels and meaning; the names are as Prometheus shows them. */
public enum Metric {
    HTTP_REQUESTS(
            "orrery_http_requests",
            Kind.TIMER,
            "seconds",
            List.of("operation", "status"),
            "Time from a request's head to the end of its answer"),
    HTTP_IN_FLIGHT("orrery_http_requests_in_flight", Kind.GAUGE, "requests", List.of(), "Requests in work"),
    HTTP_REFUSED(
            "orrery_http_requests_refused",
            Kind.COUNTER,
            "requests",
            List.of(),
            "Requests refused because too many were in work"),
    HTTP_HELD_BYTES(
            "orrery_http_held_bytes",
            Kind.GAUGE,
            "bytes",
            List.of(),
            "Room that bodies of requests and answers to slow readers take"),
    HTTP_STREAMS("orrery_http_streams", Kind.GAUGE, "streams", List.of(), "Live streams that are open"),
    REMOTE_POLLS(
            "orrery_remote_polls", Kind.GAUGE, "polls", List.of(), "Remote workers that wait for work at this node"),
    TASK_ATTEMPTS(
            "orrery_task_attempts",
            Kind.TIMER,
            "seconds",
            List.of("outcome"),
            "Time from the start of an attempt to its end"),
    TASK_CLAIMS("orrery_task_claims", Kind.COUNTER, "tasks", List.of(), "Tasks that this node has claimed"),
    TASK_RESULTS_REFUSED(
            "orrery_task_results_refused",
            Kind.COUNTER,
            "results",
            List.of(),
            "Results that came too late: their claim was gone"),
    ROUTER_EXCHANGES(
            "orrery_router_exchanges",
            Kind.TIMER,
            "seconds",
            List.of(),
            "Round trips to the database that commit results and claim tasks"),
    ROUTER_REPORTS(
            "orrery_router_reports",
            Kind.COUNTER,
            "reports",
            List.of(),
            "Starts and results told in those round trips"),
    LEADER("orrery_leader", Kind.GAUGE, "nodes", List.of(), "1 while this node leads, else 0"),
    LEADER_EPOCH(
            "orrery_leader_epoch",
            Kind.GAUGE,
            "epochs",
            List.of(),
            "The epoch under which this node leads; 0 while it does not"),
    NODES_ALIVE(
            "orrery_nodes_alive",
            Kind.GAUGE,
            "nodes",
            List.of(),
            "Nodes that have not been given up, by this node's last heartbeat"),
    NODES_FENCED(
            "orrery_nodes_fenced",
            Kind.COUNTER,
            "nodes",
            List.of(),
            "Silent nodes from which this node took the right to work"),
    HEARTBEAT_AGE(
            "orrery_heartbeat_age_seconds",
            Kind.GAUGE,
            "seconds",
            List.of(),
            "Time since this node's last heartbeat reached the database"),
    PEER_MESSAGES_IGNORED(
            "orrery_peer_messages_ignored",
            Kind.COUNTER,
            "messages",
            List.of(),
            "Messages of other nodes that this one did not understand");

    /** How a metric counts. */
    public enum Kind {
        /** Only grows; Prometheus shows it with {@code _total}. */
        COUNTER,
        /** Goes up and down. */
        GAUGE,
        /** How often and how long, in buckets; Prometheus shows it with {@code _seconds_count}, {@code _sum} and {@code _bucket}. */
        TIMER
    }

    private final String id;
    private final Kind kind;
    private final String unit;

    @SuppressWarnings("ImmutableEnumChecker") // List.of cannot be changed
    private final List<String> labels;

    private final String help;

    Metric(String id, Kind kind, String unit, List<String> labels, String help) {
        this.id = id;
        this.kind = kind;
        this.unit = unit;
        this.labels = labels;
        this.help = help;
    }

    public String id() {
        return id;
    }

    public Kind kind() {
        return kind;
    }

    public String unit() {
        return unit;
    }

    public List<String> labels() {
        return labels;
    }

    public String help() {
        return help;
    }
}

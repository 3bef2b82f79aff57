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
            Kind.SPAN,
            "seconds",
            List.of("outcome"),
            "Time from the start of an attempt to its end"),
    TASK_ENDED(
            "orrery_task_ended",
            Kind.COUNTER,
            "tasks",
            List.of("state"),
            "Tasks whose end this node committed, by their last state"),
    TASK_RETRIES(
            "orrery_task_retries",
            Kind.COUNTER,
            "attempts",
            List.of("reason"),
            "Attempts after which another one is to come: failed, timed_out, or snoozed, which is not charged"),
    TASK_DEAD_LETTERS(
            "orrery_task_dead_letters",
            Kind.COUNTER,
            "tasks",
            List.of("reason"),
            "Tasks that became dead letters at this node: failed or timed_out for the last time"),
    LETTER_ALERTS(
            "orrery_letter_alerts",
            Kind.COUNTER,
            "requests",
            List.of("outcome"),
            "Requests to the webhook that is told of dead letters: delivered, or failed, which are sent again"),
    LETTER_ALERT_FAILING(
            "orrery_letter_alert_failing_seconds",
            Kind.GAUGE,
            "seconds",
            List.of(),
            "For how long the webhook that is told of dead letters has taken no request of this node; 0 where it takes them"),
    TASK_CLAIM_WAIT(
            "orrery_task_claim_wait",
            Kind.TIMER,
            "seconds",
            List.of(),
            "Time from a task's claim to the start of its attempt: how long it waited for a free slot of this node"),
    TASK_READY_WAIT(
            "orrery_task_ready_wait",
            Kind.SPAN,
            "seconds",
            List.of(),
            "Time from when a task was ready, by the database's clock, to the start of its attempt; also of further attempts, and"
                    + " of tasks that this node gave to remote workers. Of busy nodes it is told for what one claim in 100"
                    + " ms brings"),
    TASK_START_DELAY(
            "orrery_task_start_delay",
            Kind.SPAN,
            "seconds",
            List.of("kind"),
            "Time from the creation of a single task, or of the run of a task, to the start of its first attempt; with it"
                    + " the time for which it waited for other tasks, for its own start time, for a lock or a limit"),
    TRACE_SPANS(
            "orrery_trace_spans",
            Kind.COUNTER,
            "spans",
            List.of("outcome"),
            "Spans of traces, where tracing is on: sent, refused (the collector did not take them), dropped (there was no room"
                    + " to wait for it), or unread (runs and attempts of which the database was not asked in time; some of"
                    + " these runs may not have been over)"),
    TRACE_QUEUE("orrery_trace_queue", Kind.GAUGE, "spans", List.of(), "Spans that wait to be sent to the collector"),
    WORKER_TASKS(
            "orrery_worker_tasks",
            Kind.GAUGE,
            "tasks",
            List.of("state"),
            "Tasks that this node's workers have, running or queued for a slot"),
    WORKER_SLOTS(
            "orrery_worker_slots", Kind.GAUGE, "slots", List.of(), "How many tasks this node's workers run at a time"),
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
    ROUTER_EXCHANGES_FAILED(
            "orrery_router_exchanges_failed",
            Kind.COUNTER,
            "exchanges",
            List.of(),
            "Those round trips that failed; what they told is told again"),
    ROUTER_COMMIT_BATCH(
            "orrery_router_commit_batch_reports",
            Kind.SIZES,
            "reports",
            List.of(),
            "Starts and results in one round trip that had any"),
    ROUTER_CLAIM_BATCH(
            "orrery_router_claim_batch_tasks",
            Kind.SIZES,
            "tasks",
            List.of(),
            "Tasks that one round trip claimed, of those that claimed any"),
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
            "Messages of other nodes that this one did not understand"),
    BUS_MESSAGES(
            "orrery_bus_messages",
            Kind.COUNTER,
            "messages",
            List.of(),
            "Messages sent or published on this node's event bus"),
    BUS_PENDING(
            "orrery_bus_pending",
            Kind.GAUGE,
            "messages",
            List.of(),
            "Messages on the event bus that have not been handed to their handler yet"),
    BUS_DISCARDED(
            "orrery_bus_discarded",
            Kind.COUNTER,
            "messages",
            List.of(),
            "Messages that a handler never got, since too many waited for it or it was gone"),
    BUS_REQUESTS_FAILED(
            "orrery_bus_requests_failed",
            Kind.COUNTER,
            "requests",
            List.of("reason"),
            "Requests on the event bus without a good answer: timeout, no_handlers, failed (the handler refused) or"
                    + " error"),
    POOL_IN_USE(
            "orrery_pool_connections_in_use",
            Kind.GAUGE,
            "connections",
            List.of("pool"),
            "Connections to the database that are in use"),
    POOL_MAX(
            "orrery_pool_connections_max",
            Kind.GAUGE,
            "connections",
            List.of("pool"),
            "The most connections that the pool opens"),
    POOL_WAITING(
            "orrery_pool_waiting",
            Kind.GAUGE,
            "requests",
            List.of("pool"),
            "What waits for a free connection to the database"),
    TASKS(
            "orrery_tasks",
            Kind.GAUGE,
            "tasks",
            List.of("state"),
            "Tasks that have not ended: ready, held (by a lock or a limit), blocked (by other tasks), waiting (for a time)"
                    + " or claimed (queued or running at a node). Beyond 10000 PostgreSQL's own estimate",
            Scope.CLUSTER),
    DEAD_LETTERS(
            "orrery_dead_letters",
            Kind.GAUGE,
            "tasks",
            List.of(),
            "Dead letters that nobody has sent back or discarded. More than 10000 are told as 10001",
            Scope.CLUSTER),
    AUDIT_LAST_ENTRY(
            "orrery_audit_last_entry",
            Kind.GAUGE,
            "entries",
            List.of(),
            "The number of the newest entry of the audit log: how many were written, and some that were not, since a change that"
                    + " fails may take a number",
            Scope.CLUSTER),
    QUEUE_READY(
            "orrery_queue_ready_tasks",
            Kind.GAUGE,
            "tasks",
            List.of("queue"),
            "Ready tasks of a queue. The 20 queues that have settings or most to do are named, the others are summed up as"
                    + " (other), those of remote workers as (agents); 100 queues are looked at, and in all some 100000"
                    + " tasks are counted, the same number at most in each queue",
            Scope.CLUSTER),
    QUEUE_OLDEST_READY(
            "orrery_queue_oldest_ready_age_seconds",
            Kind.GAUGE,
            "seconds",
            List.of("queue"),
            "How long the oldest of the first ten tasks in line has been ready; 0 where none is",
            Scope.CLUSTER),
    QUEUE_RUNNING(
            "orrery_queue_running_tasks",
            Kind.GAUGE,
            "tasks",
            List.of("queue"),
            "Claimed tasks of a queue that limits them; of other queues they are not counted",
            Scope.CLUSTER),
    QUEUE_MAX_RUNNING(
            "orrery_queue_max_running_tasks",
            Kind.GAUGE,
            "tasks",
            List.of("queue"),
            "How many tasks of a queue may be claimed at a time, where that is limited",
            Scope.CLUSTER),
    QUEUE_RATE_LIMIT(
            "orrery_queue_rate_limit",
            Kind.GAUGE,
            "tasks per second",
            List.of("queue"),
            "How many tasks of a queue may be claimed in a second, where that is limited",
            Scope.CLUSTER),
    QUEUE_PAUSED(
            "orrery_queue_paused",
            Kind.GAUGE,
            "queues",
            List.of("queue"),
            "1 while a queue is paused, else 0; of (other) how many are",
            Scope.CLUSTER),
    INVARIANTS_BROKEN(
            "orrery_invariants_broken",
            Kind.GAUGE,
            "rows",
            List.of("check"),
            "How many rows of the database contradict what must always hold, by the check of 'orrery doctor' that finds them; 0"
                    + " unless something is wrong. Told by the leader, which makes each check once a minute, of the newest"
                    + " 10000 rows and of 10000 older ones, each time others, until it has come by all"),
    SCHEDULE_LAG(
            "orrery_schedule_lag_seconds",
            Kind.GAUGE,
            "seconds",
            List.of(),
            "How much the job that is due longest is over its time; 0 where none is",
            Scope.CLUSTER),
    SCHEDULE_FIRE_DELAY(
            "orrery_schedule_fire_delay",
            Kind.TIMER,
            "seconds",
            List.of(),
            "Time from when a job was due to when its run was created, both by the database's clock; told by the leader, and not"
                    + " of times that waited for the execution before them"),
    SCHEDULE_LED(
            "orrery_schedule_led",
            Kind.GAUGE,
            "leaders",
            List.of(),
            "1 while the database knows of a node that leads and fires jobs, else 0",
            Scope.CLUSTER),
    DATABASE_SNAPSHOT_AGE(
            "orrery_database_oldest_snapshot_age_seconds",
            Kind.GAUGE,
            "seconds",
            List.of(),
            "Age of the oldest transaction that keeps PostgreSQL from removing dead rows, of those whose age the account"
                    + " may see (role pg_monitor: all); 0 where there is none",
            Scope.CLUSTER),
    DATABASE_SNAPSHOT_TRANSACTIONS(
            "orrery_database_oldest_snapshot_age_transactions",
            Kind.GAUGE,
            "transactions",
            List.of(),
            "How many transactions have begun since the oldest snapshot that is held, by any session, prepared transaction"
                    + " or replication slot",
            Scope.CLUSTER),
    DATABASE_SNAPSHOTS_HIDDEN(
            "orrery_database_snapshots_of_unknown_age",
            Kind.GAUGE,
            "snapshots",
            List.of(),
            "Snapshots that are held and whose age in seconds cannot be seen: of other accounts without the role"
                    + " pg_monitor, of standbys and of replication slots",
            Scope.CLUSTER),
    READINGS(
            "orrery_metrics_readings",
            Kind.TIMER,
            "seconds",
            List.of("reading"),
            "Reads of the database for these metrics, at most one in five seconds: tasks, queues, schedule, snapshots"),
    READINGS_FAILED(
            "orrery_metrics_readings_failed",
            Kind.COUNTER,
            "readings",
            List.of("reading"),
            "Those reads that failed; what they tell is left out until one succeeds"),
    READING_UP(
            "orrery_metrics_reading_up",
            Kind.GAUGE,
            "readings",
            List.of("reading"),
            "1 if the last of these reads succeeded, else 0");

    /** How a metric counts. */
    public enum Kind {
        /** Only grows; Prometheus shows it with {@code _total}. */
        COUNTER,
        /** Goes up and down. */
        GAUGE,
        /** How often and how long, in buckets; Prometheus shows it with {@code _seconds_count}, {@code _sum} and {@code _bucket}. */
        TIMER,
        /** The same of what may take hours. */
        SPAN,
        /** How often and how much, in buckets; Prometheus shows it with {@code _count}, {@code _sum} and {@code _bucket}. */
        SIZES;

        /** Whether Prometheus shows it in buckets. */
        public boolean isHistogram() {
            return this == TIMER || this == SPAN || this == SIZES;
        }
    }

    /** Of what a metric tells. */
    public enum Scope {
        /** Of the node that shows it: the sum over all nodes is that of the cluster. */
        NODE,
        /** Of all nodes together, read from the database: each node shows the same, and a sum would count it several times. */
        CLUSTER
    }

    private final String id;
    private final Kind kind;
    private final String unit;

    @SuppressWarnings("ImmutableEnumChecker") // List.of cannot be changed
    private final List<String> labels;

    private final String help;
    private final Scope scope;

    Metric(String id, Kind kind, String unit, List<String> labels, String help) {
        this(id, kind, unit, labels, help, Scope.NODE);
    }

    Metric(String id, Kind kind, String unit, List<String> labels, String help, Scope scope) {
        this.id = id;
        this.kind = kind;
        this.unit = unit;
        this.labels = labels;
        this.help = scope == Scope.CLUSTER ? help + ". Every node tells the same: take the max, not the sum" : help;
        this.scope = scope;
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

    public Scope scope() {
        return scope;
    }

    /** The name under which Prometheus shows it; a histogram's series add {@code _count}, {@code _sum} and {@code _bucket}. */
    public String shownName() {
        return switch (kind) {
            case COUNTER -> id + "_total";
            case TIMER, SPAN -> id + "_seconds";
            case GAUGE, SIZES -> id;
        };
    }
}

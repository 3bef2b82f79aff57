package dev.orrery.domain;

/** Every error a caller can meet: its HTTP status, what causes it and what to do about it. The page {@code /docs/errors} is made from here. */
public enum ErrorCode {
    PARSE_ERROR(
            400,
            "The body or the DAG file is not well-formed JSON or YAML, or is beyond a limit of the parser.",
            "Mend the place that the details name; DAG files may hold no tags, anchors, aliases or merge keys."),
    VALIDATION_ERROR(
            400,
            "The input is well-formed but wrong: an unknown or missing field, a wrong type, a cycle, a value out of range.",
            "The details list every problem with its place and its cure."),
    BAD_REQUEST(400, "A path or query parameter or a header is wrong.", "Compare the call with the contract."),
    UNAUTHORIZED(
            401,
            "The token is missing or wrong; or it is that of a running task whose attempt has ended, was told to end, or was lost; or what was sent to a webhook is signed by none of its secrets, or there is no such webhook.",
            "Send 'Authorization: Bearer <http.token>'; for a webhook compare name, scheme and secret on both sides."),
    DAG_NOT_FOUND(404, "There is no DAG with this id.", "List the DAGs with GET /api/v1/dags."),
    RUN_NOT_FOUND(404, "There is no run with this id, or it was deleted.", "List the runs with GET /api/v1/runs."),
    TASK_NOT_FOUND(
            404,
            "The run has no task with this id; or there is no single task with this id, or it was deleted.",
            "GET /api/v1/runs/{runId} lists the tasks of a run, GET /api/v1/tasks the single ones."),
    DEPENDENCY_NOT_FOUND(
            404,
            "A task is to wait for one that does not exist, or that belongs to a run.",
            "Name the id of a single task, or the 'ref' of another task of the same batch."),
    JOB_NOT_FOUND(404, "There is no job with this id, or it was deleted.", "List the jobs with GET /api/v1/jobs."),
    EXECUTION_NOT_FOUND(
            404,
            "There is no execution with this id, or it was deleted.",
            "List a job's executions with GET /api/v1/jobs/{jobId}/executions."),
    HANDLER_NOT_FOUND(
            404,
            "There is no DAG of the name that the job's handler has.",
            "Publish the DAG first; GET /api/v1/dags lists those there are."),
    EVENT_NOT_FOUND(
            404,
            "There is no event with this id, or it was received longer ago than events are kept.",
            "List the events with GET /api/v1/events."),
    EVENT_HANDLER_NOT_FOUND(
            404,
            "There is no event handler with this id, or it was deleted.",
            "List the event handlers with GET /api/v1/event-handlers."),
    NODE_NOT_FOUND(
            404,
            "There is no node with this id, or it ended more than a week ago. A node that is started anew has a new id.",
            "List the nodes with GET /api/v1/nodes."),
    TENANT_NOT_FOUND(
            404,
            "There is no tenant of the name that the header Orrery-Tenant or the path has, or it was deleted.",
            "Make it with POST /api/v1/tenants, or leave the header out for 'default'; GET /api/v1/tenants lists those there are."),
    REMOTE_WORKER_NOT_FOUND(
            404,
            "There is no remote worker with this id, or it ended more than a week ago.",
            "Register with POST /api/v1/remote-workers; GET lists those there are."),
    WEBHOOK_NOT_FOUND(
            404,
            "There is no webhook of this name, or it was deleted.",
            "Make it with POST /api/v1/webhooks; GET /api/v1/webhooks lists those there are."),
    QUEUE_NOT_FOUND(
            404,
            "There is no queue of this name: no DAG and no task ever named it, and nothing was set for it.",
            "List the queues with GET /api/v1/queues; PUT makes one."),
    LIMIT_NOT_FOUND(
            404,
            "Nothing was set for this key.",
            "List what was set with GET /api/v1/limits; PUT /api/v1/limits/{key} sets it."),
    DEAD_LETTER_NOT_FOUND(
            404,
            "There is no dead letter with this id, or it was deleted with its task.",
            "List the dead letters with GET /api/v1/dead-letters."),
    REDRIVE_NOT_FOUND(
            404,
            "There is no redrive of many dead letters with this id, or it ended more than a month ago.",
            "Its id is in the answer of POST /api/v1/dead-letters/redrive."),
    NOT_FOUND(404, "There is nothing at this path.", "The contract at /docs/openapi.yaml lists every call."),
    METHOD_NOT_ALLOWED(
            405, "The path exists, but not for this method.", "The header Allow names the methods it takes."),
    CONFLICT(
            409,
            "The state of things does not allow it: the name exists, the version has moved on, the run or the DAG is"
                    + " active, the node is gone, or an Idempotency-Key came again with another request.",
            "Read the message, look at the current state, and decide again."),
    DEPENDENCY_CYCLE(
            409,
            "The tasks would wait for each other in a circle, perhaps only together with what others submitted at the same time.",
            "Leave one dependency of the circle out."),
    DEPENDENCY_DUPLICATE(409, "The task waits for that one already.", "Nothing is left to do."),
    DEPENDENCY_TOO_DEEP(
            409,
            "Too many tasks would wait for one another in a row: more than queue.max-dependency-depth.",
            "Let it wait for an earlier one, or raise the limit."),
    TOO_MANY_DEPENDENCIES(
            409,
            "The task would wait for more others than queue.max-dependencies.",
            "Put a task between that waits for a part of them, or raise the limit."),
    UNIQUE_KEY_TAKEN(
            409,
            "A task that has not ended has this uniqueKey, and the new one is to be refused then; or it is to replace one that runs.",
            "Wait for its end, cancel it, or send 'onConflict: return' to be given that one; tasks of one batch need keys of their own."),
    REDRIVE_LIMIT(
            409,
            "The task was sent back from the dead letters dead-letters.max-redrives times and failed each time.",
            "Mend what makes it fail and raise the limit, or discard the letter."),
    STALE_CLAIM(
            409,
            "The worker does not hold this claim any more: its time was over, the worker was silent for too long, or another"
                    + " result came first.",
            "Stop the work and forget the claim; what is left of it is given to whoever asks next."),
    WORKER_GONE(
            410,
            "The remote worker was silent for longer than its lease, or has signed off. What it held is given to others.",
            "Stop what still runs and register anew."),
    PAYLOAD_TOO_LARGE(
            413,
            "The body is over 2 MiB, that of a batch of tasks over 16 MiB, or the DAG file over 1 MiB.",
            "Send less."),
    UNSUPPORTED_MEDIA_TYPE(415, "The body is not application/json.", "Send 'Content-Type: application/json'."),
    FORBIDDEN(
            403,
            "The Host header names neither loopback nor a name in http.hosts; or a browser's page of another origin, named"
                    + " in the Origin header, wants to change something and is not in http.cors-origins.",
            "Add the host to http.hosts, or the page's origin to http.cors-origins."),
    SHARED_QUEUE(
            403,
            "Queues are lines that all tenants share, as they share the nodes that serve them, and another tenant than"
                    + " 'default' wanted to set, pause or resume one.",
            "Let whoever runs the installation do it as 'default'; limit your own DAGs in their files and your own keys"
                    + " with PUT /api/v1/limits/{key}."),
    WRONG_WORKER_TOKEN(
            403,
            "The header Orrery-Worker-Token is not the token that this worker was given when it registered.",
            "Send the token of this worker; who has lost it registers anew."),
    OUT_OF_SCOPE(
            403,
            "The token is that of a running task, and opens nothing but what is the task's own.",
            "A task may submit tasks, which become its children, look at itself, and list, read, explain, cancel and retry what is"
                    + " below it; for all else use the node's http.token."),
    OVERLOADED(429, "More requests wait than the node admits.", "Try again after the seconds in Retry-After."),
    UNAVAILABLE(
            503,
            "The database cannot be reached, or its answer did not come in time.",
            "Try again after the seconds in Retry-After; with the same Idempotency-Key nothing is done twice."),
    STORAGE_FULL(
            503,
            "A disk of the node has less free space than health.disk-full, or that of the database has none: what were taken"
                    + " in now could not be kept.",
            "Make room there, see /health; the node takes work again by itself. Try again after the seconds in Retry-After."),
    INTERNAL_ERROR(500, "A fault of Orrery's own.", "Look for the id of the message in the node's log and report it.");

    private final int status;
    private final String cause;
    private final String cure;

    ErrorCode(int status, String cause, String cure) {
        this.status = status;
        this.cause = cause;
        this.cure = cure;
    }

    /** The HTTP status it is answered with. */
    public int status() {
        return status;
    }

    public String cause() {
        return cause;
    }

    public String cure() {
        return cure;
    }
}

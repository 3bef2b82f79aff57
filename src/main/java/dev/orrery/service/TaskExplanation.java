package dev.orrery.service;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.WireNamed;
import dev.orrery.domain.dag.TaskType.RemoteWork;
import dev.orrery.domain.task.SubmittedState;
import dev.orrery.domain.task.TaskState;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Why a single task is not running, in words and in data; of one that runs or has ended, that.
 *
 * @param summary the most important of the reasons in one sentence
 * @param reasons all that holds it back, what keeps it longest first
 * @param place where it stands among those that are ready
 */
public record TaskExplanation(
        TaskInstanceId id, TaskState state, String summary, List<Reason> reasons, Optional<Place> place) {

    public TaskExplanation {
        reasons = List.copyOf(reasons);
    }

    /** What holds a task back. */
    public enum Kind implements WireNamed {
        DEPENDENCY,
        TIME,
        RETRY,
        QUEUE_PAUSED,
        LIMIT,
        RATE,
        LOCK,
        NO_NODE,
        NO_WORKER,
        NO_ROOM,
        ORDER,
        CLAIMED,
        RUNNING,
        ENDED
    }

    /**
     * One thing that holds a task back.
     *
     * @param tasks those that it waits for, or that have what it needs; not all where they are many
     * @param until when that is over, where it is a time
     */
    public record Reason(Kind kind, String message, List<String> tasks, Optional<Instant> until) {

        public Reason {
            tasks = List.copyOf(tasks);
        }
    }

    /**
     * A place in the order.
     *
     * @param queue absent where remote workers do it
     * @param ahead how many are claimed before it as things stand; {@link #AHEAD_MAX} where they are as many or more; empty while
     *     it does not stand in its queue
     * @param priority its own or a greater one that it has inherited
     */
    public record Place(
            Optional<String> queue,
            OptionalInt ahead,
            Optional<Instant> readyAt,
            Optional<Instant> latestStart,
            double priority,
            double calculatedPriority,
            Optional<Instant> mustStartBy) {

        public static final int AHEAD_MAX = 10_000;
    }

    private static final int NAMED_MAX = 5;

    /** Puts what the store knows into words; {@code now} is the database's time. */
    static TaskExplanation of(TaskInstanceId id, JsonObject facts, Instant now) {
        return new Words(facts, now).explanation(id);
    }

    private static final class Words {

        private final JsonObject facts;
        private final Instant now;
        private final List<Reason> reasons = new ArrayList<>();

        Words(JsonObject facts, Instant now) {
            this.facts = facts;
            this.now = now;
        }

        TaskExplanation explanation(TaskInstanceId id) {
            var state = TaskState.ofWireName(facts.getString("state"));
            switch (state) {
                case BLOCKED -> blocked();
                case PENDING -> waits(Kind.TIME, "dueAt", "its time has not come: it may begin");
                case RETRYING -> retrying();
                case READY -> ready();
                case QUEUED -> claimed();
                case RUNNING -> running();
                case SUCCEEDED, FAILED, TIMED_OUT, SKIPPED, CANCELLED -> ended(state);
            }
            if (facts.getBoolean("isAskedToEnd", false)) {
                add(Kind.RUNNING, "it was asked to end, and its worker has not answered yet");
            }
            return new TaskExplanation(id, state, reasons.getFirst().message(), reasons, place(state));
        }

        private void retrying() {
            var attempt = "attempt " + facts.getInteger("attempt");
            if ("snoozed".equals(facts.getString("outcome"))) {
                waits(Kind.TIME, "dueAt", attempt + " put it off, and it is run again");
            } else {
                waits(Kind.RETRY, "dueAt", attempt + " failed, and it is tried again");
            }
        }

        private void blocked() {
            var prerequisites = facts.getInteger("openPrerequisites", 0);
            if (prerequisites == 0) {
                dependency(
                        "its own work is done; it waits for ", facts.getInteger("openChildren"), " that it submitted");
                return;
            }
            dependency("it waits for ", prerequisites, "");
            if (time(facts, "notBefore").filter(at -> at.isAfter(now)).isPresent()) {
                waits(Kind.TIME, "notBefore", "its time has not come either: it may begin");
            }
        }

        /** {@code open}: how many there are, which is told with the first of their names; null where that is not known. */
        private void dependency(String before, @Nullable Integer open, String behind) {
            var tasks = facts.getJsonArray("waitsFor", new JsonArray());
            var names = new ArrayList<String>();
            var ids = new ArrayList<String>();
            for (var item : tasks) {
                var task = (JsonObject) item;
                var state = SubmittedState.of(TaskState.ofWireName(task.getString("state")));
                names.add("'" + task.getString("name") + "' (" + state.wireName() + ")");
                ids.add(task.getString("id"));
            }
            var named = Math.min(NAMED_MAX, names.size());
            var listed = String.join(", ", names.subList(0, named));
            var count = open == null ? "tasks" : open == 1 ? "a task" : open + " tasks";
            var more = open != null && open > named ? " and " + (open - named) + " more" : "";
            reasons.add(new Reason(
                    Kind.DEPENDENCY,
                    before + count + behind + (named == 0 ? "" : ": " + listed + more),
                    ids,
                    Optional.empty()));
        }

        private void waits(Kind kind, String field, String what) {
            var due = time(facts, field);
            var when = due.map(at -> at.isAfter(now) ? " in " + span(Duration.between(now, at)) : " now")
                    .orElse("");
            reasons.add(new Reason(kind, what + when, List.of(), due));
        }

        private void ready() {
            var queue = facts.getString("queue");
            var queueLimit = facts.getJsonObject("queueLimit");
            if (queueLimit != null && queueLimit.getBoolean("isPaused", false)) {
                add(Kind.QUEUE_PAUSED, "the queue '" + queue + "' is paused");
            }
            var lock = facts.getJsonObject("lock");
            if (lock != null) {
                var holder = lock.getString("holder");
                reasons.add(new Reason(
                        Kind.LOCK,
                        holder == null
                                ? "it was waiting for the lock '" + lock.getString("name") + "', which is free now"
                                : "the lock '" + lock.getString("name") + "' is held by " + holder,
                        holder == null ? List.of() : List.of(holder),
                        Optional.empty()));
            }
            limit(facts.getJsonObject("limit"));
            limit(queueLimit);
            offers(queue);
            var ahead = facts.getInteger("ahead", 0);
            if (ahead > 0) {
                add(
                        Kind.ORDER,
                        (ahead > Place.AHEAD_MAX ? "more than " + Place.AHEAD_MAX : ahead) + " more urgent "
                                + (ahead == 1 ? "task is" : "tasks are") + " ahead of it");
            }
            if (reasons.isEmpty()) {
                add(Kind.ORDER, "nothing holds it back: it is the next of the queue '" + queue + "'");
            }
        }

        private void offers(String queue) {
            var handler = facts.getString("unofferedHandler");
            if (handler != null) {
                add(Kind.NO_WORKER, "no remote worker offers the handler '" + handler + "'");
            } else if (!facts.getBoolean("isRemote", false)) {
                if (facts.getInteger("serving", 0) == 0) {
                    add(Kind.NO_NODE, "no node that takes work serves the queue '" + queue + "'");
                } else if (facts.getLong("freeSlots", 0L) == 0) {
                    add(Kind.NO_ROOM, "all workers that serve the queue '" + queue + "' are busy");
                }
            }
        }

        private void limit(JsonObject limit) {
            if (limit == null) {
                return;
            }
            var what = switch (limit.getString("kind")) {
                case "queue" -> "the queue '" + limit.getString("name") + "'";
                case "dag" -> "its DAG";
                default -> "the concurrency key '" + limit.getString("name") + "'";
            };
            var most = limit.getInteger("maxRunning");
            var running = limit.getInteger("running", 0);
            if (most != null && running >= most) {
                var holders = limit.getJsonArray("holders").stream()
                        .map(String.class::cast)
                        .toList();
                reasons.add(new Reason(
                        Kind.LIMIT,
                        what + " allows " + most + " at a time, and " + running + " run",
                        holders,
                        Optional.empty()));
            }
            var due = time(limit, "dueAt").filter(at -> at.isAfter(now));
            if (limit.getInteger("rateLimit") != null && due.isPresent()) {
                reasons.add(new Reason(
                        Kind.RATE,
                        what + " allows " + limit.getInteger("rateLimit") + " in "
                                + span(Duration.ofMillis(limit.getLong("rateMs"))) + "; the next may begin in "
                                + span(Duration.between(now, due.get())),
                        List.of(),
                        due));
            }
        }

        private void claimed() {
            add(
                    Kind.CLAIMED,
                    facts.getString("node") == null
                            ? "it was just claimed"
                            : "node '" + facts.getString("node")
                                    + "' has claimed it, and begins it when a worker is free");
        }

        private void running() {
            var since = time(facts, "startedAt")
                    .map(at -> " since " + span(Duration.between(at, now)))
                    .orElse("");
            var node = facts.getString("node");
            add(Kind.RUNNING, "it runs" + since + (node == null ? "" : " on '" + node + "'"));
        }

        private void ended(TaskState state) {
            var error = facts.getString("error");
            add(
                    Kind.ENDED,
                    "it has ended: " + SubmittedState.of(state).wireName() + (error == null ? "" : ", " + error));
        }

        private void add(Kind kind, String message) {
            reasons.add(new Reason(kind, message, List.of(), Optional.empty()));
        }

        private Optional<Place> place(TaskState state) {
            if (state.isTerminal() || state == TaskState.RUNNING) {
                return Optional.empty();
            }
            return Optional.of(new Place(
                    Optional.of(facts.getString("queue"))
                            .filter(queue -> !queue.startsWith(RemoteWork.WIRE_NAME + "/")),
                    state == TaskState.READY
                            ? OptionalInt.of(Math.min(Place.AHEAD_MAX, facts.getInteger("ahead", 0)))
                            : OptionalInt.empty(),
                    time(facts, "readyAt"),
                    time(facts, "latestStart"),
                    facts.getDouble("priority"),
                    facts.getDouble("calculatedPriority"),
                    time(facts, "mustStartBy")));
        }

        private static Optional<Instant> time(JsonObject from, String field) {
            return Optional.ofNullable(from.getString(field))
                    .map(text -> java.time.OffsetDateTime.parse(text).toInstant());
        }

        private static String span(Duration time) {
            var seconds = Math.max(0, time.toSeconds());
            if (seconds < 120) {
                return seconds + " s";
            }
            if (seconds < 2 * 3_600) {
                return seconds / 60 + " min";
            }
            return seconds < 2 * 86_400 ? seconds / 3_600 + " h" : seconds / 86_400 + " d";
        }
    }
}

package dev.orrery.store;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The rows of single tasks, beside an {@link OrderModel}. */
final class OrderRows {

    // language=PostgreSQL
    private static final String TASKS = """
            SELECT i.id, i.depth, i.own_priority, i.calculated_priority, i.priority, i.must_start_by, i.deadline,
                   coalesce(i.estimate_ms, 0) AS estimate_ms, coalesce(s.weight, 0) AS weight,
                   w.unmet, w.priority AS waits_with, w.must_start_by AS must_start_by_in_wait,
                   r.ready_at, r.latest_start, t.ref IS NOT NULL AS is_retrying, a.state
            FROM task_instances i
            LEFT JOIN source_weights s ON s.source = i.source
            LEFT JOIN task_wait w ON w.id = i.id
            LEFT JOIN task_ready r ON r.id = i.id AND %s
            LEFT JOIN task_timers t ON t.ref = i.id
            LEFT JOIN LATERAL (
                SELECT x.state FROM task_attempts x WHERE x.task_id = i.id ORDER BY x.attempt DESC LIMIT 1
            ) a ON true
            WHERE i.source IS NOT NULL
            ORDER BY i.id
            """.formatted(ReadyGenerations.IS_SEEN);

    private record Row(
            UUID id,
            int depth,
            int ownPriority,
            float calculatedPriority,
            float priority,
            @Nullable Instant mustStartBy,
            @Nullable Instant deadline,
            long estimateMillis,
            double weight,
            @Nullable Integer unmet,
            float waitsWith,
            @Nullable Instant mustStartByInWait,
            @Nullable Instant readyAt,
            @Nullable Instant latestStart,
            boolean isRetrying,
            @Nullable String state) {

        boolean hasEnded() {
            return state != null
                    && Set.of("succeeded", "failed", "timed_out", "cancelled", "skipped")
                            .contains(state);
        }

        OrderModel.State place() {
            if (unmet != null) {
                return OrderModel.State.BLOCKED;
            } else if (readyAt != null) {
                return OrderModel.State.READY;
            } else if (isRetrying) {
                return OrderModel.State.RETRYING;
            } else if (state == null || !hasEnded()) {
                return OrderModel.State.CLAIMED;
            }
            return switch (state) {
                case "succeeded" -> OrderModel.State.SUCCEEDED;
                case "cancelled" -> OrderModel.State.CANCELLED;
                default -> OrderModel.State.FAILED;
            };
        }
    }

    private final Map<UUID, Row> rows = new LinkedHashMap<>();
    private final Map<UUID, Set<UUID>> prerequisites = new LinkedHashMap<>();

    static OrderRows read(Connection connection) throws SQLException {
        var read = new OrderRows();
        try (var query = connection.createStatement();
                var row = query.executeQuery(TASKS)) {
            while (row.next()) {
                read.rows.put(row.getObject("id", UUID.class), row(row));
            }
        }
        try (var query = connection.createStatement();
                var row = query.executeQuery("SELECT dependent_id, prerequisite_id FROM task_dependencies")) {
            while (row.next()) {
                read.prerequisites
                        .computeIfAbsent(row.getObject(1, UUID.class), _ -> new LinkedHashSet<>())
                        .add(row.getObject(2, UUID.class));
            }
        }
        return read;
    }

    /** When the tasks became ready that are. */
    Map<UUID, Instant> readyAt() {
        var times = new LinkedHashMap<UUID, Instant>();
        rows.forEach((id, row) -> {
            if (row.readyAt != null) {
                times.put(id, row.readyAt);
            }
        });
        return times;
    }

    /** What follows from edges, wishes and fates as they are written here, where nobody else has counted along. */
    OrderModel model() {
        var model = new OrderModel();
        rows.forEach((id, row) -> {
            model.submit(
                    id,
                    new OrderModel.Wish(
                            row.ownPriority,
                            Optional.ofNullable(row.deadline),
                            Duration.ofMillis(row.estimateMillis),
                            row.weight,
                            prerequisites.getOrDefault(id, Set.of())));
            switch (row.place()) {
                case CLAIMED -> model.claim(id);
                case RETRYING -> model.retryLater(id);
                case SUCCEEDED -> model.succeed(id);
                case FAILED -> model.fail(id);
                case CANCELLED -> model.cancel(id);
                case BLOCKED, READY -> {}
            }
        });
        return model;
    }

    void agreeWith(OrderModel model) {
        assertThat(rows.keySet()).containsExactlyInAnyOrderElementsOf(model.tasks());
        rows.forEach((id, row) -> agree(id, row, model));
    }

    private static void agree(UUID id, Row row, OrderModel model) {
        assertThat(row.place()).as("state of %s", id).isEqualTo(model.state(id));
        assertThat(row.depth).as("depth of %s", id).isEqualTo(model.depth(id));
        if (!model.state(id).isOpen()) {
            return;
        }
        var urgency = model.urgency(id);
        assertThat(row.calculatedPriority).as("own priority of %s", id).isEqualTo(model.calculatedPriority(id));
        assertThat((double) row.priority).as("priority of %s", id).isEqualTo(urgency.priority());
        assertThat(Optional.ofNullable(row.mustStartBy)).as("start of %s", id).isEqualTo(urgency.mustStartBy());
        if (row.unmet != null) {
            assertThat(row.unmet).as("what %s waits for", id).isEqualTo(model.unmet(id));
            assertThat((double) row.waitsWith)
                    .as("priority that waits of %s", id)
                    .isEqualTo(urgency.priority());
            assertThat(Optional.ofNullable(row.mustStartByInWait))
                    .as("start that waits of %s", id)
                    .isEqualTo(urgency.mustStartBy());
        }
        if (row.readyAt != null) {
            assertThat(row.latestStart)
                    .as("latest start of %s, ready since %s with %s", id, row.readyAt, urgency)
                    .isEqualTo(urgency.latestStart(row.readyAt));
        }
    }

    private static Row row(ResultSet row) throws SQLException {
        return new Row(
                requireNonNull(row.getObject("id", UUID.class)),
                row.getInt("depth"),
                row.getInt("own_priority"),
                row.getFloat("calculated_priority"),
                row.getFloat("priority"),
                time(row, "must_start_by"),
                time(row, "deadline"),
                row.getLong("estimate_ms"),
                row.getFloat("weight"),
                row.getObject("unmet", Integer.class),
                row.getFloat("waits_with"),
                time(row, "must_start_by_in_wait"),
                time(row, "ready_at"),
                time(row, "latest_start"),
                row.getBoolean("is_retrying"),
                row.getString("state"));
    }

    private static @Nullable Instant time(ResultSet row, String column) throws SQLException {
        var time = row.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }
}

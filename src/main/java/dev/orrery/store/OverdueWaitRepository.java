package dev.orrery.store;

import dev.orrery.domain.TaskInstanceId;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;

/** Finds and ends tasks that wait to be tried again though their {@code totalTimeout} is over; see {@code R__totals.sql}. */
public final class OverdueWaitRepository {

    // language=PostgreSQL
    static final String LOOK = "SELECT ids, totals, looked FROM due_totals($1)";

    // language=PostgreSQL
    static final String END = "SELECT ended, queues FROM end_waiting($1, $2, $3)";

    private final Sql sql;

    public OverdueWaitRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /** A task whose time is over, and how long it was. */
    public record Overdue(TaskInstanceId id, Duration total) {}

    /**
     * What was found among some of those that wait.
     *
     * @param looked how many were looked at
     */
    public record Look(List<Overdue> overdue, int looked) {

        public Look {
            overdue = List.copyOf(overdue);
        }
    }

    /** An overdue task, and what its record is to say. */
    public record End(Overdue overdue, String error) {}

    /** Which tasks ended, and in which queues others became ready by that. */
    public record Ended(List<TaskInstanceId> tasks, List<String> readyQueues) {

        public Ended {
            tasks = List.copyOf(tasks);
            readyQueues = List.copyOf(readyQueues);
        }
    }

    /**
     * Looks at up to so many tasks that have begun and wait once more, and whose time may be over. None is looked at again before
     * that may be so; one that is answered comes again in ten seconds where it is not ended.
     */
    public Future<Look> look(int limit) {
        return sql.run(LOOK, Tuple.of(limit)).map(rows -> {
            var row = rows.iterator().next();
            var ids = row.getArrayOfUUIDs("ids");
            var totals = row.getArrayOfLongs("totals");
            var overdue = new ArrayList<Overdue>();
            for (var n = 0; n < ids.length; n++) {
                overdue.add(new Overdue(new TaskInstanceId(ids[n]), Duration.ofMillis(totals[n])));
            }
            return new Look(overdue, row.getInteger("looked"));
        });
    }

    /** Ends these, all of runs or all single ones, as far as they still wait and their time is over: one transaction. */
    public Future<Ended> end(List<End> ends) {
        var parameters = Tuple.tuple()
                .addArrayOfUUID(
                        ends.stream().map(end -> end.overdue().id().value()).toArray(UUID[]::new))
                .addArrayOfLong(ends.stream()
                        .map(end -> end.overdue().total().toMillis())
                        .toArray(Long[]::new))
                .addArrayOfString(ends.stream().map(End::error).toArray(String[]::new));
        return sql.run(END, parameters).map(rows -> {
            var row = rows.iterator().next();
            return new Ended(
                    Arrays.stream(Rows.ids(row, "ended"))
                            .map(TaskInstanceId::new)
                            .toList(),
                    Rows.texts(row, "queues").stream().distinct().toList());
        });
    }
}

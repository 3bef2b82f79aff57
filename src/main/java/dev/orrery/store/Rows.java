package dev.orrery.store;

import dev.orrery.domain.NodeId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.WorkerId;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/** Reading rows. */
final class Rows {

    private Rows() {}

    static <T> List<T> list(RowSet<Row> rows, Function<Row, T> value) {
        return StreamSupport.stream(rows.spliterator(), false).map(value).toList();
    }

    /** The value of the first row, if there is one. */
    static <T> Optional<T> first(RowSet<Row> rows, Function<Row, T> value) {
        var iterator = rows.iterator();
        return iterator.hasNext() ? Optional.of(value.apply(iterator.next())) : Optional.empty();
    }

    static Instant time(Row row, String column) {
        return row.getOffsetDateTime(column).toInstant();
    }

    static Optional<Instant> optionalTime(Row row, String column) {
        return Optional.ofNullable(row.getOffsetDateTime(column)).map(OffsetDateTime::toInstant);
    }

    /** The worker whose node and number stand in {@code node_id} and {@code worker_no}. */
    static Optional<WorkerId> worker(Row row) {
        var node = row.getUUID("node_id");
        var number = row.getShort("worker_no");
        return node == null || number == null ? Optional.empty() : Optional.of(WorkerId.of(new NodeId(node), number));
    }

    /** How far an attempt has come; nothing where there is none, or it did not say. */
    static OptionalInt progress(@Nullable Row attempt) {
        var percent = attempt == null ? null : attempt.getShort("progress");
        return percent == null ? OptionalInt.empty() : OptionalInt.of(percent);
    }

    static Optional<TraceContext> trace(Row row, String column) {
        return Optional.ofNullable(row.getString(column)).flatMap(TraceContext::parse);
    }

    /** Of an array that may be null: none then. */
    static UUID[] ids(Row row, String column) {
        var ids = row.getArrayOfUUIDs(column);
        return ids == null ? new UUID[0] : ids;
    }

    /** Of an array that may be null: none then. */
    static List<String> texts(Row row, String column) {
        var texts = row.getArrayOfStrings(column);
        return texts == null ? List.of() : List.of(texts);
    }
}

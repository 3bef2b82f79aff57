package dev.orrery.store;

import dev.orrery.domain.TaskInstanceId;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.UUID;

/** The captured text of attempts, as bytes in chunks that lie end to end. */
public final class LogRepository {

    // A chunk that is offered again after a lost answer is already there.
    // language=PostgreSQL
    static final String APPEND_CHUNKS = """
            INSERT INTO task_logs (task_id, attempt, start_offset, content)
            SELECT c.task_id, c.attempt, c.start_offset, c.content
            FROM unnest($1::uuid[], $2::int2[], $3::int4[], $4::bytea[]) c(task_id, attempt, start_offset, content)
            ON CONFLICT DO NOTHING
            """;

    // language=PostgreSQL
    static final String READ_CHUNKS = """
            SELECT start_offset, content
            FROM task_logs
            WHERE task_id = $1 AND attempt = $2
              AND start_offset >= coalesce((
                  SELECT max(x.start_offset) FROM task_logs x
                  WHERE x.task_id = $1 AND x.attempt = $2 AND x.start_offset <= $3), 0)
            ORDER BY start_offset
            LIMIT $4
            """;

    // All of a run, from a place in it: a task (the run's own id is before all), an attempt, and a byte.
    // language=PostgreSQL
    static final String READ_RUN_CHUNKS = """
            SELECT l.task_id, l.attempt, l.start_offset, l.content, l.stored_at
            FROM task_logs l
            WHERE l.task_id BETWEEN $1 AND instance_id(run_of($1), 2147483647)
              AND (l.task_id, l.attempt, l.start_offset) >= ($1, $2::int2, coalesce((
                  SELECT max(x.start_offset) FROM task_logs x
                  WHERE x.task_id = $1 AND x.attempt = $2 AND x.start_offset <= $3), 0))
              AND ($4::int2 IS NULL OR l.attempt = $4)
            ORDER BY l.task_id, l.attempt, l.start_offset
            LIMIT $5
            """;

    // language=PostgreSQL
    static final String READ_LAST_CHUNKS = """
            SELECT task_id, attempt, start_offset, content, stored_at
            FROM task_logs
            WHERE task_id = $1 AND attempt = $2
            ORDER BY start_offset DESC
            LIMIT $3
            """;

    // What has ended, or is just ending and therefore locked, is past. So this waits for nobody.
    // language=PostgreSQL
    static final String SET_PROGRESS = """
            WITH running AS MATERIALIZED (
                SELECT a.place, p.percent
                FROM unnest($1::uuid[], $2::int2[], $3::int2[]) p(task_id, attempt, percent)
                CROSS JOIN LATERAL (
                    SELECT x.ctid AS place FROM task_attempts x
                    WHERE x.task_id = p.task_id AND x.attempt = p.attempt AND x.outcome IS NULL
                    FOR NO KEY UPDATE SKIP LOCKED
                ) a
            )
            UPDATE task_attempts t SET progress = r.percent FROM running r WHERE t.ctid = r.place
            RETURNING t.task_id, t.attempt
            """;

    private static final int CHUNKS_AT_ONCE = 256;

    private final Sql sql;

    public LogRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /** A piece of an attempt's log that is to be kept. */
    public record Chunk(TaskInstanceId task, int attempt, long offset, Buffer content) {}

    /** A piece that is kept, and since when. */
    public record StoredChunk(TaskInstanceId task, int attempt, long offset, Buffer content, Instant storedAt) {}

    /** Keeps chunks of any attempts; one that is kept already changes nothing. */
    public Future<Void> append(List<Chunk> chunks) {
        var parameters = Tuple.of(
                chunks.stream().map(chunk -> chunk.task().value()).toArray(UUID[]::new),
                chunks.stream().map(chunk -> (short) chunk.attempt()).toArray(Short[]::new),
                chunks.stream().map(chunk -> (int) chunk.offset()).toArray(Integer[]::new),
                chunks.stream().map(Chunk::content).toArray(Buffer[]::new));
        return sql.run(APPEND_CHUNKS, parameters).mapEmpty();
    }

    /** How far an attempt has come. */
    public record Progress(TaskInstanceId task, int attempt, int percent) {}

    /**
     * Notes how far attempts have come, each of which is named once; whether it was noted of each: not of one that has ended, nor
     * of one whose begin is not stored yet.
     */
    public Future<List<Boolean>> progress(List<Progress> told) {
        var parameters = Tuple.of(
                told.stream().map(each -> each.task().value()).toArray(UUID[]::new),
                told.stream().map(each -> (short) each.attempt()).toArray(Short[]::new),
                told.stream().map(each -> (short) each.percent()).toArray(Short[]::new));
        return sql.run(SET_PROGRESS, parameters).map(rows -> {
            var noted = new HashSet<Map.Entry<UUID, Integer>>();
            rows.forEach(row -> noted.add(Map.entry(row.getUUID("task_id"), (int) row.getShort("attempt"))));
            return told.stream()
                    .map(each -> noted.contains(Map.entry(each.task().value(), each.attempt())))
                    .toList();
        });
    }

    /**
     * What stands at an offset of a log, at most {@code limit} bytes.
     *
     * @param isLast whether nothing is stored behind it
     */
    public record Piece(Buffer content, boolean isLast) {}

    public Future<Piece> read(TaskInstanceId task, int attempt, long offset, int limit) {
        var parameters =
                Tuple.of(task.value(), (short) attempt, (int) Math.min(offset, Integer.MAX_VALUE), CHUNKS_AT_ONCE);
        return sql.run(READ_CHUNKS, parameters).map(rows -> {
            var content = Buffer.buffer();
            for (var row : rows) {
                var chunk = row.getBuffer("content");
                var from = Math.max(0, offset + content.length() - row.getInteger("start_offset"));
                if (from < chunk.length()) {
                    content.appendBuffer(chunk, (int) from, chunk.length() - (int) from);
                }
                if (content.length() > limit) {
                    return new Piece(content.slice(0, limit), false);
                }
            }
            return new Piece(content, rows.size() < CHUNKS_AT_ONCE);
        });
    }

    /**
     * What stands in the logs of a run from a byte of an attempt on, of the first task first and each attempt after the other; at
     * most so many pieces. The first may begin before that byte.
     *
     * @param task the first; one with the id of its run is before all tasks
     * @param only the only attempt of each task that is wanted
     */
    public Future<List<StoredChunk>> readRun(
            TaskInstanceId task, int attempt, long offset, OptionalInt only, int limit) {
        var parameters = Tuple.of(task.value(), (short) attempt, (int) Math.min(offset, Integer.MAX_VALUE))
                .addValue(only.isPresent() ? (Short) (short) only.getAsInt() : null)
                .addValue(limit);
        return sql.run(READ_RUN_CHUNKS, parameters).map(rows -> Rows.list(rows, LogRepository::chunk));
    }

    /** The last pieces of an attempt's log, at most so many, in their order. */
    public Future<List<StoredChunk>> readLast(TaskInstanceId task, int attempt, int limit) {
        return sql.run(READ_LAST_CHUNKS, Tuple.of(task.value(), (short) attempt, limit))
                .map(rows -> Rows.list(rows, LogRepository::chunk).reversed());
    }

    private static StoredChunk chunk(Row row) {
        return new StoredChunk(
                new TaskInstanceId(row.getUUID("task_id")),
                row.getShort("attempt"),
                row.getInteger("start_offset"),
                row.getBuffer("content"),
                Rows.time(row, "stored_at"));
    }
}

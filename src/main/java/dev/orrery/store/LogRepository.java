package dev.orrery.store;

import dev.orrery.domain.TaskInstanceId;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Tuple;
import java.util.List;
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

    private static final int CHUNKS_AT_ONCE = 256;

    private final Sql sql;

    public LogRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /** A piece of an attempt's log that is to be kept. */
    public record Chunk(TaskInstanceId task, int attempt, long offset, Buffer content) {}

    /** Keeps chunks of any attempts; one that is kept already changes nothing. */
    public Future<Void> append(List<Chunk> chunks) {
        var parameters = Tuple.of(
                chunks.stream().map(chunk -> chunk.task().value()).toArray(UUID[]::new),
                chunks.stream().map(chunk -> (short) chunk.attempt()).toArray(Short[]::new),
                chunks.stream().map(chunk -> (int) chunk.offset()).toArray(Integer[]::new),
                chunks.stream().map(Chunk::content).toArray(Buffer[]::new));
        return sql.run(APPEND_CHUNKS, parameters).mapEmpty();
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
}

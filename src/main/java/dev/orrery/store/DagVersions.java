package dev.orrery.store;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.DagId;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Json;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.PublishedDag;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * DAG versions at hand. They never change, so what was read once stays valid; how much is kept is bounded in bytes, and the
 * longest unused go first. Who asks for a version that is being read waits for the same answer. From any thread.
 */
public final class DagVersions {

    // language=PostgreSQL
    static final String LOAD_VERSION = """
            SELECT v.dag_id, v.version, v.definition::text AS definition, v.created_at, d.tenant_id, t.name AS tenant
            FROM dag_versions v
            JOIN dags d ON d.id = v.dag_id
            JOIN tenants t ON t.id = d.tenant_id
            WHERE v.id = $1
            """;

    // About what the objects of a version take in memory.
    private static final long BYTES_PER_TASK = 600;
    private static final long BYTES_PER_CHARACTER = 2;

    private final Vertx vertx;
    private final Sql sql;
    private final Kept kept;

    /** Guarded by itself. Of these connections: who must not wait for others does not join a read by theirs. */
    private final Map<Integer, Future<PublishedDag>> reading = new HashMap<>();

    /** {@code maxBytes}: about how much memory the versions may take; the last one used stays however large it is. */
    public DagVersions(Vertx vertx, Pool pool, long maxBytes) {
        this(vertx, pool, new Kept(maxBytes));
    }

    private DagVersions(Vertx vertx, Pool pool, Kept kept) {
        this.vertx = requireNonNull(vertx, "vertx");
        this.sql = new Sql(vertx, pool);
        this.kept = kept;
    }

    /** The same versions at hand, for others: what is not at hand they read by connections of their own. */
    public DagVersions by(Pool pool) {
        return new DagVersions(vertx, pool, kept);
    }

    /** Versions in the order of use. */
    private static final class Kept {

        private record One(Future<PublishedDag> dag, long bytes) {}

        private final long maxBytes;

        // Guarded by the monitor.
        private final LinkedHashMap<Integer, One> all = new LinkedHashMap<>(16, 0.75f, true);
        private long bytes;

        Kept(long maxBytes) {
            require(maxBytes > 0, "maxBytes must be positive, was " + maxBytes);
            this.maxBytes = maxBytes;
        }

        synchronized @Nullable Future<PublishedDag> get(int versionId) {
            var hit = all.get(versionId);
            return hit == null ? null : hit.dag();
        }

        synchronized void add(PublishedDag dag, int characters) {
            var added = characters * BYTES_PER_CHARACTER + dag.taskCount() * BYTES_PER_TASK;
            var replaced = all.put(dag.versionId(), new One(Future.succeededFuture(dag), added));
            bytes += added - (replaced == null ? 0 : replaced.bytes());
            var oldest = all.entrySet().iterator();
            while (bytes > maxBytes && all.size() > 1) {
                bytes -= oldest.next().getValue().bytes();
                oldest.remove();
            }
        }

        synchronized long bytes() {
            return bytes;
        }
    }

    /** The version of this row: at once where it is at hand. {@code DAG_NOT_FOUND} where its DAG was deleted. */
    public Future<PublishedDag> version(int versionId) {
        var hit = kept.get(versionId);
        if (hit != null) {
            return hit;
        }
        synchronized (reading) {
            var underWay = reading.get(versionId);
            if (underWay != null) {
                return underWay;
            }
        }
        return read(versionId);
    }

    /** About how many bytes the kept versions take. */
    public long keptBytes() {
        return kept.bytes();
    }

    private Future<PublishedDag> read(int versionId) {
        var answer = sql.run(LOAD_VERSION, Tuple.of(versionId)).compose(rows -> {
            if (rows.size() == 0) {
                return Future.failedFuture(new OrreryException(
                        ErrorCode.DAG_NOT_FOUND, "the DAG of version row " + versionId + " was deleted"));
            }
            return parse(versionId, rows.iterator().next());
        });
        synchronized (reading) {
            reading.put(versionId, answer);
        }
        answer.onComplete(_ -> {
            synchronized (reading) {
                reading.remove(versionId, answer);
            }
        });
        return answer;
    }

    /** Off the event loop: the largest take tens of milliseconds. */
    private Future<PublishedDag> parse(int versionId, Row row) {
        var id = new DagId(row.getUUID("dag_id"));
        int version = row.getInteger("version");
        var tenant = new Tenant(new TenantId(row.getInteger("tenant_id")), row.getString("tenant"));
        var definition = row.getString("definition");
        Instant createdAt = row.getOffsetDateTime("created_at").toInstant();
        return vertx.executeBlocking(
                        () -> PublishedDag.of(
                                versionId, tenant, DagJson.read(new Json(definition), id, version, createdAt)),
                        false)
                .onSuccess(dag -> kept.add(dag, definition.length()));
    }
}

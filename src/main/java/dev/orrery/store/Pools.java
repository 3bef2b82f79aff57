package dev.orrery.store;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgBuilder;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.PoolOptions;
import java.util.concurrent.TimeUnit;

/**
 * The bounded pools of a node. They are separate, so that what keeps work moving never waits behind what people ask.
 *
 * @param hot claims and commits, and the creation of runs: plans fixed for the queue's ups and downs
 * @param api everything that answers a question
 */
public record Pools(Pool hot, Pool api) {

    private static final int HOT_CONNECTIONS = 4;
    private static final int HOT_WAITING = 256;
    private static final int ACQUIRE_SECONDS = 5;

    /** {@code apiConnections}: the most connections of the api pool; as many callers as {@code apiWaiting} may wait for one. */
    public static Pools open(Vertx vertx, PgConnectOptions connect, int apiConnections, int apiWaiting) {
        return new Pools(
                pool(vertx, "hot", hot(connect), HOT_CONNECTIONS, HOT_WAITING),
                pool(vertx, "api", new PgConnectOptions(connect), apiConnections, apiWaiting));
    }

    /**
     * Statistics of the queue are always stale: a plan made for them is a guess. So the hot path fixes its plans, and
     * where the planner could still choose, an index is always right.
     */
    static PgConnectOptions hot(PgConnectOptions connect) {
        return new PgConnectOptions(connect)
                .addProperty("plan_cache_mode", "force_generic_plan")
                .addProperty("enable_seqscan", "off")
                .addProperty("jit", "off");
    }

    private static Pool pool(Vertx vertx, String name, PgConnectOptions connect, int connections, int waiting) {
        return PgBuilder.pool()
                .with(new PoolOptions()
                        .setName(name)
                        .setShared(true)
                        .setMaxSize(connections)
                        .setMaxWaitQueueSize(waiting)
                        .setConnectionTimeout(ACQUIRE_SECONDS)
                        .setConnectionTimeoutUnit(TimeUnit.SECONDS))
                .with(Database.transportOptions())
                .connectingTo(connect)
                .using(vertx)
                .build();
    }

    public Future<Void> close() {
        return Future.join(hot.close(), api.close()).mapEmpty();
    }
}

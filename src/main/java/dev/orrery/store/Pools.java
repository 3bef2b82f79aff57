package dev.orrery.store;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgBuilder;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.PoolOptions;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * The bounded pools of a node. They are separate, so that what keeps work moving never waits behind what people ask.
 *
 * @param hot claims and commits, and the creation of runs: plans fixed for the queue's ups and downs
 * @param attempts what claimed tasks are run by: their DAG versions and inputs, and what they log
 * @param api everything that answers a question, and chores
 */
public record Pools(Pool hot, Pool attempts, Pool api) {

    private static final int HOT_CONNECTIONS = 4;
    private static final int HOT_WAITING = 256;

    /** One more than logs and progress are written by at the same time. */
    private static final int ATTEMPTS_CONNECTIONS = 4;

    private static final int ATTEMPTS_WAITING = 256;
    private static final int WATCHING_WAITING = 16;
    private static final int ACQUIRE_SECONDS = 5;

    /** The longest statements are bounded in rows: a commit of 10,000 dependents takes about a second. */
    private static final Duration HOT_LIMIT = Duration.ofSeconds(20);

    private static final Duration API_LIMIT = Duration.ofSeconds(25);

    /** From the moment at which the server gives up a statement until it must have said so. */
    private static final Duration SILENCE_MARGIN = Duration.ofSeconds(5);

    /** {@code apiConnections}: the most connections of the api pool; as many callers as {@code apiWaiting} may wait for one. */
    public static Pools open(Vertx vertx, PgConnectOptions connect, int apiConnections, int apiWaiting) {
        return open(vertx, connect, apiConnections, apiWaiting, HOT_LIMIT, API_LIMIT, SILENCE_MARGIN);
    }

    /**
     * With limits of its own.
     *
     * @param hotLimit after which the server ends a statement of the hot pool
     * @param apiLimit the same of the other pools
     * @param silenceMargin how much longer a connection may say nothing before it is taken for dead
     */
    public static Pools open(
            Vertx vertx,
            PgConnectOptions connect,
            int apiConnections,
            int apiWaiting,
            Duration hotLimit,
            Duration apiLimit,
            Duration silenceMargin) {
        return new Pools(
                pool(
                        vertx,
                        "hot",
                        limited(hot(connect), hotLimit),
                        hotLimit.plus(silenceMargin),
                        HOT_CONNECTIONS,
                        HOT_WAITING),
                pool(
                        vertx,
                        "attempts",
                        limited(new PgConnectOptions(connect), apiLimit),
                        apiLimit.plus(silenceMargin),
                        ATTEMPTS_CONNECTIONS,
                        ATTEMPTS_WAITING),
                pool(
                        vertx,
                        "api",
                        limited(new PgConnectOptions(connect), apiLimit),
                        apiLimit.plus(silenceMargin),
                        apiConnections,
                        apiWaiting));
    }

    /**
     * One connection for looking at the database from time to time, so that nobody who looks is in the way of those who work.
     *
     * @param limit after which the server ends a statement
     */
    public static Pool watching(Vertx vertx, PgConnectOptions connect, Duration limit) {
        var options = limited(new PgConnectOptions(connect), limit).addProperty("max_parallel_workers_per_gather", "0");
        return pool(vertx, "watching", options, limit.plus(SILENCE_MARGIN), 1, WATCHING_WAITING);
    }

    private static PgConnectOptions limited(PgConnectOptions connect, Duration limit) {
        return connect.addProperty("statement_timeout", limit.toMillis() + "ms");
    }

    /**
     * Statistics of the queue are always stale: a plan made for them is a guess. So the hot path fixes its plans, and
     * where the planner could still choose, an index is always right, and the order that it gives: the head of a long queue,
     * whose rows lie in no order, would else be read by a bitmap of all and sorted.
     */
    static PgConnectOptions hot(PgConnectOptions connect) {
        return new PgConnectOptions(connect)
                .addProperty("plan_cache_mode", "force_generic_plan")
                .addProperty("enable_seqscan", "off")
                .addProperty("enable_bitmapscan", "off")
                .addProperty("jit", "off");
    }

    /**
     * {@code silence}: a connection from which nothing came for so long is closed. The server ends each statement before, so
     * either nothing was asked, and the pool has one less, or the network has lost the connection without a word, and
     * whoever waits for an answer hears that there will be none.
     */
    private static Pool pool(
            Vertx vertx, String name, PgConnectOptions connect, Duration silence, int connections, int waiting) {
        return PgBuilder.pool()
                .with(new PoolOptions()
                        .setName(name)
                        .setShared(true)
                        .setMaxSize(connections)
                        .setMaxWaitQueueSize(waiting)
                        .setConnectionTimeout(ACQUIRE_SECONDS)
                        .setConnectionTimeoutUnit(TimeUnit.SECONDS))
                .with(Database.transportOptions()
                        .setIdleTimeoutUnit(TimeUnit.MILLISECONDS)
                        .setReadIdleTimeout((int) silence.toMillis()))
                .connectingTo(connect)
                .using(vertx)
                .build();
    }

    public Future<Void> close() {
        return Future.join(hot.close(), attempts.close(), api.close()).mapEmpty();
    }
}

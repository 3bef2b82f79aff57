package dev.orrery.bench;

import dev.orrery.testing.NodeProcess;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The yardstick: the same number of rows in one bare table of the same server, inserted 1,000 at a time, then claimed 100
 * at a time on two connections with SKIP LOCKED and completed, each of these a transaction of its own.
 */
final class RawDatabase {

    private static final int CLAIM = 100;
    private static final int CONNECTIONS = 2;

    private final Path dataDir;

    RawDatabase(Path dataDir) {
        this.dataDir = dataDir;
    }

    /** Rows a second through claim and completion. */
    double cycle(int rows) throws SQLException {
        try (var connection = NodeProcess.database(dataDir, "postgres");
                var statement = connection.createStatement()) {
            statement.execute("DROP TABLE IF EXISTS public.raw_tasks");
            statement.execute("CREATE TABLE public.raw_tasks (id uuid PRIMARY KEY, state smallint NOT NULL,"
                    + " latest_start timestamptz NOT NULL, payload jsonb NOT NULL) WITH (fillfactor = 60)");
            statement.execute("CREATE INDEX raw_tasks_ready ON public.raw_tasks (latest_start, id) WHERE state = 0");
            insert(connection, rows);
        }
        var done = new AtomicInteger();
        var began = System.nanoTime();
        var workers = new CompletableFuture<?>[CONNECTIONS];
        for (var i = 0; i < CONNECTIONS; i++) {
            workers[i] = CompletableFuture.runAsync(() -> drain(done));
        }
        CompletableFuture.allOf(workers).join();
        return done.get() / ((System.nanoTime() - began) / 1e9);
    }

    private static void insert(Connection connection, int rows) throws SQLException {
        try (var insert = connection.prepareStatement(
                "INSERT INTO public.raw_tasks SELECT i, 0, clock_timestamp(), '{}'" + " FROM unnest(?::uuid[]) i")) {
            for (var from = 0; from < rows; from += 1_000) {
                var ids = new UUID[Math.min(1_000, rows - from)];
                for (var n = 0; n < ids.length; n++) {
                    ids[n] = new UUID(0x0190_0000_0000_7000L | from, 0x8000_0000_0000_0000L | n);
                }
                insert.setArray(1, connection.createArrayOf("uuid", ids));
                insert.executeUpdate();
            }
        }
    }

    private void drain(AtomicInteger done) {
        try (var connection = NodeProcess.database(dataDir, "postgres");
                var settings = connection.createStatement();
                var claim = connection.prepareStatement("UPDATE public.raw_tasks SET state = 1 WHERE ctid = ANY (ARRAY("
                        + "SELECT ctid FROM public.raw_tasks WHERE state = 0 ORDER BY latest_start, id LIMIT " + CLAIM
                        + " FOR UPDATE SKIP LOCKED)) RETURNING id");
                var complete = connection.prepareStatement(
                        "UPDATE public.raw_tasks SET state = 2 WHERE id = ANY (?::uuid[])")) {
            settings.execute("SET enable_seqscan = off");
            while (true) {
                var ids = new java.util.ArrayList<UUID>(CLAIM);
                try (var rows = claim.executeQuery()) {
                    while (rows.next()) {
                        ids.add(rows.getObject(1, UUID.class));
                    }
                }
                if (ids.isEmpty()) {
                    return;
                }
                complete.setArray(1, connection.createArrayOf("uuid", ids.toArray()));
                done.addAndGet(complete.executeUpdate());
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}

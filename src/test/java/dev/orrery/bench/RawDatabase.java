package dev.orrery.bench;

import dev.orrery.testing.NodeProcess;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * The yardstick: the same number of rows in one bare table of the same server, on two connections: inserted 1,000 at a
 * time, then claimed 100 at a time with SKIP LOCKED and completed, each of these a transaction of its own.
 */
final class RawDatabase {

    private static final int INSERT = 1_000;
    private static final int CLAIM = 100;
    private static final int CONNECTIONS = 2;

    private final Path dataDir;

    RawDatabase(Path dataDir) {
        this.dataDir = dataDir;
    }

    /**
     * Rows a second.
     *
     * @param insert through insertion alone
     * @param drain through claim and completion
     */
    record Speed(double insert, double drain) {

        /** Rows a second through all of it. */
        double cycle() {
            return 1 / (1 / insert + 1 / drain);
        }
    }

    Speed measure(int rows) throws SQLException {
        try (var connection = NodeProcess.database(dataDir, "postgres");
                var statement = connection.createStatement()) {
            statement.execute("DROP TABLE IF EXISTS public.raw_tasks");
            statement.execute("CREATE TABLE public.raw_tasks (id uuid PRIMARY KEY, state smallint NOT NULL,"
                    + " latest_start timestamptz NOT NULL, payload jsonb NOT NULL) WITH (fillfactor = 60)");
            statement.execute("CREATE INDEX raw_tasks_ready ON public.raw_tasks (latest_start, id) WHERE state = 0");
        }
        var insert = rows / seconds(part -> insert(rows / CONNECTIONS, part));
        var drain = rows / seconds(_ -> drain());
        return new Speed(insert, drain);
    }

    /** How long it takes on all connections together. */
    private static double seconds(IntConsumer work) {
        var began = System.nanoTime();
        CompletableFuture.allOf(IntStream.range(0, CONNECTIONS)
                        .mapToObj(part -> CompletableFuture.runAsync(() -> work.accept(part)))
                        .toArray(CompletableFuture[]::new))
                .join();
        return (System.nanoTime() - began) / 1e9;
    }

    private void insert(int rows, int part) {
        try (var connection = NodeProcess.database(dataDir, "postgres");
                var insert = connection.prepareStatement(
                        "INSERT INTO public.raw_tasks SELECT i, 0, clock_timestamp(), '{}' FROM unnest(?::uuid[]) i")) {
            for (var from = 0; from < rows; from += INSERT) {
                var ids = new UUID[Math.min(INSERT, rows - from)];
                for (var n = 0; n < ids.length; n++) {
                    ids[n] = new UUID(0x0190_0000_0000_7000L | (long) from << 16 | part, 0x8000_0000_0000_0000L | n);
                }
                insert.setArray(1, connection.createArrayOf("uuid", ids));
                insert.executeUpdate();
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private void drain() {
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
                complete.executeUpdate();
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}

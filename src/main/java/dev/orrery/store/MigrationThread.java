package dev.orrery.store;

import static java.lang.System.Logger.Level.DEBUG;

import dev.orrery.domain.StartupException;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.BooleanSupplier;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Where the schema is changed: a thread of its own, so that a start can be given up at any moment. The library below waits for
 * minutes for another node that migrates, and as long as a statement takes for the database; neither asks whether anybody
 * still wants it. What is given up here has its sleep interrupted and its connections cut, and the server, which looks whether
 * its client is still there, ends the statement and rolls it back.
 */
final class MigrationThread {

    private static final System.Logger LOG = System.getLogger(MigrationThread.class.getName());
    private static final Duration LOOK_EVERY = Duration.ofMillis(100);

    /** After its connections are cut nothing is left to wait for. */
    private static final Duration ENDS_WITHIN = Duration.ofSeconds(5);

    private MigrationThread() {}

    /** What is done with connections that can be cut. */
    @FunctionalInterface
    interface Work {
        void with(DataSource source);
    }

    /**
     * Blocks until the work is done, or no longer wanted.
     *
     * @throws StartupException where it was given up; else what the work throws
     */
    static void run(String jdbcUrl, String user, String password, BooleanSupplier isOver, Work work) {
        var source = new CuttableSource(jdbcUrl, user, password);
        var task = new FutureTask<@Nullable Void>(() -> work.with(source), null);
        // Not a virtual thread: an interrupt would close its sockets in the middle of a commit.
        var thread = Thread.ofPlatform().daemon().name("orrery-migrations").start(task);
        try {
            while (!thread.join(LOOK_EVERY)) {
                if (isOver.getAsBoolean()) {
                    giveUp(thread, source);
                    throw new StartupException("told to stop while the database is brought up to date");
                }
            }
            task.get();
        } catch (InterruptedException e) {
            source.cut();
            Thread.currentThread().interrupt();
            throw new StartupException("interrupted while the database is brought up to date", e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException failure ? failure : new IllegalStateException(e.getCause());
        }
    }

    private static void giveUp(Thread thread, CuttableSource source) throws InterruptedException {
        thread.interrupt();
        source.cut();
        thread.join(ENDS_WITHIN);
    }

    /** Connections that can be cut from another thread; after that there are no new ones. */
    private static final class CuttableSource implements DataSource {

        private final String url;
        private final String user;
        private final String password;
        private final Set<Connection> open = ConcurrentHashMap.newKeySet();
        private volatile boolean isCut;

        CuttableSource(String url, String user, String password) {
            this.url = url;
            this.user = user;
            this.password = password;
        }

        @Override
        public Connection getConnection() throws SQLException {
            var connection = DriverManager.getConnection(url, user, password);
            open.add(connection);
            watchClient(connection);
            if (isCut) {
                cut();
                throw new SQLException("no longer wanted");
            }
            return connection;
        }

        /** A server on a system that cannot look after its clients says no, and ends what was cut when it is done with it. */
        private static void watchClient(Connection connection) {
            try (var statement = connection.createStatement()) {
                statement.execute("SET client_connection_check_interval = '1s'");
            } catch (SQLException cannot) {
                LOG.log(DEBUG, "the database server does not look whether its client is there", cannot);
            }
        }

        @Override
        public Connection getConnection(String otherUser, String otherPassword) throws SQLException {
            return getConnection();
        }

        void cut() {
            isCut = true;
            for (var connection : open) {
                try {
                    connection.abort(Runnable::run);
                } catch (SQLException alreadyGone) {
                    // Which is what was wanted.
                }
            }
        }

        @Override
        public @Nullable PrintWriter getLogWriter() {
            return null;
        }

        @Override
        public void setLogWriter(PrintWriter out) {}

        @Override
        public void setLoginTimeout(int seconds) {}

        @Override
        public int getLoginTimeout() {
            return 0;
        }

        @Override
        public Logger getParentLogger() {
            return Logger.getGlobal();
        }

        @Override
        public <T> T unwrap(Class<T> type) throws SQLException {
            throw new SQLException("wraps nothing");
        }

        @Override
        public boolean isWrapperFor(Class<?> type) {
            return false;
        }
    }
}

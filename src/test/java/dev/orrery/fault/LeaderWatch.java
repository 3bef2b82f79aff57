package dev.orrery.fault;

import dev.orrery.fault.History.Term;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Looks all the time who leads, by the database. */
final class LeaderWatch implements AutoCloseable {

    private static final Duration LOOK_EVERY = Duration.ofMillis(100);

    private final Database database;
    private final List<Term> terms = new ArrayList<>();
    private final Thread thread;
    private volatile boolean isOver;

    LeaderWatch(Database database) {
        this.database = database;
        this.thread = Thread.startVirtualThread(this::watch);
    }

    /** Each change that was seen since then, after what was so at that time. */
    synchronized List<Term> since(Instant begin) {
        var first = 0;
        for (var n = 0; n < terms.size(); n++) {
            if (!terms.get(n).seenAt().isAfter(begin)) {
                first = n;
            }
        }
        return List.copyOf(terms.subList(first, terms.size()));
    }

    private void watch() {
        Connection connection = null;
        while (!isOver) {
            try {
                if (connection == null) {
                    connection = database.connect();
                }
                look(connection);
            } catch (SQLException _) {
                connection = closed(connection);
            }
            try {
                Thread.sleep(LOOK_EVERY);
            } catch (InterruptedException _) {
                break;
            }
        }
        closed(connection);
    }

    private static @Nullable Connection closed(@Nullable Connection connection) {
        try {
            if (connection != null) {
                connection.close();
            }
        } catch (SQLException _) {
            // The server is gone.
        }
        return null;
    }

    private void look(Connection connection) throws SQLException {
        try (var statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT epoch, node_id FROM leadership WHERE node_id IS NOT NULL")) {
            if (rows.next()) {
                see(rows.getLong(1), rows.getString(2));
            }
        }
    }

    private synchronized void see(long epoch, String leader) {
        if (terms.isEmpty()
                || terms.getLast().epoch() != epoch
                || !terms.getLast().leader().equals(leader)) {
            terms.add(new Term(Instant.now(), epoch, leader));
        }
    }

    @Override
    public void close() {
        isOver = true;
        thread.interrupt();
        try {
            thread.join(Duration.ofSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

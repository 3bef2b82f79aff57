package dev.orrery.bench;

import dev.orrery.bench.ClaimCosts.Cost;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.function.BiConsumer;

/**
 * What a claim of 100 single tasks costs beside 1,000, 100,000 and 1,000,000 that are ready, then after tasks have come and
 * gone for a while, and then the same while somebody's old snapshot keeps the server from forgetting them: medians, and of
 * what came and went the dearest, as a claim pays for what has gone since a generation began.
 */
public final class ClaimsBench {

    private static final int[] SIZES = {1_000, 100_000, 1_000_000};
    private static final int CLAIM = 100;
    private static final int SAMPLES = 9;
    private static final int CHURN = 1_000;
    private static final Duration LONGEST_SNAPSHOT = Duration.ofMinutes(10);

    /** Come and go between two samples, so that these are taken at all stages of what a generation goes through. */
    private static final int CHURN_BETWEEN = 300;

    private final Database database;
    private final BiConsumer<String, Cost> figures;

    /** A database of ours alone, with our schema. */
    @FunctionalInterface
    public interface Database {
        Connection connect() throws SQLException;
    }

    /** {@code figures}: where each cost goes, with the words for what it is of. */
    public ClaimsBench(Database database, BiConsumer<String, Cost> figures) {
        this.database = database;
        this.figures = figures;
    }

    /**
     * {@code churn}: for how long tasks come and go, and then again with the old snapshot, that at most ten minutes, as nothing
     * can be forgotten while it is open; the largest queue is of so many.
     */
    public void run(Duration churn, int largest) throws SQLException {
        try (var connection = database.connect();
                var reader = database.connect()) {
            var costs = new ClaimCosts(connection);
            var ready = 0;
            for (var size : SIZES) {
                if (size <= largest) {
                    costs.add(size - ready);
                    ready = size;
                    report("claim of 100 beside %,d".formatted(size), costs);
                }
            }
            comeAndGo(costs, churn);
            reportOnTheWay("claim of 100 beside %,d after %s of churn".formatted(ready, churn), costs);

            reader.setAutoCommit(false);
            try (var look = reader.createStatement()) {
                look.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
                look.execute("SELECT count(*) FROM nodes");
            }
            var held = churn.compareTo(LONGEST_SNAPSHOT) < 0 ? churn : LONGEST_SNAPSHOT;
            comeAndGo(costs, held);
            reportOnTheWay(
                    "claim of 100 beside %,d after %s of churn under an old snapshot".formatted(ready, held), costs);
            reader.rollback();
        }
    }

    private void report(String name, ClaimCosts costs) throws SQLException {
        figures.accept(name, costs.claim(CLAIM, SAMPLES));
    }

    /** The median of samples with some coming and going between them. */
    private void reportOnTheWay(String name, ClaimCosts costs) throws SQLException {
        var samples = new ArrayList<Cost>();
        while (samples.size() < SAMPLES) {
            costs.add(CHURN_BETWEEN);
            costs.drain(CHURN_BETWEEN, CLAIM);
            samples.add(costs.claim(CLAIM, 1));
        }
        samples.sort(Comparator.comparingLong(Cost::pages));
        figures.accept(name, samples.get(SAMPLES / 2));
        figures.accept(name + ", the dearest of " + SAMPLES, samples.getLast());
    }

    private static void comeAndGo(ClaimCosts costs, Duration churn) throws SQLException {
        var end = System.nanoTime() + churn.toNanos();
        while (System.nanoTime() < end) {
            costs.add(CHURN);
            costs.drain(CHURN, CLAIM);
        }
    }
}

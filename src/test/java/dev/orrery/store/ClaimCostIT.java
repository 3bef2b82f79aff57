package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.bench.ClaimCosts;
import dev.orrery.testing.Postgres;
import org.junit.jupiter.api.Test;

/** A claim costs the same however long the queue is. */
class ClaimCostIT {

    private static final int FEW = 1_000;
    private static final int MANY = 100_000;
    private static final int BATCH = 100;

    @Test
    void aClaimOfALongQueueTouchesAtMostTwiceThePagesOfOneOfAShortQueue() throws Exception {
        try (var database = Postgres.freshDatabase();
                var connection = database.connect()) {
            var costs = new ClaimCosts(connection);
            costs.add(FEW);
            var few = costs.claim(BATCH, 3);

            costs.add(MANY - FEW);
            var many = costs.claim(BATCH, 3);
            assertThat(many.pages()).isBetween(BATCH * 2L, few.pages() * 2);

            costs.drain(MANY / 5, 1_000);
            assertThat(costs.claim(BATCH, 3).pages()).isLessThanOrEqualTo(few.pages() * 2);
        }
    }
}

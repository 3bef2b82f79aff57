package dev.orrery.domain.task;

import static dev.orrery.domain.Checks.require;

import java.util.ArrayList;
import java.util.List;

/**
 * How a node shares its room among queues: one place after the other goes to the queue that has the least for its weight and
 * still has something ready; of equals, to the first. So each queue with enough to do comes to hold a share in proportion to
 * its weight, and what one leaves is the others'. The claim follows the same rule, see {@code queue_shares} in SQL.
 */
public final class QueueShares {

    public static final int WEIGHT_MAX = 1_000;

    private QueueShares() {}

    /**
     * A queue that has something to claim.
     *
     * @param weight 1 to {@link #WEIGHT_MAX}
     * @param held how many of its tasks the node has
     * @param ready how many more there are
     */
    public record Line(int weight, int held, int ready) {

        public Line {
            require(weight >= 1 && weight <= WEIGHT_MAX, "weight must be 1..1000, was " + weight);
            require(held >= 0 && ready >= 0, "no less than nothing is held or ready: " + held + ", " + ready);
        }
    }

    /** How many of {@code wanted} places each of these queues is given. */
    public static List<Integer> of(int wanted, List<Line> lines) {
        var given = new int[lines.size()];
        for (var place = 0; place < wanted; place++) {
            var next = neediest(lines, given);
            if (next < 0) {
                break;
            }
            given[next]++;
        }
        var shares = new ArrayList<Integer>(given.length);
        for (var share : given) {
            shares.add(share);
        }
        return List.copyOf(shares);
    }

    private static int neediest(List<Line> lines, int[] given) {
        var best = -1;
        for (var n = 0; n < given.length; n++) {
            if (given[n] < lines.get(n).ready()
                    && (best < 0 || hasLess(lines.get(n), given[n], lines.get(best), given[best]))) {
                best = n;
            }
        }
        return best;
    }

    /** Whether the first would have less for its weight with one more than the second; without fractions. */
    private static boolean hasLess(Line first, int firstGiven, Line second, int secondGiven) {
        return (first.held() + firstGiven + 1L) * second.weight() < (second.held() + secondGiven + 1L) * first.weight();
    }
}

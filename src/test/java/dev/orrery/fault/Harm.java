package dev.orrery.fault;

import java.time.Duration;

/**
 * One thing that is done to a cluster.
 *
 * @param name for the command line and the table
 * @param what in a few words
 * @param measure how its recovery is measured
 * @param limit how long that may take, as promised
 * @param deed what is done, until it is over
 */
record Harm(String name, String what, Measure measure, Duration limit, Deed deed) {

    /** Where a recovery begins and ends. */
    enum Measure {
        /** From the harm until all that the victim held runs again. */
        WORK_RUNS_AGAIN("until its tasks run again"),
        /** From the harm until another node leads. */
        ANOTHER_LEADS("until another node leads"),
        /** From the healing until the first task begins. */
        WORK_BEGINS("from its return until work begins"),
        /** The longest time in which no task ended. */
        PAUSE("longest pause of all work");

        private final String words;

        Measure(String words) {
            this.words = words;
        }

        String words() {
            return words;
        }
    }

    /** Does harm, says when it begins and when it is over, and leaves the cluster whole. */
    @FunctionalInterface
    interface Deed {
        void doTo(Scene scene) throws Exception;
    }
}

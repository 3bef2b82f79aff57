package dev.orrery.service;

import static dev.orrery.domain.Checks.require;

/**
 * A place in the logs of a run, where a reader goes on.
 *
 * @param task the number of the task in its DAG version; 0 is before the first
 * @param offset which byte of the attempt's log
 */
public record LogPlace(int task, int attempt, long offset) {

    public static final LogPlace START = new LogPlace(0, 0, 0);

    public LogPlace {
        require(
                task >= 0 && attempt >= 0 && attempt <= Short.MAX_VALUE && offset >= 0,
                "no place: " + task + ", " + attempt + ", " + offset);
    }
}

package dev.orrery.node;

import dev.orrery.store.InvariantRepository;
import dev.orrery.store.InvariantRepository.Part;
import java.util.Comparator;
import java.util.Optional;
import java.util.UUID;

/**
 * How far a leader has come with one check: with each look it sees the newest part, where most goes wrong, and one part of what is older.
 * At the end it begins again, so that everything is seen in the end, however much there is. What was found in an older part counts until
 * the walk has come by there again. Not thread-safe.
 */
final class InvariantWalk {

    /** So many times fewer rows are taken after a look that failed. */
    private static final int SHRINK = 4;

    private static final int GROW = 2;

    /** After so many looks in a row more rows are tried: what takes too long is met rarely, and a database that was away is forgotten. */
    private static final int LOOKS_TO_GROW = 10;

    /** As the database orders them. */
    private static final Comparator<UUID> ORDER = Comparator.comparing(UUID::toString);

    private int rows = InvariantRepository.ROWS_MAX;
    private int looks;
    private Optional<UUID> upto = Optional.empty();
    private int found;
    private int foundBefore;

    /** About how many rows a part has. */
    int rows() {
        return rows;
    }

    /** Up to where the older part goes that comes next; absent where the newest one is all there is. */
    Optional<UUID> olderThan(Part newest) {
        return newest.next()
                .map(end -> upto.filter(id -> ORDER.compare(id, end) < 0).orElse(end));
    }

    /** The newest part was all there is. Answers how much is broken. */
    int hasSeenAll(Part newest) {
        upto = Optional.empty();
        found = 0;
        foundBefore = 0;
        count();
        return newest.result().count();
    }

    /** Both were looked at. Answers how much is known to be broken. */
    int hasSeen(Part newest, Part older) {
        upto = older.next();
        found += older.result().count();
        if (upto.isEmpty()) {
            foundBefore = found;
            found = 0;
        }
        count();
        return newest.result().count() + Math.max(found, foundBefore);
    }

    private void count() {
        looks++;
        if (looks == LOOKS_TO_GROW) {
            looks = 0;
            rows = Math.min(InvariantRepository.ROWS_MAX, rows * GROW);
        }
    }

    /** A part could not be looked at, most likely for want of time. */
    void hasFailed() {
        looks = 0;
        rows = Math.max(InvariantRepository.ROWS_MIN, rows / SHRINK);
    }
}

package dev.orrery.domain;

import java.util.UUID;
import java.util.regex.Pattern;

/**
 * Ids that carry a number: the last 32 bits of a base id are zero, and those of its members are 1, 2, ….
 *
 * <p>So the id of a task instance follows from its run and its place in the DAG, in Java and in SQL alike: edges are
 * stored once for each DAG version, all rows of a run stand together in every primary key, and nothing has to be
 * looked up to go from a task to its run.
 */
public final class NumberedIds {

    private static final long NUMBER = 0xFFFF_FFFFL;
    private static final long SINGLE = 0x8000_0000L;

    private static final Pattern CANONICAL = Pattern.compile("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}");

    private NumberedIds() {}

    static UUID member(UUID base, int number) {
        if (number < 1) {
            throw new IllegalArgumentException("numbers start at 1, was " + number);
        }
        if ((base.getLeastSignificantBits() & NUMBER) != 0) {
            throw new IllegalArgumentException(base + " is a member itself");
        }
        return new UUID(base.getMostSignificantBits(), base.getLeastSignificantBits() | number);
    }

    /** A member whose number has the first bit set. */
    static UUID single(UUID base, int number) {
        var member = member(base, number);
        return new UUID(member.getMostSignificantBits(), member.getLeastSignificantBits() | SINGLE);
    }

    static UUID base(UUID member) {
        return new UUID(member.getMostSignificantBits(), member.getLeastSignificantBits() & ~NUMBER);
    }

    static int number(UUID member) {
        return (int) (member.getLeastSignificantBits() & NUMBER);
    }

    /** The canonical 36 characters only: {@link UUID#fromString} also takes groups of other lengths. */
    static UUID parse(String text) {
        if (!isId(text)) {
            throw new IllegalArgumentException("not a UUID: '" + text + "'");
        }
        return UUID.fromString(text);
    }

    static boolean isId(String text) {
        return CANONICAL.matcher(text).matches();
    }
}

package dev.orrery.domain;

import java.util.Arrays;
import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/**
 * Finds what someone probably meant: the known name that takes the fewest slips of the finger to become what was
 * written (a letter too many, too few, wrong, or two swapped), as long as that is at most a third of it.
 */
public final class Nearest {

    /** Longer names are compared by their first letters only, so that a hostile input cannot make this costly. */
    private static final int MAX_LENGTH = 64;

    private static final int MAX_SLIPS = 3;

    private Nearest() {}

    /** The first of the nearest names; nothing where none is near. */
    public static Optional<String> to(String written, Collection<String> known) {
        var wanted = normal(written);
        var slips = Math.min(MAX_SLIPS, Math.max(1, wanted.length() / 3)) + 1;
        String nearest = null;
        for (var name : known) {
            var found = slips(wanted, normal(name), slips);
            if (found < slips) {
                slips = found;
                nearest = name;
            }
        }
        return Optional.ofNullable(nearest);
    }

    /** Case, hyphens and underscores are no difference: {@code max_attempts} means {@code maxAttempts}. */
    private static String normal(String name) {
        var start = name.substring(0, Math.min(name.length(), MAX_LENGTH));
        return start.toLowerCase(Locale.ROOT).replace("_", "").replace("-", "");
    }

    /** The number of slips between two names, or {@code limit} where there are as many or more. */
    private static int slips(String a, String b, int limit) {
        if (Math.abs(a.length() - b.length()) >= limit) {
            return limit;
        }
        var beforeLast = new int[b.length() + 1];
        var last = new int[b.length() + 1];
        var row = new int[b.length() + 1];
        Arrays.setAll(last, column -> column);
        for (var i = 1; i <= a.length(); i++) {
            row[0] = i;
            var least = i;
            for (var j = 1; j <= b.length(); j++) {
                var wrong = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                row[j] = Math.min(last[j - 1] + wrong, Math.min(last[j], row[j - 1]) + 1);
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
                }
                least = Math.min(least, row[j]);
            }
            if (least >= limit) {
                return limit;
            }
            var free = beforeLast;
            beforeLast = last;
            last = row;
            row = free;
        }
        return Math.min(limit, last[b.length()]);
    }
}

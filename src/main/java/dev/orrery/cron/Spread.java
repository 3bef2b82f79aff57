package dev.orrery.cron;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/** Puts a number in the place of each {@code ~}: spread evenly over jobs, and for one job always the same. */
final class Spread {

    /** {@code ~}, {@code a~b}, each also with a step: {@code ~/15} begins at a place of the first 15. */
    private static final Pattern TILDE = Pattern.compile("(?:(\\d{1,2})~(\\d{1,2})|~)(?:/(\\d{1,2}))?");

    private static final int[] FIRST = {0, 0, 0, 1, 1, 0};

    /** Days after the 28th are not in every month. */
    private static final int[] LAST = {59, 59, 23, 28, 12, 6};

    private Spread() {}

    static List<String> placed(List<String> fields, String spread) {
        var placed = new ArrayList<String>();
        for (var n = 0; n < fields.size(); n++) {
            placed.add(placed(fields.get(n), n, spread));
        }
        return placed;
    }

    /** {@code number} of the field, seconds being 0; throws IllegalArgumentException with what is wrong. */
    static String placed(String field, int number, String spread) {
        if (!field.contains("~")) {
            return field;
        }
        var tilde = TILDE.matcher(field);
        if (!tilde.matches()) {
            throw new IllegalArgumentException("'~' stands alone, as 0~29 or as ~/15");
        }
        var from = tilde.group(1) == null ? FIRST[number] : Integer.parseInt(tilde.group(1));
        var to = tilde.group(2) == null ? LAST[number] : Integer.parseInt(tilde.group(2));
        var step = tilde.group(3) == null ? 0 : Integer.parseInt(tilde.group(3));
        if (from > to || from < FIRST[number] || to > LAST[number]) {
            throw new IllegalArgumentException("from " + FIRST[number] + " up to " + LAST[number] + " can be spread");
        }
        if (tilde.group(3) != null && (step == 0 || step > to - from + 1)) {
            throw new IllegalArgumentException("the step after '~' is 1 to " + (to - from + 1));
        }
        var width = step == 0 ? to - from + 1 : step;
        var place = from + Math.floorMod(hash(spread + " " + number), width);
        return step == 0 ? Integer.toString(place) : place + "-" + to + "/" + step;
    }

    private static int hash(String text) {
        var sum = new CRC32();
        sum.update(text.getBytes(StandardCharsets.UTF_8));
        return (int) sum.getValue();
    }
}

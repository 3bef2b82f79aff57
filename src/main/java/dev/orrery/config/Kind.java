package dev.orrery.config;

import dev.orrery.domain.net.Destination;
import dev.orrery.domain.task.Durations;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What values a setting takes: how they are written, and which of them are refused. Lists are written with commas where
 * there is only one line for them.
 */
sealed interface Kind<T> {

    /**
     * Reads a value, which {@link #objection} has still to be asked about.
     *
     * @throws IllegalArgumentException with words that follow the name of the setting, such as {@code must be a number}
     */
    T read(String text);

    /** What is wrong with a value: words that follow its name, such as {@code must be 0..65535}. */
    Optional<String> objection(T value);

    /** The value as {@link #read} takes it. */
    String text(T value);

    /** For people: what may be written. */
    String description();

    /** Whether files write it as a list. */
    default boolean isList() {
        return false;
    }

    /**
     * A text of one line.
     *
     * @param wish what is said of a text that has another form: words after "must"
     */
    record Text(int maxLength, Pattern form, String description, String wish) implements Kind<String> {

        @Override
        public String read(String text) {
            return text;
        }

        @Override
        public Optional<String> objection(String value) {
            if (value.length() > maxLength) {
                return Optional.of("must have at most " + maxLength + " characters, has " + value.length());
            }
            return form.matcher(value).matches() ? Optional.empty() : Optional.of("must " + wish);
        }

        @Override
        public String text(String value) {
            return value;
        }
    }

    /** A whole number. */
    record Whole(int min, int max) implements Kind<Integer> {

        @Override
        public Integer read(String text) {
            try {
                return Integer.valueOf(text.strip());
            } catch (NumberFormatException _) {
                throw new IllegalArgumentException("must be a whole number " + range());
            }
        }

        @Override
        public Optional<String> objection(Integer value) {
            return value >= min && value <= max ? Optional.empty() : Optional.of("must be " + range());
        }

        @Override
        public String text(Integer value) {
            return value.toString();
        }

        @Override
        public String description() {
            return "whole number, " + range();
        }

        private String range() {
            return min + ".." + max;
        }
    }

    /** A share of a whole. */
    record Ratio() implements Kind<Double> {

        private static final Pattern FORM = Pattern.compile("[01](\\.[0-9]{1,9})?");
        private static final String WISH = "must be a number from 0 to 1 such as 0.1";

        @Override
        public Double read(String text) {
            if (!FORM.matcher(text.strip()).matches()) {
                throw new IllegalArgumentException(WISH);
            }
            return Double.valueOf(text.strip());
        }

        @Override
        public Optional<String> objection(Double value) {
            return value >= 0 && value <= 1 ? Optional.empty() : Optional.of(WISH);
        }

        @Override
        public String text(Double value) {
            return BigDecimal.valueOf(value).stripTrailingZeros().toPlainString();
        }

        @Override
        public String description() {
            return "number, 0..1";
        }
    }

    /** A number of bytes. */
    record Size(int min, int max) implements Kind<Integer> {

        private static final int KIB = 1 << 10;
        private static final int MIB = 1 << 20;
        private static final Pattern FORM = Pattern.compile("(\\d{1,10})\\s?(B|KiB|MiB)");

        @Override
        public Integer read(String text) {
            var parts = FORM.matcher(text.strip());
            if (!parts.matches()) {
                throw new IllegalArgumentException("must be a size such as 64KiB or 1MiB");
            }
            var unit = switch (parts.group(2)) {
                case "MiB" -> MIB;
                case "KiB" -> KIB;
                default -> 1;
            };
            // What no int can hold is beyond every range.
            return (int) Math.min(Integer.MAX_VALUE, Long.parseLong(parts.group(1)) * unit);
        }

        @Override
        public Optional<String> objection(Integer value) {
            return value >= min && value <= max ? Optional.empty() : Optional.of("must be " + range());
        }

        @Override
        public String text(Integer value) {
            if (value % MIB == 0) {
                return value / MIB + "MiB";
            }
            return value % KIB == 0 ? value / KIB + "KiB" : value + "B";
        }

        @Override
        public String description() {
            return "size, " + range();
        }

        private String range() {
            return text(min) + ".." + text(max);
        }
    }

    /** A number of bytes that may be as large as a disk. */
    record Space(long min, long max) implements Kind<Long> {

        private static final List<String> UNITS = List.of("B", "KiB", "MiB", "GiB", "TiB");
        private static final Pattern FORM = Pattern.compile("(\\d{1,10})\\s?(B|KiB|MiB|GiB|TiB)");

        @Override
        public Long read(String text) {
            var parts = FORM.matcher(text.strip());
            if (!parts.matches()) {
                throw new IllegalArgumentException("must be a size such as 512MiB or 2GiB");
            }
            var unit = 1L << (10 * UNITS.indexOf(parts.group(2)));
            var number = Long.parseLong(parts.group(1));
            // What no long can hold is beyond every range.
            return number > Long.MAX_VALUE / unit ? Long.MAX_VALUE : number * unit;
        }

        @Override
        public Optional<String> objection(Long value) {
            return value >= min && value <= max ? Optional.empty() : Optional.of("must be " + range());
        }

        @Override
        public String text(Long value) {
            var unit = UNITS.size() - 1;
            while (unit > 0 && (value == 0 || value % (1L << (10 * unit)) != 0)) {
                unit--;
            }
            return (value >> (10 * unit)) + UNITS.get(unit);
        }

        @Override
        public String description() {
            return "size, " + range();
        }

        private String range() {
            return text(min) + ".." + text(max);
        }
    }

    /** A span of time. */
    record Span(Duration min, Duration max) implements Kind<Duration> {

        @Override
        public Duration read(String text) {
            return Durations.parse(text.strip()).orElseThrow(() -> new IllegalArgumentException(wish(text.strip())));
        }

        private static String wish(String text) {
            return text.matches("\\d+")
                    ? "must say its unit: '" + text + "s' if you mean seconds"
                    : "must be a duration such as 500ms, 30s or 1h30m";
        }

        @Override
        public Optional<String> objection(Duration value) {
            return value.compareTo(min) >= 0 && value.compareTo(max) <= 0
                    ? Optional.empty()
                    : Optional.of("must be " + range());
        }

        @Override
        public String text(Duration value) {
            return Durations.text(value);
        }

        @Override
        public String description() {
            return "duration, " + range();
        }

        private String range() {
            return text(min) + ".." + text(max);
        }
    }

    /** One of a few words; how they are capitalised is no difference. */
    record Choice<E extends Enum<E>>(Class<E> type) implements Kind<E> {

        @Override
        public E read(String text) {
            try {
                return Enum.valueOf(type, text.strip().toUpperCase(Locale.ROOT));
            } catch (IllegalArgumentException _) {
                throw new IllegalArgumentException("must be " + description());
            }
        }

        @Override
        public Optional<String> objection(E value) {
            return Optional.empty();
        }

        @Override
        public String text(E value) {
            return value.name();
        }

        @Override
        public String description() {
            var names = new ArrayList<String>();
            for (var constant : type.getEnumConstants()) {
                names.add(constant.name());
            }
            return String.join(", ", names.subList(0, names.size() - 1)) + " or " + names.getLast();
        }
    }

    /**
     * Several texts of one form.
     *
     * @param items what they are
     */
    record Texts(int maxCount, Pattern form, String items) implements Kind<List<String>> {

        @Override
        public List<String> read(String text) {
            return split(text);
        }

        @Override
        public Optional<String> objection(List<String> value) {
            if (value.size() > maxCount) {
                return Optional.of("must have at most " + maxCount + " items, has " + value.size());
            }
            return value.stream().allMatch(item -> form.matcher(item).matches())
                    ? Optional.empty()
                    : Optional.of("must list " + items);
        }

        @Override
        public String text(List<String> value) {
            return String.join(",", value);
        }

        @Override
        public boolean isList() {
            return true;
        }

        @Override
        public String description() {
            return "list of " + items;
        }
    }

    /** Places that tasks call, or do not. */
    record Destinations(int maxCount) implements Kind<List<String>> {

        @Override
        public List<String> read(String text) {
            return split(text);
        }

        @Override
        public Optional<String> objection(List<String> value) {
            if (value.size() > maxCount) {
                return Optional.of("must have at most " + maxCount + " items, has " + value.size());
            }
            return value.stream()
                    .filter(item -> Destination.parse(item).isEmpty())
                    .findFirst()
                    .map(wrong -> "must list " + Destination.FORMS + "; '" + wrong + "' is none");
        }

        @Override
        public String text(List<String> value) {
            return String.join(",", value);
        }

        @Override
        public boolean isList() {
            return true;
        }

        @Override
        public String description() {
            return "list of addresses, ranges or host names";
        }
    }

    /** What tasks may name, and where the node finds it. */
    record SecretSources(int maxCount) implements Kind<List<String>> {

        @Override
        public List<String> read(String text) {
            return split(text);
        }

        @Override
        public Optional<String> objection(List<String> value) {
            if (value.size() > maxCount) {
                return Optional.of("must have at most " + maxCount + " items, has " + value.size());
            }
            var keys = new HashSet<String>();
            for (var item : value) {
                var source = SecretSource.parse(item);
                if (source.isEmpty()) {
                    return Optional.of("must list " + SecretSource.FORM + "; '" + item + "' is none");
                }
                if (!keys.add(source.get().key())) {
                    return Optional.of(
                            "must name each secret once; '" + source.get().key() + "' stands twice");
                }
            }
            return Optional.empty();
        }

        @Override
        public String text(List<String> value) {
            return String.join(",", value);
        }

        @Override
        public boolean isList() {
            return true;
        }

        @Override
        public String description() {
            return "list of secrets";
        }
    }

    private static List<String> split(String text) {
        var items = new ArrayList<String>();
        for (var item : text.isBlank() ? new String[0] : text.split(",", -1)) {
            items.add(item.strip());
        }
        return List.copyOf(items);
    }
}

package dev.orrery.cron;

import static java.util.Objects.requireNonNull;

import com.cronutils.model.Cron;
import com.cronutils.model.definition.CronDefinition;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.parser.CronParser;
import dev.orrery.domain.Quoted;
import dev.orrery.domain.job.CronExpression;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Reads a schedule: five fields as in Unix, six with seconds before them, or a name such as {@code @daily}; several of
 * these with a semicolon between them. Where day of month and day of week are both restricted, either may match. A {@code
 * ~} in a field is a place that is always the same for one job and spread over all of them, such as {@code ~ * * * *} for
 * a minute of the hour, or {@code 0~29 * * * *} for one of its first half.
 */
public final class CronText {

    private static final Map<String, String> NAMES = Map.of(
            "@yearly", "0 0 1 1 *",
            "@annually", "0 0 1 1 *",
            "@monthly", "0 0 1 * *",
            "@weekly", "0 0 * * 0",
            "@daily", "0 0 * * *",
            "@midnight", "0 0 * * *",
            "@hourly", "0 * * * *");

    private static final LocalDateTime ANY_TIME = LocalDateTime.of(2024, 1, 1, 0, 0);
    private static final List<String> FIELDS =
            List.of("second", "minute", "hour", "day of month", "month", "day of week");
    private static final Pattern CHARACTERS = Pattern.compile("[A-Za-z0-9*/,#~-]+");
    private static final Pattern NTH = Pattern.compile(".*#(?![1-5](?:,|$)).*");

    /** Weekdays may go around the end of the week (FRI-MON, SUN-SAT); all other ranges must rise. */
    private static final CronParser PARSER = new CronParser(definition());

    private CronText() {}

    private static CronDefinition definition() {
        return CronDefinitionBuilder.defineCron()
                .withSeconds()
                .withValidRange(0, 59)
                .withStrictRange()
                .and()
                .withMinutes()
                .withValidRange(0, 59)
                .withStrictRange()
                .and()
                .withHours()
                .withValidRange(0, 23)
                .withStrictRange()
                .and()
                .withDayOfMonth()
                .withValidRange(1, 31)
                .supportsL()
                .supportsW()
                .supportsLW()
                .withStrictRange()
                .and()
                .withMonth()
                .withValidRange(1, 12)
                .withStrictRange()
                .and()
                .withDayOfWeek()
                .withValidRange(0, 7)
                .withMondayDoWValue(1)
                .withIntMapping(7, 0)
                .supportsHash()
                .supportsL()
                .and()
                .instance();
    }

    /** What reading a schedule came to. */
    public sealed interface Reading {

        /** It fires when any of these does. */
        record Read(List<CronExpression> expressions) implements Reading {
            public Read {
                expressions = List.copyOf(expressions);
            }
        }

        /** {@code complaint}: which field is wrong, and why. */
        record Refused(String complaint) implements Reading {}
    }

    /** What is wrong with the schedule; nothing where it is right. */
    public static Optional<String> complaint(String schedule) {
        return switch (read(schedule, "")) {
            case Reading.Read _ -> Optional.empty();
            case Reading.Refused(var complaint) -> Optional.of(complaint);
        };
    }

    /** {@code spread}: by which each {@code ~} finds its place, the same at every reading. */
    public static Reading read(String schedule, String spread) {
        var expressions = new ArrayList<CronExpression>();
        for (var part : schedule.split(";", -1)) {
            switch (readOne(part.strip(), spread)) {
                case Reading.Read(var one) -> expressions.addAll(one);
                case Reading.Refused refused -> {
                    return refused;
                }
            }
        }
        return new Reading.Read(expressions);
    }

    private static Reading readOne(String text, String spread) {
        if (text.startsWith("@")) {
            return NAMES.containsKey(text)
                    ? readOne(NAMES.get(text), spread)
                    : new Reading.Refused("known are "
                            + String.join(", ", NAMES.keySet().stream().sorted().toList()));
        }
        var given = Arrays.asList(text.split("\\s+"));
        if (given.size() < 5 || given.size() > 6) {
            return new Reading.Refused("it has " + (text.isEmpty() ? 0 : given.size())
                    + (given.size() == 1 && !text.isEmpty() ? " field" : " fields")
                    + ", 5 are needed (minute hour day-of-month month day-of-week), or 6 with seconds first");
        }
        var fields = new ArrayList<>(given);
        if (fields.size() == 5) {
            fields.addFirst("0");
        }
        CronExpression expression;
        try {
            expression = expression(fields, spread);
        } catch (IllegalArgumentException refused) {
            return new Reading.Refused(firstWrong(fields).orElseGet(() -> reason(refused)));
        }
        return expression.next(ANY_TIME).isPresent()
                ? new Reading.Read(List.of(expression))
                : new Reading.Refused("it never fires: no such day comes");
    }

    /** Throws IllegalArgumentException where anything is wrong; which field it is takes longer to find. */
    private static CronExpression expression(List<String> given, String spread) {
        for (var n = 0; n < given.size(); n++) {
            notHere(given.get(n), n).ifPresent(complaint -> {
                throw new IllegalArgumentException(complaint);
            });
        }
        var fields = Spread.placed(given, spread);
        var parsed = parse(fields.toArray(String[]::new)).retrieveFieldsAsMap();
        return CronFields.expression(
                fields, name -> requireNonNull(parsed.get(name)).getExpression());
    }

    /** Each field is tried alone, since the library does not say which one it dislikes. */
    private static Optional<String> firstWrong(List<String> fields) {
        for (var n = 0; n < fields.size(); n++) {
            var complaint = complaintAbout(fields.get(n), n);
            if (complaint.isPresent()) {
                return Optional.of(
                        "its " + FIELDS.get(n) + " " + Quoted.of(fields.get(n)) + " is wrong: " + complaint.get());
            }
        }
        return Optional.empty();
    }

    /** What the library would take, and we do not. */
    private static Optional<String> notHere(String field, int number) {
        if (!CHARACTERS.matcher(field).matches()) {
            return Optional.of(
                    field.contains("?") ? "'?' is not known here, write '*'" : "a character is not known here");
        }
        if (NTH.matcher(field).matches()) {
            return Optional.of("after '#' comes a number from 1 to 5");
        }
        if (FIELDS.get(number).equals("day of week")
                && Arrays.asList(field.split(",")).contains("L")) {
            return Optional.of("'L' alone is Saturday to some and Sunday to others; 5L is the last Friday");
        }
        return Optional.empty();
    }

    private static Optional<String> complaintAbout(String field, int number) {
        var complaint = notHere(field, number);
        if (complaint.isPresent()) {
            return complaint;
        }
        var alone = new String[] {"0", "*", "*", "*", "*", "*"};
        try {
            alone[number] = Spread.placed(field, number, "");
            parse(alone);
            return Optional.empty();
        } catch (IllegalArgumentException refused) {
            return Optional.of(reason(refused));
        }
    }

    private static Cron parse(String... fields) {
        return PARSER.parse(String.join(" ", fields)).validate();
    }

    private static String reason(IllegalArgumentException refused) {
        var message = refused.getMessage() == null ? "it cannot be read" : refused.getMessage();
        return Quoted.shortened(message.replace("Failed to parse cron expression. ", ""), 120);
    }
}

package dev.orrery.dagfile;

import com.cronutils.model.Cron;
import com.cronutils.model.definition.CronDefinition;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.model.time.ExecutionTime;
import com.cronutils.parser.CronParser;
import java.time.Month;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Checks a schedule: five fields as in Unix, six with seconds before them, or a name such as {@code @daily}. Where day of
 * month and day of week are both restricted, either may match.
 */
final class CronText {

    private static final Set<String> NAMES =
            Set.of("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly");
    private static final List<String> FIELDS =
            List.of("second", "minute", "hour", "day of month", "month", "day of week");
    private static final Pattern CHARACTERS = Pattern.compile("[A-Za-z0-9*/,#-]+");
    private static final Pattern NTH = Pattern.compile(".*#(?![1-5](?:,|$)).*");
    private static final Pattern FROM_LAST = Pattern.compile("L-(?<days>\\d{1,2})");
    private static final Pattern FIRST = Pattern.compile("(?<day>\\d{1,2}).*");

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

    /** What is wrong with the schedule; nothing where it is right. */
    static Optional<String> complaint(String schedule) {
        if (schedule.startsWith("@")) {
            return NAMES.contains(schedule)
                    ? Optional.empty()
                    : Optional.of("known are "
                            + String.join(", ", NAMES.stream().sorted().toList()));
        }
        var fields = Arrays.asList(schedule.strip().split("\\s+"));
        if (fields.size() < 5 || fields.size() > 6) {
            return Optional.of("it has " + fields.size() + (fields.size() == 1 ? " field" : " fields")
                    + ", 5 are needed (minute hour day-of-month month day-of-week), or 6 with seconds first");
        }
        var all = fields.size() == 6 ? fields : prepended("0", fields);
        return firstWrong(all)
                .or(() -> fires(all) ? Optional.empty() : Optional.of("it never fires: no such day comes"));
    }

    private static List<String> prepended(String first, List<String> rest) {
        var all = new ArrayList<>(List.of(first));
        all.addAll(rest);
        return all;
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

    private static Optional<String> complaintAbout(String field, int number) {
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
        var alone = new String[] {"0", "*", "*", "*", "*", "*"};
        alone[number] = field;
        try {
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

    /** Whether a day comes on which it fires; hours, minutes and seconds come every day. */
    private static boolean fires(List<String> fields) {
        var days = fields.get(3);
        var weekdays = fields.get(5);
        if (!weekdays.equals("*")) {
            return true;
        }
        var longest =
                months(fields.get(4)).stream().mapToInt(Month::maxLength).max().orElse(0);
        return Arrays.stream(days.split(",")).anyMatch(part -> firstDay(part) <= longest);
    }

    private static Set<Month> months(String field) {
        var firstOfMonth = ExecutionTime.forCron(parse("0", "0", "0", "1", field, "*"));
        var months = EnumSet.noneOf(Month.class);
        var time = ZonedDateTime.of(2023, 12, 31, 0, 0, 0, 0, ZoneOffset.UTC);
        for (var next = firstOfMonth.nextExecution(time);
                next.isPresent() && next.get().getYear() == 2024;
                next = firstOfMonth.nextExecution(next.get())) {
            months.add(next.get().getMonth());
        }
        return months;
    }

    /** The shortest month that has a day for this part of the field must have so many days. */
    private static int firstDay(String part) {
        var fromLast = FROM_LAST.matcher(part);
        if (fromLast.matches()) {
            return number(fromLast, "days") + 1;
        }
        var first = FIRST.matcher(part);
        return first.matches() ? number(first, "day") : 1;
    }

    private static int number(Matcher matcher, String group) {
        return Integer.parseInt(matcher.group(group));
    }
}

package dev.orrery.cron;

import com.cronutils.model.field.CronFieldName;
import com.cronutils.model.field.expression.Always;
import com.cronutils.model.field.expression.And;
import com.cronutils.model.field.expression.Between;
import com.cronutils.model.field.expression.Every;
import com.cronutils.model.field.expression.FieldExpression;
import com.cronutils.model.field.expression.On;
import com.cronutils.model.field.value.FieldValue;
import com.cronutils.model.field.value.SpecialChar;
import dev.orrery.domain.job.CronExpression;
import dev.orrery.domain.job.DaysOfMonth;
import dev.orrery.domain.job.Weekdays;
import java.time.DayOfWeek;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/** From the library's tree of each field to the values that it stands for. */
final class CronFields {

    private static final int HOUR = 2;
    private static final int DAY_OF_MONTH = 3;
    private static final int DAY_OF_WEEK = 5;

    private CronFields() {}

    /** {@code fields}: their texts, seconds first. */
    static CronExpression expression(List<String> fields, Function<CronFieldName, FieldExpression> parsed) {
        var hour = fields.get(HOUR);
        return new CronExpression(
                bits(parsed.apply(CronFieldName.SECOND), 0, 59),
                bits(parsed.apply(CronFieldName.MINUTE), 0, 59),
                (int) bits(parsed.apply(CronFieldName.HOUR), 0, 23),
                (int) bits(parsed.apply(CronFieldName.MONTH), 1, 12),
                daysOfMonth(parsed.apply(CronFieldName.DAY_OF_MONTH), fields.get(DAY_OF_MONTH)),
                weekdays(parsed.apply(CronFieldName.DAY_OF_WEEK), fields.get(DAY_OF_WEEK)),
                !hour.contains("*") && !hour.contains("/"));
    }

    private static List<FieldExpression> parts(FieldExpression field) {
        return field instanceof And and ? and.getExpressions() : List.of(field);
    }

    private static DaysOfMonth daysOfMonth(FieldExpression field, String text) {
        var days = 0L;
        var beforeLast = new HashSet<Integer>();
        var nearest = new HashSet<Integer>();
        var lastWeekday = false;
        for (var part : parts(field)) {
            switch (special(part)) {
                case L -> beforeLast.add(Math.max(0, ((On) part).getNth().getValue()));
                case W -> nearest.add(((On) part).getTime().getValue());
                case LW -> lastWeekday = true;
                default -> days |= bits(part, 1, 31);
            }
        }
        return new DaysOfMonth((int) days, beforeLast, nearest, lastWeekday, text.startsWith("*"));
    }

    private static Weekdays weekdays(FieldExpression field, String text) {
        var days = 0L;
        var nths = new HashSet<Weekdays.Nth>();
        var last = EnumSet.noneOf(DayOfWeek.class);
        for (var part : parts(field)) {
            switch (special(part)) {
                case L -> last.add(day(((On) part).getTime().getValue()));
                case HASH ->
                    nths.add(new Weekdays.Nth(
                            day(((On) part).getTime().getValue()),
                            ((On) part).getNth().getValue()));
                default -> days |= bits(part, 0, 6);
            }
        }
        return new Weekdays((int) days, nths, Set.copyOf(last), text.startsWith("*"));
    }

    private static DayOfWeek day(int number) {
        return DayOfWeek.of((number + 6) % 7 + 1);
    }

    private static SpecialChar special(FieldExpression part) {
        return part instanceof On on ? on.getSpecialChar().getValue() : SpecialChar.NONE;
    }

    /** A bit for each value; ranges of weekdays may go over the end of the week, where 7 is 0. */
    private static long bits(FieldExpression field, int min, int max) {
        return switch (field) {
            case Always _ -> range(min, max, 1, min, max);
            case And and ->
                and.getExpressions().stream()
                        .mapToLong(part -> bits(part, min, max))
                        .reduce(0, (one, other) -> one | other);
            case On on -> range(on.getTime().getValue(), on.getTime().getValue(), 1, min, max);
            case Between between -> range(number(between.getFrom()), number(between.getTo()), 1, min, max);
            case Every every -> every(every, min, max);
            default -> throw new IllegalArgumentException("'" + field.asString() + "' is not known here");
        };
    }

    private static long every(Every every, int min, int max) {
        var step = every.getPeriod().getValue();
        return switch (every.getExpression()) {
            case Between between -> range(number(between.getFrom()), number(between.getTo()), step, min, max);
            case On on -> range(on.getTime().getValue(), max, step, min, max);
            default -> range(min, max, step, min, max);
        };
    }

    private static long range(int from, int to, int step, int min, int max) {
        var width = max - min + 1;
        var end = to < from ? to + width : to;
        var bits = 0L;
        for (var value = from; value <= end; value += step) {
            bits |= 1L << ((value - min) % width + min);
        }
        return bits;
    }

    private static int number(FieldValue<?> value) {
        if (value.getValue() instanceof Integer number) {
            return number;
        }
        throw new IllegalArgumentException("'" + value.getValue() + "' is no number");
    }
}

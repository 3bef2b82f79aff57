package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Table;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.List;

/** How the commands about jobs say and read times. */
final class JobTexts {

    private JobTexts() {}

    /** The time to the second, in UTC. */
    static String utc(Instant at) {
        return at.truncatedTo(ChronoUnit.SECONDS).toString();
    }

    /** How long it is until then. */
    static String until(Instant then, Instant now) {
        var left = Duration.between(now, then);
        return left.compareTo(Duration.ofSeconds(1)) < 0 ? "now" : "in " + HumanTime.of(left);
    }

    /** What makes a job fire, in one line. */
    static String times(JsonObject job) {
        return job.text("schedule")
                .or(() -> job.text("interval").map(every -> "every " + every))
                .or(() -> job.time("runAt").map(at -> "at " + utc(at)))
                .orElse("-");
    }

    /** What the execution does. */
    static String work(JsonObject job) {
        return (job.textOrEmpty("handlerType").equals("workflow") ? "dag " : "") + job.textOrEmpty("handlerName");
    }

    /** The next times of a job, as the node tells them. */
    static Table fireTimes(List<JsonObject> times, Instant now) {
        var table = Table.of("LOCAL", "OFFSET", "UTC", "WHEN", "NOTE");
        for (var time : times) {
            table.row(
                    cell(time.textOrEmpty("local").replace('T', ' ')),
                    cell(time.textOrEmpty("offset")),
                    cell(time.time("at").map(JobTexts::utc).orElse("-")),
                    cell(time.time("at").map(at -> until(at, now)).orElse("-")),
                    cell(note(time)));
        }
        return table;
    }

    private static String note(JsonObject time) {
        return switch (time.textOrEmpty("clockChange")) {
            case "skipped" ->
                "the clock leaves out " + time.textOrEmpty("meant").replace('T', ' ');
            case "repeated" -> "the clock shows it twice; fires the first time";
            default -> "";
        };
    }

    /**
     * A time as it is written on the command line: with {@code Z} or an offset, or as the clock shows it in this zone; a
     * day alone is its beginning. A usage failure that names the option where it is none of these.
     */
    static Instant time(String option, String text, ZoneId zone) {
        var written = text.strip().replace(' ', 'T');
        try {
            if (!written.contains("T")) {
                return LocalDate.parse(written).atStartOfDay(zone).toInstant();
            }
            return written.matches(".*T.*([Zz]|[+-][0-9:]+)")
                    ? OffsetDateTime.parse(written).toInstant()
                    : local(written, zone);
        } catch (DateTimeException notATime) {
            throw CommandFailure.usage(
                    option + " '" + text + "' is no time",
                    "write it like 2026-01-31T08:00:00Z, 2026-01-31T09:00+01:00, or 2026-01-31T09:00 in " + zone);
        }
    }

    private static Instant local(String written, ZoneId zone) {
        var local = LocalDateTime.parse(written);
        if (zone.getRules().getValidOffsets(local).isEmpty()) {
            throw CommandFailure.usage(
                    "the clock of " + zone + " leaves out " + local, "give the time with its offset, or in UTC");
        }
        return local.atZone(zone).toInstant();
    }

    /** The zone of a job; UTC where this program does not know it. */
    static ZoneId zone(JsonObject job) {
        try {
            return ZoneId.of(job.text("timezone").orElse("UTC"));
        } catch (DateTimeException newerThanOurs) {
            return ZoneId.of("UTC");
        }
    }
}

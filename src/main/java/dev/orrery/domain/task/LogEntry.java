package dev.orrery.domain.task;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Json;
import dev.orrery.domain.JsonSyntax;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What a handler, a remote worker or a process says at a moment of its work. It stands in the log of its attempt as the line
 *
 * <pre>{@code 2026-11-21T17:00:00.123Z INFO 3 rows read {"file":"a.csv"}}</pre>
 *
 * <p>The further lines of a message of several follow, each behind a tab; the data stands at the end of the last one.
 *
 * @param at kept to the millisecond
 * @param message whose lines are parted by line feeds
 * @param data an object in one line
 */
public record LogEntry(Instant at, LogLevel level, String message, Optional<Json> data) {

    /** What a further line of a message begins with. */
    public static final String CONTINUED = "\t";

    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSX", Locale.ROOT)
            .withZone(ZoneOffset.UTC);
    private static final Pattern HEAD = Pattern.compile(
            "(?<at>\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d{1,9})?(?:Z|[+-]\\d\\d:\\d\\d)) (?<level>[A-Z]{4,7})(?: |$)");
    private static final Instant FIRST = Instant.parse("0000-01-01T00:00:00Z");
    private static final Instant LAST = Instant.parse("9999-12-31T23:59:59.999Z");

    /** After as many places where data might begin the rest is taken for text, so that no line takes long to read. */
    private static final int PLACES_TRIED = 16;

    public LogEntry {
        require(!at.isBefore(FIRST) && !at.isAfter(LAST), "an entry is of the years 0 to 9999, was " + at);
        at = at.truncatedTo(ChronoUnit.MILLIS);
        requireNonNull(level, "level");
        message = message.lines().collect(Collectors.joining("\n"));
        data.map(Json::text)
                .ifPresent(json -> require(
                        json.startsWith("{") && json.indexOf('\n') < 0 && json.indexOf('\r') < 0,
                        "data is no object in one line"));
    }

    /** An entry without data. */
    public LogEntry(Instant at, LogLevel level, String message) {
        this(at, level, message, Optional.empty());
    }

    /** The entry as it stands in a log, without the last line feed. */
    public String text() {
        var head = TIME.format(at) + " " + level + " " + message.replace("\n", "\n" + CONTINUED);
        return data.map(json -> head + " " + json).orElse(head);
    }

    /**
     * The entry that these lines of a log are; none where the first does not begin with a time and a level.
     *
     * @param text with its further lines, if it has any, each behind a tab
     */
    public static Optional<LogEntry> parse(String text) {
        var head = HEAD.matcher(text.lines().findFirst().orElse(""));
        if (!head.lookingAt()) {
            return Optional.empty();
        }
        var at = time(head.group("at"));
        var level = LogLevel.ofLine(head.group("level"));
        var rest = text.substring(head.end()).replace("\n" + CONTINUED, "\n");
        return at.flatMap(time -> level.map(known -> entry(time, known, rest)));
    }

    private static Optional<Instant> time(String text) {
        try {
            var time = Instant.parse(text.replace(',', '.'));
            return time.isBefore(FIRST) || time.isAfter(LAST) ? Optional.empty() : Optional.of(time);
        } catch (DateTimeException notATime) {
            return Optional.empty();
        }
    }

    private static LogEntry entry(Instant at, LogLevel level, String rest) {
        var place = rest.endsWith("}") ? rest.indexOf(" {", rest.lastIndexOf('\n') + 1) : -1;
        for (var tried = 0; place >= 0 && tried < PLACES_TRIED; tried++) {
            if (JsonSyntax.isObject(rest, place + 1)) {
                var data = Optional.of(new Json(rest.substring(place + 1)));
                return new LogEntry(at, level, rest.substring(0, place), data);
            }
            place = rest.indexOf(" {", place + 1);
        }
        return new LogEntry(at, level, rest);
    }
}

package dev.orrery.cron;

import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Quoted;
import dev.orrery.domain.job.CronSchedule;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A crontab, read as cron reads it: variables that hold for the lines below them, and lines of a schedule and a command,
 * in which {@code %} ends the command and begins its standard input.
 *
 * @param entries the lines that are right, in their order
 * @param problems all that is wrong, with its line
 */
public record Crontab(List<Entry> entries, List<Problem> problems) {

    private static final String SHELL = "/bin/sh";

    /** A format of the shell's, not of Java's. */
    @SuppressWarnings("OrphanedFormatString")
    private static final String LINE_BY_LINE = "printf '%s\\n'";

    private static final int SCHEDULE_LIMIT = 100;
    private static final int NAME_LIMIT = 255;

    /** What only cron itself obeys, or sets. */
    private static final Set<String> OF_CRON =
            Set.of("MAILTO", "MAILFROM", "CONTENT_TYPE", "CONTENT_TRANSFER_ENCODING", "RANDOM_DELAY");

    private static final Pattern VARIABLE =
            Pattern.compile("(?<name>\"[^\"]*\"|'[^']*'|[A-Za-z_][A-Za-z0-9_]*)[ \\t]*=[ \\t]*(?<value>.*)");
    private static final Pattern VARIABLE_NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,254}");
    private static final Pattern NICKNAMED = Pattern.compile("(?<schedule>@\\S*)(?<rest>.*)");
    private static final Pattern FIELDS = Pattern.compile("(?<schedule>(?:\\S+[ \\t]+){4}\\S+)(?<rest>.*)");
    private static final Pattern USER = Pattern.compile("(?<user>\\S+)(?<rest>.*)");

    public Crontab {
        entries = List.copyOf(entries);
        problems = List.copyOf(problems);
    }

    /**
     * A command and when it runs.
     *
     * @param line from 1 on
     * @param title what the comment right above says
     * @param timezone what CRON_TZ says
     * @param user as whom cron runs it, where the file says so
     * @param variables what the command finds in its environment, as the file sets it
     * @param command without its standard input, and with each {@code \%} as {@code %}
     * @param input its standard input, which ends in a line break
     * @param ofCron the variables above it that only cron obeys, as they are written
     */
    public record Entry(
            int line,
            Optional<String> title,
            String schedule,
            Optional<String> timezone,
            Optional<String> user,
            Map<String, String> variables,
            String command,
            Optional<String> input,
            List<String> ofCron) {

        public Entry {
            ofCron = List.copyOf(ofCron);
        }

        /** The command for {@code /bin/sh}: by the shell that the file names, and with its standard input. */
        public String script() {
            var shell = variables.getOrDefault("SHELL", SHELL);
            if (shell.equals(SHELL) && input.isEmpty()) {
                return command;
            }
            var call = quoted(shell) + " -c " + quoted(command);
            return input.map(text -> fed(text) + " | " + call).orElse("exec " + call);
        }

        private static String fed(String text) {
            var lines = new StringBuilder(LINE_BY_LINE);
            for (var line : text.substring(0, text.length() - 1).split("\n", -1)) {
                lines.append(' ').append(quoted(line));
            }
            return lines.toString();
        }

        private static String quoted(String text) {
            return "'" + text.replace("'", "'\\''") + "'";
        }

        /** When it runs next; absent where that is not known before it has an id, as with a {@code ~}. */
        public Optional<Instant> next(Instant now, ZoneId zone) {
            return !schedule.contains("~") && CronText.read(schedule, "") instanceof CronText.Reading.Read(var times)
                    ? new CronSchedule(times, zone).next(now)
                    : Optional.empty();
        }
    }

    /** Reads a file; {@code system}: one like {@code /etc/crontab}, with a user before each command. */
    public static Crontab read(String text, boolean system) {
        var reader = new Reader(system);
        var lines = text.split("\r?\n", -1);
        for (var n = 0; n < lines.length; n++) {
            reader.read(n + 1, lines[n]);
        }
        return new Crontab(reader.entries, reader.problems);
    }

    /** Goes through the lines and remembers what holds for those below. */
    private static final class Reader {

        private final boolean system;
        private final List<Entry> entries = new ArrayList<>();
        private final List<Problem> problems = new ArrayList<>();
        private final Map<String, String> variables = new LinkedHashMap<>();
        private final Map<String, String> ofCron = new LinkedHashMap<>();
        private @Nullable String timezone;
        private Optional<String> title = Optional.empty();
        private int number;
        private int column;

        Reader(boolean system) {
            this.system = system;
        }

        void read(int line, String text) {
            number = line;
            var content = text.strip();
            column = text.indexOf(content) + 1;
            if (content.startsWith("#")) {
                title = title(content);
                return;
            }
            if (!content.isEmpty()) {
                var variable = VARIABLE.matcher(content);
                if (variable.matches()) {
                    set(variable);
                } else {
                    entry(text.stripLeading());
                }
            }
            title = Optional.empty();
        }

        /** A comment that says something; a line that was put out of action by a # says nothing. */
        private static Optional<String> title(String comment) {
            var said = comment.replaceFirst("^#+", "").strip();
            var disabled =
                    said.startsWith("@") || VARIABLE.matcher(said).matches() || said.matches("[-0-9*/,~]+[ \\t].*");
            return disabled
                            || said.length() > NAME_LIMIT
                            || !said.matches("(?U).*\\p{L}.*")
                            || said.matches(".*\\p{Cntrl}.*")
                    ? Optional.empty()
                    : Optional.of(said);
        }

        private void set(Matcher variable) {
            var name = unquoted(variable.group("name"));
            var value = variable.group("value");
            var quote = value.isEmpty() ? ' ' : value.charAt(0);
            if ((quote == '"' || quote == '\'') && (value.length() < 2 || value.charAt(value.length() - 1) != quote)) {
                complain(ProblemCode.BAD_VARIABLE, "the value of " + name + " begins with a quote that is not closed");
            } else if (!VARIABLE_NAME.matcher(name).matches()) {
                complain(ProblemCode.BAD_VARIABLE, Quoted.of(name) + " is no name of a variable");
            } else {
                set(name, unquoted(value));
            }
        }

        private void set(String name, String value) {
            if (name.equals("CRON_TZ")) {
                if (!value.isEmpty() && !ZoneId.getAvailableZoneIds().contains(value)) {
                    complain(ProblemCode.BAD_TIMEZONE, "no time zone is called " + Quoted.of(value));
                }
                timezone = value.isEmpty() ? null : value;
            } else if (OF_CRON.contains(name)) {
                ofCron.put(name, name + "=" + value);
            } else {
                variables.put(name, value);
            }
        }

        private static String unquoted(String text) {
            return text.startsWith("\"") || text.startsWith("'") ? text.substring(1, text.length() - 1) : text;
        }

        private void entry(String text) {
            var parts = (text.startsWith("@") ? NICKNAMED : FIELDS).matcher(text);
            if (!parts.matches()) {
                complain(
                        ProblemCode.BAD_CRON,
                        "this is neither NAME=VALUE nor five fields (minute hour day-of-month month day-of-week) and a command");
                return;
            }
            var schedule = parts.group("schedule").replaceAll("[ \\t]+", " ");
            var rest = parts.group("rest").stripLeading();
            var user = Optional.<String>empty();
            if (system) {
                var named = USER.matcher(rest);
                user = named.matches() ? Optional.of(named.group("user")) : user;
                rest = named.matches() ? named.group("rest").stripLeading() : "";
            }
            var wrong = wrong(schedule, rest);
            if (wrong.isPresent()) {
                complain(ProblemCode.BAD_CRON, wrong.get());
            } else {
                entries.add(entry(schedule, user, rest));
            }
        }

        private Optional<String> wrong(String schedule, String rest) {
            if (schedule.equals("@reboot")) {
                return Optional.of(
                        "@reboot is no time: let what starts the machine start it, such as a unit of systemd");
            }
            if (schedule.length() > SCHEDULE_LIMIT) {
                return Optional.of("its schedule is longer than " + SCHEDULE_LIMIT + " characters");
            }
            if (schedule.contains(";")) {
                return Optional.of("cron knows no ';' in a schedule");
            }
            if (rest.isBlank()) {
                return Optional.of(system ? "no command follows the user" : "no command follows the schedule");
            }
            return CronText.complaint(schedule);
        }

        private Entry entry(String schedule, Optional<String> user, String rest) {
            var command = new StringBuilder();
            var input = new StringBuilder();
            var target = command;
            for (var at = 0; at < rest.length(); at++) {
                var character = rest.charAt(at);
                if (character == '\\' && at + 1 < rest.length() && rest.charAt(at + 1) == '%') {
                    target.append('%');
                    at++;
                } else if (character == '%') {
                    if (target == input) {
                        input.append('\n');
                    }
                    target = input;
                } else {
                    target.append(character);
                }
            }
            var fed = input.isEmpty() || input.charAt(input.length() - 1) == '\n' ? input.toString() : input + "\n";
            return new Entry(
                    number,
                    title,
                    schedule,
                    Optional.ofNullable(timezone),
                    user,
                    new LinkedHashMap<>(variables),
                    command.toString(),
                    Optional.of(fed).filter(text -> !text.isEmpty()),
                    List.copyOf(ofCron.values()));
        }

        private void complain(ProblemCode code, String message) {
            problems.add(new Problem(code, number, column, "", message, Optional.empty()));
        }
    }
}

package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Table;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What the commands about dead letters have in common. */
final class DeadLetters {

    static final String PATH = "/api/v1/dead-letters";

    private static final int ERROR_SHOWN = 60;

    /** So many letters are counted at the most. */
    private static final int COUNTED_MAX = 100_000;

    private DeadLetters() {}

    /** Which letters. */
    static final class Filter {

        @Option(names = "--queue", paramLabel = "QUEUE", description = "Only of tasks of this queue.")
        @Nullable String queue;

        @Option(names = "--dag", paramLabel = "DAG", description = "Only of tasks of the DAG of this name.")
        @Nullable String dag;

        @Option(names = "--job", paramLabel = "JOB", description = "Only of executions of the job of this name.")
        @Nullable String job;

        @Option(names = "--name", paramLabel = "NAME", description = "Only of tasks of this name, or id in a DAG.")
        @Nullable String name;

        @Option(names = "--handler", paramLabel = "NAME", description = "Only of tasks that this handler does.")
        @Nullable String handler;

        @Option(
                names = "--outcome",
                paramLabel = "OUTCOME",
                description = "Only failed, timed_out, lost or succeeded ones.")
        @Nullable String outcome;

        @Option(names = "--fingerprint", paramLabel = "TEXT", description = "Only of tasks that failed alike.")
        @Nullable String fingerprint;

        @Option(names = "--from", paramLabel = "TIME", description = "Written then or later.")
        @Nullable String from;

        @Option(names = "--to", paramLabel = "TIME", description = "Written before.")
        @Nullable String to;

        /** What is given of it, by the names that the API has. */
        Map<String, @Nullable Object> given() {
            var all = new LinkedHashMap<String, @Nullable Object>();
            all.put("queue", queue);
            all.put("dag", dag);
            all.put("job", job);
            all.put("name", name);
            all.put("handler", handler);
            all.put("outcome", outcome);
            all.put("fingerprint", fingerprint);
            all.put("from", time("--from", from));
            all.put("to", time("--to", to));
            all.values().removeIf(value -> value == null);
            return all;
        }

        String query() {
            return given().entrySet().stream()
                    .map(each -> "&" + each.getKey() + "=" + ApiClient.encode(String.valueOf(each.getValue())))
                    .collect(Collectors.joining());
        }
    }

    static @Nullable Object time(String option, @Nullable String value) {
        return value == null ? null : JobTexts.time(option, value, ZoneOffset.UTC);
    }

    /** The path of the letter of this id; a usage failure where it is none. */
    static String path(String id) {
        return PATH + "/" + checked(id);
    }

    static String checked(String id) {
        if (!Dags.UUID_FORM.matcher(id).matches()) {
            throw CommandFailure.usage("'" + id + "' is no id of a dead letter", "'dead-letter list' tells them");
        }
        return id.toLowerCase(Locale.ROOT);
    }

    /** Posts this; what is wrong with it is told by the names of its fields, of which the options are the last parts. */
    static ApiClient.Answer post(ApiClient client, String path, Map<String, @Nullable Object> body) {
        try {
            return client.post(path, JsonObject.of(body));
        } catch (CommandFailure refused) {
            throw refused.byPaths();
        }
    }

    /** How many letters, as a field tells it; of very many only the first are counted. */
    static String counted(JsonObject answer, String field) {
        var count = answer.integer(field);
        return (count >= COUNTED_MAX ? count + " or more" : count) + (count == 1 ? " letter" : " letters");
    }

    /** A usage failure where it is neither said by ids alone nor by {@code --all} which letters are meant. */
    static void requireSaid(boolean all, List<String> letters, Filter filter) {
        if (all != letters.isEmpty() || (!all && !filter.given().isEmpty())) {
            throw CommandFailure.usage(
                    "it is not said which letters", "give ids alone, or --all with options for searching");
        }
    }

    /** Puts into a request for many letters which ones are meant. */
    static void putWhich(Map<String, @Nullable Object> body, boolean all, List<String> letters, Filter filter) {
        if (all) {
            body.put("filter", JsonObject.of(filter.given()));
        } else {
            body.put("ids", letters.stream().map(DeadLetters::checked).toList());
        }
    }

    /** Tells what came of asking: of one letter, or of many, of which it may be tried only what {@code would} be done. */
    static void told(ServerAction command, ApiClient.Answer answer, boolean isOne, Optional<String> would) {
        var terminal = command.terminal();
        if (command.isJson()) {
            terminal.line(answer.body());
        } else if (isOne) {
            terminal.line("the letter is " + answer.object().textOrEmpty("state"));
        } else if (would.isPresent()) {
            terminal.line(counted(answer.object(), "count") + " would be " + would.get());
        } else {
            var asked = answer.object();
            var id = asked.textOrEmpty("id");
            var of = asked.value("expected") == null ? "" : " of " + counted(asked, "expected");
            terminal.line(asked.textOrEmpty("action") + " " + id + of + " has begun");
            terminal.remark("see how far it has come with: " + command.commandLine("dead-letter redrives " + id));
        }
    }

    static Table table(List<JsonObject> letters, Instant now) {
        var table = Table.of("LETTER", "WRITTEN", "OUTCOME", "REDRIVES#", "QUEUE", "NAME", "ERROR");
        for (var letter : letters) {
            table.row(
                    cell(letter.textOrEmpty("id")),
                    cell(letter.time("createdAt")
                            .map(at -> HumanTime.ago(at, now))
                            .orElse("-")),
                    cell(letter.textOrEmpty("outcome")),
                    cell(Integer.toString(letter.integer("redrives"))),
                    cell(letter.textOrEmpty("queue")),
                    cell(where(letter)),
                    cell(error(letter)));
        }
        return table;
    }

    /** The task's name, behind that of its DAG or job. */
    static String where(JsonObject letter) {
        var before = letter.text("dag").or(() -> letter.text("job"));
        return before.map(name -> name + "/").orElse("") + letter.textOrEmpty("name");
    }

    /** The beginning of the first line. */
    static String error(JsonObject letter) {
        var first = letter.textOrEmpty("error").lines().findFirst().orElse("-");
        return first.length() > ERROR_SHOWN ? first.substring(0, ERROR_SHOWN) + "…" : first;
    }
}

package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.Table;
import dev.orrery.cli.text.TextWidth;
import dev.orrery.cron.Crontab;
import dev.orrery.cron.Crontab.Entry;
import dev.orrery.domain.ErrorCode;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes jobs of the lines of a crontab. */
@Command(
        name = "crontab",
        description = {
            "Make a job of each line of a crontab, with the tag crontab. It runs as under cron: at the same times, beside the run "
                    + "before, without retries, and what nobody could start in time is left out.",
            "All lines are checked before the first job is made. The same file imported again within a day makes nothing twice."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  crontab -l | orrery job import crontab - --dry-run",
            "  orrery job import crontab my.crontab --timezone Europe/Berlin",
            "  orrery job import crontab /etc/crontab --system --output json | jq -r '.[].id'"
        })
final class JobImportCrontabCommand extends ServerAction {

    private static final String TAG = "crontab";
    private static final int FILE_LIMIT = 1 << 20;
    private static final int PAGES_MAX = 20;
    private static final int DELETED_MAX = 20;
    private static final long LONGEST_TIMEOUT_MS = 2_592_000_000L;

    @Parameters(paramLabel = "FILE", description = "The crontab; '-' is standard input.")
    String file = "";

    @Option(names = "--dry-run", description = "Only show what would be made, and what is not carried over.")
    boolean dryRun;

    @Option(names = "--system", description = "A file like /etc/crontab: a user stands before each command.")
    boolean system;

    @Option(
            names = "--timezone",
            paramLabel = "ZONE",
            description = "Whose clock is meant where no CRON_TZ stands above (default: that of this machine).")
    @Nullable String timezone;

    JobImportCrontabCommand(Context context) {
        super(context);
    }

    /** A job that is to be made, and what of its line it does not have. */
    private record Plan(Entry entry, String name, String zone, List<String> lost, JsonObject body) {}

    @Override
    public Integer call() {
        var text = text();
        var crontab = Crontab.read(text, system);
        if (!crontab.problems().isEmpty()) {
            var count = crontab.problems().size();
            throw CommandFailure.invalid(
                            InputFiles.shown(file) + " has " + count + (count == 1 ? " line" : " lines")
                                    + " that no job can be made of; none was made",
                            "mend them or put a # before them, and import again")
                    .withProblems(crontab.problems());
        }
        var plans = plans(crontab, zone());
        if (dryRun) {
            showPlans(plans);
        } else {
            make(plans, text);
        }
        return ExitCode.OK.code();
    }

    private String text() {
        var bytes = new InputFiles(context).read(file);
        var text = new String(bytes, UTF_8);
        if (bytes.length > FILE_LIMIT || text.indexOf('\uFFFD') >= 0 || text.indexOf(0) >= 0) {
            throw CommandFailure.invalid(
                    InputFiles.shown(file) + " is no text in UTF-8 of at most 1 MiB", "is it a crontab?");
        }
        return text;
    }

    private String zone() {
        var zone = timezone == null ? ZoneId.systemDefault().getId() : timezone;
        if (!ZoneId.getAvailableZoneIds().contains(zone)) {
            throw CommandFailure.usage(
                    "no time zone is called '" + zone + "'", "give one like --timezone Europe/Berlin");
        }
        return zone;
    }

    private List<Plan> plans(Crontab crontab, String zone) {
        var plans = new ArrayList<Plan>();
        var names = new HashSet<String>();
        for (var entry : crontab.entries()) {
            var name = entry.title().filter(names::add).orElseGet(() -> ownName(entry));
            var its = entry.timezone().orElse(zone);
            plans.add(new Plan(entry, name, its, lost(entry), body(entry, name, its)));
        }
        return plans;
    }

    private String ownName(Entry entry) {
        var path = Path.of(file).getFileName();
        var shortened = file.equals(InputFiles.STANDARD_INPUT) || path == null ? "stdin" : path.toString();
        var end = ":" + entry.line();
        var name = TextWidth.clean(shortened);
        return "crontab:" + name.substring(0, Math.min(name.length(), 200)) + end;
    }

    private static List<String> lost(Entry entry) {
        var lost = new ArrayList<>(entry.ofCron());
        entry.user().ifPresent(user -> lost.add("the user " + user + ": it runs as the user of the node"));
        return lost;
    }

    private static JsonObject body(Entry entry, String name, String zone) {
        var payload = new LinkedHashMap<String, Object>();
        payload.put("command", entry.script());
        if (!entry.variables().isEmpty()) {
            payload.put("env", JsonObject.of(entry.variables()));
        }
        Optional.ofNullable(entry.variables().get("HOME"))
                .filter(home -> !home.isBlank())
                .ifPresent(home -> payload.put("workingDirectory", home));
        var body = new LinkedHashMap<String, Object>();
        body.put("name", name);
        body.put("type", "cron");
        body.put("schedule", entry.schedule());
        body.put("timezone", zone);
        body.put("handlerName", "shell");
        body.put("payload", JsonObject.of(payload));
        body.put("maxRetries", 0);
        body.put("timeoutMs", LONGEST_TIMEOUT_MS);
        body.put("misfire", "skip");
        body.put("overlap", "allow");
        body.put("tags", List.of(TAG));
        return JsonObject.of(body);
    }

    private void showPlans(List<Plan> plans) {
        if (isJson()) {
            terminal().line(JsonObject.write(plans.stream().map(this::shown).toList()));
            return;
        }
        var table = Table.of("LINE#", "TIMES", "NEXT", "NAME", "COMMAND");
        for (var plan : plans) {
            table.row(
                    cell(Integer.toString(plan.entry.line())),
                    cell(plan.entry.schedule()),
                    cell(next(plan).orElse("-")),
                    cell(plan.name),
                    cell(plan.entry.command()));
        }
        if (plans.isEmpty()) {
            nothing();
            return;
        }
        terminal().table(table);
        plans.forEach(this::showLost);
        remarks(plans);
        terminal().remark("nothing was made: this was a dry run");
    }

    private JsonObject shown(Plan plan) {
        return plan.body
                .with("line", plan.entry.line())
                .with("next", next(plan).orElse(null))
                .with("notCarriedOver", plan.lost);
    }

    private Optional<String> next(Plan plan) {
        return plan.entry.next(context.clock().instant(), ZoneId.of(plan.zone)).map(JobTexts::utc);
    }

    private void showLost(Plan plan) {
        plan.lost.forEach(
                lost -> terminal().line("line " + plan.entry.line() + ": not carried over: " + TextWidth.clean(lost)));
        plan.entry
                .input()
                .ifPresent(_ -> terminal()
                        .line("line " + plan.entry.line()
                                + ": what follows the % is given to the command on its standard input"));
    }

    private void nothing() {
        terminal().line("no line with a schedule in " + TextWidth.clean(InputFiles.shown(file)));
    }

    private void remarks(List<Plan> plans) {
        if (plans.stream().anyMatch(plan -> plan.entry.timezone().isEmpty())) {
            terminal()
                    .remark("where no CRON_TZ says otherwise, times are those of " + zone()
                            + "; --timezone changes that");
        }
        if (plans.stream().anyMatch(plan -> !plan.entry.variables().containsKey("HOME"))) {
            terminal()
                    .remark(
                            "without a line HOME=FOLDER above it a command starts in a new, empty folder, not in the user's home");
        }
    }

    private void make(List<Plan> plans, String text) {
        if (plans.isEmpty() && !isJson()) {
            nothing();
            return;
        }
        var client = client();
        var known = known(client);
        var made = new ArrayList<JsonObject>();
        for (var plan : plans) {
            try {
                made.add(make(client, plan, text, known));
            } catch (CommandFailure refused) {
                terminal()
                        .remark("line " + plan.entry.line() + " could not be imported; " + made.size() + " of "
                                + plans.size()
                                + " were before it, and are not made twice when the file is imported again");
                throw refused;
            }
        }
        if (isJson()) {
            terminal().line(JsonObject.write(made));
        } else {
            show(plans, made);
        }
    }

    /** The jobs that came from crontabs before. */
    private static Set<String> known(ApiClient client) {
        var known = new HashSet<String>();
        var cursor = Optional.of("");
        for (var page = 0; page < PAGES_MAX && cursor.isPresent(); page++) {
            var from = cursor.get();
            var answer = client.get(Jobs.PATH + "?tag=" + TAG + "&limit=500"
                            + (from.isEmpty() ? "" : "&cursor=" + ApiClient.encode(from)))
                    .object();
            answer.objects("items").forEach(job -> known.add(job.textOrEmpty("id")));
            cursor = answer.text("nextCursor");
        }
        return known;
    }

    /**
     * The job of this line. A key that names file and line makes a node answer a repeated import with the job it made at
     * first; where that was deleted since, there is a next key.
     */
    private static JsonObject make(ApiClient client, Plan plan, String text, Set<String> known) {
        for (var deleted = 0; deleted < DELETED_MAX; deleted++) {
            var key = key(text, Integer.toString(plan.entry.line()), plan.body.toString(), Integer.toString(deleted));
            var job = post(client, plan, key);
            var next = job.flatMap(made -> next(client, made));
            if (job.isPresent() && next.isPresent()) {
                var id = job.get().textOrEmpty("id");
                return job.get()
                        .with("line", plan.entry.line())
                        .with("result", known.contains(id) ? "unchanged" : "created")
                        .with("nextRun", next.get().text("at").orElse(null));
            }
        }
        throw CommandFailure.other(
                "the job of line " + plan.entry.line() + " was imported and deleted " + DELETED_MAX + " times today",
                Optional.of("change the file, by a comment say"));
    }

    /** The job that was made under this key; absent where it is no more. */
    private static Optional<JsonObject> post(ApiClient client, Plan plan, String key) {
        try {
            return Optional.of(client.post(Jobs.PATH, plan.body, key).object());
        } catch (CommandFailure failure) {
            if (failure.code() == ErrorCode.JOB_NOT_FOUND) {
                return Optional.empty();
            }
            throw failure;
        }
    }

    /** Its next time, an object without one where there is none; absent where the job is no more. */
    private static Optional<JsonObject> next(ApiClient client, JsonObject job) {
        try {
            return Optional.of(client.get(Jobs.path(job) + "/next?count=1").list().stream()
                    .findFirst()
                    .orElseGet(() -> JsonObject.of(Map.of())));
        } catch (CommandFailure failure) {
            if (failure.exitCode() == ExitCode.NOT_FOUND) {
                return Optional.empty();
            }
            throw failure;
        }
    }

    private static String key(String... parts) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            for (var part : parts) {
                digest.update(part.getBytes(UTF_8));
                digest.update((byte) 0);
            }
            return "crontab-" + HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException everyJavaHasIt) {
            throw new AssertionError(everyJavaHasIt);
        }
    }

    private void show(List<Plan> plans, List<JsonObject> made) {
        var table = Table.of("LINE#", "RESULT", "NEXT", "ID", "NAME");
        for (var job : made) {
            table.row(
                    cell(Integer.toString(job.integer("line"))),
                    cell(job.textOrEmpty("result")),
                    cell(job.time("nextRun").map(JobTexts::utc).orElse("-")),
                    cell(job.textOrEmpty("id")),
                    cell(job.textOrEmpty("name")));
        }
        terminal().table(table);
        plans.forEach(this::showLost);
        remarks(plans);
        terminal().remark("cron runs them too, until you take them out of its file");
    }
}

package dev.orrery.cli.command;

import static dev.orrery.cli.command.WorkOptions.put;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.ShellWord;
import dev.orrery.cli.text.TextWidth;
import java.time.DateTimeException;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Registers a job. */
@Command(
        name = "create",
        description = {
            "Register a job: say when it fires (--cron, --at or --every), and what it does (--shell, --http, --function, --agent or --dag).",
            "With --start, --until or --times it fires within these limits."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery job create --name morning-report --cron '30 6 * * MON-FRI' \\",
            "      --timezone Europe/Berlin --dag report",
            "  orrery job create --name probe --every 90s --times 10 --shell './probe.sh'",
            "  orrery job create --name remind --at 2026-12-24T18:00Z \\",
            "      --http https://example.org/remind --method POST"
        })
final class JobCreateCommand extends ServerAction {

    private static final int TIMES_SHOWN = 3;

    private static final Map<String, String> OPTIONS = Map.of(
            "schedule", "--cron",
            "interval", "--every",
            "runAt", "--at",
            "timezone", "--timezone",
            "startAt", "--start",
            "endAt", "--until",
            "maxExecutions", "--times",
            "excludedDates", "--exclude");

    @Option(names = "--name", paramLabel = "NAME", required = true, order = 1, description = "What to call it.")
    String name = "";

    @Option(
            names = "--cron",
            paramLabel = "TEXT",
            order = 2,
            description = "When, as a cron text of 5 or 6 fields, or a name such as @daily.")
    @Nullable String cron;

    @Option(
            names = "--at",
            paramLabel = "TIME",
            order = 3,
            description = "Once, then: with an offset or Z, or as the clock of --timezone shows it.")
    @Nullable String at;

    @Option(
            names = "--every",
            paramLabel = "DURATION",
            order = 4,
            description = "Every so often, such as 90s or 1h30m.")
    @Nullable String every;

    @Option(
            names = "--timezone",
            paramLabel = "ZONE",
            order = 5,
            description = "Whose clock is meant, such as Europe/Berlin (default: UTC).")
    @Nullable String timezone;

    @Option(names = "--start", paramLabel = "TIME", order = 6, description = "It does not fire before.")
    @Nullable String start;

    @Option(names = "--until", paramLabel = "TIME", order = 7, description = "It does not fire after.")
    @Nullable String until;

    @Option(names = "--times", paramLabel = "N", order = 8, description = "How often it fires by itself at most.")
    @Nullable Integer times;

    @Option(
            names = "--exclude",
            paramLabel = "DATE",
            order = 9,
            description = "A day on which it does not fire; may be repeated.")
    List<String> exclude = List.of();

    @Mixin
    WorkOptions work = new WorkOptions();

    @Option(
            names = "--payload",
            paramLabel = "JSON",
            order = 30,
            description =
                    "A JSON object, or @FILE that holds it: the handler's input, the DAG's params, more fields of the command or request.")
    @Nullable String payload;

    @Option(
            names = "--misfire",
            paramLabel = "POLICY",
            order = 50,
            description =
                    "What becomes of times that nobody could keep: ${COMPLETION-CANDIDATES} (default: fire_once).")
    @Nullable MisfireName misfire;

    @Option(
            names = "--overlap",
            paramLabel = "POLICY",
            order = 51,
            description =
                    "What becomes of a time while the execution before still runs: ${COMPLETION-CANDIDATES} (default: skip).")
    @Nullable OverlapName overlap;

    /** What becomes of times that passed. */
    enum MisfireName {
        fire_once,
        fire_all,
        skip
    }

    /** What becomes of times that meet an execution. */
    enum OverlapName {
        allow,
        skip,
        queue_one,
        cancel_previous
    }

    JobCreateCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        WorkOptions.one("a job", "when it fires", "--cron, --at or --every", cron, at, every);
        work.check("a job");
        var given = payload == null ? null : JsonOption.read(context, "--payload", payload);
        var body = work.work(timing(JsonObject.of(Map.of("name", name))), given);
        body = put(put(body, "misfire", misfire), "overlap", overlap);
        body = work.limits(context, body);
        var client = client();
        var answer = register(client, body);
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            show(client, answer.object());
        }
        return ExitCode.OK.code();
    }

    private JsonObject timing(JsonObject body) {
        var limited = start != null || until != null || times != null;
        var type = at != null ? "one_time" : every != null || limited ? "recurring" : "cron";
        var zone = zone();
        var timed = put(body.with("type", type), "schedule", cron);
        timed = put(timed, "interval", every);
        timed = put(timed, "timezone", timezone);
        timed = put(timed, "runAt", at == null ? null : JobTexts.time("--at", at, zone));
        timed = put(timed, "startAt", start == null ? null : JobTexts.time("--start", start, zone));
        timed = put(timed, "endAt", until == null ? null : JobTexts.time("--until", until, zone));
        timed = put(timed, "maxExecutions", times);
        return exclude.isEmpty() ? timed : timed.with("excludedDates", exclude);
    }

    /** Where the zone is none the node says so; until then any will do. */
    private ZoneId zone() {
        try {
            return ZoneId.of(timezone == null ? "UTC" : timezone);
        } catch (DateTimeException unknown) {
            return ZoneId.of("UTC");
        }
    }

    private ApiClient.Answer register(ApiClient client, JsonObject body) {
        try {
            return client.post(Jobs.PATH, body);
        } catch (CommandFailure refused) {
            throw work.byOptions(refused, OPTIONS);
        }
    }

    private void show(ApiClient client, JsonObject made) {
        terminal()
                .line(terminal().style().succeededMark() + " registered " + TextWidth.clean(made.textOrEmpty("name"))
                        + ": job " + made.textOrEmpty("id"));
        var next = client.get(Jobs.path(made) + "/next?count=" + TIMES_SHOWN).list();
        if (!next.isEmpty()) {
            terminal().table(JobTexts.fireTimes(next, context.clock().instant()));
        }
        terminal().remark("what it did: " + commandLine("job history " + ShellWord.of(made.textOrEmpty("id"))));
    }
}

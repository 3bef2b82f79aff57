package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.StateColours;
import dev.orrery.cli.text.Table;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists jobs. */
@Command(
        name = "list",
        description = "List jobs, newest first: those of which all that is given is true.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery job list",
            "  orrery job list --status active --tag billing",
            "  orrery job list --text report --output json | jq -r '.items[].id'"
        })
final class JobListCommand extends ServerAction {

    @Option(names = "--status", paramLabel = "STATUS", description = "In this status: ${COMPLETION-CANDIDATES}.")
    @Nullable StatusName status;

    @Option(names = "--type", paramLabel = "TYPE", description = "Of this type: ${COMPLETION-CANDIDATES}.")
    @Nullable TypeName type;

    @Option(names = "--tag", paramLabel = "TAG", description = "With this tag.")
    @Nullable String tag;

    @Option(names = "--handler", paramLabel = "NAME", description = "That call this function or start this DAG.")
    @Nullable String handler;

    @Option(
            names = "--text",
            paramLabel = "TEXT",
            description = "Whose name contains this, in small or capital letters.")
    @Nullable String text;

    @Option(
            names = "--sort",
            paramLabel = "ORDER",
            description =
                    "The order: ${COMPLETION-CANDIDATES}; by nextRun only those that fire by themselves (default: newest first).")
    @Nullable SortName sort;

    @Option(names = "--limit", paramLabel = "N", description = "How many at most, 1 to 500 (default: 50).")
    int limit = 50;

    @Option(names = "--cursor", paramLabel = "CURSOR", description = "Where the list goes on, as it told at its end.")
    @Nullable String cursor;

    /** What may have become of a job. */
    enum StatusName {
        pending,
        active,
        paused,
        completed,
        failed,
        cancelled
    }

    /** In which order jobs are listed. */
    enum SortName {
        createdAt,
        name,
        nextRun
    }

    /** What makes a job fire. */
    enum TypeName {
        cron,
        one_time,
        recurring,
        event
    }

    JobListCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = client().get(Jobs.PATH + "?limit=" + limit + query());
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            show(answer.object());
        }
        return ExitCode.OK.code();
    }

    private String query() {
        return part("status", status)
                + part("type", type)
                + part("tag", tag)
                + part("handler", handler)
                + part("text", text)
                + part("sort", sort)
                + part("cursor", cursor);
    }

    static String part(String name, @Nullable Object value) {
        return value == null ? "" : "&" + name + "=" + ApiClient.encode(value.toString());
    }

    private void show(JsonObject page) {
        var jobs = page.objects("items");
        if (jobs.isEmpty()) {
            terminal()
                    .line("no jobs"
                            + (query().isEmpty()
                                    ? "; register one with: " + commandLine("job create --help")
                                    : " like that"));
            return;
        }
        terminal().table(table(jobs));
        page.text("nextCursor").ifPresent(next -> terminal().remark("there are more: --cursor " + next));
    }

    private Table table(List<JsonObject> jobs) {
        var table = Table.of("NAME", "STATUS", "TIMES", "NEXT", "DID#", "FAILED#", "ID", "DOES");
        var now = context.clock().instant();
        for (var job : jobs) {
            var state = job.textOrEmpty("status");
            table.row(
                    cell(job.textOrEmpty("name")),
                    cell(state, StateColours.of(state)),
                    cell(JobTexts.times(job)),
                    cell(job.time("nextRun").map(at -> JobTexts.until(at, now)).orElse("-")),
                    cell(Long.toString(job.number("executionsCount"))),
                    cell(Long.toString(job.number("failureCount"))),
                    cell(job.textOrEmpty("id")),
                    cell(JobTexts.work(job)));
        }
        return table;
    }
}

package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists single tasks. */
@Command(
        name = "list",
        description = "List single tasks, newest first, or by deadline.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery task list --state blocked",
            "  orrery task list --created-by shop --tag images --limit 100",
            "  orrery task list --state ready --deadline-before 2026-12-24T18:00Z",
            "  orrery task list --state failed --output json | jq -r '.items[].id'"
        })
final class TaskListCommand extends ServerAction {

    /** Where few are found among many, the node answers part by part. */
    private static final int PARTS_MAX = 200;

    @Option(
            names = "--state",
            paramLabel = "STATE",
            description = "Only tasks in this state: ${COMPLETION-CANDIDATES}.")
    @Nullable StateName state;

    @Option(names = "--queue", paramLabel = "QUEUE", description = "Only tasks of this queue.")
    @Nullable String queue;

    @Option(names = "--type", paramLabel = "TYPE", description = "Only shell, http, python, handler or agent tasks.")
    @Nullable String type;

    @Option(names = "--source", paramLabel = "SOURCE", description = "Only tasks that come from there.")
    @Nullable String source;

    @Option(names = "--created-by", paramLabel = "TEXT", description = "Only tasks that were asked for by this one.")
    @Nullable String createdBy;

    @Option(names = "--session", paramLabel = "TEXT", description = "Only tasks of this session.")
    @Nullable String session;

    @Option(names = "--parent", paramLabel = "TASK", description = "Only the children of this task.")
    @Nullable String parent;

    @Option(names = "--tag", paramLabel = "TAG", description = "Only tasks with this tag.")
    @Nullable String tag;

    @Option(names = "--from", paramLabel = "TIME", description = "Submitted then or later.")
    @Nullable String from;

    @Option(names = "--to", paramLabel = "TIME", description = "Submitted before.")
    @Nullable String to;

    @Option(
            names = "--deadline-after",
            paramLabel = "TIME",
            description = "With a deadline then or later; the earliest comes first.")
    @Nullable String deadlineAfter;

    @Option(
            names = "--deadline-before",
            paramLabel = "TIME",
            description = "With a deadline before; the earliest comes first.")
    @Nullable String deadlineBefore;

    @Option(names = "--limit", paramLabel = "N", description = "How many at most, 1 to 500 (default: 20).")
    int limit = 20;

    @Option(names = "--cursor", paramLabel = "CURSOR", description = "Where to go on.")
    @Nullable String cursor;

    /** The states of a task as they are written. */
    enum StateName {
        pending,
        blocked,
        ready,
        running,
        completed,
        failed,
        cancelled
    }

    TaskListCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var client = client();
        var found = new ArrayList<JsonObject>();
        var next = Optional.ofNullable(cursor);
        for (var part = 0; part < PARTS_MAX; part++) {
            var page = client.get(path(limit - found.size(), next)).object();
            found.addAll(page.objects("items"));
            next = page.text("nextCursor");
            if (next.isEmpty() || found.size() >= limit) {
                break;
            }
        }
        show(found, next);
        return ExitCode.OK.code();
    }

    private String path(int rest, Optional<String> next) {
        var filters = new LinkedHashMap<String, @Nullable Object>();
        filters.put("state", state);
        filters.put("queue", queue);
        filters.put("type", type);
        filters.put("source", source);
        filters.put("createdBy", createdBy);
        filters.put("sessionId", session);
        filters.put("parentTaskId", parent);
        filters.put("tag", tag);
        filters.put("from", time("--from", from));
        filters.put("to", time("--to", to));
        filters.put("deadlineAfter", time("--deadline-after", deadlineAfter));
        filters.put("deadlineBefore", time("--deadline-before", deadlineBefore));
        var path = new StringBuilder(Tasks.PATH + "?limit=" + rest);
        filters.forEach((name, value) -> {
            if (value != null) {
                path.append('&').append(name).append('=').append(ApiClient.encode(value.toString()));
            }
        });
        next.ifPresent(at -> path.append("&cursor=").append(ApiClient.encode(at)));
        return path.toString();
    }

    private static @Nullable Object time(String option, @Nullable String value) {
        return value == null ? null : JobTexts.time(option, value, ZoneOffset.UTC);
    }

    private void show(List<JsonObject> found, Optional<String> next) {
        if (isJson()) {
            var page = new LinkedHashMap<String, @Nullable Object>(Map.of("items", found));
            page.put("nextCursor", next.orElse(null));
            terminal().line(JsonObject.of(page).toString());
            return;
        }
        if (found.isEmpty()) {
            terminal().line("no tasks like that");
        } else {
            terminal().table(Tasks.table(found, context.clock().instant()));
        }
        next.ifPresent(at -> terminal().remark("there may be more: --cursor " + at));
    }
}

package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Table;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists who changed what. */
@Command(
        name = "list",
        description = "List who changed what through the API, newest first.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery audit list",
            "  orrery audit list --kind queue --resource default",
            "  orrery audit list --actor ada --from 2026-01-31T08:00Z",
            "  orrery audit list --operation updateJob --output json | jq '.items[] | {before, after}'"
        })
final class AuditListCommand extends ServerAction {

    @Option(
            names = "--actor",
            paramLabel = "ACTOR",
            description =
                    "Only by this one: token, anonymous, task:ID, webhook:NAME, role:NAME, or a name that was given.")
    String actor = "";

    @Option(
            names = "--operation",
            paramLabel = "ID",
            description = "Only this operation of the API, such as pauseQueue.")
    String operation = "";

    @Option(names = "--kind", paramLabel = "KIND", description = "Only of things of this kind, such as queue or dag.")
    String kind = "";

    @Option(names = "--resource", paramLabel = "ID", description = "Only of what has this id or name.")
    String resource = "";

    @Option(
            names = "--of-tenant",
            paramLabel = "NAME",
            description = "Only what was changed of this tenant; the tenant default sees all.")
    String ofTenant = "";

    @Option(names = "--from", paramLabel = "TIME", description = "Only from this time on.")
    String from = "";

    @Option(names = "--to", paramLabel = "TIME", description = "Only before this time.")
    String to = "";

    @Option(names = "--limit", paramLabel = "N", description = "How many at most, 1 to 500 (default: 100).")
    int limit = 100;

    @Option(names = "--cursor", paramLabel = "ID", description = "The entry behind which the list begins.")
    String cursor = "";

    AuditListCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = client().get("/api/v1/audit?limit=" + limit + query());
        if (isJson()) {
            terminal().line(answer.body());
            return ExitCode.OK.code();
        }
        var entries = answer.object().objects("items");
        if (entries.isEmpty()) {
            terminal().line("nothing like that was changed");
        } else {
            terminal().table(table(entries, context.clock().instant()));
        }
        answer.object().text("nextCursor").ifPresent(next -> terminal().remark("there are more: --cursor " + next));
        return ExitCode.OK.code();
    }

    private String query() {
        var given = new LinkedHashMap<String, String>();
        given.put("actor", actor);
        given.put("operation", operation);
        given.put("kind", kind);
        given.put("resource", resource);
        given.put("tenant", ofTenant);
        given.put("from", time("--from", from));
        given.put("to", time("--to", to));
        given.put("cursor", cursor);
        return given.entrySet().stream()
                .filter(entry -> !entry.getValue().isEmpty())
                .map(AuditListCommand::parameter)
                .collect(Collectors.joining());
    }

    private static String time(String option, String value) {
        return value.isEmpty() ? "" : String.valueOf(DeadLetters.time(option, value));
    }

    private static String parameter(Map.Entry<String, String> given) {
        return "&" + given.getKey() + "=" + ApiClient.encode(given.getValue());
    }

    private static Table table(List<JsonObject> entries, Instant now) {
        var table = Table.of("ENTRY", "WHEN", "TENANT", "ACTOR", "OPERATION", "KIND", "RESOURCE", "REQUESTS#");
        for (var entry : entries) {
            table.row(
                    cell(entry.textOrEmpty("id")),
                    cell(entry.time("at").map(at -> HumanTime.ago(at, now)).orElse("-")),
                    cell(entry.textOrEmpty("tenant")),
                    cell(entry.textOrEmpty("actor")
                            + entry.text("actorName")
                                    .map(name -> " (" + name + ")")
                                    .orElse("")),
                    cell(entry.textOrEmpty("operation")),
                    cell(entry.textOrEmpty("kind")),
                    cell(entry.text("resource").orElse("-")),
                    cell(Integer.toString(entry.integer("requests"))));
        }
        return table;
    }
}

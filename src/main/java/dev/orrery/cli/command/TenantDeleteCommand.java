package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Deletes a tenant. */
@Command(
        name = "delete",
        description = "Delete a tenant with all it has: DAGs, runs, jobs, executions and logs. What runs is cancelled.",
        footer = {ServerAction.EXAMPLES, "  orrery tenant delete acme --yes"})
final class TenantDeleteCommand extends ServerAction {

    @Parameters(paramLabel = "NAME", description = "The tenant's name.")
    String name = "";

    @Option(names = "--yes", description = "It is meant: nothing brings back what a tenant had.")
    boolean isMeant;

    TenantDeleteCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        if (!isMeant) {
            throw CommandFailure.usage(
                    "this deletes all that the tenant '" + name + "' has, for good",
                    "say '" + commandLine("tenant delete " + name + " --yes") + "' if that is meant");
        }
        client().delete("/api/v1/tenants/" + ApiClient.encode(name));
        terminal().line(isJson() ? JsonObject.of(Map.of("name", name)).toString() : "deleted " + name);
        return ExitCode.OK.code();
    }
}

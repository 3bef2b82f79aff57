package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.domain.Problem;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Makes a tenant. */
@Command(
        name = "create",
        description = "Make a tenant. Commands are about it with --tenant NAME or $ORRERY_TENANT.",
        footer = {ServerAction.EXAMPLES, "  orrery tenant create acme"})
final class TenantCreateCommand extends ServerAction {

    @Parameters(
            paramLabel = "NAME",
            description = "1 to 64 letters, digits, dots, dashes and underscores, the first a letter or digit.")
    String name = "";

    TenantCreateCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = created();
        terminal().line(isJson() ? answer.body() : "created " + answer.object().textOrEmpty("name"));
        return ExitCode.OK.code();
    }

    /** The body is made here: who typed the name knows of no line and column in it. */
    private ApiClient.Answer created() {
        try {
            return client().post("/api/v1/tenants", JsonObject.of(Map.of("name", name)));
        } catch (CommandFailure refused) {
            throw refused.withProblems(refused.problems().stream()
                    .map(problem -> new Problem(problem.code(), 0, 0, "NAME", problem.message(), problem.help()))
                    .toList());
        }
    }
}

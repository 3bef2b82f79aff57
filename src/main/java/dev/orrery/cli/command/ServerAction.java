package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ServerAddress;
import dev.orrery.cli.text.ShellWord;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.audit.Actor;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What all commands have in common that ask a node. */
abstract class ServerAction extends Action {

    static final String EXAMPLES = "%nExamples:";

    private static final Pattern ACTOR = Pattern.compile("[!-~](?:[ -~]{0," + (Actor.NAME_MAX - 2) + "}[!-~])?");
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(30);

    @Option(
            names = "--server",
            paramLabel = "URL",
            order = 900,
            description = "The node to ask; else $ORRERY_SERVER, else $ORRERY_API (which tasks are given), else "
                    + ServerAddress.DEFAULT + ".")
    @Nullable String server;

    @Option(
            names = "--token",
            paramLabel = "TOKEN",
            order = 901,
            description =
                    "The node's http.token; better in $ORRERY_TOKEN, where no process list shows it. Tasks are given one of their own there.")
    @Nullable String token;

    @Option(
            names = "--tenant",
            paramLabel = "NAME",
            order = 902,
            description = "Whose data it is about; else $ORRERY_TENANT, else default.")
    @Nullable String tenant;

    @Option(
            names = "--as",
            paramLabel = "NAME",
            order = 903,
            description = "Who asks, for the audit log; else $ORRERY_ACTOR, else the user of this system.")
    @Nullable String asName;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORM",
            order = 800,
            description = "text for people (the default), json for programs.")
    OutputForm output = OutputForm.TEXT;

    ServerAction(Context context) {
        super(context);
    }

    final boolean isJson() {
        return output == OutputForm.JSON;
    }

    final ApiClient client() {
        var environment = context.environment();
        var address = server != null ? server : environment.getOrDefault("ORRERY_SERVER", "");
        if (address.isBlank()) {
            address = environment.getOrDefault("ORRERY_API", "").replaceFirst("/api/v1/*$", "");
        }
        var secret = token != null ? token : environment.getOrDefault("ORRERY_TOKEN", "");
        return new ApiClient(
                ServerAddress.parse(address.isBlank() ? ServerAddress.DEFAULT : address),
                Optional.of(secret).filter(text -> !text.isBlank()),
                tenant(),
                actor(),
                ANSWER_LIMIT);
    }

    /** What is said has to be a name; the user's own, which nobody said, is left away where it is none. */
    private Optional<String> actor() {
        var name = asName != null ? asName : context.environment().getOrDefault("ORRERY_ACTOR", "");
        if (!name.isBlank()) {
            if (!ACTOR.matcher(name).matches()) {
                throw CommandFailure.usage(
                        "'" + name + "' cannot be the name of who asks",
                        "it has 1 to " + Actor.NAME_MAX + " visible ASCII characters, and spaces between them");
            }
            return Optional.of(name);
        }
        return Optional.of(System.getProperty("user.name", ""))
                .filter(user -> ACTOR.matcher(user).matches());
    }

    private Optional<String> tenant() {
        var name = tenant != null ? tenant : context.environment().getOrDefault("ORRERY_TENANT", "");
        if (!name.isBlank() && !Tenant.NAME_FORM.matcher(name).matches()) {
            throw CommandFailure.usage(
                    "'" + name + "' cannot be the name of a tenant",
                    "it has 1 to 64 letters, digits, dots, dashes and underscores, and begins with a letter or digit");
        }
        return Optional.of(name).filter(text -> !text.isBlank());
    }

    /** A command that can be copied: the program, these arguments, and the same server and tenant. */
    final String commandLine(String arguments) {
        return context.program()
                + " "
                + arguments
                + (server == null ? "" : " --server " + ShellWord.of(server))
                + (tenant == null ? "" : " --tenant " + ShellWord.of(tenant));
    }
}

package dev.orrery.cli.command;

import static dev.orrery.cli.command.WorkOptions.put;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import dev.orrery.domain.Problem;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes a webhook. The secret comes from where no list of processes and no history of a shell shows it, and is never printed. */
@Command(
        name = "create",
        description = {
            "Make a webhook: what is sent to its path, signed with its secret, becomes an event.",
            "The secret is read from --secret-file, else from $ORRERY_WEBHOOK_SECRET, and is never shown again.",
            "--event-from and --key-from are CEL over 'request': its headers (names in small letters), body and webhook."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery webhook create shop --event order.paid --secret-file secret.txt",
            "  openssl rand -hex 32 | tee secret.txt | orrery webhook create ci --scheme plain \\",
            "      --header X-Signature --event built --secret-file -",
            "  orrery webhook create repo --scheme github \\",
            "      --event-from '\"github.\" + request.headers[\"x-github-event\"]'"
        })
final class WebhookCreateCommand extends ServerAction {

    private static final String SECRET_VARIABLE = "ORRERY_WEBHOOK_SECRET";

    private static final Map<String, String> OPTIONS = Map.of(
            "name", "NAME",
            "scheme", "--scheme",
            "header", "--header",
            "secrets", "--secret-file",
            "toleranceSeconds", "--tolerance",
            "eventName", "--event",
            "eventNameFrom", "--event-from",
            "keyFrom", "--key-from");

    @Parameters(paramLabel = "NAME", description = "It stands in the path: letters, digits, dots, dashes, underscores.")
    String name = "";

    @Option(names = "--event", paramLabel = "NAME", order = 1, description = "What its events are called.")
    @Nullable String event;

    @Option(
            names = "--event-from",
            paramLabel = "CEL",
            order = 2,
            description = "What makes their name of each request, instead of --event.")
    @Nullable String eventFrom;

    @Option(
            names = "--key-from",
            paramLabel = "CEL",
            order = 3,
            description =
                    "What makes the event's key, by which a delivery that comes again is known (default: the sender's name for it).")
    @Nullable String keyFrom;

    @Option(
            names = "--scheme",
            paramLabel = "SCHEME",
            order = 4,
            description =
                    "How requests are signed: ${COMPLETION-CANDIDATES} (default: standard, that of standardwebhooks.com).")
    @Nullable SchemeName scheme;

    @Option(
            names = "--header",
            paramLabel = "HEADER",
            order = 5,
            description = "Which header has the signature in hex; for the scheme plain.")
    @Nullable String header;

    @Option(
            names = "--tolerance",
            paramLabel = "DURATION",
            order = 6,
            description = "How far the time of a request may be off; for the scheme standard (default: 5m).")
    @Nullable String tolerance;

    @Option(
            names = "--secret-file",
            paramLabel = "FILE",
            order = 7,
            description = "The file that has the secret in a line, or two while they are changed; - is standard input.")
    @Nullable String secretFile;

    /** How requests are signed. */
    enum SchemeName {
        standard,
        github,
        plain
    }

    WebhookCreateCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        WorkOptions.one("a webhook", "how its events are called", "--event or --event-from", event, eventFrom);
        var body = JsonObject.of(Map.of("name", name));
        body = put(put(body, "scheme", scheme), "header", header);
        body = put(put(body, "eventName", event), "eventNameFrom", eventFrom);
        body = put(body, "keyFrom", keyFrom);
        body = put(body, "toleranceSeconds", tolerance == null ? null : seconds(tolerance));
        var client = client();
        var answer = make(client, body.with("secrets", secrets()));
        var made = answer.object();
        var done = Events.done(this, answer, "made the webhook " + TextWidth.clean(made.textOrEmpty("name")));
        if (!isJson()) {
            terminal().line("  to send to  " + Webhooks.url(client, made));
        }
        return done;
    }

    private static long seconds(String text) {
        var millis = WorkOptions.millis("--tolerance", text);
        if (millis % 1000 != 0) {
            throw CommandFailure.usage(
                    "--tolerance '" + text + "' is no number of whole seconds", "write it like 90s or 5m");
        }
        return millis / 1000;
    }

    private List<String> secrets() {
        var text = secretFile == null
                ? context.environment().getOrDefault(SECRET_VARIABLE, "")
                : new String(new InputFiles(context).read(secretFile), UTF_8);
        var secrets =
                text.lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
        if (secrets.isEmpty()) {
            throw CommandFailure.usage(
                    secretFile == null
                            ? "a webhook must have a secret"
                            : "there is no secret in " + InputFiles.shown(secretFile),
                    "name by --secret-file the file that has it, - for standard input, or set $" + SECRET_VARIABLE);
        }
        return secrets;
    }

    private ApiClient.Answer make(ApiClient client, JsonObject body) {
        try {
            return client.post(Webhooks.PATH, body);
        } catch (CommandFailure refused) {
            throw refused.withProblems(
                    refused.problems().stream().map(this::byOption).toList());
        }
    }

    private Problem byOption(Problem problem) {
        var field = problem.path().replaceFirst("\\[.*", "");
        var option = field.equals("secrets") && secretFile == null
                ? "$" + SECRET_VARIABLE
                : OPTIONS.getOrDefault(field, problem.path());
        var message = problem.line() > 0 ? option + ": " + problem.message() : problem.message();
        return new Problem(problem.code(), problem.line(), problem.column(), option, message, problem.help());
    }
}

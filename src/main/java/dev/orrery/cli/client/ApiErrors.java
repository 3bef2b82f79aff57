package dev.orrery.cli.client;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Problem;
import java.time.Duration;
import java.util.Optional;

/** Reads what a node answers when it refuses: {@code {code, message, details}}. */
final class ApiErrors {

    private static final Duration RETRY_AFTER_MAX = Duration.ofSeconds(5);

    private ApiErrors() {}

    static CommandFailure read(Response response, String path) {
        var status = response.status();
        try {
            var error = JsonObject.parse(response.body());
            var message = error.text("message").orElse("the node answered " + status);
            var problems =
                    error.objects("details").stream().map(ApiErrors::problem).toList();
            return CommandFailure.answered(status, code(error), message, problems);
        } catch (NotJson notFromUs) {
            return CommandFailure.answeredByAnother(status, "the server answered " + status + " to " + path);
        }
    }

    private static ErrorCode code(JsonObject error) {
        var name = error.textOrEmpty("code");
        for (var code : ErrorCode.values()) {
            if (code.name().equals(name)) {
                return code;
            }
        }
        return ErrorCode.INTERNAL_ERROR;
    }

    private static Problem problem(JsonObject detail) {
        return new Problem(
                detail.textOrEmpty("code"),
                detail.integer("line"),
                detail.integer("column"),
                detail.textOrEmpty("path"),
                detail.textOrEmpty("message"),
                detail.text("help"));
    }

    /** How long to wait before asking again, where the node says so in whole seconds. */
    static Optional<Duration> retryAfter(Response response) {
        return response.retryAfter()
                .filter(text -> text.matches("[0-9]{1,9}"))
                .map(text -> Duration.ofSeconds(Long.parseLong(text)))
                .map(asked -> asked.compareTo(RETRY_AFTER_MAX) > 0 ? RETRY_AFTER_MAX : asked);
    }
}

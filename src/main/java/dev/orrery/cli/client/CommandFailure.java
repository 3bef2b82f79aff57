package dev.orrery.cli.client;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import java.util.List;
import java.util.Optional;

/** Ends a command: what went wrong, how to go on, and the exit code that says so to scripts. */
public final class CommandFailure extends OrreryException {

    private static final long serialVersionUID = 1L;

    private final ExitCode exitCode;
    private final transient Optional<String> help;

    private CommandFailure(
            ExitCode exitCode, ErrorCode code, String message, Optional<String> help, List<Problem> problems) {
        super(code, message, problems);
        this.exitCode = exitCode;
        this.help = help;
    }

    public static CommandFailure usage(String message, String help) {
        return new CommandFailure(ExitCode.USAGE, ErrorCode.BAD_REQUEST, message, Optional.of(help), List.of());
    }

    public static CommandFailure notFound(String message, String help) {
        return new CommandFailure(ExitCode.NOT_FOUND, ErrorCode.NOT_FOUND, message, Optional.of(help), List.of());
    }

    public static CommandFailure invalid(String message, String help) {
        return new CommandFailure(ExitCode.INVALID, ErrorCode.VALIDATION_ERROR, message, Optional.of(help), List.of());
    }

    public static CommandFailure unreachable(String message, String help) {
        return new CommandFailure(ExitCode.UNREACHABLE, ErrorCode.UNAVAILABLE, message, Optional.of(help), List.of());
    }

    /** A reason that has no exit code of its own. */
    public static CommandFailure other(String message, Optional<String> help) {
        return new CommandFailure(ExitCode.FAILED, ErrorCode.INTERNAL_ERROR, message, help, List.of());
    }

    /** What a node answered instead of doing what was asked. */
    static CommandFailure answered(int status, ErrorCode code, String message, List<Problem> problems) {
        return new CommandFailure(exitCode(status), code, message, help(status, code), problems);
    }

    /** An answer that is no node's own: of something else that listens there, or of a proxy. What it does not find may be there. */
    static CommandFailure answeredByAnother(int status, String message) {
        return new CommandFailure(
                status == 404 ? ExitCode.FAILED : exitCode(status),
                ErrorCode.INTERNAL_ERROR,
                message,
                help(status)
                        .or(() ->
                                Optional.of("this is not how an Orrery node answers: look what listens there, or name a"
                                        + " node with --server or ORRERY_SERVER")),
                List.of());
    }

    /** The same failure, with what is wrong told in other words. */
    public CommandFailure withProblems(List<Problem> others) {
        return new CommandFailure(exitCode, code(), String.valueOf(getMessage()), help, others);
    }

    /** The same failure, where the caller never saw the text in which the node counts lines: what is wrong is told by its path. */
    public CommandFailure byPaths() {
        return withProblems(problems().stream()
                .map(problem -> problem.path().isEmpty()
                        ? problem
                        : new Problem(problem.code(), 0, 0, problem.path(), problem.message(), problem.help()))
                .toList());
    }

    private static ExitCode exitCode(int status) {
        return switch (status) {
            case 400, 413 -> ExitCode.INVALID;
            case 401 -> ExitCode.REFUSED;
            case 404 -> ExitCode.NOT_FOUND;
            case 429, 503 -> ExitCode.UNREACHABLE;
            default -> ExitCode.FAILED;
        };
    }

    /** A node has many reasons to answer 403, and says which one it is. */
    private static Optional<String> help(int status, ErrorCode code) {
        return status == 403 && code != ErrorCode.FORBIDDEN ? Optional.empty() : help(status);
    }

    private static Optional<String> help(int status) {
        return switch (status) {
            case 401 -> Optional.of("set ORRERY_TOKEN to the node's http.token, or give it with --token");
            case 403 -> Optional.of("reach the node by a name that stands in its http.hosts");
            case 429, 503 -> Optional.of("the node is busy or waits for its database; try again");
            default -> Optional.empty();
        };
    }

    public ExitCode exitCode() {
        return exitCode;
    }

    public Optional<String> help() {
        return help;
    }
}

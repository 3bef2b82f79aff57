package dev.orrery.cli.command;

import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.text.TextWidth;
import dev.orrery.config.ConfigException;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.StartupException;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.ParseResult;

/** Says why a command could not do what was asked, and gives the exit code for it. */
final class ExecutionErrors implements IExecutionExceptionHandler {

    private final Context context;

    ExecutionErrors(Context context) {
        this.context = context;
    }

    @Override
    public int handleExecutionException(Exception exception, CommandLine command, ParseResult parsed) throws Exception {
        if (exception instanceof CommandLine.ParameterException wrong) {
            return command.getParameterExceptionHandler().handleParseException(wrong, new String[0]);
        }
        return switch (exception) {
            case CommandFailure failure -> {
                say(failure);
                failure.help().ifPresent(help -> context.terminal().remark("help: " + TextWidth.clean(help)));
                yield failure.exitCode().code();
            }
            case ConfigException wrong -> {
                say(wrong);
                yield ExitCode.USAGE.code();
            }
            case StartupException refused -> {
                say(refused);
                yield ExitCode.FAILED.code();
            }
            default -> {
                context.terminal()
                        .remark("orrery: this is a fault of Orrery's own; please report it with what follows");
                exception.printStackTrace(context.terminal().err());
                yield ExitCode.FAILED.code();
            }
        };
    }

    private void say(OrreryException failure) {
        var terminal = context.terminal();
        terminal.remark(terminal.style().errorMark() + " " + TextWidth.clean(String.valueOf(failure.getMessage())));
        for (var problem : failure.problems()) {
            terminal.remark("  " + TextWidth.clean(place(problem) + problem.message()));
            problem.help().ifPresent(help -> terminal.remark("  help: " + TextWidth.clean(help)));
        }
    }

    private static String place(Problem problem) {
        var place = problem.line() > 0 ? problem.line() + ":" + problem.column() : problem.path();
        return place.isEmpty() ? "" : place + " ";
    }
}

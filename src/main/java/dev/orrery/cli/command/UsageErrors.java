package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.domain.Nearest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Says what is wrong with a command line, what was probably meant, and where help is. */
final class UsageErrors implements IParameterExceptionHandler {

    private final Context context;

    UsageErrors(Context context) {
        this.context = context;
    }

    @Override
    public int handleParseException(ParameterException wrong, String[] arguments) {
        var command = wrong.getCommandLine();
        var message = message(wrong);
        context.terminal().remark(context.terminal().style().errorMark() + " " + message);
        suggestion(wrong, command).ifPresent(hint -> context.terminal().remark("help: " + hint));
        context.terminal()
                .remark("usage: " + command.getHelp().synopsis(0).strip().replaceAll("\\s+", " ") + "   ('"
                        + command.getCommandSpec().qualifiedName() + " --help' tells more)");
        return ExitCode.USAGE.code();
    }

    private static String message(ParameterException wrong) {
        if (wrong instanceof UnmatchedArgumentException unmatched) {
            var first = unmatched.getUnmatched().getFirst();
            if (unmatched.isUnknownOption()) {
                // The value of an option may be a secret; its name is not.
                return "unknown option '" + first.replaceFirst("=.*", "") + "'";
            }
            return unmatched.getCommandLine().getSubcommands().isEmpty()
                    ? "unexpected argument '" + first + "'"
                    : "unknown command '" + first + "'";
        }
        return String.valueOf(wrong.getMessage());
    }

    private static Optional<String> suggestion(ParameterException wrong, CommandLine command) {
        if (!(wrong instanceof UnmatchedArgumentException unmatched)) {
            return Optional.empty();
        }
        var written = unmatched.getUnmatched().getFirst().replaceFirst("=.*", "");
        List<String> known = new ArrayList<>();
        if (unmatched.isUnknownOption()) {
            command.getCommandSpec().options().forEach(option -> known.addAll(List.of(option.names())));
        } else {
            known.addAll(command.getSubcommands().keySet());
        }
        return Nearest.to(written, known)
                .map(name -> "did you mean '" + name + "'?")
                .or(() ->
                        unmatched.isUnknownOption() && !command.getSubcommands().isEmpty()
                                ? Optional.of("options stand after the command, as in 'orrery dag list --limit 5'")
                                : Optional.empty());
    }
}

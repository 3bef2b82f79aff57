package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Prints a script that teaches a shell the names of all commands and options. */
@Command(
        name = "completion",
        description = "Print a completion script for a shell.",
        footer = {
            ServerAction.EXAMPLES,
            "  source <(orrery completion bash)",
            "  orrery completion zsh > ~/.orrery-completion && echo 'source ~/.orrery-completion' >> ~/.zshrc"
        })
final class CompletionCommand extends Action {

    /** The shells we know. */
    enum Shell {
        bash,
        zsh
    }

    @Parameters(paramLabel = "SHELL", description = "${COMPLETION-CANDIDATES}.")
    Shell shell = Shell.bash;

    CompletionCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        // The script enables bash's way of completing where a zsh reads it: one serves both.
        terminal().line(AutoComplete.bash("orrery", CommandTree.whole(context)));
        return ExitCode.OK.code();
    }
}

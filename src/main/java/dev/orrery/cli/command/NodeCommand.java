package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.command.NodeStarter.RunningNode;
import dev.orrery.cli.text.Colour;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.config.OrreryConfig;
import dev.orrery.config.ProgramVersion;
import dev.orrery.domain.StartupException;
import java.time.Duration;
import picocli.CommandLine.Command;

/** Runs a node until it is told to stop. */
@Command(
        name = "node",
        description = {
            "Run a node; without settings one with its own PostgreSQL and data in ~/.orrery.",
            "SIGTERM and Ctrl-C drain it: nothing new is taken, and running tasks may end in the time",
            "of workers.drain-timeout.",
            "A second signal ends it at once; what it had in hand runs again after the next start."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:stopped as it was told to",
            "1:it could not start; one line says why",
            "2:wrong usage or a wrong setting",
            "70:another node took over its work, and it could not end or come back in order",
            "129, 130, 143:ended at once by a second signal: SIGHUP, Ctrl-C or SIGTERM"
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery node",
            "  orrery node --http-port 9090 --data-dir /var/lib/orrery",
            "  orrery node --database-url postgresql://orrery@db.example.org/orrery --set workers.size=8"
        })
final class NodeCommand extends NodeAction {

    /** The exit code of a node that has lost its right to work. */
    private static final int LOST = 70;

    private static final Duration TRY_AGAIN = Duration.ofSeconds(2);

    NodeCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var config = load().config();
        var drainLimit = config.workers().drainTimeout();
        var lifetime = new NodeLifetime(
                context.interrupts(),
                () -> terminal()
                        .remark("stopping: running tasks may go on for " + HumanTime.of(drainLimit)
                                + "; a second signal ends them at once"));
        var exitCode = run(config, lifetime);
        while (exitCode == LOST && config.isCluster() && !lifetime.isOver()) {
            terminal().remark("this node was given up by the others; it comes back as a new one");
            exitCode = runAgain(config, lifetime);
        }
        if (exitCode == ExitCode.OK.code()) {
            terminal().remark("stopped");
        }
        return exitCode;
    }

    private int run(OrreryConfig config, NodeLifetime lifetime) {
        var began = System.nanoTime();
        var lines = new StartLines(terminal(), lifetime::isOver);
        RunningNode node;
        try {
            node = lifetime.start(() -> context.nodes().start(config, lines));
        } catch (StartupException failure) {
            if (lifetime.isOver()) {
                // What the start was told to leave is closed again, and nobody waits for it any more.
                return ExitCode.OK.code();
            }
            throw failure;
        } finally {
            lines.hidePhase();
        }
        greet(config, node, Duration.ofNanos(System.nanoTime() - began));
        return lifetime.of(node);
    }

    /** What made the others give it up may still be so: it tries until it can start, or is told to end. */
    private int runAgain(OrreryConfig config, NodeLifetime lifetime) {
        while (!lifetime.isOver()) {
            try {
                return run(config, lifetime);
            } catch (StartupException e) {
                terminal().remark("cannot come back yet: " + e.getMessage());
                lifetime.await(TRY_AGAIN);
            }
        }
        return ExitCode.OK.code();
    }

    private void greet(OrreryConfig config, RunningNode node, Duration took) {
        var address = node.address().toString();
        var style = terminal().style();
        terminal()
                .line(style.succeededMark() + " orrery " + ProgramVersion.text() + " is up after "
                        + HumanTime.of(took));
        terminal().line("");
        terminal().line("  API     " + style.paint(Colour.BOLD, address + "/api/v1"));
        terminal().line("  docs    " + address + "/docs");
        terminal().line("  health  " + address + "/health/ready");
        if (config.database().embedded()) {
            terminal().line("  data    " + config.node().dataDir());
        }
        terminal().line("");
        terminal().line("  Try, in another terminal:");
        if (!address.equals("http://127.0.0.1:8080")) {
            terminal().line("    export ORRERY_SERVER=" + address);
        }
        if (!config.http().token().isEmpty()) {
            terminal().line("    export ORRERY_TOKEN=...   # the http.token of this node");
        }
        for (var arguments :
                new String[] {"dag new hello > hello.yaml", "dag apply hello.yaml", "dag trigger hello --follow"}) {
            terminal().line("    " + context.program() + " " + arguments);
        }
        terminal().line("");
        terminal().out().flush();
    }
}

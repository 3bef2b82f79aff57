package dev.orrery.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.cli.command.Context;
import dev.orrery.cli.command.NodeStarter;
import dev.orrery.cli.command.Orrery;
import dev.orrery.cli.run.Interrupts;
import dev.orrery.cli.run.Interrupts.Ending;
import dev.orrery.cli.text.Style;
import dev.orrery.cli.text.Terminal;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Runs a command in this JVM, away from the process's own streams, signals and environment. */
public final class CommandRun {

    /** When it is, for all commands that are run so. */
    public static final Instant NOW = Instant.parse("2026-01-31T02:00:10Z");

    private final Map<String, String> environment = new HashMap<>();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private Path directory = Path.of("");
    private String input = "";
    private Style style = Style.PLAIN;
    private boolean interactive;
    private final Map<Ending, Runnable> actions = new ConcurrentHashMap<>();
    private final List<Integer> halted = new CopyOnWriteArrayList<>();
    private NodeStarter nodes = (config, console) -> {
        throw new AssertionError("no node is to be started here");
    };

    public CommandRun with(String variable, String value) {
        environment.put(variable, value);
        return this;
    }

    public CommandRun against(StubNode node) {
        return with("ORRERY_SERVER", node.address());
    }

    public CommandRun in(Path newDirectory) {
        directory = newDirectory;
        return this;
    }

    public CommandRun reading(String text) {
        input = text;
        return this;
    }

    /** As if on a terminal of 80 columns. */
    public CommandRun onATerminal(Style newStyle) {
        style = newStyle;
        interactive = true;
        return this;
    }

    /** Runs it and returns its exit code. */
    public int run(String... arguments) {
        var terminal = new Terminal(
                new PrintStream(out, true, UTF_8),
                new PrintStream(err, true, UTF_8),
                style,
                interactive,
                () -> interactive ? 80 : 0);
        var context = new Context(
                terminal,
                environment,
                new ByteArrayInputStream(input.getBytes(UTF_8)),
                directory,
                Clock.fixed(NOW, ZoneOffset.UTC),
                interrupts(),
                nodes,
                "orrery");
        return Orrery.run(context, arguments);
    }

    public String out() {
        return out.toString(UTF_8);
    }

    public String err() {
        return err.toString(UTF_8);
    }

    /** Where the command is to get nodes from. */
    public CommandRun withNodes(NodeStarter starter) {
        nodes = starter;
        return this;
    }

    private Interrupts interrupts() {
        return new Interrupts() {
            @Override
            protected void on(Ending signal, Runnable action) {
                actions.put(signal, action);
            }

            @Override
            public void halt(int exitCode) {
                halted.add(exitCode);
            }
        };
    }

    /** As if this signal came now. */
    public void signal(Ending signal) {
        var action = actions.get(signal);
        if (action == null) {
            throw new AssertionError("the command leaves " + signal + " alone");
        }
        action.run();
    }

    /** Whether the command has said what is to be done on signals. */
    public boolean hearsSignals() {
        return !actions.isEmpty();
    }

    /** The exit codes with which the process would have ended at once. */
    public List<Integer> halted() {
        return halted;
    }
}

package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.client.ServerAddress;
import dev.orrery.cli.command.NodeStarter.RunningNode;
import dev.orrery.cli.run.RunFollower;
import dev.orrery.cli.run.RunOutputs;
import dev.orrery.cli.run.RunReport;
import dev.orrery.cli.run.RunView;
import dev.orrery.cli.run.RunViews;
import dev.orrery.cli.text.Terminal;
import dev.orrery.config.ConfigFlag;
import dev.orrery.config.ConfigLoader;
import dev.orrery.config.ConfigSources;
import dev.orrery.config.OrreryConfig;
import dev.orrery.domain.dag.RunState;
import dev.orrery.node.Console;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Starts a node in a temporary folder, runs DAGs on it, and removes both again, however it ends. */
final class Trial {

    /** Of the folder's name: folders that killed trials have left are found by it. */
    static final String PREFIX = "orrery-try-";

    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(30);

    private final Context context;
    private final Terminal terminal;
    private final boolean json;
    private final List<String> settings;

    private @Nullable RunningNode node;
    private @Nullable RunView view;

    Trial(Context context, boolean json, List<String> settings) {
        this.context = context;
        this.terminal = context.terminal();
        this.json = json;
        this.settings = settings;
    }

    int of(List<DagFile> files) {
        try (var folder = LockedFolder.create(PREFIX)) {
            context.interrupts().endAfter(() -> {
                restoreView();
                terminal.remark("interrupted; removing the node and its data");
                stopNode();
                folder.remove();
            });
            try {
                var client = start(config(folder));
                var succeeded = true;
                for (var file : files) {
                    succeeded &= run(client, file);
                }
                return (succeeded ? ExitCode.OK : ExitCode.FAILED).code();
            } finally {
                stopNode();
            }
        }
    }

    /** The user's own node and its settings are none of our business here: no file, no variables. */
    private OrreryConfig config(LockedFolder folder) {
        var flags = new ArrayList<ConfigFlag>();
        flags.add(ConfigFlag.set("log.level=WARN"));
        settings.forEach(assignment -> flags.add(ConfigFlag.set(assignment)));
        flags.add(ConfigFlag.set("node.data-dir=" + folder.path()));
        flags.add(ConfigFlag.set("http.port=0"));
        flags.add(ConfigFlag.set("workers.drain-timeout=0s"));
        return ConfigLoader.load(new ConfigSources(Optional.empty(), Map.of(), flags))
                .config();
    }

    private ApiClient start(OrreryConfig config) {
        var lines = new StartLines(terminal);
        try {
            var started = context.nodes().start(config, json ? Console.SILENT : lines);
            synchronized (this) {
                node = started;
            }
            return new ApiClient(ServerAddress.parse(started.address().toString()), Optional.empty(), ANSWER_LIMIT);
        } finally {
            lines.hidePhase();
        }
    }

    /** Publishes and runs one file; returns whether the run succeeded. */
    private boolean run(ApiClient client, DagFile file) {
        var dag = new Publishing(client).publish(name(file), file.text()).dag();
        var run = client.post("/api/v1/dags/" + dag.textOrEmpty("id") + "/runs", JsonObject.of(Map.of()))
                .object();
        if (json) {
            terminal.line(run.withFirst("event", "triggered").toString());
        }
        var runId = run.textOrEmpty("runId");
        var state = follow(client, runId);
        var ended = client.get("/api/v1/runs/" + runId).object();
        var outputs = new RunOutputs(client, terminal);
        if (json) {
            outputs.asJson(ended);
        } else {
            outputs.asText(ended);
            var report = new RunReport(client, terminal, arguments -> context.program() + " " + arguments);
            report.failure(ended);
            report.verdict(ended, context.clock().instant());
        }
        return state == RunState.SUCCEEDED;
    }

    /** A file that does not say is called as the file is. */
    private static String name(DagFile file) {
        return file.draft().name().orElseGet(() -> {
            var withoutFolders = file.name().substring(file.name().lastIndexOf('/') + 1);
            return withoutFolders.replaceFirst("\\.ya?ml$", "");
        });
    }

    private RunState follow(ApiClient client, String runId) {
        try (var current = RunViews.of(terminal, json, context.clock())) {
            synchronized (this) {
                view = current;
            }
            return new RunFollower(client, current).follow(runId);
        }
    }

    private synchronized void restoreView() {
        if (view != null) {
            view.restore();
        }
    }

    private synchronized void stopNode() {
        if (node != null) {
            node.stop();
            node = null;
        }
    }
}

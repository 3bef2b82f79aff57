package dev.orrery.cli.command;

import dev.orrery.config.ConfigFlag;
import dev.orrery.config.ConfigLoader;
import dev.orrery.config.ConfigSources;
import dev.orrery.config.LoadedConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What the commands have in common that take the settings of a node. */
abstract class NodeAction extends Action {

    @Option(
            names = {"-c", "--config"},
            paramLabel = "FILE",
            description = "A YAML file with settings; conf/node.yaml shows them all.")
    @Nullable String file;

    @Option(names = "--http-host", paramLabel = "HOST", description = "The address to listen on (http.host).")
    @Nullable String httpHost;

    @Option(
            names = "--http-port",
            paramLabel = "PORT",
            description = "The port to listen on (http.port); 0 takes a free one.")
    @Nullable String httpPort;

    @Option(names = "--data-dir", paramLabel = "FOLDER", description = "Where the node keeps its data (node.data-dir).")
    @Nullable String dataDir;

    @Option(
            names = "--database-url",
            paramLabel = "URL",
            description = "A PostgreSQL of your own instead of the embedded one (database.url).")
    @Nullable String databaseUrl;

    @Option(
            names = "--etcd",
            paramLabel = "URL[,URL...]",
            description = "Makes the node one of a cluster, whose nodes find each other by this etcd (etcd.endpoints);"
                    + " needs a --database-url.")
    @Nullable String etcd;

    @Option(
            names = "--handlers",
            paramLabel = "FOLDER",
            description = "Jars with handlers of your own in Java (handlers.dir).")
    @Nullable String handlers;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "Any other setting, such as workers.size=8; may be repeated.")
    List<String> settings = List.of();

    NodeAction(Context context) {
        super(context);
    }

    /** The configuration that file, environment and flags give; a ConfigException with everything that is wrong. */
    final LoadedConfig load() {
        return ConfigLoader.load(new ConfigSources(
                Optional.ofNullable(file).map(name -> context.directory().resolve(name)),
                context.environment(),
                flags()));
    }

    private List<ConfigFlag> flags() {
        var flags = new ArrayList<ConfigFlag>();
        add(flags, "--http-host", "http.host", httpHost);
        add(flags, "--http-port", "http.port", httpPort);
        add(flags, "--data-dir", "node.data-dir", dataDir);
        add(flags, "--database-url", "database.url", databaseUrl);
        add(flags, "--etcd", "etcd.endpoints", etcd);
        add(flags, "--handlers", "handlers.dir", handlers);
        settings.forEach(assignment -> flags.add(ConfigFlag.set(assignment)));
        return flags;
    }

    private static void add(List<ConfigFlag> flags, String name, String key, @Nullable String value) {
        if (value != null) {
            flags.add(new ConfigFlag(name, key, value));
        }
    }
}

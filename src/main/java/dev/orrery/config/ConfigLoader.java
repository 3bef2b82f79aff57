package dev.orrery.config;

import dev.orrery.domain.Nearest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Reads what a node is told. Each source overrides the ones before it: defaults, file, environment, flags. Whatever is
 * wrong anywhere is told at once, even in a value that a stronger source overrides.
 */
public final class ConfigLoader {

    /** Variables with our prefix that are no settings: the command line's, and those that tasks are given. */
    static final Set<String> OTHER_VARIABLES = Set.of(
            "ORRERY_SERVER",
            "ORRERY_TOKEN",
            "ORRERY_TENANT",
            "ORRERY_ACTOR",
            "ORRERY_API",
            "ORRERY_DAG_ID",
            "ORRERY_DAG_NAME",
            "ORRERY_RUN_ID",
            "ORRERY_TASK_ID",
            "ORRERY_TASK_INSTANCE_ID",
            "ORRERY_ATTEMPT",
            "ORRERY_FENCE",
            "ORRERY_LOCK_FENCE",
            "ORRERY_RUN_DIR",
            "ORRERY_INPUTS",
            "ORRERY_PARAMS",
            "ORRERY_OUTPUT");

    private static final Map<String, Setting<?>> BY_VARIABLE =
            Settings.ALL.stream().collect(Collectors.toUnmodifiableMap(Setting::variable, setting -> setting));

    private static final List<String> KEYS =
            Settings.ALL.stream().map(Setting::key).toList();

    private final ConfigProblems problems = new ConfigProblems();
    private final Map<Setting<?>, Object> values = new HashMap<>();
    private final Map<String, String> origins = new LinkedHashMap<>();

    private ConfigLoader() {}

    /**
     * The configuration that the sources give.
     *
     * @throws ConfigException with everything that is wrong
     */
    public static LoadedConfig load(ConfigSources sources) {
        return new ConfigLoader().loaded(sources);
    }

    private LoadedConfig loaded(ConfigSources sources) {
        sources.file().ifPresent(file -> ConfigFile.read(file, problems).forEach(this::take));
        variables(sources.environment()).forEach(this::take);
        flags(sources.flags()).forEach(this::take);
        var node = section(
                "node", () -> new NodeConfig(value(Settings.NODE_NAME), Folders.path(value(Settings.NODE_DATA_DIR))));
        var http = section(
                "http",
                () -> new HttpConfig(
                        value(Settings.HTTP_HOST),
                        value(Settings.HTTP_PORT),
                        value(Settings.HTTP_HOSTS),
                        value(Settings.HTTP_TOKEN),
                        value(Settings.HTTP_CORS_ORIGINS),
                        value(Settings.HTTP_MAX_REQUESTS)));
        var database = section(
                "database",
                () -> new DatabaseConfig(
                        value(Settings.DATABASE_URL),
                        value(Settings.DATABASE_USER),
                        value(Settings.DATABASE_PASSWORD),
                        value(Settings.DATABASE_POOL_SIZE),
                        value(Settings.DATABASE_CONNECT_TIMEOUT)));
        var etcd = section(
                "etcd",
                () -> new EtcdConfig(
                        value(Settings.ETCD_ENDPOINTS),
                        value(Settings.ETCD_PREFIX_KEY),
                        value(Settings.ETCD_USER),
                        value(Settings.ETCD_PASSWORD),
                        value(Settings.ETCD_TIMEOUT),
                        value(Settings.ETCD_CONNECT_TIMEOUT),
                        Folders.expanded(value(Settings.ETCD_CA_FILE)),
                        Folders.expanded(value(Settings.ETCD_CERT_FILE)),
                        Folders.expanded(value(Settings.ETCD_KEY_FILE))));
        var bus = section(
                "bus",
                () -> new BusConfig(
                        value(Settings.BUS_HOST),
                        value(Settings.BUS_PORT),
                        value(Settings.BUS_MEMBER_PORT),
                        value(Settings.BUS_ADVERTISED_HOST),
                        Folders.expanded(value(Settings.BUS_CA_FILE)),
                        Folders.expanded(value(Settings.BUS_CERT_FILE)),
                        Folders.expanded(value(Settings.BUS_KEY_FILE))));
        var workers = section(
                "workers",
                () -> new WorkersConfig(
                        value(Settings.WORKERS_SIZE),
                        value(Settings.WORKERS_CONCURRENCY),
                        value(Settings.WORKERS_QUEUE_CAPACITY),
                        value(Settings.WORKERS_QUEUES),
                        value(Settings.WORKERS_DRAIN_TIMEOUT)));
        var tasks = section("tasks", this::tasks);
        var handlers = section("handlers", () -> new HandlersConfig(Folders.expanded(value(Settings.HANDLERS_DIR))));
        var router = section(
                "router",
                () -> new RouterConfig(
                        value(Settings.ROUTER_POLL),
                        value(Settings.ROUTER_LEAD_TIME),
                        value(Settings.ROUTER_BATCH_SIZE)));
        var queue = section(
                "queue",
                () -> new QueueConfig(
                        value(Settings.QUEUE_MAX_DEPENDENCIES),
                        value(Settings.QUEUE_MAX_DEPENDENCY_DEPTH),
                        value(Settings.QUEUE_SOURCE_WEIGHTS)));
        var deadLetters = section(
                "dead-letters",
                () -> new DeadLettersConfig(
                        value(LetterSettings.MAX_REDRIVES),
                        new LetterWebhookConfig(
                                value(LetterSettings.WEBHOOK_URL),
                                value(LetterSettings.WEBHOOK_SECRET),
                                value(LetterSettings.WEBHOOK_ALLOW),
                                value(LetterSettings.WEBHOOK_TIMEOUT),
                                value(LetterSettings.WEBHOOK_PER_MINUTE))));
        var retention = section(
                "retention",
                () -> new RetentionConfig(
                        value(Settings.RETENTION_RUNS),
                        value(Settings.RETENTION_EVENTS),
                        value(Settings.RETENTION_TASKS),
                        value(Settings.RETENTION_AUDIT)));
        var health = section(
                "health",
                () -> new HealthConfig(
                        value(HealthSettings.DISK_LOW),
                        value(HealthSettings.DISK_FULL),
                        value(HealthSettings.STUCK_AFTER),
                        value(HealthSettings.DEAD_AFTER)));
        var log = section("log", () -> new LogConfig(value(Settings.LOG_LEVEL)));
        var tracing = section(
                "tracing",
                () -> new TracingConfig(
                        value(Settings.TRACING_OTLP_ENDPOINT),
                        value(Settings.TRACING_HEADERS),
                        value(Settings.TRACING_SAMPLE_RATIO),
                        value(Settings.TRACING_SERVICE_NAME),
                        value(Settings.TRACING_TIMEOUT)));
        problems.throwIfAny();
        var whole = made(() -> new OrreryConfig(
                node.orElseThrow(),
                http.orElseThrow(),
                database.orElseThrow(),
                etcd.orElseThrow(),
                bus.orElseThrow(),
                workers.orElseThrow(),
                tasks.orElseThrow(),
                handlers.orElseThrow(),
                router.orElseThrow(),
                queue.orElseThrow(),
                deadLetters.orElseThrow(),
                retention.orElseThrow(),
                health.orElseThrow(),
                log.orElseThrow(),
                tracing.orElseThrow()));
        whole.ifPresent(config -> ReadableByTasks.check(config, sources.file(), origins, problems));
        problems.throwIfAny();
        return new LoadedConfig(whole.orElseThrow(), origins);
    }

    private TasksConfig tasks() {
        return new TasksConfig(
                Folders.expanded(value(TaskSettings.DIRECTORY)),
                Folders.expanded(value(TaskSettings.RUN_DIRECTORY)),
                value(TaskSettings.KILL_GRACE),
                value(TaskSettings.LOG_LIMIT),
                value(TaskSettings.HTTP_ALLOW),
                value(TaskSettings.HTTP_DENY),
                value(TaskSettings.SECRETS),
                new IsolationConfig(
                        value(TaskSettings.ISOLATION),
                        value(TaskSettings.USER),
                        value(TaskSettings.NETWORK),
                        value(TaskSettings.FOLDERS),
                        value(TaskSettings.MAX_MEMORY),
                        value(TaskSettings.MAX_FILE_SIZE),
                        value(TaskSettings.MAX_CPU),
                        value(TaskSettings.MAX_PROCESSES),
                        value(TaskSettings.MAX_OPEN_FILES)));
    }

    private List<Given> variables(Map<String, String> environment) {
        var given = new ArrayList<Given>();
        new TreeMap<>(environment).forEach((name, text) -> {
            var setting = BY_VARIABLE.get(name);
            if (setting != null) {
                given.add(new Given(setting.key(), text, name));
            } else if (name.startsWith(Setting.VARIABLE_PREFIX) && !OTHER_VARIABLES.contains(name)) {
                problems.add(name, "UNKNOWN_SETTING", "no setting has this variable", suggestedVariable(name));
            }
        });
        return given;
    }

    private static Optional<String> suggestedVariable(String name) {
        var key = name.substring(Setting.VARIABLE_PREFIX.length());
        return Nearest.to(key, KEYS.stream().map(ConfigLoader::squeezed).toList())
                .flatMap(near -> Settings.ALL.stream()
                        .filter(setting -> squeezed(setting.key()).equals(near))
                        .findFirst())
                .map(setting -> "did you mean " + setting.variable() + "?");
    }

    private static String squeezed(String key) {
        return key.replace(".", "").replace("-", "");
    }

    private List<Given> flags(List<ConfigFlag> flags) {
        var given = new ArrayList<Given>();
        for (var flag : flags) {
            if (flag.key().isEmpty()) {
                problems.add(
                        flag.name(),
                        "MISSING_VALUE",
                        "needs a setting and its value",
                        Optional.of("write " + flag.name() + " http.port=8081"));
            } else {
                given.add(new Given(flag.key(), flag.value(), flag.name()));
            }
        }
        return given;
    }

    private void take(Given given) {
        var setting = Settings.BY_KEY.get(given.key());
        if (setting == null) {
            problems.add(
                    given.origin(),
                    "UNKNOWN_SETTING",
                    "there is no setting '" + shortened(given.key()) + "'",
                    suggested(given.key()));
        } else {
            take(setting, given);
        }
    }

    private <T> void take(Setting<T> setting, Given given) {
        try {
            var value = setting.read(given.text());
            values.put(setting, value);
            origins.put(setting.key(), given.origin());
        } catch (IllegalArgumentException refused) {
            problems.addValue(setting, given.origin(), String.valueOf(refused.getMessage()));
        }
    }

    private static String shortened(String key) {
        return key.length() <= 60 ? key : key.substring(0, 60) + "…";
    }

    /** The nearest key; else one of that name in another section; else what there is. */
    private static Optional<String> suggested(String key) {
        var name = key.substring(key.lastIndexOf('.') + 1);
        var likely = Nearest.to(key, KEYS)
                .or(() -> Settings.ALL.stream()
                        .filter(setting -> setting.name().equals(name))
                        .map(Setting::key)
                        .findFirst());
        if (likely.isPresent()) {
            return Optional.of("did you mean '" + likely.get() + "'?");
        }
        var section = Settings.SECTIONS.stream()
                .filter(known -> key.equals(known.name()) || key.startsWith(known.name() + "."))
                .findFirst();
        var known = section.map(found -> found.settings().stream().map(Setting::key))
                .orElseGet(() -> Settings.SECTIONS.stream().map(found -> found.name() + ".…"));
        return Optional.of("there are " + known.collect(Collectors.joining(", ")));
    }

    /** The value that was given, else the default. */
    private <T> T value(Setting<T> setting) {
        @SuppressWarnings("unchecked") // put in by take, under the same setting
        var value = (T) values.get(setting);
        return value != null ? value : setting.defaultValue();
    }

    /** The section, if its values suit each other. */
    private <T> Optional<T> section(String name, Supplier<T> make) {
        var section = Settings.SECTIONS.stream()
                .filter(known -> known.name().equals(name))
                .findFirst()
                .orElseThrow();
        if (problems.hasValueOf(section)) {
            return Optional.empty();
        }
        return made(make);
    }

    /** Sections, and the whole, refuse settings that do not go together. */
    private <T> Optional<T> made(Supplier<T> make) {
        try {
            return Optional.of(make.get());
        } catch (IllegalArgumentException refused) {
            var message = String.valueOf(refused.getMessage());
            problems.add(origin(message), "INVALID_VALUE", message, Optional.empty());
            return Optional.empty();
        }
    }

    /** Where the setting was set whose key the message begins with. */
    private String origin(String message) {
        return origins.getOrDefault(message.split(" ", 2)[0], LoadedConfig.DEFAULT);
    }
}

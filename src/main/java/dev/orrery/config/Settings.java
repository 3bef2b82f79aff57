package dev.orrery.config;

import dev.orrery.config.Kind.Choice;
import dev.orrery.config.Kind.Ratio;
import dev.orrery.config.Kind.Span;
import dev.orrery.config.Kind.Text;
import dev.orrery.config.Kind.Texts;
import dev.orrery.config.Kind.Whole;
import dev.orrery.domain.task.TaskSource;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Everything a node can be told, on one page: the loader reads by this table, the records refuse by it, and
 * {@code conf/node.yaml} and the user guide repeat it.
 */
final class Settings {

    /** Settings that belong together: {@code name} is the part of their keys before the point. */
    record Section(String name, String meaning, List<Setting<?>> settings) {}

    private static final Pattern ONE_LINE = Pattern.compile("\\P{Cntrl}*");
    private static final Pattern FOLDER = Pattern.compile("[^\\p{Cntrl}\\s]\\P{Cntrl}*");
    private static final Pattern FOLDER_OR_NONE = Pattern.compile("(" + FOLDER + ")?");
    private static final Pattern ADDRESS = Pattern.compile("[A-Za-z0-9._-]+|\\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*]?");
    private static final Pattern HOST = Pattern.compile("[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+]");
    private static final Pattern ORIGIN = Pattern.compile("https?://[A-Za-z0-9._\\-\\[\\]:]+/?");
    private static final Pattern VISIBLE = Pattern.compile("[!-~]*");
    private static final Pattern DATABASE = Pattern.compile("((jdbc:)?postgres(ql)?://\\P{Cntrl}+)?");
    private static final Pattern ETCD = Pattern.compile("https?://([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+]):[0-9]{1,5}/?");
    private static final Pattern ETCD_PREFIX = Pattern.compile("(/[A-Za-z0-9_.-]+)+");
    private static final Pattern COLLECTOR =
            Pattern.compile("(https?://([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?)?");
    private static final Pattern HEADER = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+=[ -~&&[^,]]*");
    private static final Pattern SERVICE = Pattern.compile("[^\\p{Cntrl}\\s]\\P{Cntrl}*");
    private static final Pattern FILE_OR_NONE = FOLDER_OR_NONE;
    private static final Pattern ADDRESS_OR_NONE = Pattern.compile("(" + ADDRESS + ")?");
    private static final Pattern QUEUE = Pattern.compile("[A-Za-z0-9_.-]{1,64}");
    private static final Pattern SOURCE_WEIGHT = Pattern.compile("(?:"
            + Stream.of(TaskSource.values()).map(TaskSource::wireName).collect(Collectors.joining("|"))
            + ")=-?(?:10|[0-9](?:\\.[0-9]{1,3})?)");

    static final Setting<String> NODE_NAME = text(
            "node.name",
            new Text(255, ONE_LINE, "text", "be one line"),
            "What people call the node. Empty: the name of the host.",
            config -> config.node().name());

    static final Setting<String> NODE_DATA_DIR = text(
            "node.data-dir",
            new Text(4_096, FOLDER, "folder", "name a folder"),
            "The folder of the embedded database and of the files that tasks hand on. `~` is the user's home.",
            config -> Folders.text(config.node().dataDir()));

    static final Setting<String> HTTP_HOST = text(
            "http.host",
            new Text(255, ADDRESS, "host name or IP address", "be a host name or an IP address"),
            "The address to listen on. One beyond loopback, such as 0.0.0.0, is refused without http.token.",
            config -> config.http().host());

    static final Setting<Integer> HTTP_PORT = new Setting<>(
            "http.port",
            new Whole(0, 65_535),
            "The port to listen on. 0 takes a free one.",
            false,
            config -> config.http().port());

    static final Setting<List<String>> HTTP_HOSTS = new Setting<>(
            "http.hosts",
            new Texts(100, HOST, "host names without ports"),
            "Names under which the node may be called besides those of loopback; other Host headers are refused.",
            false,
            config -> config.http().hosts());

    static final Setting<String> HTTP_TOKEN = new Setting<>(
            "http.token",
            new Text(4_096, VISIBLE, "text", "consist of visible ASCII characters, without spaces"),
            "What callers must send as `Authorization: Bearer …`, except for /health/* and signed webhooks. Empty: nothing.",
            true,
            config -> config.http().token());

    static final Setting<List<String>> HTTP_CORS_ORIGINS = new Setting<>(
            "http.cors-origins",
            new Texts(100, ORIGIN, "origins such as https://example.org"),
            "Origins of web pages that may call the node.",
            false,
            config -> config.http().corsOrigins());

    static final Setting<Integer> HTTP_MAX_REQUESTS = new Setting<>(
            "http.max-requests",
            new Whole(1, 100_000),
            "How many requests may be in work at once; further ones are answered 429.",
            false,
            config -> config.http().maxRequests());

    static final Setting<String> DATABASE_URL = text(
            "database.url",
            new Text(4_096, DATABASE, "URL", "look like postgresql://user:password@host:5432/database"),
            "The PostgreSQL to use, such as postgresql://orrery@db.example.org:5432/orrery?sslmode=verify-full."
                    + " Empty: the embedded one.",
            config -> config.database().url());

    static final Setting<String> DATABASE_USER = text(
            "database.user",
            new Text(255, ONE_LINE, "text", "be one line"),
            "The account, if the URL names none.",
            config -> config.database().user());

    static final Setting<String> DATABASE_PASSWORD = new Setting<>(
            "database.password",
            new Text(4_096, ONE_LINE, "text", "be one line"),
            "The account's password, if the URL holds none.",
            true,
            config -> config.database().password());

    static final Setting<Integer> DATABASE_POOL_SIZE = new Setting<>(
            "database.pool-size",
            new Whole(1, 500),
            "How many connections answer the API; those that move work come on top.",
            false,
            config -> config.database().poolSize());

    static final Setting<Duration> DATABASE_CONNECT_TIMEOUT = new Setting<>(
            "database.connect-timeout",
            new Span(Duration.ofMillis(100), Duration.ofHours(1)),
            "How long a starting node waits for the server to answer.",
            false,
            config -> config.database().connectTimeout());

    static final Setting<List<String>> ETCD_ENDPOINTS = new Setting<>(
            "etcd.endpoints",
            new Texts(20, ETCD, "URLs such as http://127.0.0.1:2379"),
            "The members of the etcd by which the nodes of a cluster find each other. Empty: the node works alone. A cluster"
                    + " needs database.url too.",
            false,
            config -> config.etcd().endpoints());

    static final Setting<String> ETCD_PREFIX_KEY = text(
            "etcd.prefix",
            new Text(255, ETCD_PREFIX, "path", "look like /orrery"),
            "Where the keys of this cluster are; another one on the same etcd needs another prefix.",
            config -> config.etcd().prefix());

    static final Setting<String> ETCD_USER = text(
            "etcd.user",
            new Text(255, ONE_LINE, "text", "be one line"),
            "The etcd account. Empty: none.",
            config -> config.etcd().user());

    static final Setting<String> ETCD_PASSWORD = new Setting<>(
            "etcd.password",
            new Text(4_096, ONE_LINE, "text", "be one line"),
            "The password of the etcd account.",
            true,
            config -> config.etcd().password());

    static final Setting<Duration> ETCD_TIMEOUT = new Setting<>(
            "etcd.timeout",
            new Span(Duration.ofMillis(100), Duration.ofSeconds(30)),
            "How long a call of etcd may take.",
            false,
            config -> config.etcd().timeout());

    static final Setting<Duration> ETCD_CONNECT_TIMEOUT = new Setting<>(
            "etcd.connect-timeout",
            new Span(Duration.ofMillis(100), Duration.ofHours(1)),
            "How long a starting node waits for etcd to answer.",
            false,
            config -> config.etcd().connectTimeout());

    static final Setting<String> ETCD_CA_FILE = text(
            "etcd.ca-file",
            new Text(4_096, FILE_OR_NONE, "file", "name a file"),
            "The certificates (PEM) by which etcd's own is checked. Empty: those of the system.",
            config -> config.etcd().caFile());

    static final Setting<String> ETCD_CERT_FILE = text(
            "etcd.cert-file",
            new Text(4_096, FILE_OR_NONE, "file", "name a file"),
            "The node's certificate (PEM), where etcd asks for one.",
            config -> config.etcd().certFile());

    static final Setting<String> ETCD_KEY_FILE = text(
            "etcd.key-file",
            new Text(4_096, FILE_OR_NONE, "file", "name a file"),
            "The key (PEM, PKCS#8) of the node's certificate.",
            config -> config.etcd().keyFile());

    static final Setting<String> BUS_HOST = text(
            "bus.host",
            new Text(255, ADDRESS, "host name or IP address", "be a host name or an IP address"),
            "Where the event bus between nodes listens: loopback or an address of a private network, since whoever reaches"
                    + " it can harm the cluster.",
            config -> config.bus().host());

    static final Setting<Integer> BUS_PORT = new Setting<>(
            "bus.port",
            new Whole(0, 65_535),
            "The port of its messages. 0 takes a free one.",
            false,
            config -> config.bus().port());

    static final Setting<Integer> BUS_MEMBER_PORT = new Setting<>(
            "bus.member-port",
            new Whole(0, 65_535),
            "The port by which the nodes of the bus find and watch each other. 0 takes a free one.",
            false,
            config -> config.bus().memberPort());

    static final Setting<String> BUS_ADVERTISED_HOST = text(
            "bus.advertised-host",
            new Text(255, ADDRESS_OR_NONE, "host name or IP address", "be a host name or an IP address"),
            "Where other nodes reach this one, if not at bus.host.",
            config -> config.bus().advertisedHost());

    static final Setting<String> BUS_CA_FILE = text(
            "bus.ca-file",
            new Text(4_096, FILE_OR_NONE, "file", "name a file"),
            "The certificates (PEM) by which nodes check each other. Empty: the bus is not encrypted.",
            config -> config.bus().caFile());

    static final Setting<String> BUS_CERT_FILE = text(
            "bus.cert-file",
            new Text(4_096, FILE_OR_NONE, "file", "name a file"),
            "The node's certificate (PEM) for the bus.",
            config -> config.bus().certFile());

    static final Setting<String> BUS_KEY_FILE = text(
            "bus.key-file",
            new Text(4_096, FILE_OR_NONE, "file", "name a file"),
            "The key (PEM, PKCS#8) of that certificate.",
            config -> config.bus().keyFile());

    static final Setting<Integer> WORKERS_SIZE = new Setting<>(
            "workers.size",
            new Whole(1, 1_000),
            "How many workers the node has.",
            false,
            config -> config.workers().size());

    static final Setting<Integer> WORKERS_CONCURRENCY = new Setting<>(
            "workers.concurrency",
            new Whole(1, 1_000),
            "How many tasks each worker runs at once.",
            false,
            config -> config.workers().concurrency());

    static final Setting<Integer> WORKERS_QUEUE_CAPACITY = new Setting<>(
            "workers.queue-capacity",
            new Whole(0, 10_000),
            "How many more tasks each worker may hold.",
            false,
            config -> config.workers().queueCapacity());

    static final Setting<List<String>> WORKERS_QUEUES = new Setting<>(
            "workers.queues",
            new Texts(100, QUEUE, "queue names of at most 64 letters, digits, '_', '.' and '-'"),
            "The queues this node serves. Empty: all.",
            false,
            config -> config.workers().queues());

    static final Setting<Duration> WORKERS_DRAIN_TIMEOUT = new Setting<>(
            "workers.drain-timeout",
            new Span(Duration.ZERO, Duration.ofDays(1)),
            "How long running tasks may go on when the node stops; then they are stopped and run again later.",
            false,
            config -> config.workers().drainTimeout());

    static final Setting<String> HANDLERS_DIR = text(
            "handlers.dir",
            new Text(4_096, FOLDER_OR_NONE, "folder", "name a folder"),
            "The folder of jars with handlers of your own in Java; each is loaded when the node starts. Empty: none.",
            config -> config.handlers().dir());

    static final Setting<Duration> ROUTER_POLL = new Setting<>(
            "router.poll",
            new Span(Duration.ofMillis(10), Duration.ofMinutes(1)),
            "How often the router looks for ready tasks without having been told of any.",
            false,
            config -> config.router().poll());

    static final Setting<Duration> ROUTER_LEAD_TIME = new Setting<>(
            "router.lead-time",
            new Span(Duration.ZERO, Duration.ofSeconds(10)),
            "How long before their expected start tasks are claimed.",
            false,
            config -> config.router().leadTime());

    static final Setting<Integer> ROUTER_BATCH_SIZE = new Setting<>(
            "router.batch-size",
            new Whole(1, 1_000),
            "The most results, and the most claims, in one exchange with the database.",
            false,
            config -> config.router().batchSize());

    static final Setting<Integer> QUEUE_MAX_DEPENDENCIES = new Setting<>(
            "queue.max-dependencies",
            new Whole(1, 1_000),
            "How many others a single task may wait for.",
            false,
            config -> config.queue().maxDependencies());

    static final Setting<Integer> QUEUE_MAX_DEPENDENCY_DEPTH = new Setting<>(
            "queue.max-dependency-depth",
            new Whole(1, 1_000),
            "How many single tasks may stand behind one another, each waiting for the one before.",
            false,
            config -> config.queue().maxDependencyDepth());

    static final Setting<List<String>> QUEUE_SOURCE_WEIGHTS = new Setting<>(
            "queue.source-weights",
            new Texts(20, SOURCE_WEIGHT, "entries such as 'api=1.5', from -10 to 10"),
            "What is added to the priority of single tasks by their source; the leader's setting counts. Empty: nothing.",
            false,
            config -> config.queue().sourceWeights());

    static final Setting<Duration> RETENTION_RUNS = new Setting<>(
            "retention.runs",
            new Span(Duration.ZERO, Duration.ofDays(3_650)),
            "How long after its end a run is deleted, with its tasks, logs, outputs and folder. 0s: never.",
            false,
            config -> config.retention().runs());

    static final Setting<Duration> RETENTION_EVENTS = new Setting<>(
            "retention.events",
            new Span(Duration.ZERO, Duration.ofDays(3_650)),
            "How long after it was received an event is forgotten, and with it its key. 0s: never.",
            false,
            config -> config.retention().events());

    static final Setting<Duration> RETENTION_TASKS = new Setting<>(
            "retention.tasks",
            new Span(Duration.ZERO, Duration.ofDays(3_650)),
            "How long after its end a single task is deleted, with its input, logs and output. 0s: never.",
            false,
            config -> config.retention().tasks());

    static final Setting<Duration> RETENTION_AUDIT = new Setting<>(
            "retention.audit",
            new Span(Duration.ZERO, Duration.ofDays(3_650)),
            "How long the audit log tells what was changed through the API. 0s: for ever.",
            false,
            config -> config.retention().audit());

    static final Setting<LogConfig.Level> LOG_LEVEL = new Setting<>(
            "log.level",
            new Choice<>(LogConfig.Level.class),
            "The least serious events that are logged.",
            false,
            config -> config.log().level());

    static final Setting<String> TRACING_OTLP_ENDPOINT = text(
            "tracing.otlp-endpoint",
            new Text(4_096, COLLECTOR, "URL", "look like http://127.0.0.1:4318"),
            "The collector that takes traces by OTLP over HTTP, such as http://127.0.0.1:4318; they go to /v1/traces there."
                    + " Empty: nothing is traced.",
            config -> config.tracing().otlpEndpoint());

    static final Setting<List<String>> TRACING_HEADERS = new Setting<>(
            "tracing.headers",
            new Texts(20, HEADER, "headers such as 'x-api-key=abc'"),
            "Headers that the collector asks for.",
            true,
            config -> config.tracing().headers());

    static final Setting<Double> TRACING_SAMPLE_RATIO = new Setting<>(
            "tracing.sample-ratio",
            new Ratio(),
            "How many of the traces that begin here are recorded; for others their caller has decided.",
            false,
            config -> config.tracing().sampleRatio());

    static final Setting<String> TRACING_SERVICE_NAME = text(
            "tracing.service-name",
            new Text(255, SERVICE, "text", "be one line that is not empty"),
            "What the node's part of a trace is called.",
            config -> config.tracing().serviceName());

    static final Setting<Duration> TRACING_TIMEOUT = new Setting<>(
            "tracing.timeout",
            new Span(Duration.ofMillis(100), Duration.ofMinutes(1)),
            "How long the collector may take; what it has not taken by then is lost.",
            false,
            config -> config.tracing().timeout());

    static final List<Section> SECTIONS = List.of(
            new Section("node", "Who the node is and where it keeps its data.", List.of(NODE_NAME, NODE_DATA_DIR)),
            new Section(
                    "http",
                    "How the node is reached.",
                    List.of(HTTP_HOST, HTTP_PORT, HTTP_HOSTS, HTTP_TOKEN, HTTP_CORS_ORIGINS, HTTP_MAX_REQUESTS)),
            new Section(
                    "database",
                    "Which PostgreSQL (15 or newer) holds the truth.",
                    List.of(
                            DATABASE_URL,
                            DATABASE_USER,
                            DATABASE_PASSWORD,
                            DATABASE_POOL_SIZE,
                            DATABASE_CONNECT_TIMEOUT)),
            new Section(
                    "etcd",
                    "How the nodes of a cluster find each other.",
                    List.of(
                            ETCD_ENDPOINTS,
                            ETCD_PREFIX_KEY,
                            ETCD_USER,
                            ETCD_PASSWORD,
                            ETCD_TIMEOUT,
                            ETCD_CONNECT_TIMEOUT,
                            ETCD_CA_FILE,
                            ETCD_CERT_FILE,
                            ETCD_KEY_FILE)),
            new Section(
                    "bus",
                    "How the nodes of a cluster talk to each other.",
                    List.of(
                            BUS_HOST,
                            BUS_PORT,
                            BUS_MEMBER_PORT,
                            BUS_ADVERTISED_HOST,
                            BUS_CA_FILE,
                            BUS_CERT_FILE,
                            BUS_KEY_FILE)),
            new Section(
                    "workers",
                    "The workers, which run tasks.",
                    List.of(
                            WORKERS_SIZE,
                            WORKERS_CONCURRENCY,
                            WORKERS_QUEUE_CAPACITY,
                            WORKERS_QUEUES,
                            WORKERS_DRAIN_TIMEOUT)),
            new Section("tasks", "How tasks run on the node.", TaskSettings.ALL),
            new Section("handlers", "What handler tasks can call besides what is built in.", List.of(HANDLERS_DIR)),
            new Section(
                    "router",
                    "How the router hands tasks to the workers.",
                    List.of(ROUTER_POLL, ROUTER_LEAD_TIME, ROUTER_BATCH_SIZE)),
            new Section(
                    "queue",
                    "What single tasks may be like.",
                    List.of(QUEUE_MAX_DEPENDENCIES, QUEUE_MAX_DEPENDENCY_DEPTH, QUEUE_SOURCE_WEIGHTS)),
            LetterSettings.SECTION,
            new Section(
                    "retention",
                    "How long what has ended is kept.",
                    List.of(RETENTION_RUNS, RETENTION_EVENTS, RETENTION_TASKS, RETENTION_AUDIT)),
            HealthSettings.SECTION,
            new Section("log", "What the node's log tells.", List.of(LOG_LEVEL)),
            new Section(
                    "tracing",
                    "Where traces of requests and tasks go.",
                    List.of(
                            TRACING_OTLP_ENDPOINT,
                            TRACING_HEADERS,
                            TRACING_SAMPLE_RATIO,
                            TRACING_SERVICE_NAME,
                            TRACING_TIMEOUT)));

    /** All of them, in the order of the file. */
    static final List<Setting<?>> ALL = SECTIONS.stream()
            .<Setting<?>>flatMap(section -> section.settings().stream())
            .toList();

    static final Map<String, Setting<?>> BY_KEY =
            ALL.stream().collect(Collectors.toUnmodifiableMap(Setting::key, Function.identity()));

    private Settings() {}

    private static Setting<String> text(String key, Text kind, String meaning, Function<OrreryConfig, String> reader) {
        return new Setting<>(key, kind, meaning, false, reader);
    }
}

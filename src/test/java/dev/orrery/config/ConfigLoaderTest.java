package dev.orrery.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.orrery.domain.Problem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigLoaderTest extends ConfigTestBase {

    @Test
    void withoutSourcesEverythingHasItsDefault() {
        var loaded = load(Optional.empty(), Map.of());

        assertThat(loaded.config()).isEqualTo(OrreryConfig.DEFAULT);
        assertThat(loaded.report().rows()).extracting(ConfigReport.Row::origin).containsOnly("default");
    }

    @Test
    void eachSourceOverridesTheOnesBeforeIt() {
        var file = file("http:\n  port: 1\n  max-requests: 10\nworkers: {size: 2, concurrency: 3}\n");
        var environment = Map.of("ORRERY_HTTP_PORT", "2", "ORRERY_WORKERS_SIZE", "5");

        var loaded = load(Optional.of(file), environment, new ConfigFlag("--http-port", "http.port", "3"));

        assertThat(loaded.config().http().port()).isEqualTo(3);
        assertThat(loaded.config().http().maxRequests()).isEqualTo(10);
        assertThat(loaded.config().workers().size()).isEqualTo(5);
        assertThat(loaded.config().workers().concurrency()).isEqualTo(3);
        assertThat(loaded.config().workers().queueCapacity()).isEqualTo(100);
        assertThat(loaded.origins())
                .containsOnly(
                        Map.entry("http.port", "--http-port"),
                        Map.entry("http.max-requests", file + ":3:17"),
                        Map.entry("workers.size", "ORRERY_WORKERS_SIZE"),
                        Map.entry("workers.concurrency", file + ":4:33"));
    }

    @Test
    void theLastFlagWins() {
        var loaded = load(Optional.empty(), Map.of(), ConfigFlag.set("http.port=1"), ConfigFlag.set("http.port=2"));

        assertThat(loaded.config().http().port()).isEqualTo(2);
    }

    @Test
    void everySettingCanBeSetByEverySource() {
        var values = Map.ofEntries(
                Map.entry("node.name", "ada"),
                Map.entry("node.data-dir", "/srv/orrery"),
                Map.entry("http.host", "0.0.0.0"),
                Map.entry("http.port", "9"),
                Map.entry("http.hosts", "a.example.org,b.example.org"),
                Map.entry("http.token", "s3cret"),
                Map.entry("http.cors-origins", "https://example.org"),
                Map.entry("http.max-requests", "7"),
                Map.entry("database.url", "postgresql://h/d"),
                Map.entry("database.user", "ann"),
                Map.entry("database.password", "pw"),
                Map.entry("database.pool-size", "3"),
                Map.entry("database.connect-timeout", "4s"),
                Map.entry("etcd.endpoints", "https://a:2379,https://b:2379"),
                Map.entry("etcd.prefix", "/orrery/two"),
                Map.entry("etcd.user", "orrery"),
                Map.entry("etcd.password", "secret"),
                Map.entry("etcd.timeout", "3s"),
                Map.entry("etcd.connect-timeout", "1m"),
                Map.entry("etcd.ca-file", "/etc/ca.pem"),
                Map.entry("etcd.cert-file", "/etc/cert.pem"),
                Map.entry("etcd.key-file", "/etc/key.pem"),
                Map.entry("bus.host", "10.0.0.7"),
                Map.entry("bus.port", "7001"),
                Map.entry("bus.member-port", "7002"),
                Map.entry("bus.advertised-host", "node7"),
                Map.entry("bus.ca-file", "/etc/bus-ca.pem"),
                Map.entry("bus.cert-file", "/etc/bus.pem"),
                Map.entry("bus.key-file", "/etc/bus-key.pem"),
                Map.entry("workers.size", "6"),
                Map.entry("workers.concurrency", "5"),
                Map.entry("workers.queue-capacity", "11"),
                Map.entry("workers.queues", "a,b"),
                Map.entry("workers.drain-timeout", "5m"),
                Map.entry("tasks.directory", "jobs"),
                Map.entry("tasks.run-directory", "/mnt/runs"),
                Map.entry("tasks.kill-grace", "500ms"),
                Map.entry("tasks.log-limit", "128KiB"),
                Map.entry("tasks.http-allow", "10.0.0.0/8,[fd00::1]:80,billing.internal:8443,*.svc"),
                Map.entry("tasks.http-deny", "10.9.0.0/16"),
                Map.entry("tasks.secrets", "KEY=env:API_KEY,acme/KEY=file:/run/secrets/key,*/CA=file:/etc/ca.pem"),
                Map.entry("tasks.isolation", "2"),
                Map.entry("tasks.user", "orrery-tasks"),
                Map.entry("tasks.network", "HOST"),
                Map.entry("tasks.folders", "/opt/tools,/srv/jobs"),
                Map.entry("tasks.max-memory", "512MiB"),
                Map.entry("tasks.max-file-size", "1TiB"),
                Map.entry("tasks.max-cpu", "1h"),
                Map.entry("tasks.max-processes", "64"),
                Map.entry("tasks.max-open-files", "256"),
                Map.entry("handlers.dir", "/opt/handlers"),
                Map.entry("router.poll", "2s"),
                Map.entry("router.lead-time", "10ms"),
                Map.entry("router.batch-size", "33"),
                Map.entry("queue.max-dependencies", "60"),
                Map.entry("queue.max-dependency-depth", "12"),
                Map.entry("queue.source-weights", "api=1.5,human=-2"),
                Map.entry("dead-letters.max-redrives", "3"),
                Map.entry("dead-letters.webhook-url", "https://alerts.example.org:8443/orrery?team=7"),
                Map.entry("dead-letters.webhook-secret", "a secret of the webhook"),
                Map.entry("dead-letters.webhook-allow", "10.0.0.0/8"),
                Map.entry("dead-letters.webhook-timeout", "3s"),
                Map.entry("dead-letters.webhook-per-minute", "60"),
                Map.entry("retention.runs", "2d"),
                Map.entry("retention.events", "3d"),
                Map.entry("retention.tasks", "4d"),
                Map.entry("retention.audit", "5d"),
                Map.entry("health.disk-low", "3GiB"),
                Map.entry("health.disk-full", "200MiB"),
                Map.entry("health.stuck-after", "20s"),
                Map.entry("health.dead-after", "40s"),
                Map.entry("log.level", "DEBUG"),
                Map.entry("tracing.otlp-endpoint", "https://collector.example.org:4318/otlp"),
                Map.entry("tracing.headers", "x-api-key=abc,x-tenant=7"),
                Map.entry("tracing.sample-ratio", "0.25"),
                Map.entry("tracing.service-name", "nightly"),
                Map.entry("tracing.timeout", "3s"));
        var yaml = values.entrySet().stream()
                .map(entry -> entry.getKey() + ": \"" + entry.getValue() + "\"")
                .collect(Collectors.joining("\n"));
        var environment = values.entrySet().stream()
                .collect(Collectors.toMap(entry -> "ORRERY_" + screaming(entry.getKey()), Map.Entry::getValue));
        var flags = values.entrySet().stream()
                .map(entry -> ConfigFlag.set(entry.getKey() + "=" + entry.getValue()))
                .toArray(ConfigFlag[]::new);

        var byFile = load(Optional.of(file(yaml)), Map.of());
        var byEnvironment = load(Optional.empty(), environment);
        var byFlags = load(Optional.empty(), Map.of(), flags);

        assertThat(values.keySet())
                .isEqualTo(Settings.ALL.stream().map(Setting::key).collect(Collectors.toSet()));
        assertThat(Settings.ALL).allSatisfy(setting -> {
            assertThat(setting.textIn(byFile.config())).isEqualTo(values.get(setting.key()));
            assertThat(setting.in(byFile.config())).isNotEqualTo(setting.defaultValue());
        });
        assertThat(byEnvironment.config()).isEqualTo(byFile.config());
        assertThat(byFlags.config()).isEqualTo(byFile.config());
    }

    private static String screaming(String key) {
        return key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
    }

    @Test
    void listsComeFromYamlListsAndFromCommas() {
        var byFile = load(Optional.of(file("workers:\n  queues:\n    - a\n    - b\n")), Map.of());
        var byVariable = load(Optional.empty(), Map.of("ORRERY_WORKERS_QUEUES", " a, b "));
        var byEmptyVariable = load(Optional.empty(), Map.of("ORRERY_WORKERS_QUEUES", ""));

        assertThat(byFile.config().workers().queues()).containsExactly("a", "b");
        assertThat(byVariable.config().workers().queues()).containsExactly("a", "b");
        assertThat(byEmptyVariable.config().workers().queues()).isEmpty();
    }

    @Test
    void aTildeIsTheHomeOfTheUser() {
        var loaded = load(Optional.empty(), Map.of(), ConfigFlag.set("node.data-dir=~/elsewhere"));

        assertThat(loaded.config().node().dataDir()).isEqualTo(Path.of(System.getProperty("user.home"), "elsewhere"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "# nothing\n", "http:\n# port: 1\n", "---\n"})
    void aFileThatSetsNothingIsFine(String yaml) {
        assertThat(load(Optional.of(file(yaml)), Map.of()).config()).isEqualTo(OrreryConfig.DEFAULT);
    }

    @Test
    void everyProblemIsToldAtOnceWithItsPlace() {
        var file = file("""
                http:
                  port: many
                  prot: 1
                workers:
                  size: [1, 2]
                  drain-timeout: 60
                tasks:
                  kill-grace: 2h
                """);
        var environment = Map.of("ORRERY_ROUTER_POLL", "1ms", "ORRERY_LOG_LEVL", "INFO");

        var problems =
                problems(Optional.of(file), environment, ConfigFlag.set("log.level=loud"), ConfigFlag.set("http.port"));

        assertThat(problems.stream().map(ConfigTestBase::line))
                .containsExactly(
                        file + ":5:9 workers.size must be one value, not a list",
                        file + ":2:9 http.port must be a whole number 0..65535, was 'many'",
                        file + ":3:9 there is no setting 'http.prot' (did you mean 'http.port'?)",
                        file + ":6:18 workers.drain-timeout must say its unit: '60s' if you mean seconds, was '60'",
                        file + ":8:15 tasks.kill-grace must be 0s..1h, was '2h'",
                        "ORRERY_LOG_LEVL no setting has this variable (did you mean ORRERY_LOG_LEVEL?)",
                        "ORRERY_ROUTER_POLL router.poll must be 10ms..1m, was '1ms'",
                        "--set needs a setting and its value (write --set http.port=8081)",
                        "--set log.level must be ERROR, WARN, INFO, DEBUG or TRACE, was 'loud'");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "http.prot           | did you mean 'http.port'?",
                "HTTP.PORT           | did you mean 'http.port'?",
                "node.dataDir        | did you mean 'node.data-dir'?",
                "workers.kill-grace  | did you mean 'tasks.kill-grace'?",
                "router              | there are router.poll, router.lead-time, router.batch-size",
                "router.elephants    | there are router.poll, router.lead-time, router.batch-size",
                "elephants.speed     | there are node.…, http.…, database.…, etcd.…, bus.…, workers.…, tasks.…, handlers.…, router.…, queue.…, dead-letters.…, retention.…, health.…, log.…, tracing.…"
            })
    void anUnknownSettingIsRefusedWithTheNearestKnownOne(String key, String help) {
        var problems = problems(Optional.empty(), Map.of(), ConfigFlag.set(key + "=1"));

        assertThat(problems).singleElement().satisfies(problem -> {
            assertThat(problem.code()).isEqualTo("UNKNOWN_SETTING");
            assertThat(problem.message()).isEqualTo("there is no setting '" + key + "'");
            assertThat(problem.help()).contains(help);
        });
    }

    @Test
    void anUnknownVariableIsRefused() {
        var problems = problems(Optional.empty(), Map.of("ORRERY_NODE_DATADIRS", "x", "ORRERY_WHATEVER", "y"));

        assertThat(problems).extracting(Problem::path).containsExactly("ORRERY_NODE_DATADIRS", "ORRERY_WHATEVER");
        assertThat(problems)
                .extracting(Problem::help)
                .containsExactly(Optional.of("did you mean ORRERY_NODE_DATA_DIR?"), Optional.empty());
    }

    @Test
    void variablesOfTasksAndOfTheCommandLineAreNoSettings() throws IOException {
        var given = Files.readString(Path.of("src/main/java/dev/orrery/executor/TaskEnvironment.java"));
        var ofTasks = Pattern.compile("ORRERY_[A-Z_]+").matcher(given).results().map(found -> found.group());
        var all = Stream.concat(ofTasks, Stream.of("ORRERY_SERVER", "ORRERY_TOKEN"))
                .distinct()
                .collect(Collectors.toMap(name -> name, _ -> "anything"));

        var loaded = load(Optional.empty(), all);

        assertThat(all).hasSizeGreaterThanOrEqualTo(14);
        assertThat(loaded.config()).isEqualTo(OrreryConfig.DEFAULT);
        assertThat(Settings.ALL.stream().map(Setting::variable)).doesNotContainAnyElementsOf(all.keySet());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "http: {port: 1, port: 2}          | :1:17 http.port is already set at FILE:1:14",
                "http.port: 1\\nhttp: {port: 2}    | :2:8 http.port is already set at FILE:1:12",
                "http: {port: }                    | :1:8 http.port has no value",
                "http: 8080                        | :1:7 there is no setting 'http'",
                "http: {port: {a: 1}}              | :1:18 there is no setting 'http.port.a'",
                "http: {hosts: [{a: 1}]}           | :1:16 an item of http.hosts must be a text",
                "http: {? [a] : 1}                 | :1:10 a key must be a word",
                "[1, 2]                            | :1:1 the file must hold sections such as 'http:'",
                "http: [                           | :1:8 this is no YAML: expected the node content, but found '<stream end>'",
                "a: 1\\n---\\nb: 2                 | :2:1 this is no YAML: but found another document",
                "{a: {a: {a: {a: {a: {a: {a: {a: {a: 1}}}}}}}}} |  this is no YAML: Nesting Depth exceeded max 8"
            })
    void aWrongFileIsRefusedWithThePlace(String yaml, String expected) {
        var file = file(yaml.replace("\\n", "\n"));

        var problems = problems(Optional.of(file), Map.of());

        assertThat(problems)
                .singleElement()
                .satisfies(problem -> assertThat(problem.path() + " " + problem.message())
                        .isEqualTo(file
                                + (expected.startsWith(":") ? "" : " ")
                                + expected.replace("FILE", file.toString()).strip()));
    }

    @Test
    void aFileThatCannotBeReadIsRefused() throws IOException {
        var missing = folder.resolve("missing.yaml");
        var latin =
                Files.write(folder.resolve("latin.yaml"), "node: {name: Jürgen}".getBytes(StandardCharsets.ISO_8859_1));
        var huge = Files.writeString(folder.resolve("huge.yaml"), "#".repeat(300_000));

        assertThat(message(missing)).isEqualTo("cannot read the file: there is none at " + missing);
        assertThat(message(folder)).isEqualTo("cannot read the file: it is a folder");
        assertThat(message(latin)).isEqualTo("the file is not UTF-8");
        assertThat(message(huge)).isEqualTo("the file is over 256 KiB: it is no configuration");
    }

    private String message(Path file) {
        return problems(Optional.of(file), Map.of()).getFirst().message();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "http.host                | a b",
                "http.hosts               | example.org:8080",
                "http.hosts               | a,,b",
                "http.token               | two words",
                "http.cors-origins        | example.org",
                "http.max-requests        | 0",
                "http.port                | 65536",
                "http.port                | 99999999999",
                "database.url             | mysql://u:secret@h/d",
                "database.connect-timeout | 0s",
                "workers.size             | 0",
                "workers.queues           | a b",
                "tasks.log-limit          | 1048576",
                "tasks.log-limit          | 9999999999MiB",
                "tasks.log-limit          | 1KiB",
                "tasks.http-allow         | 10.0.0.0/33",
                "tasks.http-allow         | 10.0.0.1,http://host/",
                "tasks.http-deny          | 127.1",
                "tasks.secrets            | KEY",
                "tasks.secrets            | KEY=env:ORRERY_DATABASE_PASSWORD",
                "tasks.secrets            | KEY=file:relative",
                "tasks.secrets            | KEY=env:A,KEY=env:B",
                "tasks.isolation          | 3",
                "tasks.user               | a b",
                "tasks.folders            | relative",
                "tasks.max-memory         | 1MiB",
                "tasks.max-memory         | 2048",
                "tasks.max-processes      | 1",
                "router.batch-size        | 1001",
                "queue.max-dependencies   | 0",
                "queue.max-dependency-depth | 1001",
                "dead-letters.max-redrives | 0",
                "dead-letters.max-redrives | 1001",
                "dead-letters.webhook-url | ftp://alerts.example.org/",
                "dead-letters.webhook-url | https://alerts.example.org:99999/",
                "dead-letters.webhook-url | https://alerts.example.org/%zz",
                "dead-letters.webhook-secret | too short",
                "dead-letters.webhook-allow | 10.0.0.0/99",
                "dead-letters.webhook-timeout | 2m",
                "dead-letters.webhook-per-minute | 0",
                "queue.source-weights     | robot=1",
                "queue.source-weights     | api=10.5",
                "router.lead-time         | P1Y",
                "tracing.otlp-endpoint    | collector:4318",
                "tracing.sample-ratio     | 1.5",
                "tracing.sample-ratio     | 10%",
                "tracing.headers          | secret",
                "node.data-dir            | ''"
            })
    void valuesThatMakeNoSenseAreRefused(String key, String value) {
        var problems = problems(Optional.empty(), Map.of(), ConfigFlag.set(key + "=" + value));

        assertThat(problems).singleElement().satisfies(problem -> {
            assertThat(problem.code()).isEqualTo("INVALID_VALUE");
            assertThat(problem.message()).startsWith(key + " must ").doesNotContain("u:secret");
        });
    }

    @Test
    void recordsRefuseWhatTheTableRefuses() {
        var refused = catchThrowableOfType(
                IllegalArgumentException.class,
                () -> new RouterConfig(Duration.ofSeconds(1), Duration.ofMillis(50), 1_001));

        assertThat(refused).hasMessage("router.batch-size must be 1..1000, was '1001'");
    }
}

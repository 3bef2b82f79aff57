package dev.orrery.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.orrery.testing.Needed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/**
 * Holds what {@code conf/} offers to operators against the settings and against each other: every variable is a setting with
 * a valid value, ports and times agree, and the linters of each format find nothing.
 */
class DeploymentFilesTest {

    private static final Path CONF = Path.of("conf");
    private static final Path CLUSTER = CONF.resolve("cluster.yaml");
    private static final Path DOCKERFILE = CONF.resolve("docker/Dockerfile");
    private static final Path COMPOSE = CONF.resolve("docker/compose.yaml");
    private static final Path KUBERNETES = CONF.resolve("kubernetes");
    private static final Path UNIT = CONF.resolve("systemd/orrery.service");
    private static final Path LINTER = Path.of("target/tools/node_modules/.bin/dockerfile-utils");
    private static final List<String> NODES = List.of("node-1", "node-2", "node-3");
    private static final Pattern VARIABLE = Pattern.compile("\\bORRERY_[A-Z_]+\\b");

    /** What a node needs beyond the time of its running tasks to end in good order. */
    private static final Duration STOPPING = Duration.ofSeconds(30);

    /** What bringing large tables up to date may take: whoever ends a node meanwhile has it begin anew. */
    private static final Duration MIGRATING = Duration.ofMinutes(30);

    private static final List<Integer> PORTS = List.of(8080, 5710, 5711);

    @TempDir
    Path folder;

    @Test
    void theExampleOfAClusterLoads() {
        var loaded = load(Optional.of(CLUSTER), Map.of(), new ConfigFlag("--http-port", "http.port", "8081"));

        assertThat(loaded.isCluster()).isTrue();
        assertThat(loaded.http().port()).isEqualTo(8081);
        assertThat(loaded.bus()).isEqualTo(BusConfig.DEFAULT);
        assertThat(loaded.workers()).isEqualTo(WorkersConfig.DEFAULT);
    }

    @Test
    void everyVariableThatIsNamedIsASetting() throws IOException {
        var known = Stream.concat(Settings.ALL.stream().map(Setting::variable), ConfigLoader.OTHER_VARIABLES.stream())
                .collect(Collectors.toSet());
        var named = new TreeSet<String>();
        for (var file : files()) {
            VARIABLE.matcher(Files.readString(file)).results().forEach(found -> named.add(found.group()));
        }

        assertThat(named).hasSizeGreaterThan(10);
        assertThat(known).containsAll(named);
    }

    @Test
    void theNodesOfTheComposeFileAreACluster() throws IOException {
        var compose = yaml(COMPOSE);
        var services = map(compose.get("services"));

        for (var name : NODES) {
            var service = map(services.get(name));
            var config = load(Optional.empty(), variables(map(service.get("environment"))));
            var address = map(map(service.get("networks")).get("cluster")).get("ipv4_address");

            assertThat(config.isCluster()).isTrue();
            assertThat(config.node().name()).isEqualTo(name);
            assertThat(config.http().hosts()).isEqualTo(NODES);
            assertThat(ports(config)).isEqualTo(PORTS);
            assertThat(config.bus().host()).isEqualTo(address);
            assertThat(list(service.get("ports")))
                    .hasSize(1)
                    .allSatisfy(published -> assertThat(published.toString())
                            .startsWith("127.0.0.1:")
                            .endsWith(":" + config.http().port()));
            assertThat(Duration.parse("PT" + service.get("stop_grace_period"))).isGreaterThan(endsWithin(config));
            assertThat(config.etcd().endpoints())
                    .hasSize(3)
                    .allSatisfy(url -> assertThat(services).containsKey(url.split("[/:]+")[1]));
            assertThat(config.database().url()).contains("@postgresql:");
        }
        assertThat(services).containsKey("postgresql");
        assertThat(map(map(compose.get("networks")).get("cluster"))).containsEntry("internal", true);
    }

    @Test
    void theImageAgreesWithWhatRunsIt() throws IOException {
        var image = Dockerfile.read(DOCKERFILE);
        var pod = map(map(map(deployment().get("spec")).get("template")).get("spec"));
        var user = map(pod.get("securityContext"));

        var variables = new HashMap<>(image.variables());
        variables.keySet().removeIf(name -> !name.startsWith(Setting.VARIABLE_PREFIX));
        variables.put("ORRERY_HTTP_TOKEN", "secret");
        var config = load(Optional.empty(), variables);

        assertThat(config.http().host()).isEqualTo("0.0.0.0");
        assertThat(config.node().dataDir()).hasToString(image.only("VOLUME")).hasToString(image.only("WORKDIR"));
        assertThat(image.only("EXPOSE"))
                .isEqualTo(PORTS.stream().map(String::valueOf).collect(Collectors.joining(" ")));
        assertThat(image.only("HEALTHCHECK"))
                .contains("\"http://127.0.0.1:" + config.http().port() + "/health/live\"");
        assertThat(image.only("USER")).isEqualTo(user.get("runAsUser") + ":" + user.get("runAsGroup"));
    }

    @Test
    void thePodsOfKubernetesAreACluster() throws IOException {
        var spec = map(deployment().get("spec"));
        var pod = map(map(spec.get("template")).get("spec"));
        var node = map(list(pod.get("containers")).getFirst());
        var variables = variables(map(yaml(KUBERNETES.resolve("config.yaml")).get("data")));
        variables.putAll(variables(map(yaml(KUBERNETES.resolve("secret.yaml")).get("stringData"))));
        var ofThePod = new HashMap<String, String>();
        for (var entry : list(node.get("env"))) {
            var field = map(map(map(entry).get("valueFrom")).get("fieldRef")).get("fieldPath");
            ofThePod.put(map(entry).get("name").toString(), field.toString());
        }

        assertThat(ofThePod).isEqualTo(Map.of("ORRERY_BUS_HOST", "status.podIP", "ORRERY_NODE_NAME", "metadata.name"));
        variables.put("ORRERY_BUS_HOST", "10.1.2.3");
        variables.put("ORRERY_NODE_NAME", "orrery-abc");
        var config = load(Optional.empty(), variables);
        assertThat(config.isCluster()).isTrue();
        assertThat(ports(config)).isEqualTo(PORTS);
        assertThat(list(node.get("ports")).stream().map(port -> map(port).get("containerPort")))
                .isEqualTo(PORTS);
        assertThat(spec).containsEntry("replicas", 3);
        var preStop = map(map(map(node.get("lifecycle")).get("preStop")).get("sleep"));
        var untilNobodyCalls = Duration.ofSeconds((Integer) preStop.get("seconds"));
        assertThat(untilNobodyCalls).isPositive();
        assertThat(Duration.ofSeconds((Integer) pod.get("terminationGracePeriodSeconds")))
                .isGreaterThan(endsWithin(config).plus(untilNobodyCalls));
        assertThat(probed(node, "startupProbe")).isEqualTo("/health/live http localhost");
        var startup = map(node.get("startupProbe"));
        assertThat(Duration.ofSeconds(
                        (long) (Integer) startup.get("periodSeconds") * (Integer) startup.get("failureThreshold")))
                .isGreaterThanOrEqualTo(MIGRATING);
        assertThat(probed(node, "livenessProbe")).isEqualTo("/health/live http localhost");
        assertThat(probed(node, "readinessProbe")).isEqualTo("/health/ready http localhost");
        // Else Kubernetes itself sets variables that begin like ours.
        assertThat(pod).containsEntry("enableServiceLinks", false);
    }

    @Test
    void whatKubernetesSelectsIsThere() throws IOException {
        var labels = map(map(map(map(deployment().get("spec")).get("template")).get("metadata"))
                .get("labels"));
        var service = map(yaml(KUBERNETES.resolve("service.yaml")).get("spec"));
        var disruption = map(yaml(KUBERNETES.resolve("disruption.yaml")).get("spec"));
        var network = map(yaml(KUBERNETES.resolve("network.yaml")).get("spec"));

        assertThat(labels).isNotEmpty();
        assertThat(map(service.get("selector"))).isEqualTo(labels);
        assertThat(map(map(disruption.get("selector")).get("matchLabels"))).isEqualTo(labels);
        assertThat(map(map(network.get("podSelector")).get("matchLabels"))).isEqualTo(labels);
        var open = map(list(network.get("ingress")).getFirst());
        var amongNodes = map(list(network.get("ingress")).getLast());
        assertThat(policyPorts(open)).isEqualTo(PORTS.subList(0, 1));
        assertThat(policyPorts(amongNodes)).isEqualTo(PORTS.subList(1, 3));
        assertThat(map(map(map(list(amongNodes.get("from")).getFirst()).get("podSelector"))
                        .get("matchLabels")))
                .isEqualTo(labels);
        assertThat(map(list(service.get("ports")).getFirst())).containsEntry("port", PORTS.getFirst());
        for (var file : files(KUBERNETES)) {
            assertThat(yaml(file)).containsKeys("apiVersion", "kind", "metadata");
            assertThat(map(yaml(file).get("metadata"))).containsEntry("name", "orrery");
        }
    }

    @Test
    void theUnitOfSystemdLetsANodeDrainAndComeBack() throws IOException {
        var unit = new HashMap<String, String>();
        Files.readString(UNIT)
                .lines()
                .filter(line -> line.matches("[A-Za-z]+=.*"))
                .map(line -> line.split("=", 2))
                .forEach(pair -> unit.put(pair[0], pair[1]));

        assertThat(unit)
                .containsEntry("KillMode", "mixed")
                .containsEntry("Restart", "on-failure")
                .containsEntry("User", "orrery")
                .containsEntry("NoNewPrivileges", "yes");
        assertThat(Duration.ofSeconds(Long.parseLong(unit.get("TimeoutStopSec"))))
                .isGreaterThan(endsWithin(OrreryConfig.DEFAULT));
        assertThat(List.of(unit.get("RestartPreventExitStatus").split(" ")))
                .contains("2")
                .doesNotContain("70");
        assertThat(List.of(unit.get("SuccessExitStatus").split(" "))).doesNotContain("70");
        // A task that takes all it can get is ended, and the node is not.
        assertThat(unit)
                .containsEntry("OOMPolicy", "continue")
                .containsKey("MemoryMax")
                .hasEntrySatisfying("TasksMax", most -> assertThat(most).matches("[0-9]+"));
        // What would keep the JVM from compiling, or the node from finding what a task left behind.
        assertThat(unit)
                .doesNotContainKeys("MemoryDenyWriteExecute", "ProtectProc", "ProcSubset", "RestrictNamespaces");
    }

    @Test
    void systemdTakesTheUnit() throws Exception {
        Needed.program("systemd-analyze", "systemd");
        // Where the JDK is differs from machine to machine, and systemd looks for it.
        var java = ProcessHandle.current().info().command().orElseThrow();
        var unit = Files.readString(UNIT).replaceFirst("ExecStart=\\S+", "ExecStart=" + java);
        var copy = Files.writeString(folder.resolve("orrery.service"), unit);

        assertThat(run("systemd-analyze", "verify", "--man=no", copy.toString()))
                .isEmpty();
    }

    @Test
    void yamllintFindsNothing() throws Exception {
        Needed.program("yamllint", "yamllint");

        assertThat(run("yamllint", "--strict", "--config-file", ".yamllint.yaml", "conf"))
                .isEmpty();
    }

    @Test
    void theRulesOfImagesAreKept() throws IOException {
        assertThat(Dockerfile.read(DOCKERFILE).problems()).isEmpty();
    }

    @Test
    void theLinterOfImagesFindsNothing() throws Exception {
        // scripts/test fetches it where npm is there.
        assumeTrue(Files.isExecutable(LINTER), "no " + LINTER + ": npm install --prefix target/tools dockerfile-utils");

        assertThat(run(LINTER.toString(), "lint", DOCKERFILE.toString())).isEmpty();
    }

    private static Duration endsWithin(OrreryConfig config) {
        return config.workers().drainTimeout().plus(config.tasks().killGrace()).plus(STOPPING);
    }

    private static List<Integer> ports(OrreryConfig config) {
        return List.of(config.http().port(), config.bus().port(), config.bus().memberPort());
    }

    private static String probed(Map<String, Object> container, String probe) {
        var get = map(map(container.get(probe)).get("httpGet"));
        var header = map(list(get.get("httpHeaders")).getFirst());
        assertThat(header).containsEntry("name", "Host");
        return get.get("path") + " " + get.get("port") + " " + header.get("value");
    }

    private static List<Object> policyPorts(Map<String, Object> rule) {
        return list(rule.get("ports")).stream()
                .map(port -> map(port).get("port"))
                .toList();
    }

    private static Map<String, Object> deployment() throws IOException {
        return yaml(KUBERNETES.resolve("deployment.yaml"));
    }

    private static OrreryConfig load(Optional<Path> file, Map<String, String> environment, ConfigFlag... flags) {
        return ConfigLoader.load(new ConfigSources(file, environment, List.of(flags)))
                .config();
    }

    /** As the process is given them; what the caller's environment must give has some value. */
    private static Map<String, String> variables(Map<String, Object> values) {
        var variables = new HashMap<String, String>();
        values.forEach((name, value) -> variables.put(name, value.toString().replaceAll("\\$\\{[^}]+}", "given")));
        return variables;
    }

    private static List<Path> files() throws IOException {
        return Stream.of(files(CONF), files(KUBERNETES), files(UNIT.getParent()), files(DOCKERFILE.getParent()))
                .flatMap(List::stream)
                .toList();
    }

    private static List<Path> files(Path parent) throws IOException {
        try (var files = Files.list(parent)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    private static Map<String, Object> yaml(Path file) throws IOException {
        return map(new Yaml(new SafeConstructor(new LoaderOptions())).load(Files.readString(file)));
    }

    @SuppressWarnings("unchecked") // YAML's mappings, whose keys here are texts
    private static Map<String, Object> map(Object value) {
        assertThat(value).isInstanceOf(Map.class);
        return (Map<String, Object>) value;
    }

    @SuppressWarnings("unchecked") // YAML's sequences
    private static List<Object> list(Object value) {
        assertThat(value).isInstanceOf(List.class);
        return (List<Object>) value;
    }

    /** What it says; an exit code other than 0 says something too. */
    private String run(String... command) throws IOException, InterruptedException {
        var output = Files.createTempFile(folder, "linter", ".log");
        var process = new ProcessBuilder(new ArrayList<>(List.of(command)))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        process.getOutputStream().close();
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            return command[0] + " does not end";
        }
        var text = Files.readString(output);
        return process.exitValue() == 0 ? text : text + "exit code " + process.exitValue();
    }
}

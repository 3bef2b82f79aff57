package dev.orrery.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/**
 * Holds the alerts, the dashboard and the guide against the one list of metrics. The tables of the guide are written by
 * {@code mvn test -Dtest=MonitoringFilesTest -Drewrite}.
 */
class MonitoringFilesTest {

    private static final Path ALERTS = Path.of("conf/prometheus/alerts.yaml");
    private static final Path EXAMPLE = Path.of("conf/prometheus/prometheus.yaml");
    private static final Path ALERT_TESTS = Path.of("src/test/resources/prometheus/alerts_test.yaml");
    private static final Path DASHBOARD = Path.of("conf/grafana/orrery.json");
    private static final Path METRICS_PAGE = Path.of("src/site/markdown/metrics.md");
    private static final Path OPERATIONS_PAGE = Path.of("src/site/markdown/operations.md");
    private static final Path NOTHING = Path.of("/dev/null");

    private static final Pattern QUOTED = Pattern.compile("\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*'");
    private static final Pattern MATCHERS = Pattern.compile("\\{[^}]*}");
    private static final Pattern RANGE = Pattern.compile("\\[[^]]*]");
    private static final Pattern GROUPING =
            Pattern.compile("\\b(?:by|without|on|ignoring|group_left|group_right)\\s*\\([^)]*\\)");
    private static final Pattern NAME = Pattern.compile("[a-zA-Z_:][a-zA-Z0-9_:]*(?!\\s*\\(|[a-zA-Z0-9_:])");
    private static final Pattern NUMBER = Pattern.compile("\\b\\d[\\d.]*(?:e[+-]?\\d+|[smhdwy]+)?\\b");
    private static final Set<String> WORDS =
            Set.of("and", "or", "unless", "bool", "offset", "inf", "nan", "by", "without", "on", "ignoring");

    private static final Pattern ALERT_LABEL = Pattern.compile("\\$labels\\.(\\w+)");
    private static final Pattern LEGEND_LABEL = Pattern.compile("\\{\\{\\s*(\\w+)\\s*}}");
    private static final Pattern MATCHED_LABEL = Pattern.compile("[{,]\\s*(\\w+)\\s*(?:=~|!~|!=|=)");

    /** Made by Prometheus for each target. */
    private static final String UP = "up";

    @Test
    void theMetricsOfAnExpressionAreFound() {
        assertThat(metrics("histogram_quantile(0.95, sum by (le, kind) (rate(a_seconds_bucket{job=\"x{y\"}[5m]))) > 1e3"
                        + " unless on (job) max without (instance) (b_total offset 5m) or up == 0"))
                .containsExactly("a_seconds_bucket", "b_total", "up");
    }

    @Test
    void everyMetricOfTheAlertsExists() throws IOException {
        var unknown = new TreeMap<String, Set<String>>();
        alerts().forEach((name, alert) -> unknown.put(name, unknown(text(alert, "expr"))));
        unknown.values().removeIf(Set::isEmpty);

        assertThat(unknown).isEmpty();
    }

    @Test
    void everyMetricOfTheDashboardExists() throws IOException {
        var unknown = new TreeMap<String, Set<String>>();
        expressions()
                .forEach((panel, all) -> unknown.put(
                        panel,
                        all.stream()
                                .flatMap(expression -> unknown(expression).stream())
                                .collect(Collectors.toCollection(TreeSet::new))));
        unknown.values().removeIf(Set::isEmpty);

        assertThat(expressions()).hasSizeGreaterThan(30);
        assertThat(unknown).isEmpty();
    }

    @Test
    void everyLabelThatIsAskedForOrShownIsOneOfItsMetrics() throws IOException {
        var unknown = new TreeMap<String, Set<String>>();
        alerts().forEach((name, alert) -> {
            var annotations = map(alert.get("annotations"));
            var texts = text(annotations, "summary") + text(annotations, "description");
            unknown.put(name, unknownLabels(text(alert, "expr"), labelsIn(texts, ALERT_LABEL)));
        });
        for (var panel : panels()) {
            for (var target : panel.getJsonArray("targets", new JsonArray())) {
                var legend = labelsIn(((JsonObject) target).getString("legendFormat", ""), LEGEND_LABEL);
                unknown.put(
                        panel.getInteger("id") + " " + ((JsonObject) target).getString("refId"),
                        unknownLabels(((JsonObject) target).getString("expr"), legend));
            }
        }
        unknown.values().removeIf(Set::isEmpty);

        assertThat(unknown).isEmpty();
        assertThat(unknownLabels("sum by (job, stat) (rate(orrery_task_ended_total{stati=\"x\"}[5m]))", Set.of("nod")))
                .containsExactly("nod", "stat", "stati");
    }

    /** Labels of the matchers and groups of an expression, and those of its texts, that none of its metrics has. */
    private static Set<String> unknownLabels(String expression, Set<String> shown) {
        var labels = new TreeSet<>(shown);
        var bare = QUOTED.matcher(expression).replaceAll("\"\"");
        labels.addAll(labelsIn(bare, MATCHED_LABEL));
        GROUPING.matcher(bare)
                .results()
                .map(MatchResult::group)
                .flatMap(group -> Arrays.stream(
                        group.replaceFirst("^.*\\(", "").replace(")", "").split(",")))
                .map(String::strip)
                .forEach(labels::add);
        labels.removeAll(Set.of("job", "instance", "le", "value"));
        for (var metric : Metric.values()) {
            if (metrics(expression).stream().anyMatch(series(metric)::contains)) {
                labels.removeAll(metric.labels());
            }
        }
        if (metrics(expression).stream().anyMatch(name -> name.startsWith("jvm_"))) {
            labels.removeAll(Set.of("area", "id", "gc", "cause", "action", "state"));
        }
        return labels;
    }

    private static Set<String> labelsIn(String text, Pattern pattern) {
        return pattern.matcher(text).results().map(found -> found.group(1)).collect(Collectors.toSet());
    }

    @Test
    void whatEveryNodeTellsAlikeIsNeverSummed() throws IOException {
        var all = new ArrayList<String>();
        alerts().values().forEach(alert -> all.add(text(alert, "expr")));
        expressions().values().forEach(all::addAll);

        for (var metric : Metric.values()) {
            if (metric.scope() == Metric.Scope.CLUSTER) {
                assertThat(all)
                        .noneMatch(expression -> Pattern.compile(
                                        "(sum|avg|count)\\s*((by|without)\\s*\\([^)]*\\)\\s*)?\\(\\s*"
                                                + metric.shownName() + "\\b")
                                .matcher(expression)
                                .find());
            }
        }
    }

    @Test
    void everyMetricOfOurOwnIsOnTheDashboard() throws IOException {
        var shown = expressions().values().stream()
                .flatMap(List::stream)
                .flatMap(expression -> metrics(expression).stream())
                .collect(Collectors.toSet());

        assertThat(Arrays.stream(Metric.values())
                        .filter(metric -> shown.stream().noneMatch(series(metric)::contains))
                        .map(Metric::shownName))
                .isEmpty();
    }

    @Test
    void everyAlertSaysWhatToDoAndWhereToRead() throws IOException {
        var operations = Files.readString(OPERATIONS_PAGE);

        assertThat(alerts()).hasSizeGreaterThan(15);
        alerts().forEach((name, alert) -> {
            assertThat(name).matches("Orrery[A-Z][A-Za-z]+");
            assertThat(text(alert, "for")).as(name).isNotBlank();
            assertThat(text(map(alert.get("labels")), "severity")).as(name).isIn("critical", "warning");
            var annotations = map(alert.get("annotations"));
            assertThat(text(annotations, "summary")).as(name).isNotBlank();
            assertThat(text(annotations, "description")).as(name).hasSizeGreaterThan(60);
            assertThat(text(annotations, "guide")).as(name).isEqualTo("operations.md#alerts");
        });
        assertThat(operations).contains("\n## Alerts\n");
    }

    @Test
    void promtoolUnderstandsTheRulesAndTheExample() throws Exception {
        assertThat(Promtool.complaints(NOTHING, "check", "rules", ALERTS.toString()))
                .isEmpty();
        assertThat(Promtool.complaints(NOTHING, "check", "config", EXAMPLE.toString()))
                .isEmpty();
    }

    @Test
    void alertsFireWhenTheyAreMeantTo() throws Exception {
        assertThat(Promtool.complaints(NOTHING, "test", "rules", ALERT_TESTS.toString()))
                .isEmpty();
    }

    @Test
    void thePanelsOfTheDashboardHaveIdsAndPlacesOfTheirOwn() throws IOException {
        var ids = new HashSet<Integer>();
        var taken = new HashMap<String, String>();
        for (var panel : panels()) {
            var title = panel.getString("title");
            assertThat(ids.add(panel.getInteger("id"))).as(title).isTrue();
            var place = panel.getJsonObject("gridPos");
            assertThat(place.getInteger("x") + place.getInteger("w")).as(title).isLessThanOrEqualTo(24);
            for (var x = 0; x < place.getInteger("w"); x++) {
                for (var y = 0; y < place.getInteger("h"); y++) {
                    var cell = (place.getInteger("x") + x) + "," + (place.getInteger("y") + y);
                    assertThat(taken.put(cell, title)).as(title + " lies over").isNull();
                }
            }
        }
    }

    @Test
    void theDashboardAsksTheDataSourceThatIsChosen() throws IOException {
        var variables = dashboard().getJsonObject("templating").getJsonArray("list").stream()
                .map(JsonObject.class::cast)
                .toList();

        assertThat(variables).extracting(variable -> variable.getString("name")).contains("datasource", "job");
        assertThat(variables.getFirst().getString("type")).isEqualTo("datasource");
        for (var panel : panels()) {
            if (!panel.getString("type").equals("row")) {
                assertThat(panel.getJsonObject("datasource").getString("uid"))
                        .as(panel.getString("title"))
                        .isEqualTo("${datasource}");
            }
        }
        assertThat(panels().stream()
                        .filter(panel -> panel.getString("type").equals("row"))
                        .map(panel -> panel.getString("title")))
                .containsExactly(
                        "Throughput",
                        "Latency",
                        "Queue",
                        "Jobs",
                        "Cluster",
                        "Database",
                        "JVM",
                        "Traces, alerts, audit");
    }

    @Test
    void theGuideListsEveryMetric() throws IOException {
        assertThat(METRICS_PAGE).hasContent(rewritten(METRICS_PAGE, "metrics", metricsTable()));
    }

    @Test
    void theGuideListsEveryAlert() throws IOException {
        assertThat(OPERATIONS_PAGE).hasContent(rewritten(OPERATIONS_PAGE, "alerts", alertsTable()));
    }

    private static String rewritten(Path page, String table, String rows) throws IOException {
        var text = Files.readString(page);
        var begin = "<!-- " + table + ": begin -->\n";
        var from = text.indexOf(begin) + begin.length();
        var to = text.indexOf("<!-- " + table + ": end -->\n");
        assertThat(from).isBetween(begin.length(), to);
        var expected = text.substring(0, from) + rows + text.substring(to);
        if (System.getProperty("rewrite") != null) {
            Files.writeString(page, expected);
        }
        return expected;
    }

    private static String metricsTable() {
        var table = new StringBuilder("| metric | type | labels | of | tells |\n|---|---|---|---|---|\n");
        for (var metric : Metric.values()) {
            var labels =
                    metric.labels().stream().map(label -> "`" + label + "`").collect(Collectors.joining(", "));
            table.append("| `%s` | %s | %s | %s | %s |%n"
                    .formatted(
                            metric.shownName(),
                            metric.kind().isHistogram()
                                    ? "histogram"
                                    : metric.kind() == Metric.Kind.COUNTER ? "counter" : "gauge",
                            labels,
                            metric.scope() == Metric.Scope.CLUSTER ? "cluster" : "node",
                            metric.help()));
        }
        return table.toString();
    }

    private static String alertsTable() throws IOException {
        var table = new StringBuilder("| alert | severity | what to do |\n|---|---|---|\n");
        alerts().forEach((name, alert) -> table.append("| `%s` | %s | %s |%n"
                .formatted(
                        name,
                        text(map(alert.get("labels")), "severity"),
                        text(map(alert.get("annotations")), "description").replaceAll("\\{\\{.*?}}", "…"))));
        return table.toString();
    }

    /** The names of metrics in an expression of PromQL, in their order. */
    private static Set<String> metrics(String expression) {
        // First what may hold names that are none: texts, then what stands in braces, brackets and lists of labels.
        var bare = QUOTED.matcher(expression).replaceAll("");
        bare = MATCHERS.matcher(bare).replaceAll(" ");
        bare = RANGE.matcher(bare).replaceAll(" ");
        bare = GROUPING.matcher(bare).replaceAll(" ");
        bare = NUMBER.matcher(bare).replaceAll(" ");
        return NAME.matcher(bare)
                .results()
                .map(MatchResult::group)
                .filter(name -> !WORDS.contains(name) && !isFunction(name))
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    /** An aggregation whose grouping stood between it and its bracket. */
    private static boolean isFunction(String name) {
        return Set.of("sum", "max", "min", "avg", "count").contains(name);
    }

    private static Set<String> unknown(String expression) {
        var unknown = new TreeSet<String>();
        for (var name : metrics(expression)) {
            if (!name.equals(UP) && !known().contains(name)) {
                unknown.add(name);
            }
        }
        assertThat(metrics(expression)).as(expression).isNotEmpty();
        return unknown;
    }

    /** Every series that a node shows, of our own and of the JVM. */
    private static Set<String> known() {
        return Known.NAMES;
    }

    private static final class Known {

        private static final Set<String> NAMES = names();

        private static Set<String> names() {
            var names = new HashSet<String>();
            for (var metric : Metric.values()) {
                names.addAll(series(metric));
            }
            try (var jvm = new Metrics()) {
                jvm.scrape()
                        .lines()
                        .filter(line -> !line.startsWith("#"))
                        .map(line -> line.replaceFirst("[{ ].*", ""))
                        .forEach(names::add);
            }
            // Shown from the first collection on.
            names.addAll(List.of("jvm_gc_pause_seconds_sum", "jvm_gc_pause_seconds_count"));
            return names;
        }
    }

    private static Set<String> series(Metric metric) {
        var name = metric.shownName();
        return metric.kind().isHistogram()
                ? Set.of(name + "_bucket", name + "_sum", name + "_count", name + "_max")
                : Set.of(name);
    }

    private static Map<String, Map<String, Object>> alerts() throws IOException {
        var alerts = new LinkedHashMap<String, Map<String, Object>>();
        var file = map(new Yaml(new SafeConstructor(new LoaderOptions())).load(Files.readString(ALERTS)));
        for (var group : (List<?>) file.get("groups")) {
            for (var rule : (List<?>) map(group).get("rules")) {
                assertThat(alerts.put(text(map(rule), "alert"), map(rule))).isNull();
            }
        }
        return alerts;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Object value) {
        return (Map<String, Object>) value;
    }

    private static String text(Map<String, Object> map, String key) {
        return String.valueOf(map.get(key)).strip();
    }

    private static JsonObject dashboard() throws IOException {
        return new JsonObject(Files.readString(DASHBOARD));
    }

    private static List<JsonObject> panels() throws IOException {
        return dashboard().getJsonArray("panels").stream()
                .map(JsonObject.class::cast)
                .toList();
    }

    /** What panels ask, by id and title. */
    private static Map<String, List<String>> expressions() throws IOException {
        var expressions = new LinkedHashMap<String, List<String>>();
        for (var panel : panels()) {
            if (!panel.getString("type").equals("row")) {
                expressions.put(
                        panel.getInteger("id") + " " + panel.getString("title"),
                        panel.getJsonArray("targets").stream()
                                .map(target -> ((JsonObject) target).getString("expr"))
                                .toList());
            }
        }
        return expressions;
    }
}

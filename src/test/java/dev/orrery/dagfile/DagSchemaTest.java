package dev.orrery.dagfile;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.orrery.domain.Problem;
import dev.orrery.testing.Seeded;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.json.schema.Draft;
import io.vertx.json.schema.JsonSchema;
import io.vertx.json.schema.JsonSchemaOptions;
import io.vertx.json.schema.OutputFormat;
import io.vertx.json.schema.OutputUnit;
import io.vertx.json.schema.SchemaRepository;
import io.vertx.json.schema.Validator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Holds the JSON Schema, which editors use, and the parser, which decides, together. */
class DagSchemaTest {

    /** What a schema has no words for. */
    private static final Set<String> BEYOND_A_SCHEMA = Set.of(
            "DUPLICATE_ID", "UNKNOWN_DEPENDENCY", "SELF_DEPENDENCY", "CYCLE", "BAD_CRON", "BAD_TIMEZONE", "BAD_URL");

    private static final JsonSchemaOptions OPTIONS = new JsonSchemaOptions()
            .setBaseUri("app://")
            .setDraft(Draft.DRAFT202012)
            .setOutputFormat(OutputFormat.Basic);

    private static final JsonObject SCHEMA = schema();
    private static final Validator VALIDATOR = Validator.create(JsonSchema.of(SCHEMA), OPTIONS);

    private static JsonObject schema() {
        try (var file = DagSchemaTest.class.getResourceAsStream("/web/dag.schema.json")) {
            return new JsonObject(new String(file.readAllBytes(), UTF_8));
        } catch (IOException unreadable) {
            throw new AssertionError(unreadable);
        }
    }

    @Test
    void itIsASchema() {
        var vertx = Vertx.vertx();
        try {
            var repository = SchemaRepository.create(OPTIONS).preloadMetaSchema(vertx.fileSystem(), Draft.DRAFT202012);
            var metaSchema = repository.validator("https://json-schema.org/draft/2020-12/schema");

            assertThat(errors(metaSchema.validate(SCHEMA))).isEmpty();
            var broken = SCHEMA.copy();
            broken.getJsonObject("properties").getJsonObject("tasks").put("type", "no type");
            assertThat(errors(metaSchema.validate(broken))).isNotEmpty();
        } finally {
            vertx.close().await();
        }
    }

    @Test
    void itHasTheSameFieldsAsTheParser() {
        assertThat(fields(SCHEMA)).containsExactlyInAnyOrderElementsOf(FieldNames.DAG);
        assertThat(fields(definition("retry"))).containsExactlyInAnyOrderElementsOf(FieldNames.RETRY);
        for (var type : FieldNames.TYPES) {
            var expected = new LinkedHashSet<>(FieldNames.TASK);
            expected.addAll(FieldNames.ofType(type));
            assertThat(fields(definition(type))).containsExactlyInAnyOrderElementsOf(expected);
        }
        assertThat(definition("task").getJsonArray("oneOf").stream()
                        .map(each -> ((JsonObject) each).getString("$ref").replace("#/$defs/", "")))
                .containsExactlyElementsOf(FieldNames.TYPES);
    }

    @Test
    void itHasTheSameReservedVariablesAsTheParser() {
        var reserved = definition("shell")
                .getJsonObject("properties")
                .getJsonObject("env")
                .getJsonObject("propertyNames")
                .getJsonObject("not")
                .getJsonArray("enum");

        assertThat(reserved.stream().map(Object::toString)).hasSameElementsAs(TextRule.OWN_VARIABLES);
    }

    @Test
    void everyFieldIsDescribed() {
        assertDescribed(SCHEMA);
        SCHEMA.getJsonObject("$defs").forEach(entry -> assertDescribed((JsonObject) entry.getValue()));
    }

    private static void assertDescribed(JsonObject mapping) {
        mapping.getJsonObject("properties", new JsonObject()).forEach(entry -> {
            var field = (JsonObject) entry.getValue();
            var described = field.containsKey("description") ? field : referred(field);
            assertThat(described.getString("description")).as(entry.getKey()).isNotBlank();
        });
    }

    private static JsonObject referred(JsonObject field) {
        return definition(field.getString("$ref").replace("#/$defs/", ""));
    }

    @Test
    void theFileToBeginWithIsValid() {
        assertAgreement(asJson(DagTemplate.text("x")));
        assertThat(errors(VALIDATOR.validate(asJson(DagTemplate.text("x"))))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "[]",
                "tasks: []",
                "tasks: {}",
                "tasks: [x]",
                "tasks: [{}]",
                "tasks: [{id: a, type: shell, command: x, url: y}]",
                "tasks: [{id: a, type: shell, command: x, retry: {}, retryPolicy: {}}]",
                "tasks: [{id: a, type: python, script: x, code: y}]",
                "tasks: [{id: a, type: python}]",
                "tasks: [{id: a, type: shell, command: x, dependencies: [b, b]}, {id: b, type: shell, command: x}]",
                "tasks: [{id: a, type: shell, command: x, priority: 5.0}]",
                "tasks: [{id: a, type: shell, command: x, priority: 5.5}]",
                "tasks: [{id: a, type: shell, command: x, env: {A: ~, B: 1, C: true, D: x}}]",
                "tasks: [{id: a, type: shell, command: x, env: {A: [x]}}]",
                "tasks: [{id: a, type: shell, command: x, env: {ORRERY_FENCE: x}}]",
                "tasks: [{id: a, type: shell, command: x, timeout: PT1H30.5S}]",
                "tasks: [{id: a, type: shell, command: x, timeout: 1m1h}]",
                "tasks: [{id: a, type: shell, command: x, timeout: 1h30m5s10ms}]",
                "tasks: [{id: a, type: shell, command: x, timeout: P}]",
                "tasks: [{id: a, type: shell, command: x, timeout: PT}]",
                "tasks: [{id: a, type: shell, command: x, timeout: ''}]",
                "tasks: [{id: a, type: http, url: '${ORRERY_API}/x', headers: {A: 1}}]",
                "tasks: [{id: a, type: handler, handler: noop, input: ~}]",
            })
    void bothAgreeOnCornerCases(String yaml) {
        assertAgreement(asJson(yaml));
    }

    @ParameterizedTest
    @MethodSource
    void bothDrawTheSameBounds(String inside, String outside) {
        assertThat(problems(asJson(inside))).isEmpty();
        assertThat(errors(VALIDATOR.validate(asJson(inside)))).isEmpty();

        assertThat(problems(asJson(outside))).isNotEmpty();
        assertThat(errors(VALIDATOR.validate(asJson(outside)))).isNotEmpty();
    }

    static Stream<Arguments> bothDrawTheSameBounds() {
        var longest = "x".repeat(255);
        return Stream.of(
                bounds("priority: 0", "priority: -1"),
                bounds("priority: 10", "priority: 11"),
                bounds("retry: {maxAttempts: 1}", "retry: {maxAttempts: 0}"),
                bounds("retry: {maxAttempts: 100}", "retry: {maxAttempts: 101}"),
                bounds("retry: {backoffMultiplier: 1}", "retry: {backoffMultiplier: 0.999}"),
                bounds("retry: {backoffMultiplier: 10.0}", "retry: {backoffMultiplier: 10.001}"),
                bounds("retry: {jitter: 0}", "retry: {jitter: -0.001}"),
                bounds("retry: {jitter: 1}", "retry: {jitter: 1.001}"),
                bounds("queue: q", "queue: ''"),
                bounds("queue: " + "q".repeat(64), "queue: " + "q".repeat(65)),
                bounds("name: n", "name: ''"),
                bounds("name: " + longest, "name: x" + longest),
                bounds("name: ä ö", "name: \"a\\x9Fb\""),
                bounds("workingDirectory: ' x'", "workingDirectory: ' '"),
                bounds("workingDirectory: " + "x".repeat(4_096), "workingDirectory: " + "x".repeat(4_097)),
                bounds("env: {" + longest + ": x}", "env: {x" + longest + ": x}"),
                bounds("env: {a.b-c: x}", "env: {'': x}"),
                bounds("env: {ORRERY_TOKEN: x}", "env: {ORRERY_OUTPUT: x}"),
                bounds("timeout: 1d1h1m1s1ms", "timeout: 1ms1s"),
                bounds("timeout: P1DT1H1M1.123S", "timeout: PT1.1234S"),
                bounds("timeout: PT1H", "timeout: PT1"),
                arguments(handler(longest), handler("x" + longest)),
                arguments(handler("a/b:c"), handler("/a")),
                arguments(header("A!b: 'c\td'"), header("A b: c")),
                arguments(header("A: ''"), header("A: \"b\\rc\"")),
                arguments(
                        "tasks: [{id: " + longest + ", type: shell, command: x}]",
                        "tasks: [{id: x" + longest + ", type: shell, command: x}]"),
                arguments("{schedule: ' 0 2 * * * ', " + shell("") + "}", "{schedule: '', " + shell("") + "}"));
    }

    private static Arguments bounds(String inside, String outside) {
        return arguments(shell(inside), shell(outside));
    }

    private static String shell(String fields) {
        return "tasks: [{id: a, type: shell, command: x, " + fields + "}]";
    }

    private static String handler(String name) {
        return "tasks: [{id: a, type: handler, handler: " + name + "}]";
    }

    private static String header(String header) {
        return "tasks: [{id: a, type: http, url: 'http://x', headers: {" + header + "}}]";
    }

    @Test
    void bothAgreeOnMutationsOfValidFiles() {
        Seeded.forAll(500, random -> {
            var dag = RandomDocuments.valid(random);
            assertThat(errors(VALIDATOR.validate(dag))).as(dag.encode()).isEmpty();
            assertThat(problems(dag)).as(dag.encode()).isEmpty();

            var mutations = random.nextInt(1, 4);
            for (var n = 0; n < mutations; n++) {
                RandomDocuments.mutate(dag, random);
            }

            assertAgreement(dag);
        });
    }

    private static void assertAgreement(Object document) {
        var bySchema = errors(VALIDATOR.validate(document));
        var byParser = problems(document);

        var text = document instanceof JsonObject object ? object.encode() : document.toString();
        if (byParser.isEmpty()) {
            assertThat(bySchema).as("only the schema refuses " + text).isEmpty();
        } else if (!byParser.stream().allMatch(DagSchemaTest::isBeyondASchema)) {
            assertThat(bySchema)
                    .as("only the parser refuses " + text + " with " + byParser)
                    .isNotEmpty();
        }
    }

    private static boolean isBeyondASchema(Problem problem) {
        var isRangeOfDuration =
                problem.code().equals("OUT_OF_RANGE") && problem.path().matches(".*(timeout|Delay)");
        var isRepeatedHeader =
                problem.code().equals("BAD_HEADER") && problem.message().contains("stands twice");
        return isRangeOfDuration || isRepeatedHeader || BEYOND_A_SCHEMA.contains(problem.code());
    }

    private static List<String> errors(OutputUnit output) {
        var errors = new ArrayList<String>();
        if (!output.getValid()) {
            errors.add(output.getError() == null ? "invalid" : output.getError());
            for (var error : output.getErrors() == null ? List.<OutputUnit>of() : output.getErrors()) {
                errors.add(error.getInstanceLocation() + ": " + error.getError());
            }
        }
        return errors;
    }

    /** JSON is YAML too. */
    private static List<Problem> problems(Object document) {
        var yaml = document instanceof JsonObject object ? object.encode() : ((JsonArray) document).encode();
        return switch (DagFileParser.parse(yaml)) {
            case Parsed.Valid _ -> List.of();
            case Parsed.Invalid(var problems) -> problems;
        };
    }

    private static Object asJson(String yaml) {
        var problems = new Problems();
        var json = JsonReader.read(YamlTree.of(yaml, problems).orElseThrow(), "", problems)
                .text();
        assertThat(problems.count()).isZero();
        return json.startsWith("[") ? new JsonArray(json) : new JsonObject(json);
    }

    private static Set<String> fields(JsonObject mapping) {
        return mapping.getJsonObject("properties").fieldNames();
    }

    private static JsonObject definition(String name) {
        return SCHEMA.getJsonObject("$defs").getJsonObject(name);
    }

    /** DAG files as JSON: valid ones, and what becomes of them when someone slips. */
    private static final class RandomDocuments {

        private static final List<String> DURATIONS = List.of("10ms", "30s", "5m", "1h30m", "2d", "PT1H", "P1DT0.5S");

        private static final List<Object> WRONG_VALUES = List.of(
                "",
                " ",
                "x",
                "a b",
                "007",
                "30",
                "1h30m",
                "PT1M",
                "99d",
                "@daily",
                "0 2 * * *",
                "Europe/Berlin",
                "http://x",
                "${ORRERY_API}",
                "GET",
                "get",
                "shell",
                "python",
                "t0",
                "a\u0001b",
                "=",
                "é",
                "-x",
                0,
                1,
                11,
                101,
                -1,
                0.5,
                1.5,
                2.0,
                1e10,
                true,
                false);

        static JsonObject valid(RandomGenerator random) {
            var dag = new JsonObject();
            maybe(dag, "name", "report", random);
            maybe(dag, "description", "What it is for: \"all\"", random);
            maybe(dag, "schedule", pick(List.of("0 2 * * *", "@daily", "*/5 * * * * *"), random), random);
            maybe(dag, "timezone", pick(List.of("UTC", "Europe/Berlin", "Etc/GMT+5"), random), random);
            var tasks = new JsonArray();
            var count = random.nextInt(1, 5);
            for (var n = 0; n < count; n++) {
                tasks.add(task(n, random));
            }
            return dag.put("tasks", tasks);
        }

        private static JsonObject task(int number, RandomGenerator random) {
            var task = new JsonObject().put("id", "t" + number);
            maybe(task, "name", "Task " + number, random);
            maybe(task, "timeout", pick(DURATIONS, random), random);
            maybe(task, random.nextBoolean() ? "retry" : "retryPolicy", retry(random), random);
            maybe(task, "priority", random.nextInt(0, 11), random);
            maybe(task, "queue", "slow.1", random);
            var dependencies = new JsonArray();
            for (var upstream = 0; upstream < number; upstream++) {
                if (random.nextInt(3) == 0) {
                    dependencies.add("t" + upstream);
                }
            }
            maybe(task, "dependencies", dependencies, random);
            var type = pick(FieldNames.TYPES, random);
            return typed(task.put("type", type), type, random);
        }

        private static JsonObject typed(JsonObject task, String type, RandomGenerator random) {
            var values =
                    new JsonObject().put("A", "no").put("b_c", 7).put("C", true).putNull("D");
            switch (type) {
                case "shell" -> maybe(task.put("command", "echo"), "env", values, random);
                case "http" -> {
                    task.put("url", "https://example.org/${ORRERY_RUN_ID}");
                    maybe(task, "method", "POST", random);
                    maybe(task, "headers", values, random);
                    maybe(
                            task,
                            "body",
                            values.copy().put("list", new JsonArray().add(1).addNull()),
                            random);
                }
                case "python" -> {
                    task.put(random.nextBoolean() ? "script" : "code", "main.py");
                    maybe(task, "args", new JsonArray().add("--n").add(3), random);
                    maybe(task, "env", values, random);
                    maybe(task, "virtualEnv", "/opt/x", random);
                }
                default -> maybe(task.put("handler", "echo"), "input", values, random);
            }
            if (type.equals("shell") || type.equals("python")) {
                maybe(task, "workingDirectory", "work", random);
            }
            return task;
        }

        private static JsonObject retry(RandomGenerator random) {
            var retry = new JsonObject();
            maybe(retry, "maxAttempts", random.nextInt(1, 101), random);
            maybe(retry, "initialDelay", "0s", random);
            maybe(retry, "maxDelay", pick(DURATIONS, random), random);
            maybe(retry, "backoffMultiplier", pick(List.of(1, 1.5, 10), random), random);
            maybe(retry, "jitter", pick(List.of(0, 0.25, 1), random), random);
            return retry;
        }

        private static void maybe(JsonObject mapping, String field, Object value, RandomGenerator random) {
            if (random.nextBoolean()) {
                mapping.put(field, value);
            }
        }

        private static <T> T pick(List<T> choices, RandomGenerator random) {
            return choices.get(random.nextInt(choices.size()));
        }

        /** Changes one place somewhere in the tree. */
        static void mutate(JsonObject dag, RandomGenerator random) {
            var collections = new ArrayList<Object>();
            collect(dag, collections);
            if (pick(collections, random) instanceof JsonObject mapping) {
                mutateMapping(mapping, random);
            } else if (collections.get(random.nextInt(collections.size())) instanceof JsonArray list) {
                mutateList(list, random);
            }
        }

        private static void collect(Object value, List<Object> collections) {
            if (value instanceof JsonObject mapping) {
                collections.add(mapping);
                mapping.forEach(entry -> collect(entry.getValue(), collections));
            } else if (value instanceof JsonArray list) {
                collections.add(list);
                list.forEach(item -> collect(item, collections));
            }
        }

        private static void mutateMapping(JsonObject mapping, RandomGenerator random) {
            var fields = List.copyOf(mapping.fieldNames());
            var field = fields.isEmpty() ? "x" : pick(fields, random);
            switch (random.nextInt(6)) {
                case 0 -> mapping.remove(field);
                case 1 -> mapping.put(pick(List.of("x", "comand", "", "ORRERY_API", "a b", "A=B"), random), "x");
                case 2 -> mapping.put(pick(List.copyOf(FieldNames.ofTask(Optional.empty())), random), wrong(random));
                case 3 -> mapping.put(field.toUpperCase(Locale.ROOT), mapping.getValue(field));
                default -> mapping.put(field, wrong(random));
            }
        }

        private static void mutateList(JsonArray list, RandomGenerator random) {
            if (list.isEmpty() || random.nextBoolean()) {
                list.add(wrong(random));
            } else if (random.nextBoolean()) {
                list.remove(random.nextInt(list.size()));
            } else {
                list.add(list.getValue(random.nextInt(list.size())));
            }
        }

        private static Object wrong(RandomGenerator random) {
            return switch (random.nextInt(12)) {
                case 0 -> new JsonObject();
                case 1 -> new JsonArray();
                case 2 -> new JsonObject().put("maxAttempts", 2);
                case 3 -> new JsonArray().add("t0");
                default -> pick(WRONG_VALUES, random);
            };
        }
    }
}

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
import java.util.Set;
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

    /** A file that writes out what the schema calls a default means the same as one that leaves it out. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{id: a, type: shell, command: x}",
                "{id: a, type: http, url: 'http://x'}",
                "{id: a, type: python, code: x}",
                "{id: a, type: handler, handler: noop}",
            })
    void itsDefaultsAreThoseOfTheParser(String task) {
        var bare = (JsonObject) asJson("tasks: [" + task + "]");
        var full = withDefaults(bare, SCHEMA);
        var fullTask = full.getJsonArray("tasks").getJsonObject(0);
        var definition = definition(fullTask.getString("type"));
        full.put(
                "tasks",
                new JsonArray()
                        .add(withDefaults(fullTask, definition)
                                .put("retry", withDefaults(new JsonObject(), definition("retry")))));

        assertThat(full.getString("timezone")).isNotNull();
        assertThat(full.getJsonArray("tasks").getJsonObject(0).fieldNames())
                .contains("dependencies", "timeout", "priority", "queue");
        assertThat(full.getJsonArray("tasks").getJsonObject(0).getJsonObject("retry"))
                .as("but for the kinds of failures, of which none are named")
                .hasSize(FieldNames.RETRY.size() - 2);
        assertThat(DagFileParser.parse(full.encode()).orThrow())
                .isEqualTo(DagFileParser.parse(bare.encode()).orThrow());
    }

    private static JsonObject withDefaults(JsonObject mapping, JsonObject schema) {
        var filled = mapping.copy();
        schema.getJsonObject("properties").forEach(entry -> {
            var field = (JsonObject) entry.getValue();
            var meant = field.containsKey("$ref") && !field.containsKey("default") ? referred(field) : field;
            if (meant.containsKey("default")) {
                filled.put(entry.getKey(), meant.getValue("default"));
            }
        });
        return filled;
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
                bounds("env: {_a1: x}", "env: {'': x}"),
                bounds("env: {a: x}", "env: {a.b: x}"),
                bounds("env: {a1: x}", "env: {1a: x}"),
                bounds("env: {ORRERY_TOKEN: x}", "env: {ORRERY_OUTPUT: x}"),
                bounds("timeout: 1d1h1m1s1ms", "timeout: 1ms1s"),
                bounds("timeout: P1DT1H1M1.123S", "timeout: PT1.1234S"),
                bounds("timeout: PT1H", "timeout: PT1"),
                arguments(handler(longest), handler("x" + longest)),
                arguments(handler("a/b:c"), handler("/a")),
                arguments(header("A!b: 'c\td'"), header("A b: c")),
                arguments(header("A: ''"), header("A: \"b\\rc\"")),
                arguments(header("A: ü\u00ff"), header("A: \u0100")),
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
}

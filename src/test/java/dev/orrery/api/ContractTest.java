package dev.orrery.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.domain.task.TaskState;
import dev.orrery.service.Page;
import dev.orrery.telemetry.Tracing;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.json.schema.JsonSchema;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ContractTest extends ApiTestBase {

    private static final String RECEIVING = "receiveWebhook";

    @Test
    void everyExampleAgreesWithItsSchema() {
        var check = new ContractCheck(contract);
        var checked = 0;

        for (var entry : schemas()) {
            var schema = (JsonObject) entry.getValue();
            for (var example : schema.getJsonArray("examples", new JsonArray())) {
                check.validate("the example of " + entry.getKey(), entry.getKey(), example);
                checked++;
            }
        }
        for (var operation : contract.resolved().operations()) {
            var bodies = Stream.concat(
                    Stream.ofNullable(operation.getOpenAPIModel().getJsonObject("requestBody")),
                    operation.getOpenAPIModel().getJsonObject("responses").stream()
                            .filter(response -> response.getValue() instanceof JsonObject)
                            .map(response -> (JsonObject) response.getValue()));
            for (var body : bodies.toList()) {
                checked += checkExamples(check, operation.getOperationId(), body);
            }
        }

        assertThat(checked).isGreaterThan(100);
    }

    @Test
    void theGuideListsEveryOperationOnce() throws IOException {
        var listed = Pattern.compile("^\\| `([A-Z]+ /api/v1/\\S+)` \\|", Pattern.MULTILINE)
                .matcher(Files.readString(Path.of("src/site/markdown/api.md")))
                .results()
                .map(row -> row.group(1))
                .toList();
        var operations = contract.resolved().operations().stream()
                .map(operation -> operation.getHttpMethod().name() + " " + operation.getAbsoluteOpenAPIPath())
                .toList();

        assertThat(listed).containsExactlyInAnyOrderElementsOf(operations);
    }

    @Test
    void aSchemaThatRefersToAnotherIsRefusedAtTheStart() {
        var refers = JsonSchema.of(new JsonObject("""
                {"type": "object", "properties": {"next": {"type": "array", "items": [{"$ref": "#/components/schemas/Name"}]}}}"""));

        assertThatThrownBy(() -> Contract.validator(refers))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("not resolved");
    }

    private static int checkExamples(ContractCheck check, String id, JsonObject body) {
        var media = body.getJsonObject("content", new JsonObject()).getJsonObject("application/json");
        if (media == null) {
            return 0;
        }
        var examples = new ArrayList<Object>();
        if (media.containsKey("example")) {
            examples.add(media.getValue("example"));
        }
        media.getJsonObject("examples", new JsonObject()).stream()
                .filter(example -> example.getValue() instanceof JsonObject)
                .forEach(example -> examples.add(((JsonObject) example.getValue()).getValue("value")));
        examples.forEach(
                example -> check.validate("an example of " + id, media.getJsonObject("schema"), plain(example)));
        return examples.size();
    }

    /** Without the notes that the library leaves in the contract. */
    private static Object plain(Object value) {
        if (!(value instanceof JsonObject object)) {
            return value;
        }
        // One by one: collectors take no null.
        var plain = new JsonObject();
        object.stream()
                .filter(field -> !field.getKey().startsWith("__"))
                .forEach(field -> plain.put(field.getKey(), plain(field.getValue())));
        return plain;
    }

    @Test
    void whatIsAnsweredHasAllItsFieldsAlways() {
        for (var entry : schemas()) {
            var schema = (JsonObject) entry.getValue();
            var properties = schema.getJsonObject("properties");
            if (properties != null && !entry.getKey().endsWith("Request")) {
                assertThat(strings(schema, "required"))
                        .as(entry.getKey())
                        .containsExactlyInAnyOrderElementsOf(properties.fieldNames().stream()
                                .filter(name -> !name.startsWith("__"))
                                .toList());
            }
        }
    }

    @Test
    void whatIsAskedHasNoFieldsThatNobodyReads() {
        for (var entry : schemas()) {
            if (entry.getKey().endsWith("Request")) {
                assertThat(((JsonObject) entry.getValue()).getBoolean("additionalProperties"))
                        .as(entry.getKey())
                        .isFalse();
            }
        }
    }

    @Test
    void itsNamesAreThoseOfTheDomain() {
        assertThat(enumOf("ErrorCode"))
                .isEqualTo(Stream.of(ErrorCode.values()).map(Enum::name).toList());
        assertThat(enumOf("RunState"))
                .isEqualTo(Stream.of(RunState.values()).map(RunState::wireName).toList());
        assertThat(enumOf("TaskState"))
                .isEqualTo(
                        Stream.of(TaskState.values()).map(TaskState::wireName).toList());
        assertThat(enumOf("Trigger"))
                .isEqualTo(Stream.of(Trigger.values()).map(Trigger::wireName).toList());
        assertThat(schemas().getJsonObject("TaskId").getString("pattern")).isEqualTo("^" + TaskId.FORM + "$");
    }

    @Test
    void itsLimitsAreThoseOfTheServices() {
        var limit = contract.document()
                .getJsonObject("components")
                .getJsonObject("parameters")
                .getJsonObject("Limit");

        assertThat(limit.getJsonObject("schema"))
                .isEqualTo(new JsonObject()
                        .put("type", "integer")
                        .put("minimum", 1)
                        .put("maximum", Page.MAX_LIMIT)
                        .put("default", Page.DEFAULT_LIMIT));
    }

    @Test
    void everyCallCanBeRefusedForTheReasonsThatHoldForAll() {
        for (var operation : contract.resolved().operations()) {
            for (var status : List.of(400, 401, 403, 429, 500, 503)) {
                assertThat(operation.getResponse(status))
                        .as(operation.getOperationId() + " " + status)
                        .isNotNull();
            }
            if (Set.of("POST", "PUT").contains(operation.getHttpMethod().name())) {
                assertThat(operation.getResponse(413))
                        .as(operation.getOperationId())
                        .isNotNull();
                // What a webhook receives is taken as it comes.
                assertThat(operation.getResponse(415) != null)
                        .as(operation.getOperationId())
                        .isNotEqualTo(operation.getOperationId().equals(RECEIVING));
            }
        }
    }

    @Test
    void everyPostMayCarryAKey() {
        for (var operation : contract.resolved().operations()) {
            var names = operation.getParameters().stream().map(p -> p.getName()).toList();
            if (operation.getHttpMethod().name().equals("POST")) {
                assertThat(names).as(operation.getOperationId()).contains("Idempotency-Key");
            } else {
                assertThat(names).as(operation.getOperationId()).doesNotContain("Idempotency-Key");
            }
        }
    }

    @Test
    void everyCallIsAboutATenantsDataButThoseForTenants() {
        for (var operation : contract.resolved().operations()) {
            var names = operation.getParameters().stream().map(p -> p.getName()).toList();
            // Its senders choose no headers: they name the tenant in the query.
            if (operation.getTags().contains("Tenants")
                    || operation.getOperationId().equals(RECEIVING)) {
                assertThat(names).as(operation.getOperationId()).doesNotContain("Orrery-Tenant");
            } else {
                assertThat(names).as(operation.getOperationId()).contains("Orrery-Tenant");
                assertThat(operation.getResponse(404))
                        .as(operation.getOperationId())
                        .isNotNull();
            }
        }
    }

    @Test
    void itSaysWhereItIsServed() {
        var server =
                contract.document().getJsonArray("servers").getJsonObject(0).getString("url");

        assertThat(URI.create(server).isAbsolute()).isTrue();
        assertThat(URI.create(server).getPath()).isEqualTo(Contract.BASE_PATH);
    }

    @Test
    void aContractWithoutHandlerStopsTheStart() {
        var setup = setupWith(operation -> !operation.equals("getRun"));

        assertThatThrownBy(() -> ApiClient.await(Api.start(vertx, setup)))
                .hasMessageContaining("without handler [getRun], without contract []");
    }

    @Test
    void aHandlerWithoutContractStopsTheStart() {
        operations.put("flyToTheMoon", _ -> null);
        var setup = setupWith(_ -> true);

        assertThatThrownBy(() -> ApiClient.await(Api.start(vertx, setup)))
                .hasMessageContaining("without handler [], without contract [flyToTheMoon]");
    }

    private Api.Setup setupWith(Predicate<String> kept) {
        contract.resolved().operations().stream()
                .map(operation -> operation.getOperationId())
                .filter(kept)
                .forEach(id -> operations.put(id, _ -> null));
        return new Api.Setup(
                HTTP,
                contract,
                operations,
                ApiTestBase::tenant,
                new Api.About("1", "standalone"),
                health(List.of()),
                metrics,
                Tracing.OFF,
                Optional.empty(),
                1);
    }

    private static JsonObject schemas() {
        return contract.document().getJsonObject("components").getJsonObject("schemas");
    }

    private static List<String> enumOf(String schema) {
        return strings(schemas().getJsonObject(schema), "enum");
    }

    private static List<String> strings(JsonObject schema, String field) {
        return Arrays.stream(schema.getJsonArray(field).getList().toArray())
                .map(Object::toString)
                .toList();
    }
}

package dev.orrery.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.json.Json;
import io.vertx.core.json.JsonObject;
import io.vertx.json.schema.JsonSchema;
import io.vertx.openapi.contract.Operation;
import io.vertx.openapi.contract.Response;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Holds answers against the contract: status, headers, content type and body. What the contract does not say is an AssertionError. */
public final class ContractCheck {

    /** What a path may answer that the contract does not know. */
    private static final Set<Integer> OUTSIDE = Set.of(200, 204, 400, 401, 403, 404, 405, 429, 500, 503);

    private static final String STREAM = "text/event-stream";

    private final Contract contract;

    public ContractCheck(Contract contract) {
        this.contract = contract;
    }

    public void check(String method, String uri, int status, MultiMap headers, Buffer body) {
        var asked = method + " " + uri + " -> " + status;
        var operation = operation(method, uri);
        if (operation == null) {
            assertThat(OUTSIDE).as(asked + ", which is not in the contract").contains(status);
        } else {
            var response = operation.getResponse(status);
            assertThat(response)
                    .as(asked + ", of which " + operation.getOperationId() + " says nothing")
                    .isNotNull();
            checkHeaders(asked, response, headers);
            checkBody(asked, operation, response, method, headers, body);
        }
        if (status >= 400 && body.length() > 0 && !uri.startsWith("/health")) {
            assertThat(headers.get("Content-Type")).as(asked).isEqualTo("application/json");
            validate(asked, "ApiError", Json.decodeValue(body));
        }
    }

    private @Nullable Operation operation(String method, String uri) {
        var path = uri.contains("?") ? uri.substring(0, uri.indexOf('?')) : uri;
        return contract.resolved().findOperation(path, HttpMethod.valueOf(method.equals("HEAD") ? "GET" : method));
    }

    private void checkHeaders(String asked, Response response, MultiMap headers) {
        assertThat(headers.get("X-Content-Type-Options")).as(asked).isEqualTo("nosniff");
        for (var header : response.getHeaders()) {
            var value = headers.get(header.getName());
            if (value == null) {
                assertThat(header.isRequired())
                        .as(asked + " lacks " + header.getName())
                        .isFalse();
            } else {
                var schema = (JsonObject) header.getSchema();
                var typed = schema.getString("type").equals("integer") ? (Object) Long.valueOf(value) : value;
                validate(asked + ", header " + header.getName(), schema, typed);
            }
        }
    }

    private void checkBody(
            String asked, Operation operation, Response response, String method, MultiMap headers, Buffer body) {
        var types = new HashSet<>(response.getContent().keySet());
        if (contract.yaml().contains(STREAM)
                && Set.of("watchRun", "readTaskLog").contains(operation.getOperationId())) {
            types.add(STREAM);
        }
        if (response.getContent().isEmpty() && headers.get("Content-Type") == null) {
            assertThat(body.length()).as(asked + " promises no body").isZero();
            return;
        }
        assertThat(types).as(asked).contains(headers.get("Content-Type"));
        var media = response.getContent().get(headers.get("Content-Type"));
        if (media != null && media.getIdentifier().equals("application/json") && !method.equals("HEAD")) {
            validate(asked, (JsonObject) media.getSchema(), Json.decodeValue(body));
        }
    }

    /** A value against a schema of the contract. */
    public void validate(String what, String schema, @Nullable Object value) {
        var schemas =
                contract.resolved().getRawContract().getJsonObject("components").getJsonObject("schemas");
        validate(what, schemas.getJsonObject(schema), value);
    }

    void validate(String what, JsonObject schema, @Nullable Object value) {
        var verdict = contract.resolved()
                .getSchemaRepository()
                .validator(JsonSchema.of(schema))
                .validate(value);
        assertThat(verdict.getValid())
                .as(() -> what + ": " + verdict.toJson().encodePrettily() + "\n" + value)
                .isTrue();
    }
}

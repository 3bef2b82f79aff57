package dev.orrery.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.json.schema.Draft;
import io.vertx.json.schema.JsonSchema;
import io.vertx.json.schema.JsonSchemaOptions;
import io.vertx.json.schema.OutputFormat;
import io.vertx.json.schema.SchemaRepository;
import io.vertx.json.schema.Validator;
import io.vertx.openapi.contract.OpenAPIContract;
import io.vertx.openapi.contract.Operation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/**
 * The contract of the API: its text as people read it, and its operations as the routes need them.
 *
 * @param yaml the text of {@code openapi.yaml}
 * @param document the same as a tree, references unresolved
 * @param resolved the operations, references resolved
 */
public record Contract(String yaml, JsonObject document, OpenAPIContract resolved) {

    /** Where the API is mounted; the contract's paths stand below it. */
    public static final String BASE_PATH = "/api/v1";

    private static final String FILE = "/openapi.yaml";
    private static final SchemaRepository ALONE = SchemaRepository.create(new JsonSchemaOptions()
            .setBaseUri("app://")
            .setDraft(Draft.DRAFT202012)
            .setOutputFormat(OutputFormat.Basic));
    private static final String STREAM = "text/event-stream";

    /** Reads the contract from the class path, off the event loop; fails where it is no valid OpenAPI. */
    public static Future<Contract> load(Vertx vertx) {
        return vertx.executeBlocking(Read::now)
                .compose(read -> OpenAPIContract.from(vertx, withoutStreams(read.document.copy()))
                        .map(resolved -> new Contract(read.yaml, read.document, resolved)));
    }

    private record Read(String yaml, JsonObject document) {

        private static Read now() {
            var yaml = text();
            return new Read(yaml, parse(yaml));
        }
    }

    /** The id of the operation that a request asks for, from its path and method alone; nothing where there is none. */
    Optional<String> operationOf(HttpServerRequest request) {
        var path = request.path();
        if (path == null || !path.startsWith(BASE_PATH + "/")) {
            return Optional.empty();
        }
        var method = request.method().equals(HttpMethod.HEAD) ? HttpMethod.GET : request.method();
        return Optional.ofNullable(resolved.findOperation(path, method)).map(Operation::getOperationId);
    }

    /**
     * What holds values against a schema of an operation. It is given no other schema, as those of operations are resolved: the
     * contract's own repository hands each validator a copy of all it knows, which is 130 MB for the parameters of a node.
     *
     * @throws IllegalStateException where the schema refers to another one, as one that contains itself does
     */
    static Validator validator(JsonSchema schema) {
        if (schema instanceof JsonObject object && refers(object)) {
            throw new IllegalStateException("a schema of the contract is not resolved: " + object.encode());
        }
        return ALONE.validator(schema);
    }

    private static boolean refers(@Nullable Object part) {
        return switch (part) {
            case JsonObject object ->
                object.containsKey("$ref") || object.stream().anyMatch(member -> refers(member.getValue()));
            case JsonArray array -> array.stream().anyMatch(Contract::refers);
            case null, default -> false;
        };
    }

    private static String text() {
        try (var in = requireNonNull(Contract.class.getResourceAsStream(FILE), FILE + " is not on the class path")) {
            return new String(in.readAllBytes(), UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static JsonObject parse(String yaml) {
        Map<String, Object> tree = new Yaml(new SafeConstructor(new LoaderOptions())).load(yaml);
        return new JsonObject(tree);
    }

    /** The library knows no event streams and refuses a contract that promises them; they need no schema. */
    private static JsonObject withoutStreams(JsonObject document) {
        for (var path : document.getJsonObject("paths")) {
            for (var method : (JsonObject) path.getValue()) {
                if (method.getValue() instanceof JsonObject operation && operation.containsKey("responses")) {
                    for (var response : operation.getJsonObject("responses")) {
                        ((JsonObject) response.getValue())
                                .getJsonObject("content", new JsonObject())
                                .remove(STREAM);
                    }
                }
            }
        }
        return document;
    }
}

package dev.orrery.api;

import static dev.orrery.api.ApiClient.await;

import dev.orrery.config.HttpConfig;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TenantId;
import dev.orrery.telemetry.Metrics;
import dev.orrery.telemetry.Tracing;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.Json;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.openapi.contract.Operation;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;

/** An API whose operations answer with the contract's examples, and remember what they were asked. */
abstract class ApiTestBase {

    static final String DAG = "01980f6e-3c00-7000-8b2d-5f3100000000";
    static final String RUN = "01980f6e-5a10-7000-8b2d-5f3100000000";
    static final HttpConfig HTTP = new HttpConfig("127.0.0.1", 0, List.of(), "", List.of(), 100);
    static final Limits QUICK = new Limits(
            Duration.ofSeconds(1),
            Duration.ofSeconds(1),
            Duration.ofSeconds(1),
            Duration.ofSeconds(1),
            Duration.ofMillis(100),
            10,
            50,
            1 << 20);

    static Vertx vertx;
    static Contract contract;

    final List<ApiRequest> requests = new CopyOnWriteArrayList<>();
    final Map<String, dev.orrery.api.Operation> operations = new HashMap<>();
    final Metrics metrics = new Metrics();
    Api api;

    /** By how many nanoseconds the clock of the connections is moved on. */
    final AtomicLong ahead = new AtomicLong();

    @BeforeAll
    static void load() {
        vertx = Vertx.vertx();
        contract = await(Contract.load(vertx));
    }

    @AfterAll
    static void unload() {
        await(vertx.close());
    }

    @AfterEach
    void stop() {
        if (api != null) {
            await(api.close());
        }
        metrics.close();
    }

    ApiClient start(HttpConfig http, Limits limits, List<HealthCheck> checks) {
        contract.resolved()
                .operations()
                .forEach(operation ->
                        operations.putIfAbsent(operation.getOperationId(), request -> example(operation, request)));
        var about = new Api.About("1.2.3", "standalone");
        var setup = new Api.Setup(
                http,
                contract,
                operations,
                ApiTestBase::tenant,
                about,
                health(checks),
                metrics,
                Tracing.OFF,
                Optional.empty(),
                2);
        api = await(Api.start(vertx, setup, limits, () -> System.nanoTime() + ahead.get()));
        return client();
    }

    /** The node takes work in while this is empty. */
    volatile Optional<String> refusal = Optional.empty();

    final HealthChecks health(List<HealthCheck> checks) {
        return new HealthChecks(checks, life, () -> Instant.parse("2026-01-31T02:00:00Z"), () -> refusal);
    }

    /** What the node lives by. */
    final List<HealthCheck> life = new CopyOnWriteArrayList<>();

    /** There is one beside the default one. */
    static Future<Tenant> tenant(String name) {
        return switch (name) {
            case "default" -> Future.succeededFuture(Tenant.DEFAULT);
            case "acme" -> Future.succeededFuture(new Tenant(new TenantId(2), name));
            default ->
                Future.failedFuture(new OrreryException(ErrorCode.TENANT_NOT_FOUND, "there is no tenant " + name));
        };
    }

    ApiClient start() {
        return start(HTTP, Limits.DEFAULT, List.of());
    }

    ApiClient start(HttpConfig http) {
        return start(http, Limits.DEFAULT, List.of());
    }

    ApiClient client() {
        return new ApiClient(vertx, contract, api.port());
    }

    private Future<Answer> example(Operation operation, ApiRequest request) {
        requests.add(request);
        for (var status : List.of(200, 201, 202, 204)) {
            var response = operation.getResponse(status);
            if (response != null) {
                var media = response.getContent().get("application/json");
                var answer = media == null
                        ? Answer.empty(status)
                        : Answer.json(status, out -> out.writeRawValue(exampleOf((JsonObject) media.getSchema())));
                return Future.succeededFuture(
                        answer.with("ETag", "\"3\"").with("Location", Contract.BASE_PATH + "/dags/" + DAG));
            }
        }
        throw new AssertionError("no success is promised");
    }

    /** Puts a value together from the examples of a schema and its parts. */
    static String exampleOf(JsonObject schema) {
        return Json.encode(valueOf(schema));
    }

    private static Object valueOf(JsonObject schema) {
        if (schema.containsKey("examples")) {
            return schema.getJsonArray("examples").getValue(0);
        }
        if (schema.containsKey("enum")) {
            return schema.getJsonArray("enum").getValue(0);
        }
        var type = schema.getValue("type", "string");
        return switch (type instanceof JsonArray several ? several.getString(0) : type.toString()) {
            case "array" -> new JsonArray().add(valueOf(schema.getJsonObject("items")));
            case "integer", "number" -> 1;
            case "boolean" -> true;
            case "object" -> objectOf(schema.getJsonObject("properties", new JsonObject()));
            default -> schema.getString("format", "").equals("date-time") ? "2026-01-31T02:00:00Z" : "text";
        };
    }

    private static JsonObject objectOf(JsonObject properties) {
        var object = new JsonObject();
        for (var property : properties) {
            if (property.getValue() instanceof JsonObject schema) {
                object.put(property.getKey(), valueOf(schema));
            }
        }
        return object;
    }
}

package dev.orrery.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.audit.Actor;
import dev.orrery.domain.audit.Actor.Proof;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.service.AskingTask;
import dev.orrery.service.RequestKey;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.WorkerExecutor;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.SocketAddress;
import io.vertx.ext.web.RoutingContext;
import io.vertx.json.schema.Validator;
import io.vertx.openapi.contract.Location;
import io.vertx.openapi.contract.Operation;
import io.vertx.openapi.contract.Parameter;
import io.vertx.openapi.contract.RequestBody;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Holds the requests of one operation against the contract: types, ranges and forms of all parameters, defaults, unknown ones, and the
 * body. It takes parameters as they were sent, where the library's own check would read the text {@code 1.5} as a number.
 */
final class RequestCheck {

    private static final String KEY_HEADER = "Idempotency-Key";
    private static final String TENANT_HEADER = "Orrery-Tenant";
    private static final String ACTOR_HEADER = "Orrery-Actor";
    private static final String TRACE_HEADER = "traceparent";
    private static final String JSON = "application/json";
    private static final Pattern WHOLE_NUMBER = Pattern.compile("-?[0-9]{1,18}");

    /** A body beyond this is parsed off the event loop. */
    static final int QUICK_BYTES = 64 * 1024;

    private final WorkerExecutor parsers;
    private final Function<String, Future<Tenant>> tenants;
    private final String operationId;
    private final List<Expected> parameters;
    private final List<String> queryNames;
    private final Optional<Body> body;
    private final boolean takesAnything;
    private final boolean leavesBody;

    /** What the contract says about a parameter. */
    private record Expected(String name, Location in, boolean required, JsonObject schema, Validator validator) {

        String place() {
            return in.name().toLowerCase(Locale.ROOT) + "." + name;
        }

        @Nullable Object byDefault() {
            var value = schema.getValue("default");
            return value instanceof Integer number ? (Object) number.longValue() : value;
        }
    }

    /** What the contract says about the body. */
    private record Body(boolean required, JsonObject schema, Validator validator) {}

    /**
     * @param parsers where large bodies are parsed
     * @param tenants finds the tenant of a name
     * @param leavesBody whether the operation reads its JSON itself
     */
    RequestCheck(
            Operation operation, WorkerExecutor parsers, Function<String, Future<Tenant>> tenants, boolean leavesBody) {
        this.parsers = parsers;
        this.leavesBody = leavesBody;
        this.tenants = tenants;
        this.operationId = operation.getOperationId();
        this.parameters = operation.getParameters().stream()
                .filter(p -> !p.getName().equals(TRACE_HEADER))
                .map(RequestCheck::expected)
                .toList();
        this.queryNames = parameters.stream()
                .filter(p -> p.in == Location.QUERY)
                .map(Expected::name)
                .toList();
        var expected = Optional.ofNullable(operation.getRequestBody());
        this.takesAnything =
                expected.filter(b -> !b.getContent().containsKey(JSON)).isPresent();
        this.body = takesAnything ? Optional.empty() : expected.map(RequestCheck::body);
    }

    private static Expected expected(Parameter parameter) {
        var schema = parameter.getSchema();
        return new Expected(
                parameter.getName(),
                parameter.getIn(),
                parameter.isRequired(),
                (JsonObject) schema,
                Contract.validator(schema));
    }

    private static Body body(RequestBody body) {
        var schema = requireNonNull(body.getContent().get(JSON), JSON).getSchema();
        return new Body(body.isRequired(), (JsonObject) schema, Contract.validator(schema));
    }

    /** The request as the operation needs it; fails with an OrreryException that lists everything that is wrong. */
    Future<ApiRequest> check(RoutingContext context, Buffer bytes) {
        return check(context, bytes, Optional.empty());
    }

    /** The same, of a running task. */
    Future<ApiRequest> check(RoutingContext context, Buffer bytes, Optional<AskingTask> asking) {
        var values = parameters(context);
        if (takesAnything) {
            return Future.succeededFuture(assemble(context, Tenant.DEFAULT, asking, values, bytes, new JsonObject()));
        }
        var caller = asking.isPresent() ? caller(context, asking.get()) : caller(values);
        if (leavesBody) {
            return caller.map(tenant -> assemble(context, tenant, asking, values, bytes, new JsonObject()));
        }
        var body = bytes.length() <= QUICK_BYTES
                ? Future.succeededFuture(bodyOf(bytes))
                : parsers.executeBlocking(() -> bodyOf(bytes), false);
        return body.compose(parsed -> caller.map(tenant -> assemble(context, tenant, asking, values, bytes, parsed)));
    }

    /** A task acts for its own tenant, which it need not name. */
    private static Future<Tenant> caller(RoutingContext context, AskingTask asking) {
        var named = context.request().getHeader(TENANT_HEADER);
        return named == null || named.equals(asking.tenant().name())
                ? Future.succeededFuture(asking.tenant())
                : Future.failedFuture(
                        asking.refused("it is of the tenant '" + asking.tenant().name() + "'"));
    }

    /** What is no tenant's own is done as the default one. */
    private Future<Tenant> caller(Map<String, Object> values) {
        return values.get(TENANT_HEADER) instanceof String name
                ? tenants.apply(name)
                : Future.succeededFuture(Tenant.DEFAULT);
    }

    private ApiRequest assemble(
            RoutingContext context,
            Tenant caller,
            Optional<AskingTask> asking,
            Map<String, Object> values,
            Buffer bytes,
            JsonObject parsed) {
        // The keys of each task are its own: what others did under one is not to be seen.
        var scope = asking.map(task -> operationId + " of " + task.task()).orElse(operationId);
        var key = Optional.ofNullable((String) values.get(KEY_HEADER))
                .map(name -> new RequestKey(scope, name, hash(context.request(), bytes)));
        var sent = takesAnything || leavesBody
                ? Optional.of(new ApiRequest.Sent(context.request().headers(), bytes))
                : Optional.<ApiRequest.Sent>empty();
        RequestSpan span = context.get(RequestLog.SPAN);
        return new ApiRequest(
                context.vertx(),
                caller,
                context.request().method(),
                Map.copyOf(values),
                parsed,
                key,
                span == null ? trace(context.request()) : span.handedOn(),
                Optional.ofNullable(span),
                asking,
                sent,
                change(context, caller, asking, values));
    }

    private ChangeRequest change(
            RoutingContext context, Tenant caller, Optional<AskingTask> asking, Map<String, Object> values) {
        var request = context.request();
        var name = Optional.ofNullable((String) values.get(ACTOR_HEADER));
        return new ChangeRequest(
                caller,
                operationId,
                asking.map(task -> new Actor(Proof.TASK, Optional.of(task.task().toString()), name))
                        .orElseGet(() -> Gate.actor(context, name)),
                Optional.ofNullable(request.remoteAddress()).map(SocketAddress::hostAddress),
                trace(request),
                Optional.ofNullable((String) values.get(KEY_HEADER)));
    }

    /** One that is not valid, or given twice, is as if there were none. */
    static Optional<TraceContext> trace(HttpServerRequest request) {
        var given = request.headers().getAll(TRACE_HEADER);
        return given.size() == 1 ? TraceContext.parse(given.getFirst()) : Optional.empty();
    }

    /** The same key must mean the same request: the same thing asked of the same path. */
    private static String hash(HttpServerRequest request, Buffer bytes) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            digest.update(request.path().getBytes(UTF_8));
            digest.update((byte) 0);
            digest.update(bytes.getBytes());
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private Map<String, Object> parameters(RoutingContext context) {
        var problems = new ArrayList<Problem>();
        var query = context.queryParams(UTF_8);
        refuseUnknown(query, problems);
        var values = new HashMap<String, Object>();
        for (var parameter : parameters) {
            var given = given(context, query, parameter);
            if (given.size() > 1) {
                problems.add(problem(
                        parameter,
                        ProblemCode.DUPLICATE_PARAMETER,
                        "it is given " + given.size() + " times",
                        "give it once"));
            } else if (!given.isEmpty()) {
                values.put(parameter.name, read(parameter, given.getFirst(), problems));
            } else if (parameter.required) {
                problems.add(problem(parameter, ProblemCode.MISSING_FIELD, "it is missing", "it is required"));
            } else if (parameter.byDefault() != null) {
                values.put(parameter.name, parameter.byDefault());
            }
        }
        if (!problems.isEmpty()) {
            throw new OrreryException(ErrorCode.BAD_REQUEST, summary(problems), problems);
        }
        return values;
    }

    private static List<String> given(RoutingContext context, MultiMap query, Expected parameter) {
        return switch (parameter.in) {
            case QUERY -> query.getAll(parameter.name);
            case HEADER -> context.request().headers().getAll(parameter.name);
            case PATH ->
                Optional.ofNullable(context.pathParam(parameter.name)).stream().toList();
            case COOKIE -> List.of();
        };
    }

    private void refuseUnknown(MultiMap query, List<Problem> problems) {
        for (var name : query.names()) {
            if (!queryNames.contains(name)) {
                var shown = SchemaProblems.shown(name);
                problems.add(new Problem(
                        ProblemCode.UNKNOWN_FIELD,
                        0,
                        0,
                        "query." + shown,
                        "unknown query parameter '" + shown + "'",
                        Optional.of(SchemaProblems.hint(name, queryNames))));
            }
        }
    }

    private static Object read(Expected parameter, String text, List<Problem> problems) {
        var value = typed(parameter, text);
        if (text.chars().anyMatch(Character::isISOControl) || !JsonBody.isStorable(text)) {
            problems.add(problem(
                    parameter, ProblemCode.INVALID_VALUE, "it holds a character that cannot be kept", "leave it out"));
            return value;
        }
        for (var finding : SchemaProblems.of(parameter.schema, value, parameter.validator.validate(value))) {
            problems.add(new Problem(finding.code(), 0, 0, parameter.place(), finding.message(), finding.help()));
        }
        return value;
    }

    /** The value in the type that the contract names, or the text itself, which the schema then refuses. */
    private static Object typed(Expected parameter, String text) {
        return switch (parameter.schema.getString("type")) {
            case "integer" -> WHOLE_NUMBER.matcher(text).matches() ? (Object) Long.valueOf(text) : text;
            case "boolean" -> text.equals("true") || text.equals("false") ? (Object) Boolean.valueOf(text) : text;
            default -> text;
        };
    }

    private static Problem problem(Expected parameter, ProblemCode code, String message, String help) {
        return new Problem(code, 0, 0, parameter.place(), message, Optional.of(help));
    }

    private static String summary(List<Problem> problems) {
        return problems.size() == 1
                ? problems.getFirst().path() + ": " + problems.getFirst().message()
                : problems.size() + " parameters are wrong";
    }

    private JsonObject bodyOf(Buffer bytes) {
        if (bytes.length() == 0) {
            if (body.isPresent() && body.get().required) {
                throw new OrreryException(ErrorCode.VALIDATION_ERROR, "the body is missing");
            }
            return new JsonObject();
        }
        var parsed = JsonBody.parse(bytes.getBytes());
        return body.map(expected -> checked(parsed, expected)).orElseGet(() -> refuseContent(parsed));
    }

    @SuppressWarnings("unchecked")
    private static JsonObject checked(JsonBody parsed, Body expected) {
        var verdict = expected.validator.validate(parsed.value());
        var problems = SchemaProblems.of(expected.schema, parsed.value(), verdict).stream()
                .map(f -> parsed.problem(f.place(), f.code(), f.message(), f.help()))
                .toList();
        if (!problems.isEmpty()) {
            throw new OrreryException(ErrorCode.VALIDATION_ERROR, bodySummary(problems), problems);
        }
        return new JsonObject((Map<String, Object>) parsed.value());
    }

    private static String bodySummary(List<Problem> problems) {
        return "the body has " + (problems.size() == 1 ? "1 problem" : problems.size() + " problems");
    }

    /** Some clients send {@code {}} with every POST; anything else would be ignored, so it is refused. */
    private static JsonObject refuseContent(JsonBody parsed) {
        if (parsed.value() instanceof Map<?, ?> object && object.isEmpty()) {
            return new JsonObject();
        }
        throw new OrreryException(ErrorCode.VALIDATION_ERROR, "this call takes no body");
    }
}

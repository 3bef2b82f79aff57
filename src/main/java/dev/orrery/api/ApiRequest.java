package dev.orrery.api;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.DagId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.service.AskingTask;
import dev.orrery.service.Page;
import dev.orrery.service.RequestKey;
import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.json.JsonObject;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A request that agrees with the contract. Asking for a parameter that the contract does not name, or does not require, is a
 * fault of ours and throws.
 *
 * @param caller whose data it is about
 * @param parameters those that were given or have a default, by name; a String, Long or Boolean each
 * @param body the JSON body; empty where there was none
 * @param key the caller's Idempotency-Key
 * @param trace the caller's place in a trace
 * @param span its own part of that trace, or of a new one, where the node traces
 * @param asking the running task that asks, by its own token
 * @param sent how it came, where the operation takes a body of any kind
 * @param change what the audit log tells of it, where it changes something
 */
public record ApiRequest(
        Vertx vertx,
        Tenant caller,
        HttpMethod method,
        Map<String, Object> parameters,
        JsonObject body,
        Optional<RequestKey> key,
        Optional<TraceContext> trace,
        Optional<RequestSpan> span,
        Optional<AskingTask> asking,
        Optional<Sent> sent,
        ChangeRequest change) {

    /** A request before anything was read into it. */
    public record Sent(MultiMap headers, Buffer body) {}

    /** The same request about another thing. */
    ApiRequest with(String parameter, String value) {
        var changed = new HashMap<>(parameters);
        changed.put(parameter, value);
        return new ApiRequest(vertx, caller, method, Map.copyOf(changed), body, key, trace, span, asking, sent, change);
    }

    /** The trace for what keeps the one it is given: the caller's, else, where the node traces, that which the request begins. */
    public Optional<TraceContext> traceToKeep() {
        return trace.or(() -> span.map(RequestSpan::place));
    }

    public TenantId tenant() {
        return caller.id();
    }

    public String text(String parameter) {
        return (String) required(parameter);
    }

    public Optional<String> optionalText(String parameter) {
        return Optional.ofNullable((String) parameters.get(parameter));
    }

    public boolean flag(String parameter) {
        return (Boolean) required(parameter);
    }

    public long number(String parameter) {
        return (Long) required(parameter);
    }

    public OptionalInt optionalNumber(String parameter) {
        return parameters.get(parameter) instanceof Long number
                ? OptionalInt.of(Math.toIntExact(number))
                : OptionalInt.empty();
    }

    public DagId dagId() {
        return DagId.parse(text("dagId"));
    }

    public RunId runId() {
        return RunId.parse(text("runId"));
    }

    public TaskId taskId() {
        return new TaskId(text("taskId"));
    }

    public Page page() {
        return new Page(Math.toIntExact(number("limit")), Math.toIntExact(number("offset")));
    }

    /** Whether only the headers of the answer are wanted. */
    public boolean headersOnly() {
        return method.equals(HttpMethod.HEAD);
    }

    private Object required(String parameter) {
        return requireNonNull(parameters.get(parameter), parameter);
    }
}

package dev.orrery.store;

import dev.orrery.domain.TraceContext;
import dev.orrery.domain.audit.ChangeRequest;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the audit log tells of requests that come by the thousand: tasks that are submitted, runs, events. What they made
 * stands in rows of its own, so there is one row for all requests of one actor that one transaction carries out, written
 * by that transaction's one statement; it names what each request made.
 */
final class AuditedTraffic {

    /** What tells actors apart. */
    private record Group(
            int tenantId,
            String tenant,
            String actor,
            Optional<String> actorName,
            String operation,
            Optional<String> address) {

        static Group of(ChangeRequest request) {
            return new Group(
                    request.tenant().id().value(),
                    request.tenant().name(),
                    request.actor().text(),
                    request.actor().name(),
                    request.operation(),
                    request.address());
        }
    }

    private record Numbered(int ordinal, ChangeRequest request) {}

    private AuditedTraffic() {}

    /** The requests of a batch in its order, for json_to_recordset; null where the API was asked for none of them. */
    static @Nullable String json(List<Optional<ChangeRequest>> requests) {
        var groups = new LinkedHashMap<Group, List<Numbered>>();
        for (var n = 0; n < requests.size(); n++) {
            var ordinal = n + 1;
            requests.get(n)
                    .ifPresent(request -> groups.computeIfAbsent(Group.of(request), _ -> new ArrayList<>())
                            .add(new Numbered(ordinal, request)));
        }
        if (groups.isEmpty()) {
            return null;
        }
        var all = new JsonArray();
        groups.forEach((group, members) -> all.add(object(group, members)));
        return all.encode();
    }

    /** A trace and a key are one request's own. */
    private static JsonObject object(Group group, List<Numbered> members) {
        var only = members.size() == 1 ? Optional.of(members.getFirst().request()) : Optional.<ChangeRequest>empty();
        var ordinals = new JsonArray();
        members.forEach(member -> ordinals.add(member.ordinal()));
        return new JsonObject()
                .put("tenant_id", group.tenantId())
                .put("tenant", group.tenant())
                .put("actor", group.actor())
                .put("actor_name", group.actorName().orElse(null))
                .put("operation", group.operation())
                .put("address", group.address().orElse(null))
                .put(
                        "trace",
                        only.flatMap(ChangeRequest::trace)
                                .map(TraceContext::traceparent)
                                .orElse(null))
                .put("idempotency_key", only.flatMap(ChangeRequest::key).orElse(null))
                .put("ordinals", ordinals);
    }
}

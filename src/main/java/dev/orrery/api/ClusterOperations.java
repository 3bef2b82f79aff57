package dev.orrery.api;

import dev.orrery.domain.NodeId;
import dev.orrery.domain.NodeState;
import dev.orrery.domain.WireNamed;
import dev.orrery.service.ClusterService;
import io.vertx.core.Future;
import java.util.Map;

/** The operations tagged {@code Cluster}. */
final class ClusterOperations {

    private final ClusterService cluster;

    ClusterOperations(ClusterService cluster) {
        this.cluster = cluster;
    }

    Map<String, Operation> byId() {
        return Map.of("getCluster", this::summary, "listNodes", this::nodes, "drainNode", this::drain);
    }

    private Future<Answer> summary(ApiRequest request) {
        return cluster.summary().map(all -> Answer.json(200, out -> JsonShapes.cluster(out, all)));
    }

    private Future<Answer> nodes(ApiRequest request) {
        var state = request.optionalText("state").map(name -> WireNamed.of(NodeState.class, name));
        var limit = Math.toIntExact(request.number("limit"));
        return cluster.list(state, request.optionalText("cursor"), limit)
                .map(page -> Answer.json(200, out -> JsonShapes.cursorPage(out, page, JsonShapes::node)));
    }

    private Future<Answer> drain(ApiRequest request) {
        return cluster.drain(request.tenant(), NodeId.parse(request.text("nodeId")), request.key(), request.change())
                .map(_ -> Answer.empty(202));
    }
}

package dev.orrery.service;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.NodeState;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.store.ClusterRepository;
import dev.orrery.store.ClusterRepository.Position;
import dev.orrery.store.ClusterRepository.StoredNode;
import dev.orrery.store.NewRun;
import io.vertx.core.Future;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;

/** The nodes: who is there, who leads, how much they have to do. Nodes serve all tenants. */
public final class ClusterService {

    private final ClusterRepository nodes;
    private final String mode;

    /** {@code mode}: that of the node which answers, {@code standalone} or {@code cluster}. */
    public ClusterService(ClusterRepository nodes, String mode) {
        this.nodes = nodes;
        this.mode = mode;
    }

    public Future<ClusterSummary> summary() {
        return nodes.summary()
                .map(all -> new ClusterSummary(
                        all.id(),
                        mode,
                        all.leader(),
                        all.epoch(),
                        all.leaderSince(),
                        all.nodes(),
                        all.drainingNodes(),
                        all.silentNodes(),
                        all.versions(),
                        all.slots(),
                        all.runningTasks(),
                        all.queueDepth()));
    }

    /** Nodes, the newest first, those that ended within the last week among them. */
    public Future<CursorPage<NodeSummary>> list(Optional<NodeState> state, Optional<String> cursor, int limit) {
        return nodes.nodes(state, cursor.map(ClusterService::position), limit + 1)
                .map(found -> {
                    var items = found.stream()
                            .limit(limit)
                            .map(ClusterService::summary)
                            .toList();
                    var next = found.size() > limit ? Optional.of(cursor(items.getLast())) : Optional.<String>empty();
                    return new CursorPage<>(items, next);
                });
    }

    private static String cursor(NodeSummary last) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, last.startedAt()) + ":" + last.id();
    }

    private static Position position(String cursor) {
        var parts = cursor.split(":", -1);
        try {
            if (parts.length == 2) {
                return new Position(
                        Instant.EPOCH.plus(Long.parseLong(parts[0]), ChronoUnit.MICROS), NodeId.parse(parts[1]));
            }
        } catch (IllegalArgumentException | DateTimeException | ArithmeticException _) {
            // Told below.
        }
        throw new OrreryException(
                ErrorCode.BAD_REQUEST,
                "the cursor is none of this list",
                List.of(Problem.at("query.cursor", ProblemCode.BAD_CURSOR, "this is not a nextCursor of this list")));
    }

    private static NodeSummary summary(StoredNode node) {
        return new NodeSummary(
                node.id(),
                node.name(),
                node.state(),
                node.leads(),
                node.mode(),
                node.version(),
                node.httpAddress(),
                node.capabilities(),
                node.startedAt(),
                node.heartbeatAge(),
                node.slots(),
                node.runningTasks(),
                node.queueDepth(),
                node.clockOffsetMillis());
    }

    /**
     * Asks a node to take no more work and to end what it has in good order; it learns of it within a second. Repeating it
     * changes nothing. {@code NODE_NOT_FOUND} where there is none, {@code CONFLICT} where it is gone.
     */
    public Future<Void> drain(TenantId tenant, NodeId node, Optional<RequestKey> key, ChangeRequest request) {
        return nodes.by(request)
                .askDrain(tenant, node, key.map(ClusterService::storeKey))
                .compose(asked -> switch (asked) {
                    case ASKED -> Future.succeededFuture();
                    case GONE ->
                        Future.failedFuture(new OrreryException(
                                ErrorCode.CONFLICT, "node " + node + " is gone: there is nothing left to drain"));
                    case UNKNOWN ->
                        Future.failedFuture(new OrreryException(ErrorCode.NODE_NOT_FOUND, "there is no node " + node));
                });
    }

    private static NewRun.Key storeKey(RequestKey key) {
        return new NewRun.Key(key.operation(), key.key(), key.requestHash());
    }
}

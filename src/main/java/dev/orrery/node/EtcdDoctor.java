package dev.orrery.node;

import dev.orrery.config.EtcdConfig;
import dev.orrery.coordination.CoordinationException;
import dev.orrery.coordination.EtcdSight;
import dev.orrery.domain.NodeId;
import dev.orrery.store.CheckResult;
import dev.orrery.store.ClusterRows;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Looks whether etcd answers, and whether what it knows of the cluster goes with what the database knows. A node that comes, goes or
 * is elected stands in one a moment before the other: only what differs twice is told. Blocks.
 */
final class EtcdDoctor {

    private static final String MEMBERS = "etcd";
    private static final String MEMBERS_MEAN =
            "every member of etcd answers a read that needs a majority; without one nobody" + " can lead or join";
    private static final String DATABASE = "etcd-database";
    private static final String DATABASE_MEANS = "the keys in etcd belong to this database";
    private static final String LEADER = "etcd-leader";
    private static final String LEADER_MEANS = "etcd and the database know the same leader, so schedules fire";
    private static final String NODES = "etcd-nodes";
    private static final String NODES_MEAN =
            "the nodes that work on the database are those that are registered in etcd";

    private EtcdDoctor() {}

    /**
     * Makes all checks.
     *
     * @param rows reads what the database knows
     * @param pause between two looks where they differ
     */
    static List<CheckResult> examine(EtcdConfig config, Supplier<ClusterRows> rows, Duration pause) {
        var results = new ArrayList<CheckResult>();
        var silent = EtcdSight.silentMembers(config);
        results.add(
                silent.isEmpty()
                        ? CheckResult.ok(MEMBERS, MEMBERS_MEAN)
                        : CheckResult.found(
                                MEMBERS, MEMBERS_MEAN, silent, "start these members, or correct etcd.endpoints"));
        try {
            var first = compare(EtcdSight.of(config), rows.get());
            results.addAll(isWell(first) || !waited(pause) ? first : compare(EtcdSight.of(config), rows.get()));
        } catch (CoordinationException e) {
            var why = String.valueOf(e.getMessage());
            results.add(CheckResult.unknown(DATABASE, DATABASE_MEANS, why));
            results.add(CheckResult.unknown(LEADER, LEADER_MEANS, why));
            results.add(CheckResult.unknown(NODES, NODES_MEAN, why));
        }
        return results;
    }

    private static boolean isWell(List<CheckResult> results) {
        return results.stream().allMatch(result -> result.outcome() == CheckResult.Outcome.OK);
    }

    private static boolean waited(Duration pause) {
        try {
            Thread.sleep(pause);
            return true;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    static List<CheckResult> compare(EtcdSight etcd, ClusterRows rows) {
        return List.of(database(etcd, rows), leader(etcd, rows), nodes(etcd, rows));
    }

    private static CheckResult database(EtcdSight etcd, ClusterRows rows) {
        return result(
                DATABASE,
                DATABASE_MEANS,
                etcd
                        .database()
                        .filter(other -> !other.equals(rows.database()))
                        .map(other -> "etcd holds database " + other + ", this one is " + rows.database())
                        .stream()
                        .toList(),
                "give each cluster an etcd.prefix of its own, or correct database.url");
    }

    private static CheckResult leader(EtcdSight etcd, ClusterRows rows) {
        var differs = !etcd.leader().equals(rows.leader());
        return result(
                LEADER,
                LEADER_MEANS,
                differs
                        ? List.of("by etcd " + named(etcd.leader(), rows) + " leads, by the database "
                                + named(rows.leader(), rows) + " in epoch " + rows.epoch())
                        : List.of(),
                "where no node works, start one; else see in the logs of these nodes why they do not reach etcd or the"
                        + " database; only the leader of the newest epoch in the database can write, so nothing fires twice");
    }

    private static String named(Optional<NodeId> node, ClusterRows rows) {
        return node.map(id -> "node " + id
                        + Optional.ofNullable(rows.names().get(id))
                                .map(name -> " (" + name + ")")
                                .orElse(""))
                .orElse("nobody");
    }

    private static CheckResult nodes(EtcdSight etcd, ClusterRows rows) {
        var wrong = Stream.of(
                        without(rows.alive(), etcd.members())
                                .map(node ->
                                        named(node, rows) + " beats in the database and is not registered in etcd"),
                        without(etcd.members(), rows.alive())
                                .map(node ->
                                        named(node, rows) + " is registered in etcd and does not beat in the database"),
                        without(rows.takingWork(), etcd.workers())
                                .filter(etcd.members()::contains)
                                .map(node -> named(node, rows) + " takes work and is not told of as a worker in etcd"))
                .flatMap(lines -> lines)
                .sorted()
                .toList();
        return result(
                NODES,
                NODES_MEAN,
                wrong,
                "see the log of each of these nodes: one that is not in etcd does not reach it and can neither lead nor be found by"
                        + " others; one that does not beat does not reach the database, or hangs");
    }

    private static String named(NodeId node, ClusterRows rows) {
        return named(Optional.of(node), rows);
    }

    private static Stream<NodeId> without(Set<NodeId> some, Set<NodeId> others) {
        return some.stream().filter(node -> !others.contains(node)).collect(Collectors.toSet()).stream();
    }

    private static CheckResult result(String name, String meaning, List<String> wrong, String cure) {
        return wrong.isEmpty() ? CheckResult.ok(name, meaning) : CheckResult.found(name, meaning, wrong, cure);
    }
}

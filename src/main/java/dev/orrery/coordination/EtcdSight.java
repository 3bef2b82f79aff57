package dev.orrery.coordination;

import dev.orrery.config.EtcdConfig;
import dev.orrery.domain.NodeId;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * What the keys of a cluster in etcd hold, read by somebody who takes no part in it. All reads are such that a majority of etcd
 * must agree on the answer. Blocks, for the time limit of etcd for each read at most.
 *
 * @param database whose nodes meet here
 * @param leader who leads
 * @param members the nodes that are registered
 * @param workers those of them that take work
 */
public record EtcdSight(Optional<UUID> database, Optional<NodeId> leader, Set<NodeId> members, Set<NodeId> workers) {

    public EtcdSight {
        members = Set.copyOf(members);
        workers = Set.copyOf(workers);
    }

    /** Reads the keys; throws {@link CoordinationException} where no member answers, or etcd refuses. */
    public static EtcdSight of(EtcdConfig config) {
        try (var etcd = new EtcdClient(config)) {
            return new EtcdSight(
                    etcd.get(EtcdRegistry.DATABASE).flatMap(entry -> EtcdRegistry.parsed(entry.value())),
                    etcd.get(EtcdElection.KEY)
                            .flatMap(entry -> EtcdRegistry.parsed(entry.value()))
                            .map(NodeId::new),
                    nodes(etcd, EtcdRegistry.MEMBERS),
                    nodes(etcd, EtcdRegistry.WORKERS));
        }
    }

    private static Set<NodeId> nodes(EtcdClient etcd, String beginning) {
        return etcd.list(beginning).stream()
                .flatMap(entry -> EtcdRegistry.parsed(entry.key().substring(beginning.length())).stream())
                .map(NodeId::new)
                .collect(Collectors.toSet());
    }

    /**
     * Reads through each member alone; answers what is wrong with those that cannot tell anything, asked twice: the first call
     * of a process loads its classes, which can take longer than etcd may.
     */
    public static List<String> silentMembers(EtcdConfig config) {
        return config.endpoints().stream()
                .filter(endpoint -> complaint(config, endpoint).isPresent())
                .flatMap(endpoint -> complaint(config, endpoint).stream())
                .toList();
    }

    private static Optional<String> complaint(EtcdConfig config, String endpoint) {
        try (var etcd = new EtcdClient(config.withEndpoints(List.of(endpoint)))) {
            etcd.get(EtcdElection.KEY);
            return Optional.empty();
        } catch (CoordinationException e) {
            return Optional.of(endpoint + ": " + e.getMessage());
        }
    }
}

package dev.orrery.bus;

import com.hazelcast.cluster.Address;
import com.hazelcast.config.ClassFilter;
import com.hazelcast.config.Config;
import com.hazelcast.config.DiscoveryStrategyConfig;
import com.hazelcast.config.JavaSerializationFilterConfig;
import com.hazelcast.config.properties.PropertyDefinition;
import com.hazelcast.logging.ILogger;
import com.hazelcast.spi.discovery.AbstractDiscoveryStrategy;
import com.hazelcast.spi.discovery.DiscoveryNode;
import com.hazelcast.spi.discovery.DiscoveryStrategy;
import com.hazelcast.spi.discovery.DiscoveryStrategyFactory;
import com.hazelcast.spi.discovery.SimpleDiscoveryNode;
import dev.orrery.bus.PeerAddresses.PeerAddress;
import dev.orrery.config.BusConfig;
import io.vertx.spi.cluster.hazelcast.ConfigUtil;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** How Hazelcast keeps the membership of the event bus: by TCP alone, among nodes that are named to it. */
final class HazelcastSetup {

    /** What may come as Java serialisation: what Hazelcast and the cluster manager of Vert.x themselves send. */
    private static final String[] ALLOWED = {
        "io.vertx.spi.cluster.hazelcast.impl.",
        "com.hazelcast.",
        "java.lang.",
        "java.util.",
        "[Ljava.lang.StackTraceElement;"
    };

    static {
        // What it says before it has read its configuration.
        System.setProperty("hazelcast.logging.type", "slf4j");
    }

    private HazelcastSetup() {}

    static Config config(BusConfig bus, int memberPort, UUID cluster, PeerAddresses peers) {
        var config = ConfigUtil.loadConfig();
        config.setClusterName("orrery-" + cluster);
        config.setProperty("hazelcast.logging.type", "slf4j");
        config.setProperty("hazelcast.phone.home.enabled", "false");
        config.setProperty("hazelcast.shutdownhook.enabled", "false");
        config.setProperty("hazelcast.graceful.shutdown.max.wait", "3");
        config.setProperty("hazelcast.heartbeat.interval.seconds", "1");
        config.setProperty("hazelcast.max.no.heartbeat.seconds", "5");
        config.setProperty("hazelcast.merge.first.run.delay.seconds", "10");
        config.setProperty("hazelcast.merge.next.run.delay.seconds", "10");
        config.setProperty("hazelcast.partition.count", "31"); // a handful of entries
        config.setProperty("hazelcast.operation.call.timeout.millis", "5000");
        config.setProperty("hazelcast.socket.bind.any", "false");
        config.setProperty("hazelcast.socket.connect.timeout.seconds", "2");
        // With 0 the others are not even asked for: each node would begin alone and be merged 10 s later.
        config.setProperty("hazelcast.wait.seconds.before.join", "1");
        config.setProperty("hazelcast.discovery.enabled", "true");
        config.setProperty("hazelcast.discovery.public.ip.enabled", "true");
        config.getSerializationConfig()
                .setJavaSerializationFilterConfig(new JavaSerializationFilterConfig()
                        .setDefaultsDisabled(true)
                        .setWhitelist(new ClassFilter().addPrefixes(ALLOWED)));
        var network = config.getNetworkConfig();
        network.setPort(memberPort).setPortAutoIncrement(false);
        network.setPublicAddress(bus.reachableHost() + ":" + memberPort);
        network.getInterfaces().setEnabled(true).addInterface(PrivateAddress.require(bus.host()));
        var join = network.getJoin();
        join.getMulticastConfig().setEnabled(false);
        join.getAutoDetectionConfig().setEnabled(false);
        join.getTcpIpConfig().setEnabled(false);
        join.getDiscoveryConfig().addDiscoveryStrategyConfig(new DiscoveryStrategyConfig(new Factory(peers)));
        return config;
    }

    private record Factory(PeerAddresses peers) implements DiscoveryStrategyFactory {

        @Override
        public Class<? extends DiscoveryStrategy> getDiscoveryStrategyType() {
            return Discovery.class;
        }

        @Override
        @SuppressWarnings("rawtypes") // as the interface has it
        public DiscoveryStrategy newDiscoveryStrategy(
                DiscoveryNode self, ILogger logger, Map<String, Comparable> properties) {
            return new Discovery(peers, logger);
        }

        @Override
        public Collection<PropertyDefinition> getConfigurationProperties() {
            return List.of();
        }
    }

    /** Names the nodes that the coordination service knows, each time Hazelcast asks. */
    private static final class Discovery extends AbstractDiscoveryStrategy {

        private final PeerAddresses peers;

        private Discovery(PeerAddresses peers, ILogger logger) {
            super(logger, Map.of());
            this.peers = peers;
        }

        @Override
        public Iterable<DiscoveryNode> discoverNodes() {
            var nodes = new ArrayList<DiscoveryNode>();
            for (PeerAddress peer : peers.now()) {
                try {
                    nodes.add(new SimpleDiscoveryNode(new Address(peer.host(), peer.memberPort())));
                } catch (UnknownHostException e) {
                    getLogger().fine("a member's host is not known here: " + peer.host());
                }
            }
            return nodes;
        }
    }
}

package dev.orrery.config;

import static dev.orrery.domain.Checks.require;

/**
 * The event bus between the nodes of a cluster.
 *
 * @param host the address to listen on
 * @param port of messages; 0 takes a free one
 * @param memberPort of the protocol by which the nodes of the bus find and watch each other; 0 takes a free one
 * @param advertisedHost where other nodes reach this one; empty: at the host
 * @param caFile the certificates by which nodes check each other; empty: the bus is not encrypted
 * @param certFile the node's certificate
 * @param keyFile its key
 */
public record BusConfig(
        String host, int port, int memberPort, String advertisedHost, String caFile, String certFile, String keyFile) {

    public static final BusConfig DEFAULT = new BusConfig("127.0.0.1", 0, 0, "", "", "", "");

    public BusConfig {
        Settings.BUS_HOST.check(host);
        Settings.BUS_PORT.check(port);
        Settings.BUS_MEMBER_PORT.check(memberPort);
        Settings.BUS_ADVERTISED_HOST.check(advertisedHost);
        Settings.BUS_CA_FILE.check(caFile);
        Settings.BUS_CERT_FILE.check(certFile);
        Settings.BUS_KEY_FILE.check(keyFile);
        require(
                caFile.isEmpty() == certFile.isEmpty() && certFile.isEmpty() == keyFile.isEmpty(),
                "bus.ca-file, bus.cert-file and bus.key-file belong together: give all or none");
        require(port == 0 || port != memberPort, "bus.port and bus.member-port must differ, both are " + port);
    }

    /** Whether nodes show each other certificates and encrypt what they say. */
    public boolean isEncrypted() {
        return !certFile.isEmpty();
    }

    /** Where other nodes reach this one. */
    public String reachableHost() {
        return advertisedHost.isEmpty() ? host : advertisedHost;
    }
}

package dev.orrery.config;

import static dev.orrery.domain.Checks.require;

import java.time.Duration;
import java.util.List;

/**
 * The etcd by which the nodes of a cluster find each other.
 *
 * @param endpoints its members, such as {@code http://127.0.0.1:2379}; empty: the node works alone
 * @param prefix where the keys of the cluster are
 * @param user the account; empty: none
 * @param timeout how long a call may take
 * @param connectTimeout how long a starting node waits for etcd to answer
 * @param caFile the certificates by which etcd's own is checked; empty: those of the system
 * @param certFile the node's certificate, where etcd asks for one
 * @param keyFile its key
 */
public record EtcdConfig(
        List<String> endpoints,
        String prefix,
        String user,
        String password,
        Duration timeout,
        Duration connectTimeout,
        String caFile,
        String certFile,
        String keyFile) {

    public static final EtcdConfig DEFAULT =
            new EtcdConfig(List.of(), "/orrery", "", "", Duration.ofSeconds(2), Duration.ofSeconds(30), "", "", "");

    public EtcdConfig {
        endpoints = List.copyOf(endpoints);
        Settings.ETCD_ENDPOINTS.check(endpoints);
        Settings.ETCD_PREFIX_KEY.check(prefix);
        Settings.ETCD_USER.check(user);
        Settings.ETCD_PASSWORD.check(password);
        Settings.ETCD_TIMEOUT.check(timeout);
        Settings.ETCD_CONNECT_TIMEOUT.check(connectTimeout);
        Settings.ETCD_CA_FILE.check(caFile);
        Settings.ETCD_CERT_FILE.check(certFile);
        Settings.ETCD_KEY_FILE.check(keyFile);
        require(
                certFile.isEmpty() == keyFile.isEmpty(),
                "etcd.cert-file and etcd.key-file belong together: give both or neither");
        var encrypted =
                endpoints.stream().filter(url -> url.startsWith("https:")).count();
        require(
                encrypted == 0 || encrypted == endpoints.size(),
                "etcd.endpoints has http and https: all members of an etcd speak the same");
        require(
                encrypted > 0 || endpoints.isEmpty() || (caFile.isEmpty() && certFile.isEmpty()),
                "etcd.ca-file and etcd.cert-file are for https: write etcd.endpoints with https://");
    }

    /** The same with other members. */
    public EtcdConfig withEndpoints(List<String> others) {
        return new EtcdConfig(others, prefix, user, password, timeout, connectTimeout, caFile, certFile, keyFile);
    }

    /** Without the password: configurations get into logs. */
    @Override
    public String toString() {
        return "EtcdConfig[endpoints=" + endpoints + ", prefix=" + prefix + ", user=" + user + ", password="
                + Secrets.masked(password) + ", timeout=" + timeout + ", connectTimeout=" + connectTimeout + ", caFile="
                + caFile + ", certFile=" + certFile
                + ", keyFile=" + keyFile + "]";
    }

    /** Whether the node is one of a cluster. */
    public boolean isGiven() {
        return !endpoints.isEmpty();
    }
}

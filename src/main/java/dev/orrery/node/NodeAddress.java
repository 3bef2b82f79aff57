package dev.orrery.node;

import dev.orrery.config.OrreryConfig;
import dev.orrery.domain.StartupException;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;

/** Where a node listens, and where it is reached. */
record NodeAddress(OrreryConfig config) {

    /** Told before a database is created or opened for nothing; who takes the port later is met when it is listened on. */
    void requireFreePort() {
        var http = config.http();
        if (http.port() == 0) {
            return;
        }
        try (var probe = new ServerSocket()) {
            probe.bind(new InetSocketAddress(http.host(), http.port()));
        } catch (BindException taken) {
            throw placeTaken(taken);
        } catch (IOException | IllegalArgumentException _) {
            // To listen will fail too, and tells why.
        }
    }

    Throwable cannotListen(Throwable refused) {
        return refused instanceof IOException e ? placeTaken(e) : refused;
    }

    private StartupException placeTaken(IOException refused) {
        var place = config.http().host() + ":" + config.http().port();
        return new StartupException(
                "cannot listen on " + place + " (" + refused.getMessage()
                        + "): stop what listens there, or choose another place with --http-port or --http-host",
                refused);
    }

    /** The API, for this machine. */
    URI here(int port) {
        return URI.create("http://" + hostForUrl(config.http().host()) + ":" + port);
    }

    /** The API, for other machines, as far as it is known before it listens: empty where the port is any. */
    String known() {
        return config.http().port() == 0 ? "" : elsewhere(config.http().port());
    }

    /** The API, for other machines. */
    String elsewhere(int port) {
        var host = config.http().host();
        var listensEverywhere = !host.equals(hostForUrl(host)) && !host.contains(":");
        return "http://" + (listensEverywhere ? config.bus().reachableHost() : hostForUrl(host)) + ":" + port;
    }

    /** Where the event bus between nodes takes part in the protocol of members: others must know it before it listens. */
    int memberPort() {
        var given = config.bus().memberPort();
        return config.isCluster() && given == 0 ? freePort(config.bus().host()) : given;
    }

    private static int freePort(String host) {
        try (var probe = new ServerSocket()) {
            probe.bind(new InetSocketAddress(host, 0));
            return probe.getLocalPort();
        } catch (IOException | IllegalArgumentException e) {
            throw new StartupException(
                    "the event bus cannot listen on '" + host + "' (" + e.getMessage()
                            + "): bus.host must be an address of this machine",
                    e);
        }
    }

    /** What listens on every address is reached by loopback. */
    private static String hostForUrl(String host) {
        return switch (host) {
            case "0.0.0.0", "::", "[::]" -> "127.0.0.1";
            default -> host.contains(":") && !host.startsWith("[") ? "[" + host + "]" : host;
        };
    }
}

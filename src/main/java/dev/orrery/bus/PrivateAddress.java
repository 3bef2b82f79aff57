package dev.orrery.bus;

import dev.orrery.domain.StartupException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;

/** The bus between nodes listens where strangers do not come: its protocol of members knows no passwords. */
final class PrivateAddress {

    private static final int UNIQUE_LOCAL_MASK = 0xfe;
    private static final int UNIQUE_LOCAL = 0xfc;

    private PrivateAddress() {}

    /**
     * The address of the host, as numbers.
     *
     * @throws StartupException where it is not of loopback or of a private network
     */
    static String require(String host) {
        InetAddress address;
        try {
            address = InetAddress.getByName(host);
        } catch (UnknownHostException e) {
            throw new StartupException("bus.host '" + host + "' is not known here: name an address of this machine", e);
        }
        if (!isPrivate(address)) {
            throw new StartupException(
                    "bus.host '" + host + "' is " + (address.isAnyLocalAddress() ? "every" : "a public")
                            + " address, and whoever reaches the event bus can harm the cluster: name an address of loopback or of"
                            + " a private network");
        }
        return address.getHostAddress();
    }

    private static boolean isPrivate(InetAddress address) {
        return !address.isAnyLocalAddress()
                && (address.isLoopbackAddress()
                        || address.isSiteLocalAddress()
                        || address.isLinkLocalAddress()
                        || (address instanceof Inet6Address
                                && (address.getAddress()[0] & UNIQUE_LOCAL_MASK) == UNIQUE_LOCAL));
    }
}

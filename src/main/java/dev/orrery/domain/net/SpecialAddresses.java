package dev.orrery.domain.net;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The addresses that are no part of the public internet, and those that stand for another address. */
final class SpecialAddresses {

    /** A range, and what is said of its addresses. */
    private record Kind(IpRange range, String meaning) {}

    private static final List<IpRange> METADATA = ranges(
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254");

    private static final List<Kind> KINDS = List.of(
            kind("0.0.0.0/8", "unspecified"),
            kind("10.0.0.0/8", "private"),
            kind("100.64.0.0/10", "private (of a provider)"),
            kind("127.0.0.0/8", "loopback"),
            kind("169.254.0.0/16", "link-local"),
            kind("172.16.0.0/12", "private"),
            kind("192.0.0.0/24", "reserved"),
            kind("192.0.2.0/24", "for documentation"),
            kind("192.88.99.0/24", "reserved"),
            kind("192.168.0.0/16", "private"),
            kind("198.18.0.0/15", "for benchmarks"),
            kind("198.51.100.0/24", "for documentation"),
            kind("203.0.113.0/24", "for documentation"),
            kind("224.0.0.0/4", "multicast"),
            kind("255.255.255.255/32", "broadcast"),
            kind("240.0.0.0/4", "reserved"),
            kind("::/128", "unspecified"),
            kind("::1/128", "loopback"),
            kind("64:ff9b:1::/48", "private (translated)"),
            kind("100::/64", "reserved"),
            kind("2001:db8::/32", "for documentation"),
            kind("3fff::/20", "for documentation"),
            kind("fc00::/7", "private (unique local)"),
            kind("fe80::/10", "link-local"),
            kind("fec0::/10", "private (site-local)"),
            kind("ff00::/8", "multicast"));

    private static final IpRange COMPATIBLE = range("::/96");
    private static final IpRange TRANSLATED = range("::ffff:0:0:0/96");
    private static final IpRange NAT64 = range("64:ff9b::/96");
    private static final IpRange NAT64_LOCAL = range("64:ff9b:1::/48");
    private static final IpRange SIX_TO_FOUR = range("2002::/16");
    private static final IpRange TEREDO = range("2001::/32");
    private static final int IPV4_BYTES = 4;

    private SpecialAddresses() {}

    /** What an address is, if it is not one of the public internet. */
    static Optional<String> meaning(InetAddress address) {
        return KINDS.stream()
                .filter(kind -> kind.range().contains(address))
                .map(Kind::meaning)
                .findFirst();
    }

    /** Whether a cloud tells its machines' credentials there. */
    static boolean isMetadata(InetAddress address) {
        return METADATA.stream().anyMatch(range -> range.contains(address));
    }

    /**
     * The IPv4 addresses that a packet to this address may end up at: those that are mapped, translated or tunnelled.
     * Java itself makes IPv4 addresses of the mapped ones ({@code ::ffff:10.0.0.1}).
     */
    static List<InetAddress> embedded(InetAddress address) {
        var bytes = address.getAddress();
        var found = new ArrayList<InetAddress>();
        if (!(address instanceof Inet6Address)) {
            return found;
        }
        // The unspecified address and loopback stand for themselves.
        var isOfLowest = SpecialAddresses.meaning(address).isPresent() && COMPATIBLE.contains(address);
        if ((COMPATIBLE.contains(address) && !isOfLowest)
                || TRANSLATED.contains(address)
                || NAT64.contains(address)
                || NAT64_LOCAL.contains(address)
                || isIsatap(bytes)) {
            found.add(ipv4(bytes, 12, 0));
        }
        if (SIX_TO_FOUR.contains(address)) {
            found.add(ipv4(bytes, 2, 0));
        }
        if (TEREDO.contains(address)) {
            found.add(ipv4(bytes, 4, 0));
            // The client's address is written with all bits turned over.
            found.add(ipv4(bytes, 12, 0xFF));
        }
        return found;
    }

    /** Interface identifiers {@code ::0:5efe:a.b.c.d} and {@code ::200:5efe:a.b.c.d}. */
    private static boolean isIsatap(byte[] bytes) {
        return (bytes[8] == 0 || bytes[8] == 2) && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == (byte) 0xfe;
    }

    private static InetAddress ipv4(byte[] bytes, int from, int turned) {
        var four = Arrays.copyOfRange(bytes, from, from + IPV4_BYTES);
        for (var n = 0; n < IPV4_BYTES; n++) {
            four[n] = (byte) (four[n] ^ turned);
        }
        try {
            return InetAddress.getByAddress(four);
        } catch (UnknownHostException impossible) {
            throw new IllegalStateException("four bytes are an address", impossible);
        }
    }

    private static List<IpRange> ranges(String... texts) {
        return Arrays.stream(texts).map(SpecialAddresses::range).toList();
    }

    private static Kind kind(String range, String meaning) {
        return new Kind(range(range), meaning);
    }

    private static IpRange range(String text) {
        return IpRange.parse(text).orElseThrow(() -> new IllegalStateException(text + " is no range"));
    }
}

package dev.orrery.domain.net;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import java.math.BigInteger;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The addresses that begin with the same bits, such as {@code 10.0.0.0/8} or {@code fc00::/7}.
 *
 * @param bits the first address, as a number
 * @param width how many bits an address has: 32 or 128
 * @param prefix how many of them are fixed
 */
public record IpRange(BigInteger bits, int width, int prefix) {

    private static final int IPV4_BITS = 32;
    private static final int IPV6_BITS = 128;
    private static final Pattern FORM = Pattern.compile("(?<address>[0-9A-Fa-f:.]{2,45})(?:/(?<prefix>[0-9]{1,3}))?");
    private static final Pattern IPV4 = Pattern.compile("(?:(?:0|[1-9][0-9]{0,2})\\.){3}(?:0|[1-9][0-9]{0,2})");

    public IpRange {
        requireNonNull(bits, "bits");
        require(width == IPV4_BITS || width == IPV6_BITS, "width must be 32 or 128, was " + width);
        require(prefix >= 0 && prefix <= width, "prefix must be 0.." + width + ", was " + prefix);
        bits = bits.shiftRight(width - prefix).shiftLeft(width - prefix);
    }

    /** The range that is written so, with or without a prefix; empty where this is none. Nothing is looked up. */
    public static Optional<IpRange> parse(String text) {
        var parts = FORM.matcher(text);
        if (!parts.matches()) {
            return Optional.empty();
        }
        var address = literal(parts.group("address"));
        var prefix = Optional.ofNullable(parts.group("prefix")).map(Integer::valueOf);
        return address.filter(found -> prefix.orElse(0) <= width(found))
                .map(found -> new IpRange(number(found), width(found), prefix.orElse(width(found))));
    }

    /** An address in its usual form, not in one of the short or octal ones that systems understand differently. */
    private static Optional<InetAddress> literal(String text) {
        try {
            if (text.indexOf(':') >= 0) {
                return Optional.of(InetAddress.ofLiteral(text));
            }
            return IPV4.matcher(text).matches() ? Optional.of(Inet4Address.ofLiteral(text)) : Optional.empty();
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    public boolean contains(InetAddress address) {
        return width(address) == width
                && number(address).shiftRight(width - prefix).equals(bits.shiftRight(width - prefix));
    }

    /** Whether it is a single address. */
    public boolean isOne() {
        return prefix == width;
    }

    private static int width(InetAddress address) {
        return address instanceof Inet6Address ? IPV6_BITS : IPV4_BITS;
    }

    private static BigInteger number(InetAddress address) {
        return new BigInteger(1, address.getAddress());
    }
}

package dev.orrery.domain.net;

import static java.util.Objects.requireNonNull;

import java.net.InetAddress;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where a task may, or may not, call: an entry of a list in the configuration. It is an address or a range of addresses, or
 * a host name as it stands in the URL; with a port it means that port only.
 */
public sealed interface Destination {

    /** What can be written, in words that follow "must list". */
    String FORMS = "addresses, ranges or host names, with or without a port, such as 10.0.0.0/8, [fd00::1]:8080,"
            + " billing.internal:8443 or *.svc.cluster.local";

    /** Any address of a range. */
    record Range(IpRange range, OptionalInt port) implements Destination {

        public Range {
            requireNonNull(range, "range");
            requireNonNull(port, "port");
        }
    }

    /** Whatever a host of this name resolves to; {@code isSuffix}: any host whose name ends so. */
    record Host(String name, boolean isSuffix, OptionalInt port) implements Destination {

        public Host {
            requireNonNull(name, "name");
            requireNonNull(port, "port");
        }
    }

    Pattern BRACKETED = Pattern.compile("\\[(?<address>[^\\]]+)](?::(?<port>[0-9]{1,5}))?");
    Pattern PLAIN = Pattern.compile("(?<target>[^:]+)(?::(?<port>[0-9]{1,5}))?");
    Pattern NAME = Pattern.compile("(?<any>\\*\\.)?(?<name>[A-Za-z0-9_-]+(?:\\.[A-Za-z0-9_-]+)*)\\.?");
    /** What looks like an address, or like one of its short, octal or hexadecimal forms, is no name. */
    Pattern NUMERIC = Pattern.compile("(?:.*\\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)");

    int MAX_PORT = 65_535;

    /** The destination that is written so; empty where it is none. */
    static Optional<Destination> parse(String text) {
        var whole = IpRange.parse(text);
        if (whole.isPresent()) {
            return whole.map(range -> new Range(range, OptionalInt.empty()));
        }
        var bracketed = BRACKETED.matcher(text);
        if (bracketed.matches()) {
            var port = port(bracketed.group("port"));
            return IpRange.parse(bracketed.group("address"))
                    .filter(_ -> isPort(port))
                    .map(range -> new Range(range, port));
        }
        var plain = PLAIN.matcher(text);
        if (!plain.matches()) {
            return Optional.empty();
        }
        var port = port(plain.group("port"));
        var target = plain.group("target");
        if (!isPort(port)) {
            return Optional.empty();
        }
        return IpRange.parse(target)
                .<Destination>map(range -> new Range(range, port))
                .or(() -> host(target, port));
    }

    private static Optional<Destination> host(String text, OptionalInt port) {
        var parts = NAME.matcher(text);
        if (!parts.matches() || NUMERIC.matcher(parts.group("name")).matches()) {
            return Optional.empty();
        }
        return Optional.of(new Host(parts.group("name").toLowerCase(Locale.ROOT), parts.group("any") != null, port));
    }

    private static OptionalInt port(@Nullable String digits) {
        return digits == null ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(digits));
    }

    private static boolean isPort(OptionalInt port) {
        return port.isEmpty() || (port.getAsInt() >= 1 && port.getAsInt() <= MAX_PORT);
    }

    OptionalInt port();

    /**
     * Whether a call goes there.
     *
     * @param host as it stands in the URL, without brackets
     * @param address what is connected to
     */
    default boolean covers(String host, InetAddress address, int port) {
        return (port().isEmpty() || port().getAsInt() == port)
                && switch (this) {
                    case Range covered -> covered.range().contains(address);
                    case Host covered -> {
                        var called = host.toLowerCase(Locale.ROOT).replaceFirst("\\.$", "");
                        yield covered.isSuffix()
                                ? called.endsWith("." + covered.name())
                                : called.equals(covered.name());
                    }
                };
    }

    /** Whether it means this one address, and none beside it. */
    default boolean names(InetAddress address) {
        return this instanceof Range one && one.range().isOne() && one.range().contains(address);
    }
}

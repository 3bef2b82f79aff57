package dev.orrery.domain.net;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Where http tasks may call. What is denied by configuration stays denied; else what is allowed is allowed; else whatever
 * is not of the public internet is denied, so that nobody is led into the network that the node stands in.
 *
 * <p>An address that stands for another one (mapped, translated, tunnelled) must be fit itself and in what it stands for.
 * Where clouds tell their machines' credentials only an entry for that very address opens the way.
 */
public record CallRules(List<Destination> allow, List<Destination> deny) {

    /** As without any configuration. */
    public static final CallRules DEFAULT = new CallRules(List.of(), List.of());

    public CallRules {
        allow = List.copyOf(allow);
        deny = List.copyOf(deny);
    }

    /**
     * Why this address may not be called, in words that follow the address; empty where it may be.
     *
     * @param host as it stands in the URL, without brackets
     */
    public Optional<String> objection(String host, InetAddress address, int port) {
        return objection(host, address, port, _ -> false);
    }

    /**
     * The same, where more than the special addresses lead inside.
     *
     * @param ofThisMachine whether an address is one of the machine itself: whoever calls that comes from within, and no firewall
     *     stands in between
     */
    public Optional<String> objection(
            String host, InetAddress address, int port, Predicate<InetAddress> ofThisMachine) {
        var forms = new ArrayList<>(List.of(address));
        forms.addAll(SpecialAddresses.embedded(address));
        return forms.stream()
                .flatMap(form -> objectionToOne(host, form, port, ofThisMachine).stream())
                .findFirst();
    }

    private Optional<String> objectionToOne(
            String host, InetAddress address, int port, Predicate<InetAddress> ofThisMachine) {
        if (deny.stream().anyMatch(entry -> entry.covers(host, address, port))) {
            return Optional.of("is denied by tasks.http-deny");
        }
        var allowing = allow.stream().filter(entry -> entry.covers(host, address, port));
        if (SpecialAddresses.isMetadata(address)) {
            return allowing.anyMatch(entry -> entry.names(address))
                    ? Optional.empty()
                    : Optional.of(
                            "tells a machine's credentials; only an entry for this very address in tasks.http-allow of"
                                    + " the nodes' configuration opens it");
        }
        var meaning = SpecialAddresses.meaning(address)
                .or(() -> ofThisMachine.test(address)
                        ? Optional.of("an address of the node's own machine")
                        : Optional.empty());
        if (meaning.isEmpty() || allowing.findAny().isPresent()) {
            return Optional.empty();
        }
        return Optional.of("is " + meaning.get() + "; to let http tasks call it, add '" + entry(host, port)
                + "' or a range of addresses to tasks.http-allow in the nodes' configuration");
    }

    private static String entry(String host, int port) {
        return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
    }
}

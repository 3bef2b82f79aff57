package dev.orrery.executor;

import dev.orrery.domain.net.CallRules;
import io.vertx.core.Future;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * Lets calls through whose host is where it may be. The host is looked up once, all its addresses are checked, and what
 * is handed on is addresses, not names. The node's own API may be called by a task, but no redirect leads to it: a server
 * elsewhere would speak with the task's rights.
 */
final class AddressGate {

    private final CallRules rules;
    private final AddressLookup lookup;
    private final Supplier<String> apiUrl;
    private final Predicate<InetAddress> ofThisMachine;

    AddressGate(CallRules rules, AddressLookup lookup, Supplier<String> apiUrl) {
        this(rules, lookup, apiUrl, AddressGate::isOfThisMachine);
    }

    /** {@code ofThisMachine}: whether an address is one of the machine that the node runs on. */
    AddressGate(CallRules rules, AddressLookup lookup, Supplier<String> apiUrl, Predicate<InetAddress> ofThisMachine) {
        this.rules = rules;
        this.lookup = lookup;
        this.apiUrl = apiUrl;
        this.ofThisMachine = ofThisMachine;
    }

    /**
     * The addresses to try for this call; fails with {@link CannotStart} where one of them may not be called.
     *
     * @param isRedirect whether a server asked for the call
     */
    Future<List<InetAddress>> pass(HttpCall call, boolean isRedirect) {
        var api = URI.create(apiUrl.get());
        if (!isRedirect && call.hasAuthorityOf(api)) {
            return lookup(call);
        }
        return lookup(call).compose(addresses -> {
            for (var address : addresses) {
                if (isRedirect && call.port() == HttpCall.port(api) && ofThisMachine.test(address)) {
                    return refused(call, address, "is the node's own API, to which no redirect may lead");
                }
                var objection = rules.objection(call.host(), address, call.port(), ofThisMachine);
                if (objection.isPresent()) {
                    return refused(call, address, objection.get());
                }
            }
            return Future.succeededFuture(addresses);
        });
    }

    private Future<List<InetAddress>> lookup(HttpCall call) {
        return lookup.addresses(call.host())
                .timeout(HttpExecutor.CONNECT_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)
                .compose(found -> {
                    var addresses = new ArrayList<InetAddress>();
                    for (var address : found) {
                        addresses.add(nameless(address));
                    }
                    return addresses.isEmpty()
                            ? Future.failedFuture(new UnknownHostException(call.host()))
                            : Future.succeededFuture(addresses);
                });
    }

    /** Without a name there is nothing that could be looked up again. */
    private static InetAddress nameless(InetAddress address) {
        try {
            return InetAddress.getByAddress(address.getAddress());
        } catch (UnknownHostException impossible) {
            throw new IllegalStateException("an address has the length of one", impossible);
        }
    }

    private static boolean isOfThisMachine(InetAddress address) {
        try {
            return address.isAnyLocalAddress()
                    || address.isLoopbackAddress()
                    || NetworkInterface.getByInetAddress(address) != null;
        } catch (SocketException unknown) {
            return true;
        }
    }

    private static Future<List<InetAddress>> refused(HttpCall call, InetAddress address, String why) {
        var literal = address.getHostAddress();
        var where = literal.equals(call.host()) ? literal : literal + ", an address of " + call.host() + ",";
        return Future.failedFuture(
                new CannotStart("http tasks may not call " + call.hostAndPort() + ": " + where + " " + why));
    }
}

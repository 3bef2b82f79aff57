package dev.orrery.bus;

import dev.orrery.bus.Address.Reach.Everywhere;
import dev.orrery.bus.Address.Reach.OneNode;
import dev.orrery.bus.BusMessage.HandlerCall;
import dev.orrery.bus.BusMessage.HandlerReply;
import dev.orrery.domain.OrreryException;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.EventBus;
import io.vertx.core.eventbus.Message;
import io.vertx.core.eventbus.MessageConsumer;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The event bus, with types. Messages of one process are handed over as they are; they are immutable. What reaches other
 * nodes goes there by a {@link PeerBus}.
 */
public final class Bus {

    /** The failure code of an answer that is an error of the handler itself. */
    public static final int HANDLER_FAILED = 500;

    private final EventBus eventBus;
    private final Set<String> offered = ConcurrentHashMap.newKeySet();
    private volatile @Nullable PeerBus peers;

    private Bus(EventBus eventBus) {
        this.eventBus = eventBus;
    }

    /** Call once for each Vert.x instance, before any verticle is deployed. */
    public static Bus on(Vertx vertx) {
        var eventBus = vertx.eventBus();
        for (var type : BusMessage.class.getPermittedSubclasses()) {
            register(eventBus, type.asSubclass(BusMessage.class));
        }
        return new Bus(eventBus);
    }

    /** From now on messages that reach further than this process go to the other nodes too. */
    void connect(@Nullable PeerBus bus) {
        peers = bus;
        if (bus != null) {
            bus.offer(offered);
        }
    }

    /** From now on other nodes may call these handlers of this process. */
    public void offer(Set<String> handlers) {
        offered.addAll(handlers);
        var others = peers;
        if (others != null) {
            others.offer(handlers);
        }
    }

    /** From now on no other node is to call a handler of this process; calls under way go on. */
    public void withdraw() {
        offered.clear();
        var others = peers;
        if (others != null) {
            others.withdraw();
        }
    }

    /** Calls a handler that another node offers; fails with a ReplyException as {@link #request} does. */
    public Future<HandlerReply> callElsewhere(HandlerCall call, Duration limit) {
        var others = peers;
        return others == null
                ? Future.failedFuture(new ReplyException(ReplyFailure.NO_HANDLERS, "no other node is connected"))
                : others.call(call, limit);
    }

    /** How many messages of other nodes were not understood. */
    public long ignoredOfPeers() {
        var others = peers;
        return others == null ? 0 : others.ignored();
    }

    /** Asks one listener; fails with a ReplyException when there is none or no answer comes within the limit. */
    public <Q extends BusMessage, R extends BusMessage> Future<R> request(
            Address<Q, R> address, Q message, Duration limit) {
        var others = peers;
        if (others != null && address.reach() instanceof OneNode(var node) && !others.isSelf(node)) {
            return others.request(node, address, message, limit);
        }
        var options = new DeliveryOptions().setLocalOnly(true).setSendTimeout(limit.toMillis());
        return eventBus.<R>request(address.name(), message, options).map(Message::body);
    }

    /** Sends to one listener and asks for no answer. */
    public <Q extends BusMessage> void send(Address<Q, ?> address, Q message) {
        eventBus.send(address.name(), message, new DeliveryOptions().setLocalOnly(true));
    }

    /** Tells all who listen: those of this process at once, those of other nodes soon and if they can be reached. */
    public <Q extends BusMessage> void publish(Address<Q, ?> address, Q message) {
        publishHere(address, message);
        var others = peers;
        if (others != null && address.reach() instanceof Everywhere) {
            others.tell(message);
        }
    }

    /** Tells all in this process who listen. */
    public <Q extends BusMessage> void publishHere(Address<Q, ?> address, Q message) {
        eventBus.publish(address.name(), message, new DeliveryOptions().setLocalOnly(true));
    }

    /** Listens on the caller's context to what is sent or published without an answer. */
    public <Q extends BusMessage> MessageConsumer<Q> listen(Address<Q, ?> address, Consumer<Q> handler) {
        return eventBus.localConsumer(address.name(), message -> handler.accept(message.body()));
    }

    /** Answers requests on the caller's context; a failed Future becomes a failed reply with its message. */
    public <Q extends BusMessage, R extends BusMessage> MessageConsumer<Q> answer(
            Address<Q, R> address, Function<Q, Future<R>> handler) {
        return eventBus.localConsumer(
                address.name(),
                message -> answered(handler, message.body())
                        .onSuccess(message::reply)
                        .onFailure(error -> message.fail(failureCode(error), String.valueOf(error.getMessage()))));
    }

    private static <Q, R> Future<R> answered(Function<Q, Future<R>> handler, Q request) {
        try {
            return handler.apply(request);
        } catch (RuntimeException bug) {
            // A throwing handler must not leave its caller waiting for the whole limit.
            return Future.failedFuture(bug);
        }
    }

    private static int failureCode(Throwable error) {
        return error instanceof OrreryException known ? known.code().status() : HANDLER_FAILED;
    }

    private static <T extends BusMessage> void register(EventBus eventBus, Class<T> type) {
        eventBus.registerDefaultCodec(type, new HandOver<>(type));
    }
}

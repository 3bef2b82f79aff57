package dev.orrery.bus;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.bus.BusMessage.CancelsAsked;
import dev.orrery.bus.BusMessage.HistoryGrew;
import dev.orrery.bus.BusMessage.JobsChanged;
import dev.orrery.bus.BusMessage.RetryDue;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.config.BusConfig;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.StartupException;
import io.vertx.core.AsyncResult;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.EventBus;
import io.vertx.core.eventbus.EventBusOptions;
import io.vertx.core.eventbus.Message;
import io.vertx.core.eventbus.MessageConsumer;
import io.vertx.core.eventbus.MessageProducer;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.http.ClientAuth;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The event bus between nodes: a clustered Vert.x of its own beside the node's, so that nothing that goes wrong between
 * nodes can hold up what goes on within one. It carries signals to all and questions to one; there is one address for
 * signals and one for each node. Delivery is best effort, and losing every message costs latency alone: whoever waits for a
 * signal looks by himself from time to time.
 *
 * <p>Signals are merged and go at most a hundred times a second, so that a peer that does not read cannot make this node
 * keep much for it.
 */
public final class PeerBus implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(PeerBus.class.getName());
    static final String SIGNALS = "orrery.signals";

    private static final String FROM = "from";
    private static final String TO = "to";
    private static final String WITHIN = "within-ms";
    private static final Duration OFFER_AGAIN_AFTER = Duration.ofSeconds(5);
    private static final Duration MERGED_FOR = Duration.ofMillis(10);
    private static final Duration PING_EVERY = Duration.ofSeconds(2);

    /** Who is there is asked of the protocol of members, which may be waiting for one who is lost. */
    private static final Duration SEND_LIMIT = Duration.ofSeconds(5);

    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(2);
    private static final Duration JOIN_LIMIT = Duration.ofSeconds(40);
    private static final Duration LEAVE_LIMIT = Duration.ofSeconds(10);

    private final Vertx vertx;
    private final Context context;
    private final MessageProducer<Buffer> everyone;
    private final Bus local;
    private final NodeId self;
    private final PendingSignals pending = new PendingSignals();
    private final Map<String, MessageConsumer<Buffer>> offers = new ConcurrentHashMap<>();
    private boolean flushSet;
    private volatile long ignored;
    private volatile long sent;

    private PeerBus(Vertx vertx, Bus local, NodeId self) {
        this.vertx = vertx;
        this.local = local;
        this.self = self;
        context = vertx.getOrCreateContext();
        everyone = vertx.eventBus().publisher(SIGNALS, new DeliveryOptions().addHeader(FROM, self.toString()));
    }

    /**
     * Joins the other nodes. Blocks, some seconds as a rule.
     *
     * @param memberPort where this node takes part in the protocol of members, which {@code peers} tell the others
     * @param cluster tells clusters apart that meet by mistake
     * @throws StartupException with the cure where it cannot listen or its certificates are of no use
     */
    public static PeerBus open(
            BusConfig config, int memberPort, UUID cluster, NodeId self, PeerAddresses peers, Bus local) {
        PrivateAddress.require(config.host());
        if (config.isEncrypted()) {
            PeerCertificates.require(config);
        }
        var hazelcast = HazelcastSetup.config(config, memberPort, cluster, peers);
        var options = new VertxOptions()
                .setEventLoopPoolSize(1)
                .setWorkerPoolSize(2)
                .setInternalBlockingPoolSize(4)
                .setEventBusOptions(options(config));
        var starting = Vertx.builder()
                .with(options)
                .withClusterManager(new HazelcastClusterManager(hazelcast))
                .buildClustered();
        try {
            var vertx = starting.await(JOIN_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
            vertx.exceptionHandler(error -> LOG.log(DEBUG, "a connection to the event bus is not understood", error));
            var bus = new PeerBus(vertx, local, self);
            bus.listen().await(JOIN_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
            local.connect(bus);
            LOG.log(INFO, "joined the event bus: node={0} member_port={1}", self, Integer.toString(memberPort));
            return bus;
        } catch (TimeoutException e) {
            starting.onSuccess(Vertx::close);
            throw new StartupException(
                    "the event bus on " + config.host() + " did not join the other nodes within "
                            + JOIN_LIMIT.toSeconds() + " s: look whether they reach each other at their bus.host",
                    e);
        } catch (Exception e) { // also checked ones, which await() does not declare
            throw new StartupException(
                    "the event bus cannot listen on " + config.host() + " (" + innermost(e)
                            + "): correct bus.host, bus.port and bus.member-port",
                    e);
        }
    }

    private static String innermost(Throwable failure) {
        var cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return String.valueOf(cause.getMessage());
    }

    private static EventBusOptions options(BusConfig config) {
        var options = new EventBusOptions()
                .setHost(config.host())
                .setPort(config.port())
                .setClusterPublicHost(config.reachableHost())
                .setClusterPingInterval(PING_EVERY.toMillis())
                .setClusterPingReplyInterval(PING_EVERY.toMillis())
                .setConnectTimeout((int) CONNECT_LIMIT.toMillis())
                .setReconnectAttempts(0);
        if (config.isEncrypted()) {
            options.setSsl(true)
                    .setClientAuth(ClientAuth.REQUIRED)
                    .setKeyCertOptions(PeerCertificates.own(config))
                    .setTrustOptions(PeerCertificates.authority(config));
        }
        return options;
    }

    private Future<Void> listen() {
        EventBus wire = vertx.eventBus();
        // Bytes are all that goes from node to node, and all that is made of what comes.
        wire.serializableChecker(_ -> false);
        wire.clusterSerializableChecker(_ -> false);
        var signals = wire.<Buffer>consumer(SIGNALS, this::signalled);
        var questions = wire.<Buffer>consumer(addressOf(self), this::asked);
        return Future.all(signals.completion(), questions.completion()).mapEmpty();
    }

    private static String addressOf(NodeId node) {
        return "orrery.node." + node;
    }

    boolean isSelf(NodeId node) {
        return node.equals(self);
    }

    /** How many messages came that were not understood. */
    public long ignored() {
        return ignored;
    }

    /** How many messages to all nodes were sent, each after merging. */
    public long sent() {
        return sent;
    }

    /** For tests. */
    Vertx vertx() {
        return vertx;
    }

    /** How many nodes take part now, this one among them. */
    public int members() {
        return ((io.vertx.core.internal.VertxInternal) vertx)
                .clusterManager()
                .getNodes()
                .size();
    }

    /** To all other nodes, soon; from any thread, never blocks. */
    void tell(BusMessage signal) {
        synchronized (pending) {
            pending.add(signal);
            if (flushSet) {
                return;
            }
            flushSet = true;
        }
        try {
            context.runOnContext(_ -> flush());
        } catch (RejectedExecutionException _) {
            LOG.log(DEBUG, "the event bus is closed; nobody is told");
        }
    }

    /** The next ones go when these are on their way, together, and not before a short time has passed. */
    private void flush() {
        var signals = take();
        if (!signals.isEmpty()) {
            Future.join(signals.stream().map(this::send).toList())
                    .timeout(SEND_LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                    .onComplete(_ -> vertx.setTimer(MERGED_FOR.toMillis(), _ -> flush()));
        }
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // by this bus's one event loop alone
    private Future<Void> send(BusMessage signal) {
        sent++;
        return everyone.write(Wire.encode(signal));
    }

    private List<BusMessage> take() {
        synchronized (pending) {
            var signals = pending.take();
            flushSet = !signals.isEmpty();
            return signals;
        }
    }

    private void signalled(Message<Buffer> message) {
        if (self.toString().equals(message.headers().get(FROM))) {
            return;
        }
        switch (Wire.decode(message.body()).orElse(null)) {
            case WorkReady ready -> local.publishHere(Addresses.WORK_READY, ready);
            case RetryDue due -> local.publishHere(Addresses.RETRY_DUE, due);
            case CancelsAsked asked -> local.publishHere(Addresses.CANCELS_ASKED, asked);
            case HistoryGrew grew -> local.publishHere(Addresses.HISTORY_GREW, grew);
            case JobsChanged changed -> local.publishHere(Addresses.JOBS_CHANGED, changed);
            case null, default -> ignore(message);
        }
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // by this bus's one event loop alone
    private void ignore(Message<Buffer> message) {
        ignored++;
        LOG.log(DEBUG, "a message of another node is not understood: address={0}", message.address());
    }

    /** Asks one other node; fails when it is not there or does not answer within the limit. */
    <Q extends BusMessage, R extends BusMessage> Future<R> request(
            NodeId node, Address<Q, R> address, Q question, Duration limit) {
        var options = new DeliveryOptions()
                .addHeader(FROM, self.toString())
                .addHeader(TO, address.name())
                .setSendTimeout(limit.toMillis());
        return vertx.eventBus()
                .<Buffer>request(addressOf(node), Wire.encode(question), options)
                .map(answer -> understood(answer, address.reply()));
    }

    /** Other nodes may call these handlers from now on, or as soon as the protocol of members lets them know. */
    void offer(Collection<String> handlers) {
        handlers.forEach(name -> offers.computeIfAbsent(name, this::offered));
    }

    private MessageConsumer<Buffer> offered(String handler) {
        var consumer = vertx.eventBus().<Buffer>consumer(addressOfHandler(handler), this::called);
        consumer.completion().onFailure(refused -> {
            LOG.log(
                    WARNING,
                    "a handler cannot be offered to other nodes now, trying again: handler=" + handler + " reason="
                            + refused.getMessage());
            vertx.setTimer(OFFER_AGAIN_AFTER.toMillis(), _ -> {
                if (offers.remove(handler, consumer)) {
                    offer(List.of(handler));
                }
            });
        });
        return consumer;
    }

    void withdraw() {
        offers.values()
                .forEach(consumer -> consumer.unregister()
                        .onFailure(error -> LOG.log(DEBUG, "a handler stays offered until the node leaves", error)));
        offers.clear();
    }

    private static String addressOfHandler(String name) {
        return "orrery.handler." + name;
    }

    /** Calls a handler on any other node that offers it; fails when none does or no answer comes within the limit. */
    Future<BusMessage.HandlerReply> call(BusMessage.HandlerCall call, Duration limit) {
        var options = new DeliveryOptions()
                .addHeader(WITHIN, Long.toString(limit.toMillis()))
                .setSendTimeout(limit.toMillis());
        return vertx.eventBus()
                .<Buffer>request(addressOfHandler(call.handler()), Wire.encode(call.by(self)), options)
                .map(answer -> understood(answer, BusMessage.HandlerReply.class));
    }

    private void called(Message<Buffer> message) {
        var limit = limitOf(message);
        if (limit.isPresent() && Wire.decode(message.body()).orElse(null) instanceof BusMessage.HandlerCall call) {
            answer(message, local.request(Addresses.handler(call.handler()), call, limit.get()));
        } else {
            ignore(message);
        }
    }

    private static Optional<Duration> limitOf(Message<Buffer> message) {
        try {
            var millis = Long.parseLong(message.headers().get(WITHIN));
            return millis > 0 ? Optional.of(Duration.ofMillis(millis)) : Optional.empty();
        } catch (NumberFormatException absentOrNone) {
            return Optional.empty();
        }
    }

    private static <R extends BusMessage> R understood(Message<Buffer> answer, Class<R> type) {
        return Wire.decode(answer.body())
                .filter(type::isInstance)
                .map(type::cast)
                .orElseThrow(() -> new IllegalStateException("the answer is not understood"));
    }

    private static void answer(Message<Buffer> message, Future<? extends BusMessage> answer) {
        answer.onComplete(result -> {
            try {
                reply(message, result);
            } catch (RejectedExecutionException _) {
                LOG.log(DEBUG, "the event bus is closed; nobody is answered");
            }
        });
    }

    private static void reply(Message<Buffer> message, AsyncResult<? extends BusMessage> answer) {
        if (answer.succeeded()) {
            message.reply(Wire.encode(answer.result()));
        } else {
            var code = answer.cause() instanceof ReplyException known ? known.failureCode() : Bus.HANDLER_FAILED;
            message.fail(code, String.valueOf(answer.cause().getMessage()));
        }
    }

    private void asked(Message<Buffer> message) {
        switch (Wire.decode(message.body()).orElse(null)) {
            case BusMessage.HandlerSaid said ->
                answer(message, local.request(Addresses.handlerSaid(), said, CONNECT_LIMIT));
            case BusMessage.ReleaseWork release ->
                answer(message, local.request(Addresses.release(self), release, CONNECT_LIMIT));
            case null, default -> ignore(message);
        }
    }

    @Override
    public void close() {
        local.connect(null);
        try {
            vertx.close().await(LEAVE_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | RuntimeException e) {
            LOG.log(DEBUG, "leaving the event bus", e);
        }
    }
}

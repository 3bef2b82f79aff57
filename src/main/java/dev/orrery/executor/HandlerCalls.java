package dev.orrery.executor;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.HandlerCall;
import dev.orrery.bus.BusMessage.HandlerReply;
import dev.orrery.bus.BusMessage.HandlerStop;
import dev.orrery.config.MemoryBudget;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.handler.BlockingTaskHandler;
import dev.orrery.handler.Call.Level;
import dev.orrery.handler.HandlerVerticle.Registration;
import dev.orrery.handler.TaskHandler;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.MessageConsumer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** Answers calls of the handlers that came in jars, each on its verticle's event loop or on a thread of its own. */
final class HandlerCalls {

    /** How many calls may be under way at once, those among them that were told to stop and go on. */
    static final int LIMIT = 1_000;

    private static final System.Logger LOG = System.getLogger(HandlerCalls.class.getName());
    private static final Duration STOP_LIMIT = Duration.ofSeconds(5);

    private final Vertx vertx;
    private final Bus bus;
    private final CallAccess access;
    private final SharedRoom room = new SharedRoom(MemoryBudget.HANDLER_LOGS / Character.BYTES);
    private final List<MessageConsumer<?>> consumers = new ArrayList<>();

    /** Guarded by itself. */
    private final Set<RunningCall> running = new HashSet<>();

    /** Whose function each event loop is in. */
    private final Map<Thread, RunningCall> onLoops = new ConcurrentHashMap<>();

    /** A handler, and where it lives. */
    record Entry(String name, Registration registration, Context context, ClassLoader classes) {}

    /** @param vertx that of the node, which outlives that of the handlers */
    HandlerCalls(Vertx vertx, Bus bus, CallAccess access, List<Entry> entries) {
        this.vertx = vertx;
        this.bus = bus;
        this.access = access;
        consumers.add(bus.listen(Addresses.HANDLER_STOP, this::stop));
        entries.forEach(
                entry -> consumers.add(bus.answer(Addresses.handler(entry.name()), call -> answer(entry, call))));
        bus.offer(entries.stream().map(Entry::name).collect(Collectors.toSet()));
    }

    private Future<HandlerReply> answer(Entry entry, HandlerCall call) {
        var current = new RunningCall(vertx, bus, call, access, room, action -> onLoop(entry, action));
        if (!add(current)) {
            return current.endLog()
                    .compose(_ -> Future.failedFuture(new OrreryException(
                            ErrorCode.OVERLOADED,
                            "handler '" + call.handler() + "' is not called: " + LIMIT
                                    + " calls of this node's handlers"
                                    + " are under way; see whether they end when they are told to stop")));
        }
        return begin(entry, current)
                .map(current::reply)
                .onFailure(cause -> tell(current, cause))
                .eventually(current::endLog)
                .recover(cause -> Future.failedFuture(HandlerResult.failure(cause)))
                .onComplete(_ -> remove(current));
    }

    private boolean add(RunningCall call) {
        synchronized (running) {
            return running.size() < LIMIT && running.add(call);
        }
    }

    private void remove(RunningCall call) {
        synchronized (running) {
            running.remove(call);
            running.notifyAll();
        }
    }

    private static void tell(RunningCall call, Throwable cause) {
        if (HandlerResult.hasTrace(cause) && !(cause instanceof OrreryException)) {
            call.log(Level.ERROR, HandlerResult.trace(cause));
        }
    }

    private Future<HandlerReply> begin(Entry entry, RunningCall call) {
        return switch (entry.registration()) {
            case Registration.Direct(var handler) -> beginOnLoop(entry, handler, call);
            case Registration.Blocking(var handler) -> beginOnThread(entry, handler, call);
        };
    }

    private Future<HandlerReply> beginOnLoop(Entry entry, TaskHandler handler, RunningCall call) {
        Promise<Object> result = Promise.promise();
        var isOpen = onLoop(entry, () -> {
            onLoops.put(Thread.currentThread(), call);
            try {
                resultOf(handler, call).onComplete(result);
            } finally {
                onLoops.remove(Thread.currentThread());
            }
        });
        if (!isOpen) {
            return Future.failedFuture("handler '" + entry.name() + "' is being closed with its node");
        }
        return result.future().map(value -> HandlerResult.reply(entry.name(), value));
    }

    /** What strangers wrote may throw anything, and no failure may leave the caller waiting. */
    private static Future<Object> resultOf(TaskHandler handler, RunningCall call) {
        try {
            Future<?> result = handler.handle(call);
            return result == null
                    ? Future.failedFuture("handler '" + call.handler() + "' returned null instead of a Future")
                    : result.map(value -> value);
        } catch (Throwable thrown) {
            return Future.failedFuture(thrown);
        }
    }

    private static Future<HandlerReply> beginOnThread(Entry entry, BlockingTaskHandler handler, RunningCall call) {
        Promise<HandlerReply> reply = Promise.promise();
        var thread = Thread.ofPlatform()
                .daemon()
                .name("handler " + entry.name())
                .unstarted(() -> replyOf(handler, call).onComplete(reply));
        thread.setContextClassLoader(entry.classes());
        thread.start();
        return reply.future();
    }

    private static Future<HandlerReply> replyOf(BlockingTaskHandler handler, RunningCall call) {
        call.worksOn(Thread.currentThread());
        try {
            return Future.succeededFuture(HandlerResult.reply(call.handler(), handler.handle(call)));
        } catch (Throwable thrown) {
            return Future.failedFuture(thrown);
        } finally {
            call.worksOn(null);
            Thread.interrupted();
        }
    }

    /** Whether there still is a loop. */
    private static boolean onLoop(Entry entry, Runnable action) {
        try {
            entry.context().runOnContext(_ -> action.run());
            return true;
        } catch (RejectedExecutionException closed) {
            LOG.log(DEBUG, "the verticle of handler " + entry.name() + " is closed", closed);
            return false;
        }
    }

    /** Whose function this thread is in, as pairs for the log; empty where it is in none, but perhaps in what one left to be done later. */
    String workOf(Thread thread) {
        var call = onLoops.get(thread);
        return call == null
                ? ""
                : "handler=" + call.handler() + " task=" + call.taskInstanceId() + " attempt=" + call.attempt();
    }

    private void stop(HandlerStop stop) {
        calls(call -> call.isMeant(stop)).forEach(RunningCall::stop);
    }

    private List<RunningCall> calls(Predicate<RunningCall> which) {
        synchronized (running) {
            return running.stream().filter(which).toList();
        }
    }

    /** Takes no calls of other nodes any more; those under way go on. */
    void withdraw() {
        bus.withdraw();
    }

    /** Takes no more calls, gives those under way some time to end, and tells the rest to. Blocks. */
    void close(Duration patience) {
        withdraw();
        try {
            awaitNone(patience, call -> !call.isStopped());
            calls(call -> !call.isStopped()).forEach(RunningCall::stop);
            if (!awaitNone(STOP_LIMIT, _ -> true)) {
                LOG.log(
                        WARNING,
                        "calls of handlers have not ended, going on: calls={0}",
                        calls(_ -> true).size());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        consumers.forEach(consumer -> consumer.unregister()
                .onFailure(error -> LOG.log(DEBUG, "the bus was closed before its handlers", error)));
    }

    private boolean awaitNone(Duration limit, Predicate<RunningCall> which) throws InterruptedException {
        var until = System.nanoTime() + limit.toNanos();
        synchronized (running) {
            while (running.stream().anyMatch(which)) {
                var millis = Duration.ofNanos(until - System.nanoTime()).toMillis();
                if (millis <= 0) {
                    return false;
                }
                running.wait(millis);
            }
            return true;
        }
    }
}

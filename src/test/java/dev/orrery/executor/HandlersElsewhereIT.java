package dev.orrery.executor;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static dev.orrery.testing.LogTexts.timeless;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.bus.Bus;
import dev.orrery.bus.PeerAddresses.PeerAddress;
import dev.orrery.bus.PeerBus;
import dev.orrery.config.BusConfig;
import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.dag.TaskAssignment.DagReference;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import dev.orrery.domain.task.AttemptOutcome.Succeeded;
import dev.orrery.domain.task.FailureKind.NamedError;
import dev.orrery.domain.task.TaskTokens;
import dev.orrery.executor.Workbench.StoredLog;
import dev.orrery.testing.HandlerJarFile;
import dev.orrery.testing.Ports;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One node of a cluster has a jar with handlers, the other one calls them. */
class HandlersElsewhereIT {

    private static final UUID CLUSTER = UUID.randomUUID();
    private static final List<PeerAddress> ADDRESSES = new CopyOnWriteArrayList<>();
    private static final CallVoice.Patience LITTLE =
            new CallVoice.Patience(Duration.ofSeconds(1), Duration.ofSeconds(2), Duration.ofSeconds(5));
    private static final AtomicInteger NEXT_TASK = new AtomicInteger();

    private static final String HANDLERS = """
            register("shout-NAME", call -> Future.succeededFuture(call.inputObject().getString("text").repeat(2)));
            register("refuse-NAME", call -> Future.failedFuture(new NoRetryException("no such customer")));
            registerBlocking("work-NAME", call -> {
                call.log(Call.Level.INFO, "begun");
                call.progress(10);
                try {
                    Thread.sleep(600_000);
                } finally {
                    call.log(Call.Level.INFO, "ends");
                    java.nio.file.Files.writeString(java.nio.file.Path.of(call.inputObject().getString("trace")),
                        "stopped=" + call.isStopped());
                }
                return null;
            });
            """;

    @TempDir
    private static Path folder;

    private static Side caller;
    private static Side owner;

    /** A node, as far as handlers go, with a jar of its own. */
    private static final class Side {

        private final Vertx vertx = Vertx.vertx();
        private final Bus bus = Bus.on(vertx);
        private final HandlerExecutor executor = new HandlerExecutor(vertx, bus, Duration.ofSeconds(5), LITTLE);
        private final HandlerJars jars;
        private final PeerBus peers;

        Side(String name) throws IOException {
            var own = Files.createDirectory(folder.resolve(name));
            HandlerJarFile.registering("Mine", HANDLERS.replace("NAME", name)).writeTo(own.resolve("mine.jar"));
            jars = HandlerJars.load(own, HandlerJars.START_LIMIT);
            jars.answer(
                    vertx,
                    bus,
                    new CallAccess(() -> "http://127.0.0.1", new TaskTokens(new byte[TaskTokens.SECRET_BYTES])));
            var port = Ports.free();
            ADDRESSES.add(new PeerAddress("127.0.0.1", port));
            peers = PeerBus.open(BusConfig.DEFAULT, port, CLUSTER, new NodeId(UUID.randomUUID()), () -> ADDRESSES, bus);
        }

        void close() {
            jars.endCalls(Duration.ZERO);
            jars.close();
            peers.close();
            await(vertx.close());
        }
    }

    private record Attempt(Execution execution, AttemptLog log, StoredLog stored) {

        AttemptOutcome outcome() {
            var outcome = await(execution.outcome());
            await(log.close());
            return outcome;
        }
    }

    @BeforeAll
    static void open() throws IOException {
        owner = new Side("near");
        caller = new Side("own");
        until(
                "the caller can call",
                () -> begin("shout-near", "{\"text\":\"x\"}").outcome().equals(new Succeeded(new Json("\"xx\""))));
    }

    @AfterAll
    static void close() {
        caller.close();
        owner.close();
    }

    @Test
    void aHandlerOfAnotherNodeRepliesAlsoWhatIsLarge() {
        var text = "\\\"ä".repeat(20_000);

        var outcome = begin("shout-near", "{\"text\":\"" + text + "\"}").outcome();

        assertThat(outcome).isEqualTo(new Succeeded(new Json("\"" + text + text + "\"")));
    }

    @Test
    void itsRefusalIsOneHereToo() {
        assertThat(begin("refuse-near", "null").outcome()).isEqualTo(new Failed("no such customer", false));
    }

    @Test
    void whatNobodyHasIsToldSo() {
        var outcome = (Failed) begin("frobnicate", "null").outcome();

        assertThat(outcome.error()).startsWith("no handler named 'frobnicate' is registered on any node");
        assertThat(outcome.retryable()).isTrue();
    }

    @Test
    void itIsHeardWhileItWorksAndStopsWhenItIsTold() {
        var trace = folder.resolve("stopped");
        var attempt = begin("work-near", "{\"trace\":\"" + trace + "\"}");
        until("it is heard", () -> timeless(attempt.stored().text()).equals("INFO begun\nINFO progress 10%\n"));

        attempt.execution().stop();

        assertThat(((Failed) attempt.outcome()).error()).contains("InterruptedException");
        assertThat(timeless(attempt.stored().text()))
                .startsWith("INFO begun\nINFO progress 10%\nINFO ends\nERROR java.lang.Interrupted");
        assertThat(trace).hasContent("stopped=true");
    }

    @Test
    void ifItsNodeIsLostTheAttemptFailsAndTheHandlerStops() throws IOException {
        var lost = new Side("distant");
        try {
            until(
                    "the lost one is called",
                    () -> begin("shout-distant", "{\"text\":\"x\"}")
                            .outcome()
                            .equals(new Succeeded(new Json("\"xx\""))));
            var trace = folder.resolve("lost");
            var attempt = begin("work-distant", "{\"trace\":\"" + trace + "\"}");
            until("it is heard", () -> attempt.stored().text().contains("begun"));

            lost.peers.close();

            until("it stopped", () -> trace.toFile().exists());
            assertThat(attempt.outcome())
                    .isEqualTo(new Failed(
                            "the node that ran handler 'work-distant' said nothing for 3 s and is taken for lost",
                            true,
                            new NamedError("HandlerLost")));
        } finally {
            lost.close();
        }
    }

    private static Attempt begin(String handler, String input) {
        var instance = TaskInstanceId.of(Workbench.RUN, NEXT_TASK.incrementAndGet());
        var task = Workbench.task(Workbench.handler(handler, input));
        var context = new TaskContext(
                instance,
                Workbench.RUN,
                Optional.of(new DagReference(Workbench.DAG, "far")),
                Tenant.DEFAULT,
                task,
                1,
                77,
                OptionalLong.empty(),
                TraceContext.ofAttempt(instance, 1, Optional.empty()),
                Json.EMPTY_OBJECT,
                Map.of());
        var stored = new StoredLog();
        var log = new AttemptLog(caller.vertx.getOrCreateContext(), stored, instance, 1);
        return new Attempt(caller.executor.start(context, log), log, stored);
    }
}

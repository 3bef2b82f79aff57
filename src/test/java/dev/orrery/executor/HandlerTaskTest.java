package dev.orrery.executor;

import static dev.orrery.executor.Workbench.handler;
import static dev.orrery.testing.Await.until;
import static dev.orrery.testing.LogTexts.timeless;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.BusMessage.HandlerCall;
import dev.orrery.bus.BusMessage.HandlerReply;
import dev.orrery.bus.BusMessage.HandlerStop;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Json;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.dag.TaskType.Handler;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import dev.orrery.domain.task.AttemptOutcome.Succeeded;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HandlerTaskTest {

    private static final Duration STOP_GRACE = Duration.ofMillis(200);

    @TempDir
    private Path folder;

    private Workbench bench;

    @BeforeEach
    void open() {
        bench = new Workbench(folder, STOP_GRACE);
    }

    @AfterEach
    void close() {
        bench.close();
    }

    @Test
    void noopDoesNothing() {
        assertThat(bench.run(handler("noop", "{\"any\":1}"))).isEqualTo(new Succeeded(Json.NULL));
    }

    @Test
    void echoRepliesItsInput() {
        assertThat(bench.run(handler("echo", "{\"a\":[1,2]}"))).isEqualTo(new Succeeded(new Json("{\"a\":[1,2]}")));
    }

    @Test
    void logWritesIntoTheLogOfTheAttempt() {
        var attempt =
                bench.start(handler("log", "{\"message\":\"half\\ndone\",\"level\":\"warning\",\"data\":{\"n\":1}}"));

        assertThat(attempt.outcome()).isEqualTo(new Succeeded(Json.NULL));
        assertThat(timeless(attempt.text())).isEqualTo("WARNING half\n\tdone {\"n\":1}\n");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "null",
                "{}",
                "[]",
                "{\"message\":\"x\",\"level\":\"loud\"}",
                "{\"message\":\"x\",\"level\":3}",
                "{\"message\":\"x\",\"data\":3}"
            })
    void logRefusesWhatItCannotSay(String input) {
        assertRefused(handler("log", input), "log");
    }

    @Test
    void sleepSleeps() {
        var begun = System.nanoTime();

        assertThat(bench.run(handler("sleep", "{\"ms\":60}"))).isEqualTo(new Succeeded(Json.NULL));

        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThanOrEqualTo(Duration.ofMillis(60));
    }

    @Test
    void noSleepIsPossible() {
        assertThat(bench.run(handler("sleep", "{\"ms\":0}"))).isEqualTo(new Succeeded(Json.NULL));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "null",
                "{}",
                "7",
                "{\"ms\":-1}",
                "{\"ms\":1.5}",
                "{\"ms\":\"5\"}",
                "{\"ms\":2592000001}",
                "{\"ms\":99999999999999999999}"
            })
    void sleepRefusesWhatIsNoTime(String input) {
        assertRefused(handler("sleep", input), "sleep");
    }

    @Test
    void aSleeperIsWokenWhenItIsStopped() {
        var attempt = bench.start(handler("sleep", "{\"ms\":600000}"));
        var begun = System.nanoTime();

        attempt.execution().stop();

        assertThat(((Failed) attempt.outcome()).error()).contains("stopped");
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(20));
    }

    @Test
    void aHandlerNobodyRegisteredIsAFailureThatNamesTheBuiltInOnes() {
        var outcome = (Failed) bench.run(handler("frobnicate", "null"));

        assertThat(outcome.error()).contains("'frobnicate'").contains("noop, echo, sleep, log");
        assertThat(outcome.retryable()).isTrue();
    }

    @Test
    void aRegisteredHandlerIsToldOfItsAttempt() {
        var calls = new CopyOnWriteArrayList<HandlerCall>();
        register("mine", call -> {
            calls.add(call);
            return Future.succeededFuture(new HandlerReply(new Json("{ \"x\": \"\\u0000\" }"), List.of("said")));
        });

        var attempt = bench.start(handler("mine", "[1]"));

        assertThat(attempt.outcome()).isEqualTo(new Succeeded(new Json("{\"x\":\"\uFFFD\"}")));
        assertThat(attempt.text()).isEqualTo("said\n");
        var context = attempt.context();
        var trace = TraceContext.ofAttempt(context.instanceId(), 1, Optional.empty());
        assertThat(calls)
                .containsExactly(new HandlerCall(
                        context.instanceId(),
                        1,
                        77,
                        "mine",
                        new Json("[1]"),
                        context.tenant().name(),
                        Optional.of(trace.traceparent())));
    }

    @Test
    void aFailureOfTheHandlerIsTheFailureOfTheTask() {
        register("mine", _ -> Future.failedFuture("the printer is on fire"));
        register("throws", _ -> {
            throw new IllegalStateException("out of paper");
        });

        assertThat(bench.run(handler("mine", "null"))).isEqualTo(new Failed("the printer is on fire", true));
        assertThat(bench.run(handler("throws", "null"))).isEqualTo(new Failed("out of paper", true));
    }

    @Test
    void aHandlerThatRefusesItsInputIsNotAskedAgain() {
        register("mine", _ -> Future.failedFuture(new OrreryException(ErrorCode.VALIDATION_ERROR, "needs a name")));

        assertThat(bench.run(handler("mine", "null"))).isEqualTo(new Failed("needs a name", false));
    }

    @Test
    void aReplyThatIsNoJsonOrTooLargeFails() {
        register("broken", _ -> Future.succeededFuture(new HandlerReply(new Json("{"), List.of())));
        register(
                "large",
                _ -> Future.succeededFuture(new HandlerReply(new Json("\"" + "x".repeat(300_000) + "\""), List.of())));

        assertThat(bench.run(handler("broken", "null"))).isInstanceOf(Failed.class);
        assertThat(((Failed) bench.run(handler("large", "null"))).error()).contains("256 KiB");
    }

    @Test
    void aHandlerIsToldWhenItsAttemptIsStopped() {
        var stops = new CopyOnWriteArrayList<HandlerStop>();
        Promise<HandlerReply> never = Promise.promise();
        register("deaf", _ -> never.future());
        bench.bus.listen(Addresses.HANDLER_STOP, stops::add);
        var attempt = bench.start(handler("deaf", "null"));

        attempt.execution().stop();

        assertThat(((Failed) attempt.outcome()).error()).contains("'deaf' did not end within 200ms of being told to");
        until("the handler was told", () -> !stops.isEmpty());
        assertThat(stops).containsExactly(new HandlerStop(attempt.context().instanceId(), 1));
    }

    private void assertRefused(Handler task, String name) {
        var outcome = (Failed) bench.run(task);

        assertThat(outcome.error()).startsWith(name).contains(name + " takes");
        assertThat(outcome.retryable()).isFalse();
    }

    private void register(String name, Function<HandlerCall, Future<HandlerReply>> handler) {
        bench.bus.answer(Addresses.handler(name), handler);
    }
}

package dev.orrery.executor;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static dev.orrery.testing.LogTexts.timeless;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.HandlerCall;
import dev.orrery.bus.BusMessage.HandlerHeard;
import dev.orrery.bus.BusMessage.HandlerSaid;
import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.TaskInstanceId;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CallVoiceTest {

    private static final Future<HandlerHeard> GO_ON = Future.succeededFuture(new HandlerHeard(true));

    private static final CallVoice.Patience HASTE =
            new CallVoice.Patience(Duration.ofMillis(20), Duration.ofMillis(300), Duration.ofSeconds(2));

    private final Vertx vertx = Vertx.vertx();
    private final Bus bus = Bus.on(vertx);
    private final TaskInstanceId task = TaskInstanceId.of(Workbench.RUN, 1);
    private final Workbench.StoredLog stored = new Workbench.StoredLog();
    private final AttemptLog log = new AttemptLog(vertx.getOrCreateContext(), stored, task, 1);
    private final CallEar ear = new CallEar(log);
    private final AtomicInteger unwanted = new AtomicInteger();

    @AfterEach
    void close() {
        await(vertx.close());
    }

    private final SharedRoom room = new SharedRoom(4L * CallVoice.ROOM);

    private CallVoice voice(Optional<NodeId> caller) {
        return new CallVoice(
                vertx,
                bus,
                new HandlerCall(task, 1, 7, "mine", Json.NULL, "default", Optional.empty(), caller),
                HASTE,
                room,
                unwanted::incrementAndGet);
    }

    private void answer(Function<HandlerSaid, Future<HandlerHeard>> answer) {
        bus.answer(Addresses.handlerSaid(), answer);
    }

    private String text() {
        assertThat(room.free()).isEqualTo(4L * CallVoice.ROOM);
        await(log.close());
        return stored.text();
    }

    @Test
    void whileNobodyHearsOnlyABoundedPartIsKeptAndItIsSaidHowMuchIsMissing() {
        Promise<HandlerHeard> heard = Promise.promise();
        answer(said -> {
            ear.hear(said);
            return heard.future();
        });
        var voice = voice(Optional.empty());

        for (var n = 1; n <= 100; n++) {
            voice.say(n + "x".repeat(20_000));
        }
        voice.say("short");
        heard.complete(new HandlerHeard(true));
        await(voice.end());

        var lines = text().lines().toList();
        assertThat(lines.getFirst()).startsWith("1x").contains(" [line cut here: ");
        assertThat(lines).hasSize(17);
        assertThat(lines.subList(15, 17))
                .containsExactly("[85 lines are missing here: the handler said more than could be heard]", "short");
        assertThat(text().length()).isLessThan(CallVoice.ROOM);
    }

    @Test
    void allCallsTogetherHaveABound() {
        answer(_ -> Future.failedFuture("deaf"));
        var voices = Stream.generate(() -> voice(Optional.empty())).limit(6).toList();

        voices.forEach(voice -> {
            for (var n = 0; n < 20; n++) {
                voice.say("x".repeat(16_000));
            }
        });

        assertThat(room.free()).isBetween(0L, 16_001L);
        voices.forEach(CallVoice::end);
        until("it is given back", () -> room.free() == 4L * CallVoice.ROOM);
    }

    @Test
    void whatIsNotAnsweredIsSaidAgainAndWrittenDownOnce() {
        var calls = new AtomicInteger();
        answer(said -> {
            ear.hear(said);
            return calls.incrementAndGet() <= 2 ? Future.failedFuture("the answer is lost") : GO_ON;
        });
        var voice = voice(Optional.empty());

        voice.say("one");
        until("it was said", () -> calls.get() == 1);
        voice.say("two");
        voice.progress(50);
        await(voice.end());

        assertThat(calls).hasValueGreaterThan(2);
        assertThat(timeless(text())).isEqualTo("one\ntwo\nINFO progress 50%\n");
        assertThat(unwanted).hasValue(0);
    }

    @Test
    void aCallerThatDoesNotWantItAnyMoreEndsTheCall() {
        answer(_ -> Future.succeededFuture(new HandlerHeard(false)));
        var voice = voice(Optional.empty());

        voice.say("anything");

        until("it is told", () -> unwanted.get() > 0);
        await(voice.end());
    }

    @Test
    void aCallerOnAnotherNodeIsSpokenToEvenWithoutWords() {
        var calls = new AtomicInteger();
        answer(said -> {
            assertThat(said.text()).isEmpty();
            calls.incrementAndGet();
            return GO_ON;
        });
        var voice = voice(Optional.of(new NodeId(UUID.randomUUID())));

        until("it was spoken to twice", () -> calls.get() >= 2);

        await(voice.end());
        var sofar = calls.get();
        await(vertx.timer(100));
        assertThat(calls).as("nothing is said after the end").hasValue(sofar);
    }

    @Test
    void aCallerThatAnswersNoMoreIsGivenUp() {
        var voice = voice(Optional.of(new NodeId(UUID.randomUUID())));

        until("it is given up", () -> unwanted.get() > 0);

        await(voice.end());
    }
}

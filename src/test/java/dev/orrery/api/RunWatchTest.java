package dev.orrery.api;

import static dev.orrery.api.ApiClient.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.task.TaskState;
import dev.orrery.service.RunEvent;
import dev.orrery.service.RunEvents;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RunWatchTest extends ApiTestBase {

    private static final String EVENTS = "/api/v1/runs/" + RUN + "/events";
    private static final Instant NOW = Instant.parse("2026-01-31T02:00:00.012Z");
    private static final WorkerId WORKER =
            WorkerId.of(new NodeId(UUID.fromString("01980f6e-0000-7000-8b2d-5f3100000000")), 1);

    /** A source that is told what to tell. */
    private static final class Script implements RunEvents {

        private final Queue<List<RunEvent>> told = new ArrayDeque<>();
        private Promise<List<RunEvent>> asked = Promise.promise();
        private boolean waiting;
        final CountDownLatch closed = new CountDownLatch(1);
        final AtomicInteger calls = new AtomicInteger();

        synchronized void tell(RunEvent... events) {
            told.add(List.of(events));
            pass();
        }

        synchronized void end() {
            tell();
        }

        synchronized void fail(Throwable failure) {
            asked.fail(failure);
        }

        @Override
        public synchronized Future<List<RunEvent>> next() {
            calls.incrementAndGet();
            asked = Promise.promise();
            waiting = true;
            pass();
            return asked.future();
        }

        private void pass() {
            if (waiting && !told.isEmpty()) {
                waiting = false;
                asked.complete(told.remove());
            }
        }

        @Override
        public void close() {
            closed.countDown();
        }
    }

    private final Script script = new Script();

    private static RunEvent task(int number, TaskState state) {
        return new RunEvent.Task("e" + number, new TaskId("t" + number), state, 1, Optional.of(WORKER), NOW);
    }

    private static RunEvent run(String id, RunState state) {
        return new RunEvent.Run(id, state, NOW);
    }

    private ApiClient startWatching(Limits limits) {
        operations.put("watchRun", request -> {
            requests.add(request);
            return RunWatch.begin(request.vertx(), script);
        });
        return start(HTTP, limits, List.of());
    }

    @Test
    void everyEventIsToldWithItsIdUntilTheRunHasEnded() throws InterruptedException {
        var client = startWatching(Limits.DEFAULT);
        script.tell(task(1, TaskState.RUNNING), new RunEvent.Reset("r1"));

        var events = client.events(EVENTS);
        script.tell(run("e2", RunState.SUCCEEDED));
        script.end();

        assertThat(events.headers().get("Content-Type")).isEqualTo("text/event-stream");
        var check = new ContractCheck(contract);
        var task = events.next();
        assertThat(task.id()).isEqualTo("e1");
        assertThat(task.name()).isEqualTo("task");
        check.validate("task", "TaskEvent", task.json());
        assertThat(task.json().encode())
                .isEqualTo("{\"taskId\":\"t1\",\"state\":\"running\",\"attempt\":1,\"workerId\":\"" + WORKER
                        + "\",\"at\":\"2026-01-31T02:00:00.012000Z\"}");
        assertThat(events.next()).isEqualTo(new EventReader.Event("r1", "reset", "{}"));
        var run = events.next();
        check.validate("run", "RunEvent", run.json());
        assertThat(run.json().getString("state")).isEqualTo("succeeded");
        assertThat(events.next()).isNull();
        assertThat(script.closed.await(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void theStreamBeginsThoughNothingHappens() {
        var client = startWatching(QUICK);

        var events = client.events(EVENTS);

        assertThat(events.status()).isEqualTo(200);
        assertThat(events.comment()).isEqualTo(":");
        assertThat(events.comment()).as("a sign of life").isEqualTo(":");
        script.tell(task(1, TaskState.READY));
        assertThat(events.next().name()).isEqualTo("task");
        events.close();
    }

    @Test
    void aNodeGivesTheSignOfLifeThatTheContractPromises() throws IOException {
        assertThat(Files.readString(Path.of("openapi.yaml")).replaceAll("\\s+", " "))
                .contains("A comment comes every " + Limits.DEFAULT.comment().toSeconds() + " seconds");
    }

    @Test
    void whereNothingCanFollowTheAnswerSaysSo() throws InterruptedException {
        var client = startWatching(Limits.DEFAULT);
        script.end();

        var reply = client.get(EVENTS).header("Last-Event-ID", "e9").send();

        assertThat(reply.status()).isEqualTo(204);
        assertThat(requests.getFirst().optionalText("Last-Event-ID")).contains("e9");
        assertThat(script.closed.await(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aReaderWhoGoesIsLetGo() throws InterruptedException {
        var client = startWatching(Limits.DEFAULT);
        script.tell(task(1, TaskState.RUNNING));
        var events = client.events(EVENTS);
        events.next();

        events.close();

        assertThat(script.closed.await(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aSlowReaderIsNotToldMoreThanItTakes() throws InterruptedException {
        var client = startWatching(Limits.DEFAULT);
        var many = new RunEvent[500];
        for (var i = 0; i < many.length; i++) {
            many[i] = task(i, TaskState.RUNNING);
        }
        for (var i = 0; i < 400; i++) {
            script.tell(many);
        }
        script.end();

        var events = client.events(EVENTS);
        events.pause();
        var before = stable(script.calls);
        events.resume();
        var all = events.rest();

        assertThat(before)
                .as("batches that were taken for a reader who reads nothing")
                .isLessThan(200);
        assertThat(all).hasSize(400 * 500);
    }

    /** The value when it no longer grows. */
    private static int stable(AtomicInteger value) throws InterruptedException {
        var last = -1;
        while (last != value.get()) {
            last = value.get();
            Thread.sleep(300);
        }
        return last;
    }

    @Test
    void aReaderWhoTakesNothingIsCutOff() throws InterruptedException {
        var client = startWatching(QUICK);
        var many = new RunEvent[500];
        for (var i = 0; i < many.length; i++) {
            many[i] = task(i, TaskState.RUNNING);
        }
        for (var i = 0; i < 400; i++) {
            script.tell(many);
        }

        var events = client.events(EVENTS);
        events.pause();

        assertThat(script.closed.await(15, TimeUnit.SECONDS)).isTrue();
        events.resume();
        events.rest();
    }

    @Test
    void aSourceThatFailsBreaksTheStreamOff() throws InterruptedException {
        var client = startWatching(Limits.DEFAULT);
        script.tell(task(1, TaskState.RUNNING));
        var events = client.events(EVENTS);
        events.next();

        script.fail(new OrreryException(ErrorCode.UNAVAILABLE, "the database cannot be reached"));

        assertThat(events.next()).isNull();
        assertThat(script.closed.await(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aSourceThatFailsAtOnceIsAnError() {
        operations.put("watchRun", request -> {
            var answer = RunWatch.begin(request.vertx(), script);
            script.fail(new OrreryException(ErrorCode.UNAVAILABLE, "the database cannot be reached"));
            return answer;
        });
        var client = start();

        assertThat(client.get(EVENTS).send().code()).isEqualTo("UNAVAILABLE");
    }

    @Test
    void moreStreamsThanTheNodeAdmitsAreTurnedAway() {
        operations.put("watchRun", request -> {
            var source = new Script();
            source.tell(task(1, TaskState.RUNNING));
            return RunWatch.begin(request.vertx(), source);
        });
        var client = start(HTTP, QUICK, List.of());
        var open = IntStream.range(0, QUICK.streams())
                .mapToObj(_ -> client.events(EVENTS))
                .toList();

        var refused = client.get(EVENTS).send();
        open.getFirst().close();

        assertThat(refused.code()).isEqualTo("OVERLOADED");
        until("the place is free again", () -> client.events(EVENTS).status() == 200);
    }

    @Test
    void headOnlyLooks() throws InterruptedException {
        var client = startWatching(Limits.DEFAULT);
        script.tell(task(1, TaskState.RUNNING));

        var reply = client.call("HEAD", EVENTS).send();

        assertThat(reply.status()).isEqualTo(200);
        assertThat(script.closed.await(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aNodeThatStopsEndsItsStreams() {
        var client = startWatching(Limits.DEFAULT);
        script.tell(task(1, TaskState.RUNNING));
        var events = client.events(EVENTS);
        events.next();

        var closed = api.close();

        assertThat(events.next()).isNull();
        await(closed);
        api = null;
    }

    @Test
    void nothingInAnEventCanEndItsLine() {
        var buffer = Buffer.buffer();

        EventStream.add(buffer, Optional.of("1"), "log", out -> out.writeString("a\nb\rc\r\n\u2028d"));

        assertThat(buffer.toString()).isEqualTo("id: 1\nevent: log\ndata: \"a\\nb\\rc\\r\\n\u2028d\"\n\n");
    }
}

package dev.orrery.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.service.TaskExplanation.Kind;
import dev.orrery.service.TaskExplanation.Reason;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class TaskExplanationTest {

    private static final TaskInstanceId ID = TaskInstanceId.single(new UUID(7L << 16, 1L << 63), 1);
    private static final Instant NOW = Instant.parse("2027-03-01T12:00:00Z");

    @Test
    void aBlockedTaskNamesWhatItWaitsFor() {
        var told = explain("""
                {"state": "blocked", "openPrerequisites": 7, "waitsFor": [
                    {"id": "a", "name": "extract", "state": "running"}, {"id": "b", "name": "load", "state": "ready"}]}
                """);

        assertThat(told.summary()).isEqualTo("it waits for 7 tasks: 'extract' (running), 'load' (ready) and 5 more");
        assertThat(told.reasons().getFirst().tasks()).containsExactly("a", "b");
    }

    @Test
    void aBlockedTaskTellsOfItsTimeTooAndHasNoPlaceInLine() {
        var told = explain("""
                {"state": "blocked", "openPrerequisites": 1, "notBefore": "2027-03-03T12:00:00+00:00", "waitsFor": [
                    {"id": "a", "name": "extract", "state": "queued"}]}
                """);

        assertThat(told.reasons())
                .extracting(Reason::message)
                .containsExactly(
                        "it waits for a task: 'extract' (ready)", "its time has not come either: it may begin in 2 d");
        assertThat(told.reasons().getLast().until()).contains(NOW.plusSeconds(2 * 86_400));
        assertThat(told.place().orElseThrow().ahead()).isEmpty();
    }

    @Test
    void aTaskThatWaitsForItsChildrenNamesThem() {
        var told = explain("""
                {"state": "blocked", "openPrerequisites": 0, "openChildren": 2, "notBefore": "2027-03-03T12:00:00+00:00",
                 "waitsFor": [{"id": "a", "name": "left", "state": "running"}, {"id": "b", "name": "right", "state": "retrying"}]}
                """);

        assertThat(told.summary())
                .isEqualTo(
                        "its own work is done; it waits for 2 tasks that it submitted: 'left' (running), 'right' (ready)");
        assertThat(told.reasons())
                .singleElement()
                .satisfies(reason -> assertThat(reason.tasks()).containsExactly("a", "b"));
    }

    @Test
    void aTaskWhoseTimeHasNotComeSaysWhenItDoes() {
        var told = explain("{'state': 'pending', 'dueAt': '2027-03-01T12:30:00+00:00'}");

        assertThat(told.summary()).isEqualTo("its time has not come: it may begin in 30 min");
        assertThat(told.reasons().getFirst().until()).contains(NOW.plusSeconds(1_800));
        assertThat(explain("{'state': 'retrying', 'attempt': 2, 'dueAt': '2027-03-01T12:00:05+00:00'}")
                        .summary())
                .isEqualTo("attempt 2 failed, and it is tried again in 5 s");
    }

    @Test
    void aReadyTaskTellsAllThatHoldsItBack() {
        var told = explain("""
                {"state": "ready", "ahead": 3, "serving": 0, "queueLimit": {"kind": "queue", "name": "mail",
                    "isPaused": true, "maxRunning": 2, "running": 2, "holders": ["x", "y"]}}
                """);

        assertThat(told.reasons())
                .extracting(Reason::kind)
                .containsExactly(Kind.QUEUE_PAUSED, Kind.LIMIT, Kind.NO_NODE, Kind.ORDER);
        assertThat(told.reasons())
                .extracting(Reason::message)
                .containsExactly(
                        "the queue 'mail' is paused",
                        "the queue 'mail' allows 2 at a time, and 2 run",
                        "no node that takes work serves the queue 'mail'",
                        "3 more urgent tasks are ahead of it");
        assertThat(told.reasons().get(1).tasks()).containsExactly("x", "y");
        assertThat(told.place().orElseThrow().ahead()).hasValue(3);
    }

    @Test
    void keysLocksAndRatesNameWhoHasThem() {
        var told = explain("""
                {"state": "ready", "serving": 1, "freeSlots": 4,
                 "lock": {"name": "ledger", "holder": "h"},
                 "limit": {"kind": "key", "name": "customer-7", "maxRunning": 1, "running": 1, "holders": ["z"],
                           "rateLimit": 10, "rateMs": 60000, "dueAt": "2027-03-01T12:00:06+00:00"}}
                """);

        assertThat(told.reasons())
                .extracting(Reason::message)
                .containsExactly(
                        "the lock 'ledger' is held by h",
                        "the concurrency key 'customer-7' allows 1 at a time, and 1 run",
                        "the concurrency key 'customer-7' allows 10 in 60 s; the next may begin in 6 s");
    }

    @Test
    void whatOnlyARemoteWorkerCouldDoSaysSo() {
        var told = explain("{'state': 'ready', 'isRemote': true, 'unofferedHandler': 'resize', 'serving': 0}");

        assertThat(told.reasons()).extracting(Reason::kind).containsExactly(Kind.NO_WORKER);
    }

    @Test
    void theNextOfAQueueIsToldSo() {
        assertThat(explain("{'state': 'ready', 'serving': 1, 'freeSlots': 2}").summary())
                .isEqualTo("nothing holds it back: it is the next of the queue 'mail'");
        assertThat(explain("{'state': 'ready', 'serving': 1, 'freeSlots': 0}").summary())
                .isEqualTo("all workers that serve the queue 'mail' are busy");
        assertThat(explain("{'state': 'ready', 'serving': 1, 'freeSlots': 1, 'ahead': 10001}")
                        .summary())
                .isEqualTo("more than 10000 more urgent tasks are ahead of it");
    }

    @Test
    void whatIsClaimedRunsOrHasEndedIsToldToo() {
        assertThat(explain("{'state': 'queued', 'node': 'n1'}").summary())
                .isEqualTo("node 'n1' has claimed it, and begins it when a worker is free");
        assertThat(explain("{'state': 'running', 'node': 'n1', 'startedAt': '2027-03-01T10:00:00+00:00'}")
                        .summary())
                .isEqualTo("it runs since 2 h on 'n1'");
        var ended = explain("{'state': 'failed', 'error': 'exit code 1'}");
        assertThat(ended.summary()).isEqualTo("it has ended: failed, exit code 1");
        assertThat(ended.place()).isEmpty();
        assertThat(explain("{'state': 'succeeded'}").summary()).isEqualTo("it has ended: completed");
    }

    private static TaskExplanation explain(String facts) {
        var all = new JsonObject("{\"queue\": \"mail\", \"priority\": 5.5, \"calculatedPriority\": 5.0}")
                .mergeIn(new JsonObject(facts.replace('\'', '"')));
        return TaskExplanation.of(ID, all, NOW);
    }
}

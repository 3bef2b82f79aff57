package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.TenantId;
import dev.orrery.domain.task.Limit;
import dev.orrery.domain.task.QueueShares;
import dev.orrery.domain.task.QueueShares.Line;
import dev.orrery.domain.task.Rate;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Seeded;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What queues allow their tasks, and how a node shares its room among them. */
class QueueLimitsIT extends LimitsBase {

    @Test
    void ofAPausedQueueNothingIsClaimedAndWhatRunsGoesOn() throws SQLException {
        create(publish(tasks("a", 3, "default")));
        var first = claim(1).claims().getFirst();

        assertThat(await(queues.pause("default", true, Optional.empty()))).isTrue();

        assertThat(end(first, 9).claims()).isEmpty();
        assertThat(count("lock_waits")).as("nothing moves").isZero();
        assertThat(database.value(
                        "SELECT (kind, name, is_paused) FROM limit_holders_of((SELECT id FROM task_ready LIMIT 1))"))
                .isEqualTo("(queue,default,t)");
        assertThat(await(queues.pause("default", false, Optional.empty()))).isTrue();
        assertThat(await(work.wakeDue(9)).readyQueues()).containsExactly("default");
        assertThat(names(claim(9))).containsExactly("a1", "a2");
    }

    @Test
    void aQueueThatNobodyNamedCannotBePaused() {
        assertThat(await(queues.pause("nowhere", true, Optional.empty()))).isFalse();
        assertThat(await(queues.get(TenantId.DEFAULT, "nowhere"))).isEmpty();
    }

    @Test
    void aQueueHasAtMostSoManyClaimsAndOtherQueuesTheRest() throws SQLException {
        create(publish(tasks("a", 5, "narrow")));
        create(publish(tasks("b", 3, "wide")));
        await(queues.set("narrow", 1, Limit.ofRunning(2)));

        var exchange = claim(9, "narrow", "wide");

        assertThat(names(exchange)).containsExactlyInAnyOrder("a0", "a1", "b0", "b1", "b2");
        assertThat(claim(9, "narrow", "wide").claims()).isEmpty();
        var ending = exchange.claims().getFirst();
        var next = await(work.commitAndClaim(node, List.of(ended(ending, SUCCEED)), List.of("narrow"), 9));
        assertThat(names(next)).containsExactly("a2");
        assertThat(next.readyQueues()).as("other nodes hear of the place").containsExactly("narrow");
        assertThat(await(queues.get(TenantId.DEFAULT, "narrow")).orElseThrow().running())
                .hasValue(2);
    }

    @Test
    void whatRanBeforeTheLimitWasSetCountsToo() throws SQLException {
        create(publish(tasks("a", 6, "default")));
        var claims = claim(3).claims();

        await(queues.set("default", 1, Limit.ofRunning(4)));

        assertThat(claim(9).claims()).hasSize(1);
        assertThat(end(claims.getFirst(), 9).claims()).hasSize(1);
        assertThat(claim(9).claims()).isEmpty();
        assertThat(await(queues.reset("default"))).isTrue();
        assertThat(await(queues.reset("default"))).isFalse();
        assertThat(count("limit_holders")).isZero();
        assertThat(claim(9).claims()).hasSize(1);
    }

    @Test
    void lockingTasksDoNotBringAQueueOverItsLimit() throws SQLException {
        await(queues.set("default", 1, Limit.ofRunning(3)));
        var lock = new dev.orrery.domain.LockName("lock");
        for (var n = 0; n < 4; n++) {
            create(publish(
                    Graphs.task("l" + n, java.util.Set.of(), 9).locking(lock),
                    Graphs.task("t" + n, java.util.Set.of(), 1)));
        }

        assertThat(claim(9).claims()).hasSize(3);
        assertThat(claim(9).claims()).isEmpty();
    }

    @Test
    void whenTheNextTokenComesIsToldBeforeAnybodyLooksForIt() throws SQLException {
        create(publish(tasks("a", 2, "default")));
        await(queues.set("default", 1, rate(1, Duration.ofMinutes(10))));

        assertThat(claim(9).claims()).hasSize(1);

        assertThat(database.value("SELECT (explain_limit(id, 1) ->> 'dueAt')::timestamptz"
                        + " > clock_timestamp() + interval '9 minutes' FROM limits"))
                .isEqualTo("t");
    }

    @Test
    void aRateKeepsToTheClockOfTheDatabase() throws SQLException {
        create(publish(tasks("a", 9, "default")));
        await(queues.set("default", 1, rate(3, Duration.ofMinutes(1))));

        assertThat(await(work.wakeDue(9)).readyQueues())
                .as("what was set is told")
                .containsExactly("default");

        assertThat(claim(9).claims()).hasSize(3);
        assertThat(claim(9).claims()).isEmpty();
        pass("19 seconds");
        assertThat(claim(9).claims()).isEmpty();
        assertThat(await(work.wakeDue(9)).readyQueues())
                .as("it is told when there is one")
                .isEmpty();
        pass("1 second");
        assertThat(await(work.wakeDue(9)).readyQueues()).containsExactly("default");
        assertThat(claim(9).claims()).hasSize(1);
        pass("40 seconds");
        assertThat(claim(9).claims()).hasSize(2);
        await(queues.set("default", 1, rate(3, Duration.ofMinutes(1))));
        assertThat(claim(9).claims()).as("to set it again fills nothing").isEmpty();
    }

    private static Limit rate(int limit, Duration per) {
        return new Limit(OptionalInt.empty(), Optional.of(new Rate(limit, per)));
    }

    private void pass(String time) throws SQLException {
        execute("UPDATE limits SET tokens_at = tokens_at - interval '%s', due_at = due_at - interval '%s'"
                .formatted(time, time));
    }

    @Test
    void aFloodLeavesOtherQueuesTheirShare() throws SQLException {
        create(publish(flood("flood", 200)));
        create(publish(flood("small", 40)));
        var served = new String[] {"flood", "small"};
        assertThat(claimed(claim(20, served), "small"))
                .as("without weights the earliest are first")
                .isZero();

        await(queues.set("small", 3, Limit.NONE));

        var exchange = claim(20, served);
        assertThat(claimed(exchange, "small")).isBetween(14L, 16L);
        claim(100, served);
        assertThat(count("task_ready WHERE queue = 'small'")).isZero();
        assertThat(claim(10, served).claims())
                .as("what one queue leaves is the others'")
                .hasSize(10);
    }

    private dev.orrery.domain.dag.TaskDefinition[] flood(String queue, int count) {
        return IntStream.range(0, count)
                .mapToObj(n -> in(queue, Graphs.task(queue + n, java.util.Set.of(), 5)))
                .toArray(dev.orrery.domain.dag.TaskDefinition[]::new);
    }

    private long claimed(WorkRepository.Exchange exchange, String prefix) throws SQLException {
        return names(exchange).stream().filter(name -> name.startsWith(prefix)).count();
    }

    @Test
    void theDatabaseSharesAsTheDomainDoes() throws SQLException {
        try (var connection = database.connect();
                var question = connection.prepareStatement("SELECT queue_shares(?, ?, ?, ?)")) {
            Seeded.forAll(500, random -> {
                var lines = new ArrayList<Line>();
                for (var n = random.nextInt(1, 6); n > 0; n--) {
                    lines.add(new Line(random.nextInt(1, 10), random.nextInt(20), random.nextInt(30)));
                }
                var wanted = random.nextInt(40);
                try {
                    question.setInt(1, wanted);
                    question.setArray(
                            2,
                            connection.createArrayOf(
                                    "int", lines.stream().map(Line::weight).toArray()));
                    question.setArray(
                            3,
                            connection.createArrayOf(
                                    "int", lines.stream().map(Line::held).toArray()));
                    question.setArray(
                            4,
                            connection.createArrayOf(
                                    "int", lines.stream().map(Line::ready).toArray()));
                    try (var rows = question.executeQuery()) {
                        rows.next();

                        assertThat((Integer[]) rows.getArray(1).getArray())
                                .containsExactly(QueueShares.of(wanted, lines).toArray(Integer[]::new));
                    }
                } catch (SQLException e) {
                    throw new AssertionError(e);
                }
            });
        }
    }

    @Test
    void listsWhatIsSet() throws SQLException {
        create(publish(tasks("a", 1, "b-queue")));
        execute("INSERT INTO queues (name) VALUES ('b-queue'), ('others') ON CONFLICT DO NOTHING");
        await(queues.set("new", 7, rate(2, Duration.ofSeconds(1))));

        var all = await(queues.list(TenantId.DEFAULT, "", 9));

        assertThat(all)
                .extracting(QueueRepository.StoredQueue::name)
                .containsExactly("b-queue", "default", "new", "others");
        assertThat(all.get(2))
                .isEqualTo(new QueueRepository.StoredQueue(
                        "new", 7, rate(2, Duration.ofSeconds(1)), false, OptionalInt.empty()));
        assertThat(await(queues.list(TenantId.DEFAULT, "default", 1))).containsExactly(all.get(2));
        assertThat(await(queues.list(new TenantId(2), "", 9)))
                .extracting(QueueRepository.StoredQueue::name)
                .containsExactly("default");
    }
}

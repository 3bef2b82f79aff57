package dev.orrery.engine;

import static dev.orrery.engine.HeldTasks.SUCCEEDED;
import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.BusMessage.ReleaseWork;
import dev.orrery.bus.BusMessage.Released;
import dev.orrery.domain.NodeId;
import dev.orrery.engine.TestEngine.Shape;
import dev.orrery.store.NodeRepository.AliveNode;
import io.vertx.core.Future;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What one node has claimed and not begun, another with nothing to do may have. */
class SharingIT extends EngineTestBase {

    private static final Duration LIMIT = Duration.ofSeconds(5);

    /** One slot; whatever becomes ready is claimed at once, for about a second after an end. */
    private static final Shape GREEDY = Shape.of(1, 1).claimingFarAhead();

    @Test
    void upToHalfOfWhatHasNotBegunIsHandedBack() throws SQLException {
        holdTenClaims();

        assertThat(released(100, "other")).isZero();
        assertThat(released(2, "default")).isEqualTo(2);
        // It may have claimed those two again.
        assertThat(released(100, "other", "default")).isIn(4, 5);
    }

    @Test
    void anIdleNodeAsksTheOneThatHoldsMostAndRunsWhatThatHandsBackUncharged() throws SQLException, IOException {
        holdTenClaims();
        var asked = new ConcurrentLinkedQueue<ReleaseWork>();
        var elsewhere = new HeldTasks();
        try (var idle = newEngine()) {
            idle.knowsDagsOf(engine);
            idle.seesPeers(
                    List.of(peer(new NodeId(UUID.randomUUID()), 1), peer(engine.node(), 9), peer(idle.node(), 99)));
            idle.bus().answer(Addresses.release(engine.node()), request -> {
                asked.add(request);
                return release(request);
            });
            idle.start(Shape.of(1, 3).withPoll(Duration.ofMillis(100)), elsewhere);

            until("it runs as much as it can", () -> elsewhere.order().size() == 3);

            assertThat(asked).first().isEqualTo(new ReleaseWork(3, Set.of("default")));
            assertThat(tasks.order()).hasSize(2).doesNotContainAnyElementsOf(elsewhere.order());
            until(
                    "all that run are at their first attempt",
                    () -> engine.value("SELECT string_agg(attempt::text, ' ') FROM task_states WHERE state = 'running'")
                            .equals("1 1 1 1"));
        }
    }

    /** One task runs, and nine that were claimed wait for its slot. */
    private void holdTenClaims() throws SQLException {
        engine.start(GREEDY, tasks);
        trigger(Stream.concat(Stream.of("first"), IntStream.range(0, 10).mapToObj(n -> "t" + n + " <- first"))
                .toArray(String[]::new));
        tasks.end("first", SUCCEEDED);
        until(
                "ten are claimed",
                () -> engine.value(
                                "SELECT count(*) FILTER (WHERE state = 'running') || ' ' || count(*) FILTER (WHERE state = 'queued')"
                                        + " FROM task_states")
                        .equals("1 9"));
    }

    private int released(int most, String... queues) {
        return await(release(new ReleaseWork(most, Set.of(queues)))).count();
    }

    private Future<Released> release(ReleaseWork request) {
        return engine.bus().request(Addresses.release(engine.node()), request, LIMIT);
    }

    private static AliveNode peer(NodeId id, int queued) {
        return new AliveNode(id, "a peer", 1, "place", "", 1, false, 1, 1, queued, 0);
    }
}

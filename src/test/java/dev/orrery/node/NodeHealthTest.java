package dev.orrery.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.api.Health;
import dev.orrery.api.HealthCheck;
import dev.orrery.coordination.Pulse;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.WorkerId;
import dev.orrery.service.HealthStatus;
import dev.orrery.store.HealthRepository.LeftReady;
import dev.orrery.testing.Await;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class NodeHealthTest {

    private static final Duration SOON = Duration.ofMillis(50);
    private static final NodeId NODE = new NodeId(new IdSequence(1).next(0));

    @Test
    void aNodeWhoseHeartbeatsDoNotArriveIsNotReady() {
        assertThat(seen(NodeHealth.heartbeat(() -> Duration.ofSeconds(3))).status())
                .isEqualTo(Health.Status.UP);

        var late = seen(NodeHealth.heartbeat(() -> Duration.ofMillis(7_200)));

        assertThat(late.status()).isEqualTo(Health.Status.DOWN);
        assertThat(late.reason().orElseThrow()).contains("7 s ago");
        assertThat(late.age()).contains(Duration.ofMillis(7_200));
    }

    @Test
    void aNodeWithoutEtcdIsReadyAndSaysWhatItMisses() {
        assertThat(seen(NodeHealth.etcd(() -> Duration.ofSeconds(5))).status()).isEqualTo(Health.Status.UP);

        var away = seen(NodeHealth.etcd(() -> Duration.ofSeconds(60)));

        assertThat(away.status()).isEqualTo(Health.Status.DEGRADED);
        assertThat(away.reason().orElseThrow()).contains("for 60 s").contains("no schedule");
    }

    @Test
    void jobsThatWaitAreToldAndKeepNoNodeFromItsWork() {
        assertThat(scheduler(true, 30).status()).isEqualTo(Health.Status.UP);

        var behind = scheduler(true, 31);

        assertThat(behind.status()).isEqualTo(Health.Status.DEGRADED);
        assertThat(behind.reason().orElseThrow()).contains("since 31 s").contains("leader");
        assertThat(scheduler(false, 40).reason().orElseThrow()).contains("no node leads");
    }

    @Test
    void aDatabaseThatIsBusyIsToldFromOneThatIsAway() {
        Supplier<Future<Void>> refused = () -> Future.failedFuture("no connection");

        var busy = NodeHealth.database(refused, () -> Duration.ofSeconds(1)).result();
        var away = NodeHealth.database(refused, () -> Duration.ofSeconds(9)).result();

        assertThat(busy.status()).isEqualTo(Health.Status.DEGRADED);
        assertThat(busy.reason().orElseThrow()).contains("database.pool-size");
        assertThat(away.status()).isEqualTo(Health.Status.DOWN);
        assertThat(away.age()).contains(Duration.ofSeconds(9));
    }

    @Test
    void aRouterThatBringsNothingForwardThoughItHasToIsDown() {
        var router = new Pulse();
        router.beat();
        router.exchanges().waits(true);
        assertThat(router(router, Duration.ofHours(1)).status()).isEqualTo(Health.Status.UP);

        Await.until("it is stuck", () -> {
            router.beat();
            return router(router, Duration.ofHours(1)).status() == Health.Status.DOWN;
        });

        router.exchanges().moved();
        assertThat(router(router, Duration.ofHours(1)).status()).isEqualTo(Health.Status.UP);
    }

    @Test
    void aRouterWithoutWorkIsWellAndOneThatLeavesReadyTasksIsDegraded() {
        var router = new Pulse();
        router.beat();
        router.claims().waits(true);
        Await.until(
                "it has claimed nothing for long", () -> router.claims().stuck().compareTo(SOON) > 0);
        router.beat();

        assertThat(router(router, Duration.ZERO).status()).isEqualTo(Health.Status.UP);
        router.beat();
        var left = router(router, Duration.ofSeconds(40));
        assertThat(left.status()).isEqualTo(Health.Status.DEGRADED);
        assertThat(left.reason().orElseThrow()).contains("task-7", "for 40 s", "task explain");
    }

    @Test
    void whatIsReadyIsAskedOnlyWhereNothingWasClaimedForLong() {
        var asked = new AtomicInteger();
        var router = new Pulse();
        router.beat();
        router.claims().waits(true);

        NodeHealth.router(
                router,
                () -> {
                    asked.incrementAndGet();
                    return Future.succeededFuture(Optional.empty());
                },
                Duration.ofMinutes(1));

        assertThat(asked).hasValue(0);
    }

    @Test
    void aWebhookForAlertsThatTakesNothingForMinutesIsToldAndKeepsNoNodeFromItsWork() {
        assertThat(NodeHealth.letterAlerts(Duration.ofMinutes(5)).status()).isEqualTo(Health.Status.UP);

        var failing = NodeHealth.letterAlerts(Duration.ofSeconds(301));

        assertThat(failing.status()).isEqualTo(Health.Status.DEGRADED);
        assertThat(failing.reason().orElseThrow()).contains("for 301 s", "the log says why");
        assertThat(failing.age()).contains(Duration.ofSeconds(301));
    }

    @Test
    void oneBlockedLoopIsNamedAndOnlyLongOnesAreDead() {
        var lively = new Pulse();
        var blocked = new Pulse();
        blocked.beat();
        var loops = Map.of("router", lively, "worker 2", blocked);
        assertThat(NodeHealth.loops(loops, Duration.ofMinutes(1)).status()).isEqualTo(Health.Status.UP);

        Await.until("it is silent", () -> blocked.silence().compareTo(SOON) > 0);
        lively.beat();
        var health = NodeHealth.loops(loops, SOON);

        assertThat(health.status()).isEqualTo(Health.Status.DOWN);
        assertThat(health.reason().orElseThrow()).contains("worker 2").doesNotContain("router");
    }

    @Test
    void aWorkerThatHasTasksAndBeginsNoneIsTold() {
        var first = new Pulse();
        var second = new Pulse();
        var workers = Map.of(WorkerId.of(NODE, 1), first, WorkerId.of(NODE, 2), second);
        first.beat();
        second.beat();
        second.claims().waits(true);

        Await.until("it is stuck", () -> NodeHealth.workers(workers, SOON).status() == Health.Status.DEGRADED);

        second.claims().waits(false);
        assertThat(NodeHealth.workers(workers, SOON).status()).isEqualTo(Health.Status.UP);
    }

    private static Health seen(HealthCheck check) {
        return check.look().get().result();
    }

    private static Health router(Pulse router, Duration readyFor) {
        return NodeHealth.router(
                        router,
                        () -> Future.succeededFuture(
                                readyFor.isZero()
                                        ? Optional.empty()
                                        : Optional.of(new LeftReady("default", "task-7", readyFor))),
                        SOON)
                .result();
    }

    private static Health scheduler(boolean isLed, int lateSeconds) {
        return NodeHealth.scheduler(
                        new Pulse(),
                        () -> Future.succeededFuture(new HealthStatus(isLed, Duration.ofSeconds(lateSeconds))))
                .result();
    }
}

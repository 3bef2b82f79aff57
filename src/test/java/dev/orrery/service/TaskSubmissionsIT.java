package dev.orrery.service;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.task.DependencyType;
import dev.orrery.domain.task.TaskSource;
import dev.orrery.store.NewTask;
import dev.orrery.store.Pools;
import dev.orrery.store.SingleTaskRepository;
import dev.orrery.store.SingleTaskRepository.Limits;
import dev.orrery.store.SubmissionResult;
import dev.orrery.store.TaskSubmission;
import dev.orrery.testing.Postgres;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** What is submitted together is told together. */
class TaskSubmissionsIT {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());
    private static final Json NOOP = new Json("{\"type\":\"function\",\"function\":\"noop\"}");

    @Test
    void theRoutersAreToldOnceOfAllQueuesThatHaveNewWork() {
        var vertx = Vertx.vertx();
        try (var database = Postgres.freshDatabase()) {
            var pools = Pools.open(vertx, database.connectOptions(), 2, 100);
            var bus = Bus.on(vertx);
            var told = new CopyOnWriteArrayList<WorkReady>();
            bus.listen(Addresses.WORK_READY, told::add);
            var submissions =
                    new TaskSubmissions(new SingleTaskRepository(vertx, pools.hot(), new Limits(50, 10)), bus);

            var later = of(task("later", Optional.of(Instant.now().plus(Duration.ofHours(1)))));
            assertThat(await(submissions.store(List.of(later)))).hasOnlyElementsOfType(SubmissionResult.Created.class);
            await(submissions.store(List.of(
                    of(task("mail", Optional.empty()), task("mail", Optional.empty())),
                    of(task("bills", Optional.empty())),
                    later)));

            // The second call's message comes after one of the first would have come.
            until("a message", () -> !told.isEmpty());
            assertThat(told)
                    .singleElement()
                    .satisfies(message -> assertThat(message.queues()).containsExactlyInAnyOrder("mail", "bills"));
            await(pools.close());
        } finally {
            await(vertx.close());
        }
    }

    private static TaskSubmission of(NewTask... tasks) {
        return new TaskSubmission(
                TenantId.DEFAULT, IDS.next(System.currentTimeMillis()), Arrays.asList(tasks), Optional.empty());
    }

    private static NewTask task(String queue, Optional<Instant> notBefore) {
        return new NewTask(
                "task",
                NOOP,
                Optional.empty(),
                queue,
                5,
                Optional.empty(),
                Optional.empty(),
                TaskSource.API,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                DependencyType.DEFAULT,
                List.of(),
                notBefore,
                Optional.empty(),
                Optional.empty(),
                Duration.ofMinutes(30));
    }
}

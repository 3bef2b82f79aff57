package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.Tenant;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.audit.Actor;
import dev.orrery.domain.audit.Actor.Proof;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.task.Limit;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AuditRepositoryIT {

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Pools pools;
    private AuditRepository audit;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 4, 100);
        audit = new AuditRepository(vertx, pools.api());
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    @Test
    void requestsOfOneActorInOneTransactionShareARow() {
        var tasks = new SingleTaskRepository(vertx, pools.api(), SingleTaskRepository.Limits.USUAL);
        var gone = new Tenant(new TenantId(99), "gone");
        var submissions = List.of(
                submission(1, TenantId.DEFAULT, Optional.of(by("ada", Tenant.DEFAULT))),
                submission(2, TenantId.DEFAULT, Optional.of(by("bob", Tenant.DEFAULT))),
                submission(3, TenantId.DEFAULT, Optional.of(by("ada", Tenant.DEFAULT))),
                submission(4, TenantId.DEFAULT, Optional.empty()),
                submission(5, gone.id(), Optional.of(by("ada", gone))));

        var results = await(tasks.submit(submissions));

        assertThat(results.get(3)).isInstanceOf(SubmissionResult.Created.class);
        assertThat(results.get(4)).isInstanceOf(SubmissionResult.Refused.class);
        assertThat(all(Optional.empty()))
                .extracting(entry -> entry.actorName().orElse("") + " " + entry.requests() + " " + entry.made())
                .containsExactlyInAnyOrder("ada 2 " + List.of(base(1), base(3)), "bob 1 " + List.of(base(2)));
        assertThat(all(Optional.of(base(3).toString().replaceFirst("0{8}$", "80000001"))))
                .singleElement()
                .satisfies(entry -> assertThat(entry.actorName()).contains("ada"));
    }

    @Test
    void whatWasBeforeIsWhatTheEntryBeforeSaysWasAfter() {
        var queues = new QueueRepository(vertx, pools.api());
        var changes = new ArrayList<Future<?>>();
        for (var n = 1; n <= 20; n++) {
            changes.add(queues.by(by("ada", Tenant.DEFAULT))
                    .setLimit(TenantId.DEFAULT, "raced", new Limit(OptionalInt.of(n), Optional.empty())));
        }
        await(Future.all(changes));

        var entries = all(Optional.of("raced"));

        assertThat(entries).hasSize(20);
        for (var n = 0; n < 19; n++) {
            assertThat(entries.get(n).before()).isEqualTo(entries.get(n + 1).after());
        }
        assertThat(entries.get(19).before()).isEmpty();
    }

    @Test
    void onlyTheLeaderForgetsAndOnlyWhatIsOld() {
        for (var age : List.of("400 days", "366 days", "364 days", "1 day")) {
            database.value("INSERT INTO audit_log (recorded_at, tenant_id, tenant, actor, operation, kind, resource)"
                    + " VALUES (now() - interval '" + age + "', 1, 'default', 'token', 'setLimit', 'limit', '" + age
                    + "') RETURNING id");
        }
        var year = Duration.ofDays(365);

        assertThatThrownBy(() -> await(audit.purgeOld(year, 10, 7))).hasMessageContaining("epoch 7 is over");
        assertThat(await(audit.purgeOld(year, 1, 0))).isTrue();
        assertThat(await(audit.purgeOld(year, 10, 0))).isFalse();

        assertThat(all(Optional.empty()))
                .extracting(entry -> entry.resource().orElseThrow())
                .containsExactly("1 day", "364 days");
        assertThatThrownBy(() -> database.value("DELETE FROM audit_log RETURNING id"))
                .rootCause()
                .hasMessageContaining("append-only");
    }

    private List<AuditRepository.Entry> all(Optional<String> resource) {
        var filter = new AuditRepository.Filter(
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                resource,
                Optional.empty(),
                Optional.empty());
        return await(audit.list(Optional.empty(), filter, OptionalLong.empty(), 100));
    }

    private static ChangeRequest by(String name, Tenant tenant) {
        return new ChangeRequest(
                tenant,
                "changeIt",
                new Actor(Proof.TOKEN, Optional.empty(), Optional.of(name)),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    private TaskSubmission submission(int number, TenantId tenant, Optional<ChangeRequest> change) {
        var wish = new OrderModel.Wish(5, Optional.empty(), Duration.ZERO, 0, Set.of());
        return new TaskSubmission(
                tenant, base(number), List.of(SingleTasks.task(wish)), Optional.empty(), Optional.empty(), change);
    }

    /** Made about now, as ids are. */
    private UUID base(int number) {
        return new UUID(began.toEpochMilli() << 16 | 0x7000 | number, 0x8000_0000_0000_0000L);
    }

    private final Instant began = Instant.now();
}

package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.TenantId;
import dev.orrery.store.IdempotencyRepository.KeyClaim;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class IdempotencyRepositoryIT {

    private static final UUID FIRST = new UUID(1, 1);
    private static final UUID SECOND = new UUID(2, 2);

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Pools pools;
    private IdempotencyRepository keys;

    @BeforeEach
    void open() {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 4, 100);
        keys = new IdempotencyRepository(vertx, pools.api());
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    @Test
    void aKeyIsTakenOnceForEachTenantAndOperation() {
        assertThat(claim(1, "op", "k", "hash", FIRST)).isEqualTo(new KeyClaim.Fresh());

        assertThat(claim(1, "op", "k", "hash", SECOND)).isEqualTo(new KeyClaim.Repeated(FIRST));
        assertThat(claim(1, "op", "k", "other", SECOND)).isEqualTo(new KeyClaim.Taken());
        assertThat(claim(1, "another op", "k", "hash", SECOND)).isEqualTo(new KeyClaim.Fresh());
        assertThat(claim(2, "op", "k", "hash", SECOND)).isEqualTo(new KeyClaim.Fresh());
    }

    @Test
    void keysAreForgottenAfterADayInBoundedSteps() throws SQLException {
        for (var n = 0; n < 5; n++) {
            claim(1, "op", "old " + n, "hash", FIRST);
        }
        execute("UPDATE idempotency_keys SET created_at = now() - interval '24 hours 1 minute'");
        claim(1, "op", "young", "hash", FIRST);
        execute("UPDATE idempotency_keys SET created_at = now() - interval '23 hours' WHERE key = 'young'");

        assertThat(await(keys.purgeOld(3, 0))).isEqualTo(3);
        assertThat(await(keys.purgeOld(3, 0))).isEqualTo(2);
        assertThat(await(keys.purgeOld(3, 0))).isZero();

        assertThat(claim(1, "op", "young", "hash", SECOND)).isEqualTo(new KeyClaim.Repeated(FIRST));
        assertThat(claim(1, "op", "old 1", "hash", SECOND)).isEqualTo(new KeyClaim.Fresh());
    }

    private KeyClaim claim(int tenant, String operation, String key, String hash, UUID reference) {
        return await(IdempotencyRepository.claim(
                pools.api(), new TenantId(tenant), new NewRun.Key(operation, key, hash), reference));
    }

    private void execute(String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}

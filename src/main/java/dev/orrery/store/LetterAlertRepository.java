package dev.orrery.store;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;

/**
 * What the webhook for alerts is to be told of dead letters: gathered by {@link LetterNewsRepository#mark}, and told by one
 * request at a time, which stays until it was taken. The functions that it calls are in {@code R__dead_letters.sql}.
 */
public final class LetterAlertRepository {

    // language=PostgreSQL
    static final String NEXT = """
            SELECT a.id, a.body, a.tries, a.due_ms
            FROM require_epoch($2)
            CROSS JOIN LATERAL next_letter_alert($1::bigint * interval '1 millisecond') a
            """;

    // language=PostgreSQL
    static final String DELIVERED = "UPDATE letter_alert SET id = NULL, body = NULL, tries = 0 WHERE id = $1";

    // language=PostgreSQL
    static final String FAILED = """
            UPDATE letter_alert a
            SET due_at = greatest(a.due_at, clock_timestamp() + $2::bigint * interval '1 millisecond')
            WHERE a.id = $1
            """;

    private final Sql sql;

    public LetterAlertRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /**
     * A request to the webhook.
     *
     * @param id by which the receiver knows it again
     * @param body JSON, the same each time it is sent
     * @param tries how often it was sent, this time included
     */
    public record Alert(UUID id, String body, int tries) {}

    /**
     * What there is to do.
     *
     * @param alert to be sent now
     * @param due where nothing may be sent yet, in how long something may be
     */
    public record Next(Optional<Alert> alert, Optional<Duration> due) {}

    /** What is to be sent now; then nothing is for {@code pause}. Fails where {@code epoch} is no longer the leader's. */
    public Future<Next> next(Duration pause, long epoch) {
        return sql.run(NEXT, Tuple.of(pause.toMillis(), epoch)).map(rows -> {
            var row = rows.iterator().next();
            return new Next(
                    Optional.ofNullable(row.getUUID("id"))
                            .map(id -> new Alert(id, row.getString("body"), row.getInteger("tries"))),
                    Optional.ofNullable(row.getLong("due_ms")).map(Duration::ofMillis));
        });
    }

    /** It was taken. Whoever sent it may say so, though another node leads meanwhile. */
    public Future<Void> delivered(UUID alert) {
        return sql.run(DELIVERED, Tuple.of(alert)).mapEmpty();
    }

    /** It was not taken, and is not to be sent again before this time is over. */
    public Future<Void> failed(UUID alert, Duration pause) {
        return sql.run(FAILED, Tuple.of(alert, pause.toMillis())).mapEmpty();
    }
}

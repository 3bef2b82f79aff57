package dev.orrery.service;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.config.LetterWebhookConfig;
import dev.orrery.domain.LetterId;
import dev.orrery.executor.WebhookCalls;
import dev.orrery.store.LetterAlertRepository;
import dev.orrery.store.LetterNewsRepository;
import dev.orrery.store.LetterNewsRepository.News;
import dev.orrery.store.Pools;
import dev.orrery.testing.AlertReceiver;
import dev.orrery.testing.AlertReceiver.Mood;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a webhook is told of dead letters: a real database and a real server. */
class LetterAlertsIT {

    private static final long EPOCH = 0;
    private static final Duration GAP = Duration.ofMillis(100);

    private final Vertx vertx = Vertx.vertx();
    private final AlertReceiver receiver = new AlertReceiver();
    private TestDatabase database;
    private Pools pools;
    private LetterNewsRepository news;
    private LetterAlertRepository repository;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 4, 100);
        news = new LetterNewsRepository(vertx, pools.api());
        repository = new LetterAlertRepository(vertx, pools.api());
    }

    @AfterEach
    void close() {
        receiver.close();
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    @Test
    void whatFailedAlikeIsToldTogetherWithItsFirstLetters() throws SQLException {
        letters(1, 12, "no answer from 10.0.0.' || n || ' in time");
        letters(2, 3, "disk is full");
        gather();
        var alerts = alerts(GAP);

        await(alerts.tell(EPOCH));

        var data = receiver.taken().getFirst().data();
        assertThat(data.getInteger("letters")).isEqualTo(15);
        assertThat(data.getInteger("otherLetters")).isZero();
        assertThat(data.getJsonArray("groups")).hasSize(2);
        var first = data.getJsonArray("groups").getJsonObject(0);
        assertThat(first.getInteger("letters")).isEqualTo(12);
        assertThat(first.getString("tenant")).isEqualTo("default");
        assertThat(first.getString("error")).startsWith("no answer from 10.0.0.");
        assertThat(first.getJsonArray("firstIds")).hasSize(5).allMatch(id -> isLetter((String) id));
        assertThat(Instant.parse(first.getString("firstAt"))).isBeforeOrEqualTo(first.getString("lastAt"));
        assertThat(data.getJsonArray("groups").getJsonObject(1).getString("error"))
                .isEqualTo("disk is full");

        pause();
        await(alerts.tell(EPOCH));
        assertThat(receiver.told()).as("there is nothing more to tell").hasSize(1);
        assertThat(alerts.delivered()).isEqualTo(1);
    }

    @Test
    void aFloodIsAFewRequestsThatCountEachLetter() throws SQLException {
        letters(
                1,
                20_000,
                "e' || chr((97 + n % 26)::int) || chr((97 + n / 26 % 26)::int) || chr((97 + n / 676 % 26)::int) || '");
        var alerts = alerts(Duration.ofMillis(500));

        for (var part = gatherOne(); part > 0; part = gatherOne()) {
            await(alerts.tell(EPOCH));
        }
        until("all is told", () -> {
            await(alerts.tell(EPOCH));
            return receiver.letters() == 20_000;
        });

        assertThat(receiver.told()).hasSizeLessThan(100).allSatisfy(told -> {
            assertThat(told.text().length()).isLessThan(100_000);
            assertThat(told.data().getJsonArray("groups")).hasSizeLessThanOrEqualTo(50);
        });
        assertThat(database.value("SELECT count(*) FROM orrery.letter_alert_groups"))
                .isEqualTo("0");
    }

    @Test
    void whatIsNotTakenIsSentAgainTheSameAndLaterLettersWaitForTheNextRequest() throws SQLException {
        var alerts = alerts(GAP);
        receiver.mood(Mood.REFUSES);
        letters(1, 2, "a");
        gather();
        var pause = await(alerts.tell(EPOCH));
        assertThat(pause).isEqualTo(Duration.ofSeconds(1));
        letters(2, 3, "b");
        gather();
        await(alerts.tell(EPOCH));
        assertThat(receiver.told()).as("the pause is kept").hasSize(1);
        assertThat(alerts.failed()).isEqualTo(1);
        assertThat(alerts.failingFor()).isPositive();

        receiver.mood(Mood.TAKES);
        // Another node leads: what it goes on with stands in the database.
        var next = alerts(GAP);
        until("both are told", () -> {
            await(next.tell(EPOCH));
            return receiver.taken().size() == 2;
        });

        assertThat(receiver.told().get(1).id()).isEqualTo(receiver.told().get(0).id());
        assertThat(receiver.told().get(1).text())
                .isEqualTo(receiver.told().get(0).text());
        assertThat(receiver.taken())
                .extracting(told -> told.data().getInteger("letters"))
                .containsExactly(2, 3);
        assertThat(next.failingFor()).isZero();
    }

    @Test
    void whatIsNotTakenIsSentAgainNoSoonerThanTheNextRequestMayGo() throws SQLException {
        var alerts = alerts(Duration.ofMinutes(10));
        receiver.mood(Mood.REFUSES);
        letters(1, 1, "a");
        gather();

        assertThat(await(alerts.tell(EPOCH))).as("as it is told").isGreaterThan(Duration.ofMinutes(5));
        assertThat(await(alerts.tell(EPOCH))).as("as it is kept").isGreaterThan(Duration.ofMinutes(5));
        assertThat(receiver.told()).hasSize(1);
    }

    @Test
    void whatWasTakenWhenTheNodeDiedIsSentAgainUnderItsId() throws SQLException {
        letters(1, 2, "a");
        gather();
        var dead = new LetterAlerts(
                repository,
                alert -> calls().post(alert.id().toString(), alert.body()).compose(_ -> neverEnds()),
                GAP);
        dead.tell(EPOCH);
        until("it is taken", () -> receiver.taken().size() == 1);

        until("it is told again", () -> {
            await(alerts(GAP).tell(EPOCH));
            return receiver.taken().size() == 2;
        });

        assertThat(receiver.taken())
                .extracting(AlertReceiver.Told::id)
                .containsOnly(receiver.told().get(0).id());
        assertThat(receiver.letters()).isEqualTo(2);
    }

    @Test
    void onlyTheLeaderTellsAndNothingIsGatheredWhereNobodyIsToBeTold() throws SQLException {
        letters(1, 1, "a");
        var ids = await(news.list(100)).stream().map(News::id).toList();
        await(news.mark(ids, false, EPOCH));
        letters(2, 1, "b");
        gather();

        assertThatThrownBy(() -> await(alerts(GAP).tell(7))).hasMessageContaining("epoch 7 is over");
        assertThat(receiver.told()).isEmpty();
        await(alerts(GAP).tell(EPOCH));

        assertThat(receiver.letters()).isEqualTo(1);
        assertThat(errors(receiver.taken().getFirst().data())).containsExactly("b");
    }

    private static Set<String> errors(JsonObject data) {
        return data.getJsonArray("groups").stream()
                .map(group -> ((JsonObject) group).getString("error"))
                .collect(Collectors.toSet());
    }

    private static <T> io.vertx.core.Future<T> neverEnds() {
        return io.vertx.core.Promise.<T>promise().future();
    }

    private LetterAlerts alerts(Duration gap) {
        var calls = calls();
        return new LetterAlerts(repository, alert -> calls.post(alert.id().toString(), alert.body()), gap);
    }

    private WebhookCalls calls() {
        var config = new LetterWebhookConfig(receiver.url(), "", List.of(), Duration.ofSeconds(5), 600);
        return new WebhookCalls(vertx, config, () -> Instant.EPOCH);
    }

    private void pause() {
        var since = System.nanoTime();
        until("the gap is over", () -> System.nanoTime() - since > GAP.toNanos() * 2);
    }

    private boolean isLetter(String id) {
        return database.value("SELECT count(*) FROM orrery.dead_letters WHERE id = '" + id + "'")
                .equals("1");
    }

    private void gather() {
        while (gatherOne() > 0) {
            // As the chore does.
        }
    }

    private int gatherOne() {
        List<LetterId> ids = await(news.list(1_000)).stream().map(News::id).toList();
        await(news.mark(ids, true, EPOCH));
        return ids.size();
    }

    /** Tasks that were given up, with errors in which n counts them. */
    private void letters(int series, int count, String error) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute("SET search_path = orrery");
            statement.execute("""
                    INSERT INTO task_instances (
                        id, tenant_id, version_id, queue, priority, created_at, name, definition, source, depth)
                    SELECT single_id(BASE, n::int), 1, 0, 'default', 5, now(), 't', '{}', 'human', 0
                    FROM generate_series(1, COUNT) n;
                    INSERT INTO dead_letters (task_id, attempt, tenant_id, outcome, error)
                    SELECT single_id(BASE, n::int), 1, 1, 'failed', 'ERROR' FROM generate_series(1, COUNT) n
                    """.replace("BASE", "'01980f6e-5a10-7000-8b2d-5f3" + series + "00000000'")
                    .replace("COUNT", Integer.toString(count))
                    .replace("ERROR", error));
        }
    }
}

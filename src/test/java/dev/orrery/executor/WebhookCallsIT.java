package dev.orrery.executor;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.config.LetterWebhookConfig;
import dev.orrery.testing.AlertReceiver;
import dev.orrery.testing.AlertReceiver.Mood;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Posts to a webhook, on a real server. */
class WebhookCallsIT {

    private static final String SECRET = "a secret that is long enough";
    private static final Instant NOW = Instant.ofEpochSecond(1_767_225_600);
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private final Vertx vertx = Vertx.vertx();
    private final AlertReceiver receiver = new AlertReceiver();

    @AfterEach
    void close() {
        receiver.close();
        await(vertx.close());
    }

    @Test
    void aRequestIsSignedAsStandardWebhooksHaveIt() throws GeneralSecurityException {
        await(calls(receiver.url(), SECRET, List.of(), LIMIT).post("id-1", "{\"a\":\"ä\"}"));

        var told = receiver.taken().getFirst();
        assertThat(told.text()).isEqualTo("{\"a\":\"ä\"}");
        assertThat(told.headers().get("content-type")).isEqualTo("application/json");
        assertThat(told.headers().get("webhook-id")).isEqualTo("id-1");
        assertThat(told.headers().get("webhook-timestamp")).isEqualTo("1767225600");
        var mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(SECRET.getBytes(UTF_8), "HmacSHA256"));
        var expected = mac.doFinal("id-1.1767225600.{\"a\":\"ä\"}".getBytes(UTF_8));
        assertThat(told.headers().get("webhook-signature"))
                .isEqualTo("v1," + Base64.getEncoder().encodeToString(expected));
    }

    @Test
    void whatIsNotTakenFailsAndTellsNothingOfTheUrlsPath() {
        var calls = calls(receiver.url(), "", List.of(), LIMIT);

        receiver.mood(Mood.REFUSES);
        assertThatThrownBy(() -> await(calls.post("1", "{}")))
                .hasMessageContaining("127.0.0.1:" + receiver.port() + " answered 503")
                .hasMessageNotContaining("hooks");
        receiver.mood(Mood.REDIRECTS);
        assertThatThrownBy(() -> await(calls.post("1", "{}")))
                .hasMessageContaining("answered 307; redirects are not followed");

        assertThat(receiver.told()).hasSize(2).allMatch(told -> told.headers().get("webhook-signature") == null);
    }

    @Test
    void anAnswerThatNeverEndsIsTakenAndLeft() {
        receiver.mood(Mood.DRIPS_ITS_BODY);

        await(calls(receiver.url(), "", List.of(), LIMIT).post("1", "{}"));

        until("the connection is closed", () -> receiver.open() == 0);
    }

    @Test
    void aServerThatIsSilentOrDripsItsHeadIsLeftAtTheDeadline() throws IOException {
        receiver.mood(Mood.NEVER_ANSWERS);
        var limit = Duration.ofMillis(500);
        assertThatThrownBy(
                        () -> await(calls(receiver.url(), "", List.of(), limit).post("1", "{}")))
                .hasMessageContaining("did not answer within 500 ms");
        until("the connection is closed", () -> receiver.open() == 0);

        try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> dripHead(server));
            var url = "http://127.0.0.1:" + server.getLocalPort() + "/";
            var begun = System.nanoTime();
            assertThatThrownBy(() -> await(calls(url, "", List.of(), limit).post("1", "{}")))
                    .hasMessageContaining("did not answer within 500 ms");
            assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(5));
        }
    }

    /** A byte of a header from time to time: each time something comes, and it never ends. */
    private static void dripHead(ServerSocket server) {
        try (Socket client = server.accept()) {
            var out = client.getOutputStream();
            out.write("HTTP/1.1 200 OK\r\nX-Drip: ".getBytes(UTF_8));
            for (var n = 0; n < 1_000; n++) {
                out.write('x');
                out.flush();
                Thread.sleep(20);
            }
        } catch (IOException | InterruptedException _) {
            // The other side has gone, as it is to.
        }
    }

    @Test
    void aNameThatLeadsInsideIsCalledOnlyWhereThatIsAllowed() {
        var url = "http://alerts.example.com:" + receiver.port() + "/";
        assertThatThrownBy(() -> await(calls(url, "", List.of(), LIMIT).post("1", "{}")))
                .hasMessageContaining("leads to 127.0.0.1")
                .hasMessageContaining("dead-letters.webhook-allow");
        assertThat(receiver.told()).isEmpty();

        await(calls(url, "", List.of("127.0.0.0/8"), LIMIT).post("1", "{}"));
        await(calls("http://localhost:" + receiver.port() + "/", "", List.of(), LIMIT)
                .post("2", "{}"));

        assertThat(receiver.taken()).hasSize(2);
        assertThat(receiver.taken().getFirst().headers().get("host"))
                .isEqualTo("alerts.example.com:" + receiver.port());
    }

    @Test
    void closingEndsWhatIsUnderWay() {
        receiver.mood(Mood.NEVER_ANSWERS);
        var calls = calls(receiver.url(), "", List.of(), Duration.ofMinutes(1));
        var call = calls.post("1", "{}");
        until("it has come", () -> receiver.told().size() == 1);

        await(calls.close().timeout(5, TimeUnit.SECONDS));

        assertThatThrownBy(() -> await(call)).hasMessageContaining("the node stops");
        assertThatThrownBy(() -> await(calls.post("2", "{}"))).hasMessageContaining("the node stops");
    }

    private WebhookCalls calls(String url, String secret, List<String> allow, Duration timeout) {
        return new WebhookCalls(
                vertx,
                new LetterWebhookConfig(url, secret, allow, timeout, 600),
                () -> NOW,
                host -> Future.succeededFuture(List.of(InetAddress.ofLiteral("127.0.0.1"))));
    }
}

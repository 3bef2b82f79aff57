package dev.orrery.domain.webhook;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.webhook.Webhook.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WebhookTest {

    /** The example of the scheme's own description. */
    private static final Secret STANDARD_SECRET = new Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");

    private static final byte[] STANDARD_BODY = "{\"test\": 2432232314}".getBytes(UTF_8);
    private static final Instant STANDARD_TIME = Instant.ofEpochSecond(1_614_265_330);
    private static final Map<String, String> STANDARD_HEADERS = Map.of(
            "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp", "1614265330",
            "webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");

    /** GitHub's own example. */
    private static final Secret GITHUB_SECRET = new Secret("It's a Secret to Everybody");

    private static final byte[] GITHUB_BODY = "Hello, World!".getBytes(UTF_8);
    private static final String GITHUB_HEX = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    private static final Secret OTHER = new Secret("another secret, long enough");

    private static Webhook webhook(WebhookScheme scheme, String header) {
        return new Webhook(
                "hook",
                scheme,
                Optional.ofNullable(header),
                Duration.ofMinutes(5),
                Optional.of("event"),
                Optional.empty(),
                Optional.empty());
    }

    private static Map<String, String> with(String header, String value) {
        var headers = new HashMap<>(STANDARD_HEADERS);
        headers.put(header, value);
        return headers;
    }

    private static Verdict standard(Map<String, String> headers, byte[] body, Instant now, Secret... secrets) {
        return webhook(WebhookScheme.STANDARD, null).judge(headers, body, List.of(secrets), now);
    }

    @Test
    void whatOneOfItsSecretsSignedIsGenuine() {
        var genuine = new Verdict.Genuine(Optional.of("msg_p5jXN8AQM9LWM0D4loKWxJek"));

        assertThat(standard(STANDARD_HEADERS, STANDARD_BODY, STANDARD_TIME, STANDARD_SECRET))
                .isEqualTo(genuine);
        assertThat(standard(STANDARD_HEADERS, STANDARD_BODY, STANDARD_TIME, OTHER, STANDARD_SECRET))
                .isEqualTo(genuine);
    }

    @Test
    void oneOfSeveralSignaturesIsEnough() {
        var signature = STANDARD_HEADERS.get("webhook-signature");

        assertThat(standard(
                        with("webhook-signature", "v1a,b29vcHM= v1,b29vcHM= " + signature),
                        STANDARD_BODY,
                        STANDARD_TIME,
                        STANDARD_SECRET))
                .isInstanceOf(Verdict.Genuine.class);
        assertThat(standard(
                        with("webhook-signature", "v1,b29vcHM= ".repeat(10) + signature),
                        STANDARD_BODY,
                        STANDARD_TIME,
                        STANDARD_SECRET))
                .as("beyond those that are looked at")
                .isEqualTo(new Verdict.Forged());
    }

    @ParameterizedTest
    @CsvSource({
        "webhook-id, msg_other",
        "webhook-timestamp, 1614265331",
        "webhook-signature, 'v1,h0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='",
        "webhook-signature, 'v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='",
        "webhook-signature, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1O'",
        "webhook-signature, 'v1,'",
        "webhook-signature, 'v1,%%%'",
        "webhook-signature, ''",
    })
    void whateverIsChangedMakesItForged(String header, String value) {
        assertThat(standard(with(header, value), STANDARD_BODY, STANDARD_TIME, STANDARD_SECRET))
                .isEqualTo(new Verdict.Forged());
    }

    @Test
    void anotherBodyOrSecretIsForgedToo() {
        assertThat(standard(STANDARD_HEADERS, "{}".getBytes(UTF_8), STANDARD_TIME, STANDARD_SECRET))
                .isEqualTo(new Verdict.Forged());
        assertThat(standard(STANDARD_HEADERS, STANDARD_BODY, STANDARD_TIME, OTHER))
                .isEqualTo(new Verdict.Forged());
        assertThat(standard(Map.of(), STANDARD_BODY, STANDARD_TIME, STANDARD_SECRET))
                .isEqualTo(new Verdict.Forged());
    }

    @Test
    void whatIsTooOldOrFromTheFutureIsNotTaken() {
        var limit = Duration.ofMinutes(5);

        assertThat(standard(STANDARD_HEADERS, STANDARD_BODY, STANDARD_TIME.plus(limit), STANDARD_SECRET))
                .isInstanceOf(Verdict.Genuine.class);
        assertThat(standard(
                        STANDARD_HEADERS,
                        STANDARD_BODY,
                        STANDARD_TIME.plus(limit).plusMillis(1),
                        STANDARD_SECRET))
                .isInstanceOfSatisfying(
                        Verdict.Unfit.class,
                        unfit -> assertThat(unfit.reason())
                                .startsWith("it was signed at 2021-02-25T15:02:10Z")
                                .endsWith("the webhook takes 300 s of difference"));
        assertThat(standard(
                        STANDARD_HEADERS,
                        STANDARD_BODY,
                        STANDARD_TIME.minus(limit).minusMillis(1),
                        STANDARD_SECRET))
                .isInstanceOf(Verdict.Unfit.class);
        assertThat(standard(
                        STANDARD_HEADERS,
                        STANDARD_BODY,
                        STANDARD_TIME.plus(limit).plusMillis(1),
                        OTHER))
                .as("a stranger learns nothing of times")
                .isEqualTo(new Verdict.Forged());
    }

    @Test
    void theSchemeOfGithubSignsTheBodyAlone() {
        var webhook = webhook(WebhookScheme.GITHUB, null);
        var headers = Map.of("x-hub-signature-256", "sha256=" + GITHUB_HEX, "x-github-delivery", "72d3162e");

        assertThat(webhook.judge(headers, GITHUB_BODY, List.of(GITHUB_SECRET), Instant.EPOCH))
                .isEqualTo(new Verdict.Genuine(Optional.of("72d3162e")));
        assertThat(webhook.judge(
                        Map.of("x-hub-signature-256", GITHUB_HEX, "x-github-delivery", "72d3162e"),
                        GITHUB_BODY,
                        List.of(GITHUB_SECRET),
                        Instant.EPOCH))
                .isEqualTo(new Verdict.Forged());
        assertThat(webhook.judge(
                        Map.of("x-hub-signature-256", "sha256=" + GITHUB_HEX),
                        GITHUB_BODY,
                        List.of(GITHUB_SECRET),
                        Instant.EPOCH))
                .isEqualTo(new Verdict.Unfit("a header with the delivery's id is missing"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "sha256="})
    void thePlainSchemeHasItsHeaderChosen(String prefix) {
        var webhook = webhook(WebhookScheme.PLAIN, "x-signature");

        assertThat(webhook.judge(
                        Map.of("x-signature", prefix + GITHUB_HEX.toUpperCase(java.util.Locale.ROOT)),
                        GITHUB_BODY,
                        List.of(GITHUB_SECRET),
                        Instant.EPOCH))
                .isEqualTo(new Verdict.Genuine(Optional.empty()));
        assertThat(webhook.judge(
                        Map.of("x-hub-signature-256", GITHUB_HEX), GITHUB_BODY, List.of(GITHUB_SECRET), Instant.EPOCH))
                .isEqualTo(new Verdict.Forged());
    }

    @Test
    void aSecretIsNeverShown() {
        assertThat(STANDARD_SECRET).hasToString("***");
        assertThat(List.of(OTHER)).hasToString("[***]");
        assertThatThrownBy(() -> new Secret("short")).hasMessageNotContaining("short");
    }

    @Test
    void aSecretIsLongEnoughNotToBeTried() {
        assertThat(Secret.isFit("0123456789abcdef")).isTrue();
        assertThat(Secret.isFit("0123456789abcde")).isFalse();
        assertThat(Secret.isFit("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).isTrue();
        assertThat(Secret.isFit("whsec_MfKQ9r8GKYqr")).as("12 bytes").isFalse();
        assertThat(Secret.isFit("whsec_not Base64 at all")).isFalse();
        assertThat(Secret.isFit("x".repeat(513))).isFalse();
    }
}

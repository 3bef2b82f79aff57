package dev.orrery.config;

import static dev.orrery.domain.Checks.require;

import dev.orrery.domain.net.Destination;
import dev.orrery.domain.webhook.Secret;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Who is told of new dead letters.
 *
 * @param url where; empty: nobody is told
 * @param secret with which requests are signed; empty: with none
 * @param allow where the name in the URL may lead besides the public internet
 * @param timeout how long an answer may take
 * @param perMinute the most requests in a minute
 */
public record LetterWebhookConfig(String url, String secret, List<String> allow, Duration timeout, int perMinute) {

    public static final LetterWebhookConfig DEFAULT =
            new LetterWebhookConfig("", "", List.of(), Duration.ofSeconds(10), 6);

    private static final int PORT_MAX = 65_535;

    public LetterWebhookConfig {
        allow = List.copyOf(allow);
        LetterSettings.WEBHOOK_URL.check(url);
        LetterSettings.WEBHOOK_SECRET.check(secret);
        LetterSettings.WEBHOOK_ALLOW.check(allow);
        LetterSettings.WEBHOOK_TIMEOUT.check(timeout);
        LetterSettings.WEBHOOK_PER_MINUTE.check(perMinute);
        require(isFit(url), "dead-letters.webhook-url must be a URL that can be called: see its port and its path");
        require(
                secret.isEmpty() || Secret.isFit(secret),
                "dead-letters.webhook-secret must have " + Secret.LENGTH_MIN
                        + " characters or more; after 'whsec_' they" + " are Base64 of as many bytes");
    }

    private static boolean isFit(String url) {
        try {
            var port = URI.create(url).getPort();
            return port == -1 || (port >= 1 && port <= PORT_MAX);
        } catch (IllegalArgumentException notAUrl) {
            return false;
        }
    }

    public boolean isOn() {
        return !url.isEmpty();
    }

    public Optional<Secret> signer() {
        return secret.isEmpty() ? Optional.empty() : Optional.of(new Secret(secret));
    }

    public List<Destination> allowed() {
        return allow.stream()
                .flatMap(entry -> Destination.parse(entry).stream())
                .toList();
    }

    /** Without the URL, whose path may be a secret as well: configurations get into logs. */
    @Override
    public String toString() {
        return "LetterWebhookConfig[url=" + Secrets.masked(url) + ", secret=" + Secrets.masked(secret) + ", allow="
                + allow + ", timeout=" + timeout + ", perMinute=" + perMinute + "]";
    }
}

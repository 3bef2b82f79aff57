package dev.orrery.domain.webhook;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Quoted;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A place where others send requests that become events.
 *
 * @param header of {@link WebhookScheme#PLAIN}: which has the signature, in small letters
 * @param tolerance how far the time in a request may be from ours
 * @param eventName the name of the events; absent: {@code eventNameFrom} makes it
 * @param eventNameFrom an expression over the request
 * @param keyFrom an expression over the request that makes the event's key; absent: what the sender calls the delivery
 */
public record Webhook(
        String name,
        WebhookScheme scheme,
        Optional<String> header,
        Duration tolerance,
        Optional<String> eventName,
        Optional<String> eventNameFrom,
        Optional<String> keyFrom) {

    public static final Pattern NAME_FORM = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}");
    public static final Duration DEFAULT_TOLERANCE = Duration.ofMinutes(5);
    public static final int SECRETS_MAX = 2;

    public Webhook {
        require(NAME_FORM.matcher(name).matches(), "not a webhook's name: " + Quoted.of(name));
        requireNonNull(scheme, "scheme");
        require(
                (scheme == WebhookScheme.PLAIN) == header.isPresent(),
                "a header is named by the scheme plain, and by it alone");
        require(tolerance.isPositive(), "tolerance must be positive, was " + tolerance);
        require(eventName.isPresent() != eventNameFrom.isPresent(), "either eventName or eventNameFrom");
        requireNonNull(keyFrom, "keyFrom");
    }

    /** What a request is worth. */
    public sealed interface Verdict {

        /** {@code delivery}: what the sender calls it. */
        record Genuine(Optional<String> delivery) implements Verdict {}

        /** None of the secrets signed it. */
        record Forged() implements Verdict {}

        /** It is signed, and cannot be taken. */
        record Unfit(String reason) implements Verdict {}
    }

    /**
     * @param headers with names in small letters
     * @param now by the database's clock
     */
    public Verdict judge(Map<String, String> headers, byte[] body, List<Secret> secrets, Instant now) {
        if (!scheme.isSigned(scheme.header(header), headers, body, secrets)) {
            return new Verdict.Forged();
        }
        var time = scheme.time(headers);
        if (scheme.needsTime() && time.isEmpty()) {
            return new Verdict.Unfit("the header webhook-timestamp has no seconds since 1970");
        }
        if (time.isPresent() && Duration.between(time.get(), now).abs().compareTo(tolerance) > 0) {
            return new Verdict.Unfit("it was signed at " + time.get() + ", and it is " + now + "; the webhook takes "
                    + tolerance.toSeconds() + " s of difference");
        }
        var delivery = scheme.delivery(headers).filter(id -> !id.isEmpty());
        return scheme.needsDelivery() && delivery.isEmpty() && keyFrom.isEmpty()
                ? new Verdict.Unfit("a header with the delivery's id is missing")
                : new Verdict.Genuine(delivery);
    }
}

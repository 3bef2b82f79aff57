package dev.orrery.config;

import dev.orrery.config.Kind.Destinations;
import dev.orrery.config.Kind.Span;
import dev.orrery.config.Kind.Text;
import dev.orrery.config.Kind.Whole;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;

/** The part of {@link Settings} that tells what becomes of dead letters. */
final class LetterSettings {

    private static final Pattern WEBHOOK =
            Pattern.compile("(https?://([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+])(:[0-9]{1,5})?(/[!-~&&[^#]]*)?)?");

    private static final Pattern SECRET = Pattern.compile("\\P{Cntrl}*");

    static final Setting<Integer> MAX_REDRIVES = new Setting<>(
            "dead-letters.max-redrives",
            new Whole(1, 1_000),
            "How often one task may be sent back from the dead letters.",
            false,
            config -> config.deadLetters().maxRedrives());

    static final Setting<String> WEBHOOK_URL = new Setting<>(
            "dead-letters.webhook-url",
            new Text(4_096, WEBHOOK, "URL", "look like https://alerts.example.com/orrery"),
            "Where the leader tells of new dead letters, many at once. Empty: nowhere.",
            true,
            config -> config.deadLetters().webhook().url());

    static final Setting<String> WEBHOOK_SECRET = new Setting<>(
            "dead-letters.webhook-secret",
            new Text(512, SECRET, "text", "be one line"),
            "What signs those requests, as standardwebhooks.com has it: 16 characters or more. Empty: nothing does.",
            true,
            config -> config.deadLetters().webhook().secret());

    static final Setting<List<String>> WEBHOOK_ALLOW = new Setting<>(
            "dead-letters.webhook-allow",
            new Destinations(1_000),
            "Where the webhook's host name may lead besides the public internet; written as in tasks.http-allow.",
            false,
            config -> config.deadLetters().webhook().allow());

    static final Setting<Duration> WEBHOOK_TIMEOUT = new Setting<>(
            "dead-letters.webhook-timeout",
            new Span(Duration.ofMillis(100), Duration.ofMinutes(1)),
            "How long the webhook may take to answer.",
            false,
            config -> config.deadLetters().webhook().timeout());

    static final Setting<Integer> WEBHOOK_PER_MINUTE = new Setting<>(
            "dead-letters.webhook-per-minute",
            new Whole(1, 600),
            "How many requests the webhook gets in a minute, at most.",
            false,
            config -> config.deadLetters().webhook().perMinute());

    static final Settings.Section SECTION = new Settings.Section(
            "dead-letters",
            "What may be done with dead letters, and who is told of them.",
            List.of(MAX_REDRIVES, WEBHOOK_URL, WEBHOOK_SECRET, WEBHOOK_ALLOW, WEBHOOK_TIMEOUT, WEBHOOK_PER_MINUTE));

    private LetterSettings() {}
}

package dev.orrery.cli.client;

import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;

/** Names one call, so that a node does it once however often it is sent. It need not be secret, only unlikely to repeat. */
final class IdempotencyKey {

    private IdempotencyKey() {}

    static String next() {
        var random = ThreadLocalRandom.current();
        var hex = HexFormat.of();
        return "cli-" + hex.toHexDigits(random.nextLong()) + hex.toHexDigits(random.nextLong());
    }
}

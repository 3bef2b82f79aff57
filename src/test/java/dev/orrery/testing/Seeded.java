package dev.orrery.testing;

import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * Tries a claim on many random cases. The failure names the seed of its case, and {@code -Dseed=N} plays that one again;
 * {@code -Dcases=N} tries more or fewer.
 */
public final class Seeded {

    private static final int CASES = Integer.getInteger("cases", 300);

    private Seeded() {}

    public static void forAll(Consumer<RandomGenerator> claim) {
        forAll(CASES, claim);
    }

    /** As many cases as this, where one takes longer than usual. */
    public static void forAll(int cases, Consumer<RandomGenerator> claim) {
        var replayed = Long.getLong("seed");
        if (replayed != null) {
            tryOne(replayed, claim);
            return;
        }
        var first = System.nanoTime();
        for (var seed = first; seed < first + cases; seed++) {
            tryOne(seed, claim);
        }
    }

    private static void tryOne(long seed, Consumer<RandomGenerator> claim) {
        try {
            claim.accept(new SplittableRandom(seed));
        } catch (RuntimeException | Error broken) {
            throw new AssertionError("does not hold for -Dseed=" + seed + ": " + broken.getMessage(), broken);
        }
    }
}

package dev.orrery.config;

/**
 * What may be done with dead letters.
 *
 * @param maxRedrives how often one task may be sent back
 */
public record DeadLettersConfig(int maxRedrives) {

    public static final DeadLettersConfig DEFAULT = new DeadLettersConfig(10);

    public DeadLettersConfig {
        Settings.DEAD_LETTERS_MAX_REDRIVES.check(maxRedrives);
    }
}

package dev.orrery.config;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;

/**
 * What an account of the system is to its files.
 *
 * @param user its number
 * @param group that of its own group
 */
public record AccountNumbers(int user, int group) {

    private static final int DIGITS = 9;
    private static final long LOOKUP_SECONDS = 5;

    /**
     * By name or by number; empty where there is none of this name. A number needs no entry in the system's list: its group has
     * the same one then.
     *
     * @throws IOException where the system cannot be asked
     */
    public static Optional<AccountNumbers> of(String name) throws IOException {
        var isNumber = name.length() <= DIGITS && name.chars().allMatch(Character::isDigit);
        var user = isNumber ? OptionalInt.of(Integer.parseInt(name)) : ask("-u", name);
        if (user.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new AccountNumbers(user.getAsInt(), ask("-g", name).orElse(user.getAsInt())));
    }

    /** What id(1) says; empty where it knows no such account. */
    private static OptionalInt ask(String option, String name) throws IOException {
        try {
            var process = new ProcessBuilder("id", option, "--", name)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            if (!process.waitFor(LOOKUP_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IOException("no answer within " + LOOKUP_SECONDS + " s");
            }
            var answer = new String(process.getInputStream().readAllBytes(), UTF_8).strip();
            return process.exitValue() == 0 ? OptionalInt.of(Integer.parseInt(answer)) : OptionalInt.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}

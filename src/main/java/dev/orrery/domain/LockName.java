package dev.orrery.domain;

import static java.util.Objects.requireNonNull;

import java.util.regex.Pattern;

/** What a lock is called, unique in its tenant: 1 to 64 letters, digits and {@code _ . -}. One task or run at a time has it. */
public record LockName(String value) implements Comparable<LockName> {

    public static final Pattern FORM = Pattern.compile("[A-Za-z0-9_.-]{1,64}");

    public LockName {
        requireNonNull(value, "value");
        if (!FORM.matcher(value).matches()) {
            throw new IllegalArgumentException("not a lock's name: '" + value + "'");
        }
    }

    @Override
    public int compareTo(LockName other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}

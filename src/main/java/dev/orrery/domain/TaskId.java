package dev.orrery.domain;

import static java.util.Objects.requireNonNull;

import java.util.regex.Pattern;

/** A task's key inside its DAG: letters, digits, {@code _ . -}, at most 255 of them, starting with a letter, digit or {@code _}. */
public record TaskId(String value) implements Comparable<TaskId> {

    public static final Pattern FORM = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}");

    public TaskId {
        requireNonNull(value, "value");
        if (!FORM.matcher(value).matches()) {
            throw new IllegalArgumentException("not a task id: '" + value + "'");
        }
    }

    @Override
    public int compareTo(TaskId other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}

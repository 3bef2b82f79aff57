package dev.orrery.domain.task;

import dev.orrery.domain.Json;
import java.util.Optional;

/** What becomes of the input of a task that is sent back: it is given that from now on. */
public sealed interface InputEdit {

    /** It is given what it was given before. */
    record None() implements InputEdit {}

    /** It is given this instead. */
    record Replace(Json input) implements InputEdit {}

    /** It is given what it was given before with these changes, as RFC 7396 says: null takes a member out. */
    record Patch(Json changes) implements InputEdit {}

    /** What takes the place of the input. */
    default Optional<Json> replacement() {
        return this instanceof Replace(var input) ? Optional.of(input) : Optional.empty();
    }

    /** What is changed of the input. */
    default Optional<Json> patch() {
        return this instanceof Patch(var changes) ? Optional.of(changes) : Optional.empty();
    }
}

package dev.orrery.domain;

import static java.util.Objects.requireNonNull;

/** A JSON value as compact text; whoever makes one has parsed it. */
public record Json(String text) {

    public static final Json NULL = new Json("null");
    public static final Json EMPTY_OBJECT = new Json("{}");

    public Json {
        requireNonNull(text, "text");
    }

    public boolean isNull() {
        return text.equals("null");
    }

    @Override
    public String toString() {
        return text;
    }
}

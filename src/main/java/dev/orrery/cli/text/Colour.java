package dev.orrery.cli.text;

/** The few colours in use, each with one meaning throughout. */
public enum Colour {
    NONE(""),
    /** It went well. */
    GREEN("\u001b[32m"),
    /** It went wrong. */
    RED("\u001b[31m"),
    /** It will be tried again, or wants a look. */
    YELLOW("\u001b[33m"),
    /** It is going on now. */
    CYAN("\u001b[36m"),
    BOLD("\u001b[1m"),
    /** It matters less. */
    DIM("\u001b[2m");

    private final String sequence;

    Colour(String sequence) {
        this.sequence = sequence;
    }

    String sequence() {
        return sequence;
    }
}

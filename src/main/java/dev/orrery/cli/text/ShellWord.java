package dev.orrery.cli.text;

/** Texts as words of a command line that is shown to be copied into a shell. */
public final class ShellWord {

    private ShellWord() {}

    /** The text itself where a shell takes it as one word, else in single quotes; control characters are shown, not sent. */
    public static String of(String text) {
        return text.matches("[A-Za-z0-9_./:@%+=-]+")
                ? text
                : "'" + TextWidth.clean(text).replace("'", "'\\''") + "'";
    }
}

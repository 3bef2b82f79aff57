package dev.orrery.domain;

/** Tells whether text is JSON (RFC 8259) without reading it into values. */
public final class JsonSyntax {

    /** More levels than this no parser of ours is asked to go down. */
    private static final int DEPTH_LIMIT = 200;

    private static final int WRONG = -1;

    private final String text;
    private int at;
    private int depth;

    private JsonSyntax(String text, int from) {
        this.text = text;
        this.at = from;
    }

    /** Whether what begins here is one object that ends with the text. */
    public static boolean isObject(String text, int from) {
        var syntax = new JsonSyntax(text, from);
        return syntax.next() == '{' && syntax.value() && syntax.at == text.length();
    }

    private boolean value() {
        return switch (next()) {
            case '{' -> group('}', true);
            case '[' -> group(']', false);
            case '"' -> string();
            case 't' -> word("true");
            case 'f' -> word("false");
            case 'n' -> word("null");
            default -> number();
        };
    }

    private boolean group(char end, boolean named) {
        at++;
        depth++;
        skipSpace();
        var holds = depth <= DEPTH_LIMIT && (next() == end || members(named));
        depth--;
        return holds && take(end);
    }

    private boolean members(boolean named) {
        do {
            skipSpace();
            if (named && !name()) {
                return false;
            }
            if (!value()) {
                return false;
            }
            skipSpace();
        } while (take(','));
        return true;
    }

    private boolean name() {
        if (next() != '"' || !string()) {
            return false;
        }
        skipSpace();
        if (!take(':')) {
            return false;
        }
        skipSpace();
        return true;
    }

    private boolean string() {
        for (at++; at < text.length(); at++) {
            var c = text.charAt(at);
            if (c == '"') {
                at++;
                return true;
            } else if (c < ' ' || (c == '\\' && !escape())) {
                return false;
            }
        }
        return false;
    }

    /** Leaves {@code at} on the last character of the escape. */
    private boolean escape() {
        at++;
        if (next() != 'u') {
            return next() != WRONG && "\"\\/bfnrt".indexOf(next()) >= 0;
        }
        for (var digit = 0; digit < 4; digit++) {
            at++;
            if (next() == WRONG || Character.digit(next(), 16) < 0 || next() > 'f') {
                return false;
            }
        }
        return true;
    }

    private boolean number() {
        take('-');
        return (take('0') || digits()) && (!take('.') || digits()) && (!(take('e') || take('E')) || exponent());
    }

    private boolean exponent() {
        if (!take('+')) {
            take('-');
        }
        return digits();
    }

    private boolean digits() {
        var first = at;
        while (next() >= '0' && next() <= '9') {
            at++;
        }
        return at > first;
    }

    private boolean word(String word) {
        var stands = text.startsWith(word, at);
        at += word.length();
        return stands;
    }

    private void skipSpace() {
        while (next() == ' ' || next() == '\t' || next() == '\n' || next() == '\r') {
            at++;
        }
    }

    private boolean take(char wanted) {
        if (next() != wanted) {
            return false;
        }
        at++;
        return true;
    }

    /** The character here; {@code WRONG} behind the last. */
    private int next() {
        return at < text.length() ? text.charAt(at) : WRONG;
    }
}

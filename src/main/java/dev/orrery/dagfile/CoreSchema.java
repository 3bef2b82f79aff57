package dev.orrery.dagfile;

import dev.orrery.dagfile.YamlNode.Scalar;
import java.math.BigInteger;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What a plain scalar means by the core schema of YAML 1.2: {@code no} is a text here, {@code 1:30} and
 * {@code 2026-01-01} are too.
 */
final class CoreSchema {

    enum Kind {
        TEXT,
        NULL,
        BOOLEAN,
        INTEGER,
        NUMBER,
        /** Infinity or not a number: JSON has no word for them. */
        NO_NUMBER
    }

    private static final Set<String> NULLS = Set.of("", "~", "null", "Null", "NULL");
    private static final Set<String> TRUES = Set.of("true", "True", "TRUE");
    private static final Set<String> FALSES = Set.of("false", "False", "FALSE");
    private static final Pattern INTEGER = Pattern.compile("[-+]?[0-9]++|0o[0-7]++|0x[0-9a-fA-F]++");
    private static final Pattern NUMBER =
            Pattern.compile("[-+]?(?:\\.[0-9]++|[0-9]++(?:\\.[0-9]*+)?)(?:[eE][-+]?[0-9]++)?");
    private static final Pattern NO_NUMBER = Pattern.compile("[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN)");

    private CoreSchema() {}

    static Kind kindOf(Scalar scalar) {
        var text = scalar.text();
        if (!scalar.plain()) {
            return Kind.TEXT;
        }
        if (NULLS.contains(text)) {
            return Kind.NULL;
        }
        if (TRUES.contains(text) || FALSES.contains(text)) {
            return Kind.BOOLEAN;
        }
        if (INTEGER.matcher(text).matches()) {
            return Kind.INTEGER;
        }
        if (NUMBER.matcher(text).matches()) {
            return Kind.NUMBER;
        }
        return NO_NUMBER.matcher(text).matches() ? Kind.NO_NUMBER : Kind.TEXT;
    }

    static boolean isTrue(Scalar scalar) {
        return TRUES.contains(scalar.text());
    }

    /** The value of an {@code INTEGER}. */
    static BigInteger integer(Scalar scalar) {
        var text = scalar.text();
        if (text.startsWith("0o")) {
            return new BigInteger(text.substring(2), 8);
        }
        return text.startsWith("0x") ? new BigInteger(text.substring(2), 16) : new BigInteger(text);
    }

    /** The value of an {@code INTEGER} or a {@code NUMBER}; infinite where it is too large for a double. */
    static double number(Scalar scalar) {
        return kindOf(scalar) == Kind.INTEGER ? integer(scalar).doubleValue() : Double.parseDouble(scalar.text());
    }
}

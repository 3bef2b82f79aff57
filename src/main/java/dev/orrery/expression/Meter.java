package dev.orrery.expression;

import dev.cel.common.CelErrorCode;
import dev.cel.common.CelRuntimeException;
import dev.cel.common.ast.CelExpr;
import dev.cel.common.values.CelByteString;
import dev.cel.runtime.CelEvaluationListener;
import java.time.Duration;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Watches one evaluation and ends it when it grows too dear, by an exception that the runtime hands on as its own.
 *
 * <p>The rounds of loops are counted by the runtime. That alone would not do: {@code [x].map(a, a + a).map(a, a + a)…}
 * doubles a text at each round, and {@code [a, a]} a tree, of which only the first copy takes memory, yet comparing it takes
 * forever. So each value is weighed as it comes to be; what it is made of has been weighed before.
 */
final class Meter implements CelEvaluationListener {

    static final int STEPS_MAX = 1_000_000;
    static final int TEXT_MAX = 2 << 20;
    static final int WEIGHT_MAX = 1 << 20;
    static final Duration TIME_MAX = Duration.ofSeconds(1);

    private static final int STEPS_BETWEEN_LOOKS = 64;

    /** A step for so many characters that a value has, and for so many that are newly made. */
    private static final int CHARACTERS_SEEN = 64;

    private static final int CHARACTERS_MADE = 8;

    private final long started = System.nanoTime();
    private final IdentityHashMap<Object, Integer> weights = new IdentityHashMap<>();
    private int steps;
    private int looked;

    /** What the runtime hands on as its own, with the place in the text. */
    static CelRuntimeException refusal(String reason) {
        return new CelRuntimeException(new IllegalArgumentException(reason), CelErrorCode.INVALID_ARGUMENT);
    }

    @Override
    public void callback(CelExpr expression, Object value) {
        steps += 1 + length(value) / (isCall(expression) ? CHARACTERS_MADE : CHARACTERS_SEEN);
        if (steps > STEPS_MAX) {
            throw refusal("it takes over " + STEPS_MAX + " steps");
        }
        if (steps - looked >= STEPS_BETWEEN_LOOKS) {
            looked = steps;
            if (System.nanoTime() - started > TIME_MAX.toNanos()) {
                throw refusal("it takes over " + TIME_MAX.toMillis() + " ms");
            }
        }
        if (makes(expression)) {
            weigh(value);
        }
    }

    private static int length(Object value) {
        var length = switch (value) {
            case String text -> text.length();
            case CelByteString bytes -> bytes.size();
            default -> 0;
        };
        if (length > TEXT_MAX) {
            throw refusal("it makes a text of over " + TEXT_MAX + " characters");
        }
        return length;
    }

    private static boolean isCall(CelExpr expression) {
        return expression.exprKind().getKind() == CelExpr.ExprKind.Kind.CALL;
    }

    /** Whether the value is new. What a loop gathers is weighed at its end, not at each round. */
    private static boolean makes(CelExpr expression) {
        return switch (expression.exprKind().getKind()) {
            case LIST, MAP, COMPREHENSION -> true;
            case CALL -> !gathers(expression.call());
            default -> false;
        };
    }

    private static boolean gathers(CelExpr.CelCall call) {
        return call.args().stream()
                .anyMatch(argument -> argument.exprKind().getKind() == CelExpr.ExprKind.Kind.IDENT
                        && argument.ident().name().startsWith("@"));
    }

    private int weigh(Object value) {
        return switch (value) {
            case Collection<?> list -> weigh(list, list);
            case Map<?, ?> map -> weigh(map, map.values());
            case Optional<?> maybe -> maybe.map(this::weigh).orElse(1);
            case String text -> 1 + text.length() / CHARACTERS_MADE;
            default -> 1;
        };
    }

    private int weigh(Object container, Collection<?> parts) {
        var known = weights.get(container);
        if (known != null) {
            return known;
        }
        var weight = 1;
        for (var part : parts) {
            weight += weigh(part);
            if (weight > WEIGHT_MAX) {
                throw refusal("it makes a value of over " + WEIGHT_MAX + " parts");
            }
        }
        weights.put(container, weight);
        return weight;
    }
}

package dev.orrery.expression;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import dev.cel.bundle.Cel;
import dev.cel.common.ast.CelExpr;
import dev.cel.common.navigation.CelNavigableAst;
import dev.cel.common.navigation.CelNavigableExpr;
import dev.cel.validator.CelAstValidator;
import java.util.ArrayDeque;
import java.util.Optional;

/**
 * Regular expressions, matched in linear time. Counted repetitions are unrolled when a pattern is compiled, so that {@code
 * ((a{1000}){1000}){1000}} would fill all memory: the size is reckoned before.
 */
final class Patterns {

    private static final int SIZE_MAX = 1_000;

    private Patterns() {}

    static boolean matches(String text, String pattern) {
        var complaint = complaint(pattern);
        if (complaint.isPresent()) {
            throw Meter.refusal(complaint.get());
        }
        return Pattern.compile(pattern).matcher(text).find();
    }

    static Optional<String> complaint(String pattern) {
        if (size(pattern) > SIZE_MAX) {
            return Optional.of("the pattern is too large: it has, with its repetitions, over " + SIZE_MAX + " parts");
        }
        try {
            Pattern.compile(pattern);
            return Optional.empty();
        } catch (PatternSyntaxException wrong) {
            return Optional.of("the pattern is wrong: " + wrong.getDescription());
        }
    }

    /** Not less than it has, whatever is wrong with it. */
    private static long size(String pattern) {
        var before = new ArrayDeque<Long>(); // of the groups that are open
        var size = 0L;
        var last = 0L;
        for (var at = 0; at < pattern.length(); at++) {
            switch (pattern.charAt(at)) {
                case '(' -> {
                    before.push(size);
                    size = 0;
                    last = 0;
                }
                case ')' -> {
                    last = size + 1;
                    size = last + (before.isEmpty() ? 0 : before.pop());
                }
                case '{' -> {
                    var end = pattern.indexOf('}', at);
                    var times = end < 0 ? 1 : times(pattern.substring(at + 1, end));
                    size = Math.min(SIZE_MAX + 1L, size + last * (times - 1));
                    last = Math.min(SIZE_MAX + 1L, last * times);
                }
                default -> {
                    last = 1;
                    size++;
                }
            }
        }
        return size + before.stream().mapToLong(each -> each).sum();
    }

    /** The larger of {@code 2,5}; without an end, the end alone makes no difference. */
    private static long times(String counts) {
        var most = 1L;
        for (var count : counts.split(",")) {
            if (count.matches("[0-9]+")) {
                most = Math.max(most, count.length() > 6 ? SIZE_MAX + 1L : Long.parseLong(count));
            }
        }
        return most;
    }

    /** Looks at those that stand in the text of an expression. */
    static final class Check implements CelAstValidator {

        @Override
        public void validate(CelNavigableAst tree, Cel cel, IssuesFactory issues) {
            tree.getRoot()
                    .allNodes()
                    .filter(node -> node.getKind() == CelExpr.ExprKind.Kind.CALL)
                    .map(CelNavigableExpr::expr)
                    .filter(expression -> expression.call().function().equals("matches"))
                    .filter(expression -> !expression.call().args().isEmpty())
                    .forEach(expression -> {
                        var pattern = expression.call().args().getLast();
                        if (pattern.exprKind().getKind() == CelExpr.ExprKind.Kind.CONSTANT) {
                            complaint(pattern.constant().stringValue())
                                    .ifPresent(complaint -> issues.addError(pattern.id(), complaint));
                        }
                    });
        }
    }
}

package dev.orrery.dagfile;

import dev.orrery.domain.Problem;
import dev.orrery.domain.Quoted;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Problems as people read them on a terminal: the place and what is wrong, the line with a caret under the place, how to
 * mend it, and at the end how many there are.
 */
public final class ProblemPrinter {

    /** How much of a long line is shown around the place. */
    private static final int WINDOW = 100;

    private static final String RED = "\u001b[1;31m";
    private static final String BLUE = "\u001b[34m";
    private static final String GREEN = "\u001b[32m";
    private static final String PLAIN = "\u001b[0m";

    private final boolean isColoured;

    /** {@code isColoured}: whether the terminal understands colours and its user wants them. */
    public ProblemPrinter(boolean isColoured) {
        this.isColoured = isColoured;
    }

    /** As {@link #text(String, String, List)}, for the bytes of a file, which need not be UTF-8. */
    public String text(String fileName, byte[] source, List<Problem> problems) {
        var text = new String(source, 0, Math.min(source.length, SourceText.MAX_BYTES), StandardCharsets.UTF_8);
        return text(fileName, text, problems);
    }

    /** All problems of one file and their count; each line ends with a line end. */
    public String text(String fileName, String source, List<Problem> problems) {
        var lines = lines(source);
        var text = new StringBuilder();
        for (var problem : problems) {
            appendHead(text, fileName, problem);
            if (problem.line() >= 1 && problem.line() <= lines.size()) {
                appendSource(text, lines.get(problem.line() - 1), problem);
            }
            problem.help()
                    .ifPresent(help -> text.append(paint(GREEN, "  help: "))
                            .append(visible(help))
                            .append('\n'));
        }
        return text.append(count(problems))
                .append(" in ")
                .append(visible(fileName))
                .append('\n')
                .toString();
    }

    private static String count(List<Problem> problems) {
        return problems.size() == 1 ? "1 problem" : problems.size() + " problems";
    }

    private void appendHead(StringBuilder text, String fileName, Problem problem) {
        text.append(visible(fileName));
        if (problem.line() > 0) {
            text.append(':').append(problem.line()).append(':').append(problem.column());
        }
        text.append(' ')
                .append(paint(RED, problem.code()))
                .append(' ')
                .append(visible(problem.message()))
                .append('\n');
    }

    private void appendSource(StringBuilder text, String line, Problem problem) {
        var codePoints = line.codePoints().toArray();
        var caret = Math.clamp(problem.column() - 1, 0, codePoints.length);
        var from = Math.max(0, Math.min(caret - WINDOW / 2, codePoints.length - WINDOW));
        var to = Math.min(codePoints.length, from + WINDOW);
        var shown = new StringBuilder(from > 0 ? "…" : "");
        var indent = from > 0 ? 1 : 0;
        for (var n = from; n < to; n++) {
            shown.appendCodePoint(shown(codePoints[n]));
            if (n < caret) {
                indent += width(codePoints[n]);
            }
        }
        var number = String.format("%5d | ", problem.line());
        text.append(paint(BLUE, number))
                .append(shown)
                .append(to < codePoints.length ? "…" : "")
                .append('\n');
        text.append(paint(BLUE, "      | "))
                .append(" ".repeat(indent))
                .append(paint(RED, "^"))
                .append('\n');
    }

    private static int shown(int codePoint) {
        if (codePoint == '\t') {
            return ' ';
        }
        return Quoted.isVisible(codePoint) ? codePoint : '\uFFFD';
    }

    /** How many columns of a terminal a character takes: two for those of East Asia and for pictures, none for marks. */
    private static int width(int codePoint) {
        var type = Character.getType(codePoint);
        if (type == Character.NON_SPACING_MARK || type == Character.ENCLOSING_MARK) {
            return 0;
        }
        var isWide = (codePoint >= 0x1100 && codePoint <= 0x115F)
                || (codePoint >= 0x2E80 && codePoint <= 0xA4CF)
                || (codePoint >= 0xAC00 && codePoint <= 0xD7A3)
                || (codePoint >= 0xF900 && codePoint <= 0xFAFF)
                || (codePoint >= 0xFE30 && codePoint <= 0xFE6F)
                || (codePoint >= 0xFF00 && codePoint <= 0xFF60)
                || (codePoint >= 0xFFE0 && codePoint <= 0xFFE6)
                || (codePoint >= 0x1F300 && codePoint <= 0x1FAFF)
                || (codePoint >= 0x20000 && codePoint <= 0x3FFFD);
        return isWide ? 2 : 1;
    }

    private static String visible(String text) {
        var visible = new StringBuilder();
        text.codePoints().map(ProblemPrinter::shown).forEach(visible::appendCodePoint);
        return visible.toString();
    }

    private String paint(String colour, String text) {
        return isColoured ? colour + text + PLAIN : text;
    }

    private static List<String> lines(String source) {
        var text = source.startsWith("\uFEFF") ? source.substring(1) : source;
        var lines = new ArrayList<String>();
        var start = 0;
        for (var index = 0; index < text.length(); index++) {
            if (SourceText.isLineEnd(text, index)) {
                lines.add(withoutReturn(text.substring(start, index)));
                start = index + 1;
            }
        }
        lines.add(withoutReturn(text.substring(start)));
        return lines;
    }

    private static String withoutReturn(String line) {
        return line.endsWith("\r") ? line.substring(0, line.length() - 1) : line;
    }
}

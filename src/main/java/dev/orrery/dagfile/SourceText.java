package dev.orrery.dagfile;

import dev.orrery.dagfile.YamlNode.Place;
import dev.orrery.domain.ProblemCode;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.yaml.snakeyaml.reader.StreamReader;

/** The text of a file, if it is small enough, UTF-8, and free of characters that YAML does not allow. */
final class SourceText {

    static final int MAX_BYTES = 1024 * 1024;

    private static final char BYTE_ORDER_MARK = '\uFEFF';

    private SourceText() {}

    static Optional<String> of(byte[] bytes, Problems problems) {
        if (bytes.length > MAX_BYTES) {
            refuseSize(bytes.length, problems);
            return Optional.empty();
        }
        var input = ByteBuffer.wrap(bytes);
        var decoded = CharBuffer.allocate(bytes.length);
        var result = StandardCharsets.UTF_8.newDecoder().decode(input, decoded, true);
        decoded.flip();
        if (result.isError()) {
            problems.add(
                    ProblemCode.PARSE_ERROR,
                    placeAtEnd(decoded),
                    "",
                    "the file is not UTF-8: byte " + (input.position() + 1) + " begins no character",
                    looksLikeUtf16(bytes) ? "it looks like UTF-16: save it as UTF-8" : "save it as UTF-8");
            return Optional.empty();
        }
        return checked(decoded.toString(), problems);
    }

    static Optional<String> of(String text, Problems problems) {
        // Each char takes one byte at least: this also keeps a huge text from being encoded in order to be measured.
        if (text.length() > MAX_BYTES || utf8Length(text) > MAX_BYTES) {
            refuseSize(Math.max(text.length(), utf8Length(text)), problems);
            return Optional.empty();
        }
        return checked(text, problems);
    }

    private static void refuseSize(long bytes, Problems problems) {
        problems.add(
                ProblemCode.FILE_TOO_LARGE,
                new Place(1, 1),
                "",
                "the file has " + bytes + " bytes; at most " + MAX_BYTES + " (1 MiB) are taken",
                "move long scripts into files of their own, or split the DAG");
    }

    private static Optional<String> checked(String text, Problems problems) {
        var yaml = !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK ? text.substring(1) : text;
        for (var index = 0; index < yaml.length(); ) {
            var codePoint = yaml.codePointAt(index);
            if (!StreamReader.isPrintable(codePoint)) {
                problems.add(
                        ProblemCode.PARSE_ERROR,
                        placeAtEnd(yaml.subSequence(0, index)),
                        "",
                        String.format("the character U+%04X may not stand in a YAML file", codePoint),
                        "remove it, or write it as an escape in a double-quoted text");
                return Optional.empty();
            }
            index += Character.charCount(codePoint);
        }
        return Optional.of(yaml);
    }

    private static Place placeAtEnd(CharSequence text) {
        var line = 1;
        var lineStart = 0;
        for (var index = 0; index < text.length(); index++) {
            if (isLineEnd(text, index)) {
                line++;
                lineStart = index + 1;
            }
        }
        return new Place(line, Character.codePointCount(text, lineStart, text.length()) + 1);
    }

    /** Whether a line ends with this character: as YAML 1.1 has it, whose parser counts our lines. */
    static boolean isLineEnd(CharSequence text, int index) {
        return switch (text.charAt(index)) {
            case '\n', '\u0085', '\u2028', '\u2029' -> true;
            case '\r' -> index + 1 == text.length() || text.charAt(index + 1) != '\n';
            default -> false;
        };
    }

    private static boolean looksLikeUtf16(byte[] bytes) {
        return bytes.length >= 2 && (bytes[0] & 0xFF) >= 0xFE && (bytes[1] & 0xFF) >= 0xFE;
    }

    /** How many bytes the text has in UTF-8; half a surrogate pair counts as the character that replaces it. */
    static long utf8Length(String text) {
        return text.codePoints()
                .mapToLong(codePoint -> {
                    if (codePoint < 0x80) {
                        return 1;
                    }
                    if (codePoint < 0x800) {
                        return 2;
                    }
                    return codePoint < 0x10000 ? 3 : 4;
                })
                .sum();
    }
}

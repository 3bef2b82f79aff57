package dev.orrery.telemetry;

import static java.nio.charset.StandardCharsets.UTF_8;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.encoder.EncoderBase;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.regex.Pattern;

/**
 * One event of the log as a line: plain for people, {@code key=value} for programs. A stack trace follows on lines of its
 * own, indented.
 *
 * <p>Our messages are a few words and then pairs: {@code took back tasks node=… count=3}. For programs the words become the
 * value of {@code event}. Control characters are escaped, so that what a user wrote can neither forge a line nor steer a terminal.
 */
final class LogLine extends EncoderBase<ILoggingEvent> {

    private static final byte[] NOTHING = new byte[0];
    private static final Pattern FIRST_PAIR = Pattern.compile("(?:^|[ :,]+)(?=[A-Za-z][A-Za-z0-9_.-]{0,40}=)");
    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss.SSS");
    private static final DateTimeFormatter INSTANT =
            new DateTimeFormatterBuilder().appendInstant(3).toFormatter().withZone(ZoneOffset.UTC);

    private final boolean isForPeople;
    private final ZoneId zone;

    LogLine(boolean isForPeople, ZoneId zone) {
        this.isForPeople = isForPeople;
        this.zone = zone;
    }

    @Override
    public byte[] headerBytes() {
        return NOTHING;
    }

    @Override
    public byte[] footerBytes() {
        return NOTHING;
    }

    @Override
    public byte[] encode(ILoggingEvent event) {
        var line = new StringBuilder(200);
        var time = Instant.ofEpochMilli(event.getTimeStamp());
        var message = escaped(event.getFormattedMessage());
        if (isForPeople) {
            CLOCK.withZone(zone).formatTo(time, line);
            line.append(' ').append(padded(event.getLevel().toString())).append(message);
        } else {
            line.append("time=");
            INSTANT.formatTo(time, line);
            line.append(" level=").append(event.getLevel());
            line.append(" logger=").append(simple(event.getLoggerName())).append(' ');
            appendPairs(line, message);
        }
        line.append('\n');
        appendStackTrace(line, event);
        return line.toString().getBytes(UTF_8);
    }

    private static String padded(String level) {
        return level + " ".repeat(6 - level.length());
    }

    private static String simple(String logger) {
        return logger.substring(logger.lastIndexOf('.') + 1);
    }

    private static void appendPairs(StringBuilder line, String message) {
        var pair = FIRST_PAIR.matcher(message);
        if (!pair.find()) {
            appendEvent(line, message);
        } else if (pair.start() == 0) {
            line.append(message, pair.end(), message.length());
        } else {
            appendEvent(line, message.substring(0, pair.start()));
            line.append(' ').append(message, pair.end(), message.length());
        }
    }

    private static void appendEvent(StringBuilder line, String words) {
        line.append("event=\"")
                .append(words.replace("\\", "\\\\").replace("\"", "\\\""))
                .append('"');
    }

    private static void appendStackTrace(StringBuilder line, ILoggingEvent event) {
        var thrown = event.getThrowableProxy();
        if (thrown != null) {
            ThrowableProxyUtil.asString(thrown)
                    .lines()
                    .forEach(frame -> line.append(frame.startsWith("\t") ? "" : "\t")
                            .append(frame)
                            .append('\n'));
        }
    }

    private static String escaped(String text) {
        if (text.codePoints().noneMatch(Character::isISOControl)) {
            return text;
        }
        var escaped = new StringBuilder(text.length() + 16);
        text.codePoints().forEach(codePoint -> {
            if (codePoint == '\n') {
                escaped.append("\\n");
            } else if (Character.isISOControl(codePoint)) {
                escaped.append(String.format("\\u%04x", codePoint));
            } else {
                escaped.appendCodePoint(codePoint);
            }
        });
        return escaped.toString();
    }
}

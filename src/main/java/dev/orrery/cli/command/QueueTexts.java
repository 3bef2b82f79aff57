package dev.orrery.cli.command;

import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.domain.task.Durations;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Limits as people write and read them. */
final class QueueTexts {

    private static final Pattern RATE_FORM = Pattern.compile("([0-9]{1,7})/(.{1,40})");

    private QueueTexts() {}

    /** What a limit's options come to, as a body. */
    static Map<String, Object> body(@Nullable Integer maxRunning, @Nullable String rate) {
        var body = new LinkedHashMap<String, Object>();
        if (maxRunning != null) {
            body.put("maxRunning", maxRunning);
        }
        if (rate != null) {
            body.put("rate", rate(rate));
        }
        return body;
    }

    private static JsonObject rate(String text) {
        var form = RATE_FORM.matcher(text);
        if (!form.matches() || Durations.parse(form.group(2)).isEmpty()) {
            throw CommandFailure.usage("'" + text + "' is no rate", "write how many in which time, as 100/1m");
        }
        return JsonObject.of(Map.of("limit", Integer.parseInt(form.group(1)), "per", form.group(2)));
    }

    static String most(JsonObject limited) {
        return number(limited, "maxRunning").orElse("-");
    }

    static String rate(JsonObject limited) {
        return limited.object("rate")
                .map(rate -> rate.integer("limit") + "/" + rate.textOrEmpty("per"))
                .orElse("-");
    }

    static Optional<String> number(JsonObject object, String field) {
        return object.json(field).filter(text -> !text.equals("null"));
    }
}

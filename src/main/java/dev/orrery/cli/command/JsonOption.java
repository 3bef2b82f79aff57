package dev.orrery.cli.command;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.client.NotJson;

/** Reads an option that is a JSON object, or {@code @FILE} that holds one. */
final class JsonOption {

    private JsonOption() {}

    static JsonObject read(Context context, String option, String text) {
        try {
            return JsonObject.parse(
                    text.startsWith("@") ? new String(new InputFiles(context).read(text.substring(1)), UTF_8) : text);
        } catch (NotJson malformed) {
            throw CommandFailure.usage(
                    option + " is no JSON object: " + malformed.getMessage(), "write it like '{\"region\": \"eu\"}'");
        }
    }
}

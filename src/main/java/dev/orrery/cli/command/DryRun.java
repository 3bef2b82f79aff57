package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.Colour;
import dev.orrery.cli.text.Style;
import dev.orrery.cli.text.Terminal;
import dev.orrery.cli.text.TextWidth;
import dev.orrery.dagfile.DagDifference;
import dev.orrery.dagfile.DagFileParser;
import dev.orrery.dagfile.Parsed;
import java.util.LinkedHashMap;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Tells what publishing a file would change. */
final class DryRun {

    /**
     * What would become of a file.
     *
     * @param result created, updated or unchanged
     * @param version which version it would have
     * @param changes line by line; absent where all is new or nothing changes
     */
    record Preview(Publishing.Result result, int version, Optional<DagDifference> changes) {}

    private final ApiClient client;

    DryRun(ApiClient client) {
        this.client = client;
    }

    Preview of(DagFile file, String name) {
        var existing = new Publishing(client).existing(name);
        if (existing.isEmpty()) {
            return new Preview(Publishing.Result.CREATED, 1, Optional.empty());
        }
        var published = client.get("/api/v1/dags/" + existing.get().textOrEmpty("id") + "/definition")
                .object();
        var text = published.textOrEmpty("yaml");
        var version = published.integer("version");
        if (text.equals(file.text())) {
            return new Preview(Publishing.Result.UNCHANGED, version, Optional.empty());
        }
        var changes = switch (DagFileParser.parse(text)) {
            case Parsed.Valid(var before) ->
                Optional.of(
                        DagDifference.between(before.named(name), file.draft().named(name)));
            // It was valid to the node that took it; what we cannot read we cannot compare.
            case Parsed.Invalid _ -> Optional.<DagDifference>empty();
        };
        return new Preview(Publishing.Result.UPDATED, version + 1, changes);
    }

    static void show(Preview preview, String name, int tasks, Terminal terminal) {
        var shown = TextWidth.clean(name);
        switch (preview.result()) {
            case CREATED -> terminal.line(shown + ": would be created (" + tasks + (tasks == 1 ? " task)" : " tasks)"));
            case UNCHANGED -> terminal.line(shown + ": unchanged, version " + preview.version());
            case UPDATED -> {
                terminal.line(shown + ": would become version " + preview.version());
                showChanges(preview, terminal);
            }
        }
    }

    private static void showChanges(Preview preview, Terminal terminal) {
        var changes = preview.changes();
        if (changes.isEmpty()) {
            terminal.line("  the published file cannot be compared");
        } else if (changes.get().isEmpty()) {
            terminal.line("  its text changes, its tasks do not");
        } else {
            changes.get().text().lines().forEach(line -> terminal.line("  " + painted(line, terminal.style())));
        }
    }

    private static String painted(String line, Style style) {
        if (line.startsWith("+")) {
            return style.paint(Colour.GREEN, line);
        }
        return line.startsWith("-") ? style.paint(Colour.RED, line) : line;
    }

    static JsonObject report(Preview preview, String name, String file) {
        var fields = new LinkedHashMap<String, @Nullable Object>();
        fields.put("file", file);
        fields.put("result", preview.result().toString());
        fields.put("name", name);
        fields.put("version", preview.version());
        fields.put(
                "changes",
                preview.changes()
                        .map(changes -> changes.text().lines().toList())
                        .orElse(null));
        return JsonObject.of(fields);
    }
}

package dev.orrery.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * Holds the file of defaults and the page of the user guide against the table of settings. Both are written by
 * {@code mvn test -Dtest=ConfigFilesTest -Drewrite}.
 */
class ConfigFilesTest {

    private static final Path FILE = Path.of("conf/node.yaml");
    private static final Path PAGE = Path.of("src/site/markdown/configuration.md");
    private static final String BEGIN = "<!-- settings: begin -->\n";
    private static final String END = "<!-- settings: end -->\n";

    @Test
    void theFileHoldsTheDefaults() {
        var loaded = ConfigLoader.load(new ConfigSources(Optional.of(FILE), Map.of(), List.of()));

        assertThat(loaded.config()).isEqualTo(OrreryConfig.DEFAULT);
        assertThat(loaded.origins().keySet())
                .isEqualTo(Settings.ALL.stream().map(Setting::key).collect(Collectors.toSet()));
    }

    @Test
    void theFileSaysWhatTheTableSays() throws IOException {
        var expected = file();
        rewriteIfAsked(FILE, expected);

        assertThat(FILE).hasContent(expected);
    }

    @Test
    void thePageSaysWhatTheTableSays() throws IOException {
        var page = Files.readString(PAGE);
        var begin = page.indexOf(BEGIN) + BEGIN.length();
        var end = page.indexOf(END);
        var expected = page.substring(0, begin) + tables() + page.substring(end);
        rewriteIfAsked(PAGE, expected);

        assertThat(begin).isBetween(BEGIN.length(), end);
        assertThat(PAGE).hasContent(expected);
    }

    private static void rewriteIfAsked(Path file, String text) throws IOException {
        if (System.getProperty("rewrite") != null) {
            Files.writeString(file, text);
        }
    }

    private static String file() {
        var text = new StringBuilder("""
                # Every setting of a node, with its default. Copy what you change into a file of your own and start with
                #
                #   java -jar orrery.jar node --config my-node.yaml
                #
                # Stronger than the file are environment variables (http.port is ORRERY_HTTP_PORT, node.data-dir is
                # ORRERY_NODE_DATA_DIR), and strongest are flags (--http-port 8081, or --set workers.size=8 for any setting).
                # 'orrery config' prints the effective values and where each came from.
                """);
        for (var section : Settings.SECTIONS) {
            text.append("\n# ").append(section.meaning()).append('\n');
            text.append(section.name()).append(":\n");
            for (var setting : section.settings()) {
                appendComment(text, setting.meaning() + range(setting));
                text.append("  ").append(setting.name()).append(": ");
                text.append(yaml(setting)).append('\n');
            }
        }
        return text.toString();
    }

    private static String range(Setting<?> setting) {
        var description = setting.kind().description();
        return switch (setting.kind()) {
            case Kind.Text _, Kind.Texts _, Kind.Destinations _, Kind.SecretSources _ -> "";
            case Kind.Choice<?> _ -> " (" + description + ")";
            case Kind.Whole _, Kind.Size _, Kind.Space _, Kind.Span _, Kind.Ratio _ ->
                " (" + description.split(", ", 2)[1] + ")";
        };
    }

    /** Broken before column 116, so that it can be read without scrolling. */
    private static void appendComment(StringBuilder text, String comment) {
        var line = new StringBuilder("  #");
        for (var word : comment.replace("`", "'").split(" ")) {
            if (line.length() + word.length() > 115) {
                text.append(line).append('\n');
                line = new StringBuilder("  #");
            }
            line.append(' ').append(word);
        }
        text.append(line).append('\n');
    }

    private static String yaml(Setting<?> setting) {
        var text = setting.textIn(OrreryConfig.DEFAULT);
        if (setting.kind().isList()) {
            return "[" + text.replace(",", ", ") + "]";
        }
        return text.isEmpty() ? "\"\"" : text;
    }

    private static String tables() {
        var text = new StringBuilder();
        for (var section : Settings.SECTIONS) {
            text.append("\n### ").append(section.name()).append("\n\n");
            text.append(section.meaning()).append("\n\n");
            text.append("| setting | default | values | meaning |\n|---|---|---|---|\n");
            for (var setting : section.settings()) {
                var isSecret = setting.isSecret() ? " Never shown." : "";
                text.append("| `%s` | %s | %s | %s |\n"
                        .formatted(
                                setting.key(),
                                shownDefault(setting),
                                setting.kind().description(),
                                setting.meaning() + isSecret));
            }
        }
        return text.append('\n').toString();
    }

    private static String shownDefault(Setting<?> setting) {
        var text = setting.textIn(OrreryConfig.DEFAULT);
        return text.isEmpty() ? "empty" : "`" + text + "`";
    }
}

package dev.orrery.config;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/** Reads the settings of a YAML file: {@code port} under {@code http} is {@code http.port}. */
final class ConfigFile {

    private static final int MAX_BYTES = 256 << 10;
    private static final int MAX_DEPTH = 8;

    private final Path path;
    private final ConfigProblems problems;
    private final Map<String, Given> given = new LinkedHashMap<>();

    private ConfigFile(Path path, ConfigProblems problems) {
        this.path = path;
        this.problems = problems;
    }

    /** What the file sets, known or not; what cannot be read is noted. */
    static List<Given> read(Path path, ConfigProblems problems) {
        var file = new ConfigFile(path, problems);
        file.text().ifPresent(file::readYaml);
        return List.copyOf(file.given.values());
    }

    private Optional<String> text() {
        try (var in = Files.newInputStream(path)) {
            var bytes = in.readNBytes(MAX_BYTES + 1);
            if (bytes.length > MAX_BYTES) {
                refuse("FILE_TOO_LARGE", "the file is over " + MAX_BYTES / 1024 + " KiB: it is no configuration");
                return Optional.empty();
            }
            return Optional.of(UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
        } catch (CharacterCodingException _) {
            refuse("PARSE_ERROR", "the file is not UTF-8");
        } catch (IOException unreadable) {
            refuse("FILE_NOT_READABLE", "cannot read the file: " + reason(unreadable));
        }
        return Optional.empty();
    }

    private String reason(IOException unreadable) {
        return switch (unreadable) {
            case NoSuchFileException _ -> "there is none at " + path.toAbsolutePath();
            case AccessDeniedException _ -> "permission denied";
            default -> Files.isDirectory(path) ? "it is a folder" : String.valueOf(unreadable.getMessage());
        };
    }

    private void refuse(String code, String message) {
        problems.add(path.toString(), code, message, Optional.empty());
    }

    private void readYaml(String text) {
        var options = new LoaderOptions();
        options.setNestingDepthLimit(MAX_DEPTH);
        options.setMaxAliasesForCollections(0);
        try {
            var root = new Yaml(options).compose(new StringReader(text));
            if (root instanceof MappingNode mapping) {
                addAll("", mapping);
            } else if (root != null && !isNull(root)) {
                problems.add(at(root), "WRONG_TYPE", "the file must hold sections such as 'http:'", Optional.empty());
            }
        } catch (MarkedYAMLException broken) {
            var mark = broken.getProblemMark() != null ? broken.getProblemMark() : broken.getContextMark();
            var place = mark == null ? path.toString() : at(mark);
            problems.add(place, "PARSE_ERROR", "this is no YAML: " + broken.getProblem(), Optional.empty());
        } catch (YAMLException broken) {
            refuse("PARSE_ERROR", "this is no YAML: " + broken.getMessage());
        }
    }

    private void addAll(String prefix, MappingNode mapping) {
        for (var entry : mapping.getValue()) {
            if (entry.getKeyNode() instanceof ScalarNode name) {
                add(prefix + name.getValue(), name, entry.getValueNode());
            } else {
                problems.add(at(entry.getKeyNode()), "WRONG_TYPE", "a key must be a word", Optional.empty());
            }
        }
    }

    private void add(String key, ScalarNode name, Node value) {
        switch (value) {
            case MappingNode section -> addAll(key + ".", section);
            case SequenceNode list -> addList(key, name, list);
            case ScalarNode scalar -> addScalar(key, name, scalar);
            default -> problems.add(at(value), "WRONG_TYPE", key + " must be a value", Optional.empty());
        }
    }

    private void addScalar(String key, ScalarNode name, ScalarNode value) {
        if (!isNull(value)) {
            put(new Given(key, value.getValue(), at(value)), name);
        } else if (Settings.BY_KEY.containsKey(key)) {
            problems.add(at(name), "MISSING_VALUE", key + " has no value", Optional.of("write \"\" for an empty one"));
        } else if (!isSection(key)) {
            put(new Given(key, "", at(name)), name);
        }
    }

    private void addList(String key, ScalarNode name, SequenceNode list) {
        var setting = Settings.BY_KEY.get(key);
        if (setting != null && !setting.kind().isList()) {
            problems.add(at(list), "WRONG_TYPE", key + " must be one value, not a list", Optional.empty());
            return;
        }
        var items = new ArrayList<String>();
        for (var item : list.getValue()) {
            if (item instanceof ScalarNode scalar && !isNull(scalar)) {
                items.add(scalar.getValue());
            } else {
                problems.add(at(item), "WRONG_TYPE", "an item of " + key + " must be a text", Optional.empty());
            }
        }
        put(new Given(key, String.join(",", items), at(list)), name);
    }

    private void put(Given value, ScalarNode name) {
        var first = given.putIfAbsent(value.key(), value);
        if (first != null) {
            problems.add(
                    at(name), "DUPLICATE_KEY", value.key() + " is already set at " + first.origin(), Optional.empty());
        }
    }

    /** One whose settings are all commented out has no value. */
    private static boolean isSection(String key) {
        return Settings.SECTIONS.stream().anyMatch(section -> section.name().equals(key));
    }

    private static boolean isNull(Node node) {
        return Tag.NULL.equals(node.getTag());
    }

    private String at(Node node) {
        return at(node.getStartMark());
    }

    private String at(Mark mark) {
        return path + ":" + (mark.getLine() + 1) + ":" + (mark.getColumn() + 1);
    }
}

package dev.orrery.dagfile;

import dev.orrery.dagfile.YamlNode.Broken;
import dev.orrery.dagfile.YamlNode.Entry;
import dev.orrery.dagfile.YamlNode.Mapping;
import dev.orrery.dagfile.YamlNode.Place;
import dev.orrery.dagfile.YamlNode.Scalar;
import dev.orrery.dagfile.YamlNode.Sequence;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Quoted;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.events.AliasEvent;
import org.yaml.snakeyaml.events.CollectionEndEvent;
import org.yaml.snakeyaml.events.CollectionStartEvent;
import org.yaml.snakeyaml.events.DocumentStartEvent;
import org.yaml.snakeyaml.events.Event;
import org.yaml.snakeyaml.events.NodeEvent;
import org.yaml.snakeyaml.events.ScalarEvent;
import org.yaml.snakeyaml.events.SequenceStartEvent;
import org.yaml.snakeyaml.events.StreamEndEvent;
import org.yaml.snakeyaml.parser.ParserImpl;
import org.yaml.snakeyaml.reader.StreamReader;

/**
 * Builds the tree of one YAML document from the parser's events, with an own stack and within limits.
 *
 * <p>What we do not take (anchors, aliases, tags, merge keys, duplicate keys, texts that are too long) is noted and
 * replaced by a {@link Broken}, so that everything else in the file is still looked at. Beyond the limits of depth and
 * nodes, and where the text is no YAML, reading ends.
 */
final class YamlTree {

    static final int MAX_DEPTH = 64;
    static final int MAX_NODES = 250_000;

    /** A process takes no argument and no variable above 128 KiB, so a longer command could not run anyway. */
    static final int MAX_TEXT_BYTES = 100 * 1024;

    private final Problems problems;
    private final Deque<Collection> open = new ArrayDeque<>();
    private @Nullable YamlNode root;
    private int nodes;
    private int documents;

    private YamlTree(Problems problems) {
        this.problems = problems;
    }

    /** The root of the document; nothing where the file is empty or is no YAML, which is then noted. */
    static Optional<YamlNode> of(String text, Problems problems) {
        var tree = new YamlTree(problems);
        try {
            var events = new ParserImpl(new StreamReader(text), new LoaderOptions());
            while (tree.take(events.getEvent())) {
                // each event is dealt with in take
            }
        } catch (MarkedYAMLException broken) {
            tree.refuse(broken);
            return Optional.empty();
        } catch (YAMLException broken) {
            problems.add(
                    ProblemCode.PARSE_ERROR,
                    new Place(1, 1),
                    "",
                    "this is no YAML: " + broken.getMessage(),
                    Optional::empty);
            return Optional.empty();
        }
        return Optional.ofNullable(tree.root);
    }

    private void refuse(MarkedYAMLException broken) {
        var mark = broken.getProblemMark() != null ? broken.getProblemMark() : broken.getContextMark();
        var place = mark == null ? new Place(1, 1) : place(mark);
        var context = broken.getContext() == null ? "" : broken.getContext() + ": ";
        var message = "this is no YAML: " + Quoted.shortened(context + broken.getProblem(), 200);
        problems.add(ProblemCode.PARSE_ERROR, place, "", message, () -> helpFor(message));
    }

    private static Optional<String> helpFor(String message) {
        if (message.contains("'\\t(TAB)'") || message.contains("\\t")) {
            return Optional.of("indent with spaces, not with tabs");
        }
        if (message.contains("unknown escape character")) {
            return Optional.of("write a backslash as \\\\ and a slash as it is, or use single quotes");
        }
        if (message.contains("mapping values are not allowed here")) {
            return Optional.of("check the indentation, and put a text with ': ' in it in quotes");
        }
        return Optional.of("check the indentation, the quotes and the brackets before this place");
    }

    /** Deals with one event; false ends the reading. */
    private boolean take(Event event) {
        return switch (event) {
            case StreamEndEvent _ -> false;
            case DocumentStartEvent start -> startDocument(start);
            case CollectionEndEvent _ -> {
                finish(open.pop());
                yield true;
            }
            case NodeEvent node -> takeNode(node);
            default -> true;
        };
    }

    private boolean startDocument(DocumentStartEvent start) {
        if (++documents == 1) {
            return true;
        }
        problems.add(
                ProblemCode.PARSE_ERROR,
                place(start.getStartMark()),
                "",
                "a second document begins here; a DAG file holds one",
                "remove the '---', or put the second DAG into a file of its own");
        return false;
    }

    private boolean takeNode(NodeEvent event) {
        var place = place(event.getStartMark());
        if (++nodes > MAX_NODES) {
            problems.add(
                    ProblemCode.PARSE_ERROR,
                    place,
                    "",
                    "the file holds more than " + MAX_NODES + " values",
                    "split the DAG");
            return false;
        }
        if (event.getAnchor() != null && !(event instanceof AliasEvent)) {
            problems.add(
                    ProblemCode.PARSE_ERROR,
                    place,
                    "",
                    "anchors are not taken, found " + Quoted.of("&" + event.getAnchor()),
                    "remove it and write the value where it is needed");
        }
        switch (event) {
            case AliasEvent alias -> add(refuseAlias(alias, place));
            case ScalarEvent scalar -> add(scalar(scalar, place));
            case CollectionStartEvent start -> {
                return open(start, place);
            }
            default -> throw new IllegalStateException("an event of an unknown kind: " + event);
        }
        return true;
    }

    private YamlNode refuseAlias(AliasEvent alias, Place place) {
        problems.add(
                ProblemCode.PARSE_ERROR,
                place,
                "",
                "aliases are not taken, found " + Quoted.of("*" + alias.getAnchor()),
                "write the value here; put a text that begins with '*' in quotes");
        return new Broken(place);
    }

    private YamlNode scalar(ScalarEvent event, Place place) {
        var text = event.getValue();
        if (isTagged(event.getTag(), place)) {
            return new Broken(place);
        }
        if (text.length() > MAX_TEXT_BYTES || SourceText.utf8Length(text) > MAX_TEXT_BYTES) {
            problems.add(
                    ProblemCode.PARSE_ERROR,
                    place,
                    "",
                    "this text is longer than " + MAX_TEXT_BYTES + " bytes",
                    "put it into a file on the node and name that file here");
            return new Broken(place);
        }
        if (!isStorable(text)) {
            problems.add(
                    ProblemCode.BAD_CHARACTER,
                    place,
                    "",
                    "this text holds a NUL character or half of a surrogate pair",
                    "remove the escape; such characters cannot be stored");
            return new Broken(place);
        }
        return new Scalar(place, text, event.isPlain());
    }

    /** Whether PostgreSQL can keep it. */
    static boolean isStorable(String text) {
        for (var n = 0; n < text.length(); n++) {
            var c = text.charAt(n);
            if (c == 0
                    || (Character.isSurrogate(c)
                            && !Character.isSurrogatePair(c, n + 1 < text.length() ? text.charAt(n + 1) : 0))) {
                return false;
            }
            if (Character.isSurrogate(c)) {
                n++;
            }
        }
        return true;
    }

    private boolean isTagged(@Nullable String tag, Place place) {
        if (tag == null) {
            return false;
        }
        problems.add(
                ProblemCode.PARSE_ERROR,
                place,
                "",
                "tags are not taken, found "
                        + Quoted.of(tag.startsWith("tag:yaml.org,2002:") ? "!!" + tag.substring(18) : tag),
                "remove it; put a text that begins with '!' in quotes");
        return true;
    }

    private boolean open(CollectionStartEvent start, Place place) {
        if (open.size() == MAX_DEPTH) {
            problems.add(
                    ProblemCode.PARSE_ERROR,
                    place,
                    "",
                    "values are nested more than " + MAX_DEPTH + " deep",
                    "nest them less");
            return false;
        }
        var isBroken = isTagged(start.getTag(), place);
        open.push(start instanceof SequenceStartEvent ? new Items(place, isBroken) : new Pairs(place, isBroken));
        return true;
    }

    private void finish(Collection collection) {
        add(collection.isBroken() ? new Broken(collection.place()) : collection.node());
    }

    private void add(YamlNode node) {
        var parent = open.peek();
        if (parent == null) {
            root = node;
        } else {
            parent.add(node);
        }
    }

    private static Place place(Mark mark) {
        return new Place(mark.getLine() + 1, mark.getColumn() + 1);
    }

    /** A sequence or a mapping whose end has not come yet. */
    private sealed interface Collection {

        Place place();

        boolean isBroken();

        void add(YamlNode node);

        YamlNode node();
    }

    private record Items(Place place, boolean isBroken, List<YamlNode> items) implements Collection {

        Items(Place place, boolean isBroken) {
            this(place, isBroken, new ArrayList<>());
        }

        @Override
        public void add(YamlNode node) {
            items.add(node);
        }

        @Override
        public YamlNode node() {
            return new Sequence(place, items);
        }
    }

    private final class Pairs implements Collection {

        private final Place place;
        private final boolean isBroken;
        private final List<Entry> entries = new ArrayList<>();
        private final Map<String, Place> keys = new HashMap<>();
        private @Nullable YamlNode key;

        Pairs(Place place, boolean isBroken) {
            this.place = place;
            this.isBroken = isBroken;
        }

        @Override
        public Place place() {
            return place;
        }

        @Override
        public boolean isBroken() {
            return isBroken;
        }

        /** Keys and values come in turn. */
        @Override
        public void add(YamlNode node) {
            if (key == null) {
                key = node;
                return;
            }
            if (key instanceof Scalar name && isTaken(name)) {
                entries.add(new Entry(name, node));
            } else if (key instanceof Sequence || key instanceof Mapping) {
                problems.add(ProblemCode.WRONG_TYPE, key.place(), "", "a key must be a text", "put it in quotes");
            }
            key = null;
        }

        private boolean isTaken(Scalar name) {
            if (name.plain() && name.text().equals("<<")) {
                problems.add(
                        ProblemCode.PARSE_ERROR,
                        name.place(),
                        "",
                        "merge keys are not taken",
                        "write the fields here; put a key '<<' in quotes");
                return false;
            }
            var first = keys.putIfAbsent(name.text(), name.place());
            if (first != null) {
                problems.add(
                        ProblemCode.DUPLICATE_KEY,
                        name.place(),
                        "",
                        Quoted.of(name.text()) + " already stands in line " + first.line(),
                        "remove one of the two");
            }
            return first == null;
        }

        @Override
        public YamlNode node() {
            return new Mapping(place, entries);
        }
    }
}

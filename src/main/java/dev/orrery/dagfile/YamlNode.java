package dev.orrery.dagfile;

import java.util.List;

/** A value in a YAML file with the place where it stands, both counted from 1 on. */
sealed interface YamlNode {

    Place place();

    /** Where something stands, from 1 on. */
    record Place(int line, int column) {}

    /** A text; {@code plain} if it stands there without quotes, so that it may also mean a number, a boolean or null. */
    record Scalar(Place place, String text, boolean plain) implements YamlNode {}

    record Sequence(Place place, List<YamlNode> items) implements YamlNode {}

    /** No two entries have the same key. */
    record Mapping(Place place, List<Entry> entries) implements YamlNode {}

    /** Something that was already complained about: whoever meets it says nothing more. */
    record Broken(Place place) implements YamlNode {}

    record Entry(Scalar key, YamlNode value) {}
}

/**
 * DAG files: from YAML to a {@link dev.orrery.domain.dag.DagDraft}, or to the list of everything that is wrong.
 *
 * <p>The way of a file through {@link dev.orrery.dagfile.DagFileParser}:
 * <ol>
 *   <li>{@code SourceText}: at most 1 MiB of UTF-8, and only characters that YAML allows;
 *   <li>{@code YamlTree}: the parser's events become a tree with a line and a column on every node. Anchors, aliases,
 *       tags, merge keys, duplicate keys, depth, nodes and long texts are dealt with here, before they cost anything;
 *   <li>{@code DagReader}, {@code TaskReader}, {@code TypeReader}: each walks its mapping with {@code Fields}, which knows
 *       what may stand there; a wrong place is noted in {@code Problems}, and the walk goes on;
 *   <li>{@code GraphCheck}: what only shows in all tasks together, such as unknown dependencies and cycles.
 * </ol>
 *
 * <p>The JSON Schema {@code web/dag.schema.json} says the same to editors; a test holds both together.
 */
@NullMarked
package dev.orrery.dagfile;

import org.jspecify.annotations.NullMarked;

package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.DagId;
import dev.orrery.domain.Json;
import java.time.Instant;

/**
 * One version of a DAG in full.
 *
 * @param yaml the text as it was published
 * @param definition what was understood of it, defaults filled in: an object with {@code name}, {@code tasks}, …
 * @param createdAt when this version was published
 */
public record DagDocument(DagId id, String name, int version, String yaml, Json definition, Instant createdAt) {

    public DagDocument {
        requireNonNull(id, "id");
        requireNonNull(name, "name");
        requireNonNull(yaml, "yaml");
        requireNonNull(definition, "definition");
        requireNonNull(createdAt, "createdAt");
    }
}

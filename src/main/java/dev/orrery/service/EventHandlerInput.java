package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Json;
import dev.orrery.domain.event.EventRule;
import dev.orrery.domain.job.JobType;
import dev.orrery.domain.job.ScheduledJob;
import dev.orrery.domain.job.ScheduledJob.Timing;
import dev.orrery.domain.job.ScheduledJob.Work;
import dev.orrery.store.EventHandlerRepository.Definition;
import java.util.List;
import java.util.Optional;

/**
 * What a caller says of an event handler.
 *
 * @param work what it does; a payload is the task of the functions that are tasks, all others are given the event's
 * @param enabled whether events fire it
 */
public record EventHandlerInput(
        String name,
        EventRule rule,
        Work work,
        boolean enabled,
        List<String> tags,
        Optional<Json> metadata,
        Optional<String> createdBy) {

    public EventHandlerInput {
        requireNonNull(name, "name");
        requireNonNull(rule, "rule");
        requireNonNull(work, "work");
        tags = List.copyOf(tags);
        requireNonNull(metadata, "metadata");
        requireNonNull(createdBy, "createdBy");
    }

    Definition definition() {
        return new Definition(
                new ScheduledJob(name, JobType.EVENT, Timing.BY_EVENTS, work, tags, metadata, createdBy),
                rule,
                enabled);
    }
}

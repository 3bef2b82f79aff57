package dev.orrery.fault;

import dev.orrery.domain.task.TaskState;
import dev.orrery.fault.History.Change;
import dev.orrery.fault.History.NodeStart;
import dev.orrery.fault.History.Term;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * How long it took.
 *
 * @param recovery by the harm's own measure; absent where there was nothing to recover, such as a victim without work
 * @param pause the longest time in which no task ended
 */
record Measured(Optional<Duration> recovery, Duration pause) {

    static Measured of(Harm harm, Scene scene, History history) {
        var pause = longestPause(scene, history.changes());
        return new Measured(
                switch (harm.measure()) {
                    case WORK_RUNS_AGAIN -> untilWorkRunsAgain(scene, history);
                    case ANOTHER_LEADS -> untilAnotherLeads(scene, history.terms());
                    case WORK_BEGINS -> untilWorkBegins(scene, history.changes());
                    case PAUSE -> Optional.of(pause);
                },
                pause);
    }

    /** Of all that was taken from the victim, what waited longest for its next beginning. */
    private static Optional<Duration> untilWorkRunsAgain(Scene scene, History history) {
        var name = scene.victim().orElseThrow().name();
        var victims = history.nodes().stream()
                .filter(node -> node.name().equals(name))
                .map(NodeStart::id)
                .collect(Collectors.toSet());
        return history.changes().stream().collect(Collectors.groupingBy(Change::task)).values().stream()
                .flatMap(changes -> beginningAfterLoss(changes, victims, scene.began()).stream())
                .max(Instant::compareTo)
                .map(last -> Duration.between(scene.began(), last));
    }

    private static Optional<Instant> beginningAfterLoss(
            List<Change> changes, Collection<String> victims, Instant began) {
        for (var n = 0; n + 1 < changes.size(); n++) {
            var loss = changes.get(n);
            var next = changes.get(n + 1);
            if (loss.to() == TaskState.READY
                    && loss.fence() > 0
                    && victims.contains(loss.node())
                    && loss.at().isAfter(began)
                    && next.from() == TaskState.QUEUED) {
                return Optional.of(next.at());
            }
        }
        return Optional.empty();
    }

    private static Optional<Duration> untilAnotherLeads(Scene scene, List<Term> terms) {
        return terms.stream()
                .map(Term::seenAt)
                .filter(seen -> seen.isAfter(scene.began()))
                .findFirst()
                .map(seen -> Duration.between(scene.began(), seen));
    }

    private static Optional<Duration> untilWorkBegins(Scene scene, List<Change> changes) {
        return changes.stream()
                .filter(change -> change.from() == TaskState.QUEUED)
                .map(Change::at)
                .filter(at -> at.isAfter(scene.healed()))
                .min(Instant::compareTo)
                .map(at -> Duration.between(scene.healed(), at));
    }

    private static Duration longestPause(Scene scene, List<Change> changes) {
        var longest = Duration.ZERO;
        var last = scene.began();
        var ends = changes.stream()
                .filter(change -> change.to().isTerminal())
                .map(Change::at)
                .filter(at -> at.isAfter(scene.began()))
                .sorted()
                .toList();
        for (var end : ends) {
            if (last.isAfter(scene.healed())) {
                break;
            }
            var pause = Duration.between(last, end);
            longest = pause.compareTo(longest) > 0 ? pause : longest;
            last = end;
        }
        return longest;
    }
}

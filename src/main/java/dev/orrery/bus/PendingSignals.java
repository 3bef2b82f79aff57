package dev.orrery.bus;

import dev.orrery.bus.BusMessage.CancelsAsked;
import dev.orrery.bus.BusMessage.HistoryGrew;
import dev.orrery.bus.BusMessage.JobsChanged;
import dev.orrery.bus.BusMessage.RetryDue;
import dev.orrery.bus.BusMessage.WorkReady;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/** What other nodes are to be told, merged: however much happens, there is one signal of each kind. Used under a lock. */
final class PendingSignals {

    /** Beyond this many names the queues are not told, which means: any. */
    private static final int MAX_QUEUES = 1_000;

    private final Set<String> queues = new HashSet<>();
    private boolean workReady;
    private boolean anyQueue;
    private boolean cancelsAsked;
    private boolean historyGrew;
    private boolean jobsChanged;
    private OptionalLong retryDue = OptionalLong.empty();

    void add(BusMessage signal) {
        switch (signal) {
            case WorkReady ready -> {
                workReady = true;
                anyQueue |= ready.queues().isEmpty();
                if (!anyQueue) {
                    queues.addAll(ready.queues());
                    anyQueue = queues.size() > MAX_QUEUES;
                }
            }
            case RetryDue due -> retryDue = OptionalLong.of(Math.min(due.inMillis(), retryDue.orElse(Long.MAX_VALUE)));
            case CancelsAsked _ -> cancelsAsked = true;
            case HistoryGrew _ -> historyGrew = true;
            case JobsChanged _ -> jobsChanged = true;
            default ->
                throw new IllegalArgumentException(signal.getClass().getSimpleName() + " is no signal for all nodes");
        }
    }

    /** All of it; afterwards nothing is pending. */
    List<BusMessage> take() {
        var signals = new ArrayList<BusMessage>();
        if (workReady) {
            signals.add(new WorkReady(anyQueue ? Set.of() : queues));
        }
        if (cancelsAsked) {
            signals.add(new CancelsAsked());
        }
        if (historyGrew) {
            signals.add(new HistoryGrew());
        }
        if (jobsChanged) {
            signals.add(new JobsChanged());
        }
        retryDue.ifPresent(millis -> signals.add(new RetryDue(millis)));
        queues.clear();
        workReady = false;
        anyQueue = false;
        cancelsAsked = false;
        historyGrew = false;
        jobsChanged = false;
        retryDue = OptionalLong.empty();
        return signals;
    }
}

package dev.orrery.service.remote;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.HistoryGrew;
import dev.orrery.bus.BusMessage.RetryDue;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.domain.task.Verdict;
import java.util.Collection;
import java.util.HashSet;

/** What everybody is told when remote workers have changed something. It only makes others look sooner. */
record RemoteSignals(Bus bus) {

    void committed(Verdict verdict, Collection<String> readyQueues) {
        historyGrew();
        workReady(readyQueues);
        verdict.againAfter().ifPresent(delay -> bus.publish(Addresses.RETRY_DUE, new RetryDue(delay.toMillis())));
    }

    void historyGrew() {
        bus.publish(Addresses.HISTORY_GREW, new HistoryGrew());
    }

    void workReady(Collection<String> queues) {
        if (!queues.isEmpty()) {
            bus.publish(Addresses.WORK_READY, new WorkReady(new HashSet<>(queues)));
        }
    }
}

package dev.orrery.engine.router;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.HistoryGrew;
import dev.orrery.bus.BusMessage.WorkReady;
import java.util.Collection;
import java.util.HashSet;

/** What a router tells everybody. Nothing depends on it: it only makes others look sooner. */
record Signals(Bus bus) {

    void historyGrew() {
        bus.publish(Addresses.HISTORY_GREW, new HistoryGrew());
    }

    void workReady(Collection<String> queues) {
        bus.publish(Addresses.WORK_READY, new WorkReady(new HashSet<>(queues)));
    }
}

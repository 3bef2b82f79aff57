package dev.orrery.engine.router;

import dev.orrery.config.MemoryBudget;
import dev.orrery.coordination.Trust;
import dev.orrery.domain.WorkerId;
import java.util.List;

/** What a router knows: its claims, the reports that are not committed yet and who waits for them, and what it would claim. */
record Memory(HeldClaims held, ReportBuffer reports, AwaitedStarts awaitedStarts, Appetite appetite) {

    static Memory of(List<WorkerId> workers, RouterSettings settings, Trust trust) {
        var held = new HeldClaims(workers, settings.concurrency() + settings.queueCapacity());
        var resultBytes = MemoryBudget.results(Runtime.getRuntime().maxMemory());
        var reports = new ReportBuffer(settings.batchSize(), resultBytes);
        return new Memory(held, reports, new AwaitedStarts(), new Appetite(settings, held, reports::hasRoom, trust));
    }
}

package dev.orrery.service.remote;

import dev.orrery.domain.NodeId;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.AttemptReport;
import dev.orrery.store.Batcher;
import dev.orrery.store.Claim;
import dev.orrery.store.StoreFailures;
import dev.orrery.store.WorkRepository;
import dev.orrery.store.WorkRepository.Exchange;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Commits what remote workers did, by the engine's own function: a few at a time, the others wait, and not without bound. */
final class Commits {

    /** The worker number of all remote workers, of which each has one. */
    private static final int WORKER = 1;

    private static final int AT_ONCE = 2;
    private static final int WAITING_MAX = 10_000;
    private static final int REPORT_BYTES = 500;

    private final RemoteSignals signals;
    private final Batcher<Commit, Exchange> commits;

    private record Commit(NodeId worker, List<AttemptReport> reports, long bytes) {}

    /** {@code bytesMax}: how many bytes of results may wait. */
    Commits(WorkRepository work, RemoteSignals signals, long bytesMax) {
        this.signals = signals;
        this.commits = new Batcher<>(
                "results of remote workers",
                new Batcher.Limits(1, Long.MAX_VALUE, AT_ONCE, WAITING_MAX, bytesMax),
                Commit::bytes,
                one -> work.commit(one.getFirst().worker(), one.getFirst().reports())
                        .map(List::of),
                StoreFailures::isLasting);
    }

    /** The attempts of these claims begin now. */
    Future<Void> begin(NodeId worker, List<Claim> claims) {
        var reports = claims.stream()
                .map(claim -> report(claim, Optional.empty(), Optional.of(Duration.ZERO)))
                .toList();
        return commits.add(new Commit(worker, reports, (long) REPORT_BYTES * reports.size()))
                .onSuccess(_ -> signals.historyGrew())
                .mapEmpty();
    }

    /** Ends an attempt; false where the claim is gone. */
    Future<Boolean> end(NodeId worker, Claim claim, Verdict verdict) {
        var bytes =
                verdict instanceof Verdict.Succeed(var output) ? output.text().length() : 0;
        var report = report(claim, Optional.of(verdict), Optional.empty());
        return commits.add(new Commit(worker, List.of(report), REPORT_BYTES + 2L * bytes))
                .map(exchange -> {
                    signals.committed(verdict, exchange.readyQueues());
                    return exchange.accepted().contains(claim.id());
                });
    }

    private static AttemptReport report(Claim claim, Optional<Verdict> verdict, Optional<Duration> sinceStart) {
        return new AttemptReport(
                claim.id(), claim.versionId(), claim.attempt(), claim.fence(), WORKER, verdict, sinceStart);
    }
}

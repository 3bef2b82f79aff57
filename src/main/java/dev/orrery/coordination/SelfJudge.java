package dev.orrery.coordination;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.domain.NodeId;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Decides what becomes of running attempts while the node's heartbeats fail. Past its trust they may go on only as long as
 * a read of the node's mark in the coordination service, sent less than a second ago, found none: then no other node has
 * begun to take its work. Else they must end, since they may already run elsewhere. So a restart of the database ends
 * nobody's task, and neither does an outage of the coordination service.
 */
final class SelfJudge implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(SelfJudge.class.getName());
    private static final Duration LOOK_EVERY = Duration.ofMillis(200);

    /** How long the absence of a mark counts, from when it was asked for. */
    private static final Duration PROOF_HOLDS = Duration.ofSeconds(1);

    private static final Duration READ_LIMIT = Duration.ofMillis(700);

    private final NodeId self;
    private final Coordination coordination;
    private final Trust trust;
    private final Membership.Host host;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final ExecutorService reads = Executors.newVirtualThreadPerTaskExecutor();
    private final Thread thread;
    private long provenUntil = System.nanoTime();
    private boolean stopped;

    SelfJudge(NodeId self, Coordination coordination, Trust trust, Membership.Host host) {
        this.self = self;
        this.coordination = coordination;
        this.trust = trust;
        this.host = host;
        this.thread = Thread.ofPlatform().name("orrery-judge").daemon().unstarted(this::run);
    }

    /** Where nobody can take the node's work there is nothing to judge. */
    void start() {
        if (!trust.isForEver()) {
            thread.start();
        }
    }

    private void run() {
        try {
            while (!closing.await(LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS)) {
                judge();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void judge() throws InterruptedException {
        // A little ahead of the end, so that there is a proof when it comes.
        if (trust.left().compareTo(PROOF_HOLDS) > 0) {
            stopped = false;
            return;
        }
        if (stopped) {
            return;
        }
        var sentAt = System.nanoTime();
        var mark = readMark();
        if (mark == Coordination.Mark.NONE) {
            provenUntil = sentAt + PROOF_HOLDS.toNanos();
        }
        var proven = mark != Coordination.Mark.MARKED && System.nanoTime() - provenUntil < 0;
        if (!trust.holds() && !proven) {
            stopped = true;
            LOG.log(
                    ERROR,
                    "no heartbeat and no proof that this node is not given up, ending what runs: mark={0}",
                    mark);
            host.mustStopRunning();
        }
    }

    private Coordination.Mark readMark() throws InterruptedException {
        try {
            return CompletableFuture.supplyAsync(() -> coordination.readMark(self), reads)
                    .get(READ_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            LOG.log(WARNING, "the mark of this node cannot be read: " + e.getMessage());
            return Coordination.Mark.UNKNOWN;
        }
    }

    @Override
    public void close() {
        closing.countDown();
        reads.shutdownNow();
    }
}

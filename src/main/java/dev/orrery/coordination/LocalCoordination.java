package dev.orrery.coordination;

import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.domain.NodeId;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Of a node that works alone, in its own process: it leads from the first moment on, and is always reached. */
public final class LocalCoordination implements Coordination {

    /** Where nodes that work alone are. */
    static final String PLACE = "local";

    private static final System.Logger LOG = System.getLogger(LocalCoordination.class.getName());
    private static final Duration ASK_AGAIN = Duration.ofMillis(250);

    private final Map<String, Semaphore> locks = new ConcurrentHashMap<>();
    private final AtomicLong fences = new AtomicLong();
    private volatile @Nullable Member self;
    private volatile @Nullable Standing standing;

    @Override
    public String place() {
        return PLACE;
    }

    @Override
    public void requireDatabase(UUID database) {
        // There is nobody to share it with.
    }

    @Override
    public void join(Member member) {
        self = member;
    }

    @Override
    public void takeWork() {
        // There is nobody to tell.
    }

    @Override
    public void takeNoMoreWork() {
        // There is nobody to tell.
    }

    @Override
    public List<Member> members() {
        var member = self;
        return member == null ? List.of() : List.of(member);
    }

    @Override
    public boolean mark(NodeId suspect) {
        return true;
    }

    @Override
    public void unmark(NodeId node) {
        // Nothing is written down.
    }

    @Override
    public Mark readMark(NodeId node) {
        return Mark.NONE;
    }

    @Override
    public synchronized void campaign(Candidate candidate) {
        resign();
        var begun = new Standing(candidate);
        standing = begun;
        begun.thread.start();
    }

    @Override
    public synchronized void resign() {
        var ending = standing;
        standing = null;
        if (ending != null) {
            ending.end();
        }
    }

    @Override
    public Optional<NodeId> leader() {
        var member = self;
        var current = standing;
        return member != null && current != null && current.leads ? Optional.of(member.node()) : Optional.empty();
    }

    /** The time in which a candidate stands. */
    private static final class Standing {

        private final Candidate candidate;
        private final Semaphore over = new Semaphore(0);
        private final Thread thread =
                Thread.ofPlatform().name("orrery-leader").daemon().unstarted(this::run);
        private volatile boolean leads;
        private boolean elected;

        private Standing(Candidate candidate) {
            this.candidate = candidate;
        }

        private void run() {
            try {
                do {
                    look();
                } while (!over.tryAcquire(ASK_AGAIN.toMillis(), TimeUnit.MILLISECONDS));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                lose();
            }
        }

        private void look() {
            var may = candidate.mayLead();
            if (may && !elected) {
                begin();
            } else if (!may) {
                lose();
            }
        }

        private void begin() {
            elected = true;
            leads = true;
            try {
                candidate.elected(() -> leads);
            } catch (RuntimeException e) {
                LOG.log(WARNING, "this node cannot lead, will be tried again: " + e.getMessage());
                lose();
            }
        }

        private void lose() {
            leads = false;
            if (elected) {
                elected = false;
                candidate.lost();
            }
        }

        private void end() {
            leads = false;
            over.release();
            try {
                thread.join(Duration.ofSeconds(5));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public NamedLock lock(String name, Duration wait) {
        var lock = locks.computeIfAbsent(name, _ -> new Semaphore(1, true));
        try {
            if (!lock.tryAcquire(wait.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new CoordinationException("the lock '" + name + "' is held by another");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CoordinationException("interrupted while waiting for the lock '" + name + "'", e);
        }
        return new Held(lock, fences.incrementAndGet());
    }

    private static final class Held implements NamedLock {

        private final Semaphore lock;
        private final long fence;
        private boolean released;

        private Held(Semaphore lock, long fence) {
            this.lock = lock;
            this.fence = fence;
        }

        @Override
        public long fence() {
            return fence;
        }

        @Override
        public synchronized boolean isTrusted() {
            return !released;
        }

        @Override
        public synchronized void close() {
            if (!released) {
                released = true;
                lock.release();
            }
        }
    }

    @Override
    public Duration silence() {
        return Duration.ZERO;
    }

    @Override
    public void close() {
        resign();
    }
}

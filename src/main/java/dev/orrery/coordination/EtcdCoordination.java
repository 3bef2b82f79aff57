package dev.orrery.coordination;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.config.EtcdConfig;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.StartupException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Coordination by etcd. Keys below the prefix: {@code database}; {@code members/ID} and {@code workers/ID} under the lease
 * of their node; {@code leader} under the leader's; {@code marks/ID}; {@code locks/NAME}.
 *
 * <p>What is needed of etcd again and again is read again and again, twice a second by each node: a watch can end for good
 * or pass over changes without a word, so it would need the same reads beside it.
 */
public final class EtcdCoordination implements Coordination {

    private static final System.Logger LOG = System.getLogger(EtcdCoordination.class.getName());

    /** A mark outlives every freeze of a node that would still matter: by then the node is fenced in the database. */
    private static final Duration MARK_TTL = Duration.ofMinutes(10);

    private static final Duration TRY_AGAIN = Duration.ofMillis(250);

    private final EtcdClient etcd;
    private final String place;
    private final EtcdConfig config;
    private final EtcdRegistry registry;
    private final Set<EtcdLock> locks = ConcurrentHashMap.newKeySet();
    private @Nullable EtcdElection election;
    private boolean resigned;

    private EtcdCoordination(EtcdConfig config, EtcdClient etcd) {
        this.config = config;
        this.etcd = etcd;
        this.place = "etcd " + etcd.clusterId() + " " + config.prefix();
        this.registry = new EtcdRegistry(etcd);
    }

    /**
     * Connects; an etcd that is not there is waited for, one that refuses is not.
     *
     * @throws StartupException that names the place and the cure
     */
    public static EtcdCoordination connect(EtcdConfig config) {
        return connect(config, () -> false);
    }

    /** The same, until it is no longer wanted: then a StartupException says so. */
    public static EtcdCoordination connect(EtcdConfig config, BooleanSupplier isOver) {
        var client = new EtcdClient(config);
        var deadline = System.nanoTime() + config.connectTimeout().toNanos();
        for (var isFirst = true; ; isFirst = false) {
            try {
                return new EtcdCoordination(config, client);
            } catch (CoordinationException e) {
                if (!isUnreached(e) || System.nanoTime() - deadline > 0) {
                    client.close();
                    throw refused(config, e);
                }
                if (isFirst) {
                    LOG.log(
                            WARNING,
                            "event=etcd_awaited endpoints=" + config.endpoints() + " limit="
                                    + config.connectTimeout().toSeconds() + "s");
                }
                if (isOver.getAsBoolean()) {
                    client.close();
                    throw new StartupException("told to stop while waiting for etcd", e);
                }
                pause();
            }
        }
    }

    private static boolean isUnreached(CoordinationException failure) {
        return failure.getCause() instanceof EtcdFailure why && why.kind() == EtcdFailure.Kind.UNREACHED;
    }

    private static void pause() {
        try {
            Thread.sleep(TRY_AGAIN);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartupException("interrupted while waiting for etcd", e);
        }
    }

    private static StartupException refused(EtcdConfig config, CoordinationException failure) {
        if (!(failure.getCause() instanceof EtcdFailure why)) {
            return new StartupException(String.valueOf(failure.getMessage()), failure);
        }
        var silent = failure.getMessage() + ": ";
        var refusal = "etcd at " + String.join(", ", config.endpoints()) + " refuses (" + why.reason() + "): ";
        var message = switch (why.kind()) {
            case UNREACHED -> silent + "start it, or correct etcd.endpoints";
            case ENCRYPTION ->
                silent + "correct etcd.ca-file, etcd.cert-file and etcd.key-file, or the certificates of etcd";
            case LOGIN -> refusal + loginCure(config, why.reason());
            case FORBIDDEN ->
                refusal + "grant the account '" + config.user() + "' reading and writing of all keys that begin with "
                        + config.prefix() + "/";
            case NOT_FOUND, REFUSED -> refusal + "see etcd's own log";
        };
        return new StartupException(message, failure);
    }

    private static String loginCure(EtcdConfig config, String why) {
        if (why.contains("not enabled")) {
            return "leave etcd.user and etcd.password empty, or let it ask for accounts";
        }
        return config.user().isEmpty()
                ? "it asks for an account, set etcd.user and etcd.password"
                : "correct the account '" + config.user() + "', set by etcd.user and etcd.password";
    }

    @Override
    public String place() {
        return place;
    }

    @Override
    public void requireDatabase(UUID database) {
        UUID kept;
        try {
            kept = registry.keep(database);
        } catch (CoordinationException e) {
            throw refused(config, e);
        }
        if (!kept.equals(database)) {
            throw new StartupException(
                    "the keys under " + config.prefix() + " in this etcd are of another cluster, whose"
                            + " database has the id " + kept + "; this node's has " + database
                            + ": correct database.url, or give this cluster an etcd.prefix of its own");
        }
    }

    @Override
    public void join(Member self) {
        try {
            registry.join(self);
        } catch (CoordinationException e) {
            throw refused(config, e);
        }
    }

    @Override
    public void takeWork() {
        registry.takeWork(true);
    }

    @Override
    public void takeNoMoreWork() {
        registry.takeWork(false);
    }

    @Override
    public List<Member> members() {
        return registry.members();
    }

    @Override
    public boolean mark(NodeId suspect) {
        try {
            etcd.put("marks/" + suspect, "", etcd.grant(MARK_TTL));
            return true;
        } catch (CoordinationException e) {
            LOG.log(INFO, "a silent node could not be marked: node=" + suspect + " reason=" + e.getMessage());
            return false;
        }
    }

    @Override
    public void unmark(NodeId node) {
        try {
            etcd.delete("marks/" + node);
        } catch (CoordinationException e) {
            LOG.log(DEBUG, "a mark could not be taken back", e);
        }
    }

    @Override
    public Mark readMark(NodeId self) {
        try {
            return etcd.get("marks/" + self).isPresent() ? Mark.MARKED : Mark.NONE;
        } catch (CoordinationException e) {
            return Mark.UNKNOWN;
        }
    }

    @Override
    public synchronized void campaign(Candidate candidate) {
        if (election == null && !resigned) {
            election = new EtcdElection(etcd, registry.self(), candidate);
            election.start();
        }
    }

    @Override
    public void resign() {
        EtcdElection ending;
        synchronized (this) {
            resigned = true;
            ending = election;
        }
        if (ending != null) {
            ending.close();
        }
    }

    @Override
    public Optional<NodeId> leader() {
        return registry.leader();
    }

    @Override
    public NamedLock lock(String name, Duration wait) {
        var lock = EtcdLock.take(etcd, name, wait);
        locks.removeIf(EtcdLock::isOver);
        locks.add(lock);
        return lock;
    }

    @Override
    public Duration silence() {
        return etcd.silence();
    }

    @Override
    public void close() {
        etcd.hurry();
        resign();
        locks.forEach(EtcdLock::close);
        registry.close();
        etcd.close();
    }
}

package dev.orrery.coordination;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.INFO;

import dev.orrery.config.EtcdConfig;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.StartupException;
import io.etcd.jetcd.common.exception.ErrorCode;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
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

    private final EtcdClient etcd;
    private final String place;
    private final EtcdConfig config;
    private final EtcdRegistry registry;
    private @Nullable EtcdElection election;
    private boolean resigned;

    private EtcdCoordination(EtcdConfig config, EtcdClient etcd) {
        this.config = config;
        this.etcd = etcd;
        this.place = "etcd " + etcd.clusterId() + " " + config.prefix();
        this.registry = new EtcdRegistry(etcd);
    }

    /**
     * Connects, within twice the time limit of a call.
     *
     * @throws StartupException that names the place and the cure
     */
    public static EtcdCoordination connect(EtcdConfig config) {
        var client = new EtcdClient(config);
        try {
            return new EtcdCoordination(config, client);
        } catch (CoordinationException e) {
            client.close();
            throw new StartupException(refusal(config, e), e);
        }
    }

    private static String refusal(EtcdConfig config, CoordinationException failure) {
        var where = String.join(", ", config.endpoints());
        var code = EtcdClient.codeOf(failure.getCause());
        var why = String.valueOf(failure.getMessage());
        var isLogin = code == ErrorCode.UNAUTHENTICATED
                || code == ErrorCode.PERMISSION_DENIED
                || code == ErrorCode.INVALID_ARGUMENT
                || why.contains("authentication");
        if (isLogin) {
            var user = config.user().isEmpty() ? "a node without an account" : "the account '" + config.user() + "'";
            return "etcd at " + where + " refuses " + user + " (" + why
                    + "): correct etcd.user and etcd.password, or grant it " + config.prefix() + "/";
        }
        var encrypted = config.endpoints().getFirst().startsWith("https:");
        return "no etcd answers at " + where + " within " + config.timeout().toMillis() + " ms (" + why
                + "): start it, or correct etcd.endpoints"
                + (encrypted
                        ? "; where it is there, look whether etcd.ca-file, etcd.cert-file and etcd.key-file suit it"
                        : "; where it is there, look whether it wants https");
    }

    @Override
    public String place() {
        return place;
    }

    @Override
    public void requireDatabase(UUID database) {
        String kept;
        try {
            kept = etcd.create("database", database.toString(), 0).value();
        } catch (CoordinationException e) {
            throw new StartupException(refusal(config, e), e);
        }
        if (!kept.equals(database.toString())) {
            throw new StartupException(
                    "the keys under " + config.prefix() + " in this etcd are of another cluster, whose"
                            + " database has the id " + kept + "; this node's has " + database
                            + ": correct database.url, or give this cluster an etcd.prefix of its own");
        }
    }

    @Override
    public void join(Member self) {
        registry.join(self);
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
        return EtcdLock.take(etcd, name, wait);
    }

    @Override
    public Duration silence() {
        return etcd.silence();
    }

    @Override
    public void close() {
        resign();
        registry.close();
        etcd.close();
    }
}

package dev.orrery.coordination;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.domain.NodeId;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Who is there: this node's keys under a lease that is renewed on a thread of its own, and the keys of all. Keys that were
 * lost with their lease, or with all of etcd's data, are written again, the id of the cluster's database among them.
 */
final class EtcdRegistry implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(EtcdRegistry.class.getName());
    static final String MEMBERS = "members/";
    static final String WORKERS = "workers/";
    static final String DATABASE = "database";
    private static final Duration TIME_TO_LIVE = Duration.ofSeconds(5);
    private static final Duration LOOK_EVERY = Duration.ofMillis(500);

    private final EtcdClient etcd;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread thread =
            Thread.ofPlatform().name("orrery-registry").daemon().unstarted(this::run);
    private volatile @Nullable UUID database;
    private volatile @Nullable Member self;
    private volatile List<Member> members = List.of();
    private volatile Optional<NodeId> leader = Optional.empty();
    private boolean takesWork;
    private @Nullable EtcdLease lease;
    private boolean reached = true;

    EtcdRegistry(EtcdClient etcd) {
        this.etcd = etcd;
    }

    /** The id of the database whose nodes meet here; that of this node where nobody has come before. */
    UUID keep(UUID own) {
        var kept = parsed(etcd.create(DATABASE, own.toString(), 0).value());
        if (kept.equals(Optional.of(own))) {
            database = own;
        }
        return kept.orElseThrow(() -> new CoordinationException("its key '" + DATABASE + "' holds no id"));
    }

    /** Writes the node's key and keeps it there. */
    void join(Member member) {
        self = member;
        look();
        thread.start();
    }

    NodeId self() {
        var member = self;
        if (member == null) {
            throw new IllegalStateException("a node joins before it stands for leader");
        }
        return member.node();
    }

    synchronized void takeWork(boolean takes) {
        takesWork = takes;
        var current = lease;
        if (current == null) {
            return; // written with the next lease
        }
        try {
            writeWorker(current);
        } catch (CoordinationException e) {
            LOG.log(DEBUG, "told later whether this node takes work", e);
            lease = null;
        }
    }

    private void writeWorker(EtcdLease current) {
        if (takesWork) {
            etcd.put(WORKERS + self(), "", current.id());
        } else {
            etcd.delete(WORKERS + self());
        }
    }

    List<Member> members() {
        return members;
    }

    Optional<NodeId> leader() {
        return leader;
    }

    private void run() {
        try {
            while (!closing.await(LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS)) {
                try {
                    look();
                    reached(true, "");
                } catch (RuntimeException e) {
                    reached(false, String.valueOf(e.getMessage()));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void reached(boolean now, String reason) {
        if (now != reached) {
            reached = now;
            LOG.log(
                    now ? INFO : WARNING,
                    now ? "etcd answers again" : "etcd is not reached, work goes on: reason=" + reason);
        }
    }

    private void look() {
        stayRegistered();
        members = etcd.list(MEMBERS).stream()
                .flatMap(entry -> member(entry.value()).stream())
                .toList();
        leader = etcd.get("leader").flatMap(entry -> parsed(entry.value())).map(NodeId::new);
        if (members.stream().noneMatch(member -> member.node().equals(self()))) {
            forgetLease();
        }
    }

    private synchronized void stayRegistered() {
        var current = lease;
        if (current != null && current.renew()) {
            return;
        }
        var granted = EtcdLease.grant(etcd, TIME_TO_LIVE);
        var member = self;
        if (member != null) {
            etcd.put(MEMBERS + member.node(), json(member), granted.id());
        }
        writeWorker(granted);
        writeDatabase();
        lease = granted;
    }

    /** A lease that was lost may have gone with all that etcd knew. */
    private void writeDatabase() {
        var own = database;
        if (own != null && !keep(own).equals(own)) {
            LOG.log(
                    ERROR,
                    "the keys of this cluster in etcd were lost, and another cluster's are in their place: stop one of"
                            + " them and give it an etcd.prefix of its own, then delete the key 'database'");
        }
    }

    /** The lease may live though the keys are gone: all is written again under a new one. */
    private synchronized void forgetLease() {
        lease = null;
    }

    private static String json(Member member) {
        return new JsonObject()
                .put("node", member.node().toString())
                .put("name", member.name())
                .put("version", member.version())
                .put("httpAddress", member.httpAddress())
                .put("busHost", member.busHost())
                .put("memberPort", member.memberPort())
                .put("capabilities", new JsonArray(member.capabilities()))
                .encode();
    }

    static Optional<UUID> parsed(String id) {
        try {
            return Optional.of(UUID.fromString(id));
        } catch (IllegalArgumentException e) {
            LOG.log(DEBUG, "a key that holds no id", e);
            return Optional.empty();
        }
    }

    /** Nothing for what is not ours to understand. */
    private static Optional<Member> member(String json) {
        try {
            var object = new JsonObject(json);
            return Optional.of(new Member(
                    new NodeId(UUID.fromString(object.getString("node"))),
                    object.getString("name"),
                    object.getString("version"),
                    object.getString("httpAddress"),
                    object.getString("busHost"),
                    object.getInteger("memberPort"),
                    object.getJsonArray("capabilities").stream()
                            .map(String::valueOf)
                            .toList()));
        } catch (DecodeException | IllegalArgumentException | NullPointerException | ClassCastException e) {
            LOG.log(DEBUG, "a member that this release does not understand", e);
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        closing.countDown();
        if (self == null) {
            return;
        }
        try {
            thread.join(Duration.ofSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        EtcdLease last;
        synchronized (this) {
            last = lease;
            lease = null;
        }
        if (last != null) {
            try {
                etcd.revoke(last.id());
            } catch (CoordinationException e) {
                LOG.log(DEBUG, "the registration could not be given up, it goes with its lease", e);
            }
        }
    }
}

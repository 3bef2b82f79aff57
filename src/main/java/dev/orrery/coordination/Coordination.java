package dev.orrery.coordination;

import dev.orrery.domain.NodeId;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Who is there, who leads, and who holds a named lock. All of it serves liveness alone: whatever must be safe rests on the
 * database, and is right with answers from here that are late or wrong.
 *
 * <p>Every call may block, for the time limit of the service at most, and none may come from an event loop. What needs
 * the service and does not reach it is done later, by a thread of the implementation.
 */
public interface Coordination extends AutoCloseable {

    /** Where the nodes meet, for example {@code etcd 14841639068965178418 /orrery}: nodes of one database must agree on it. */
    String place();

    /**
     * Refuses a service that belongs to another database; the first to come decides.
     *
     * @throws dev.orrery.domain.StartupException that names both
     */
    void requireDatabase(UUID database);

    /** Registers this node, and keeps it registered until {@link #close}, through outages and losses of the service's data. */
    void join(Member self);

    /** Tells that this node takes work from now on. */
    void takeWork();

    /** Tells that this node takes no more work. */
    void takeNoMoreWork();

    /** The members as last seen, this node among them. Never blocks. */
    List<Member> members();

    /** Announces that a node is about to be fenced. False where that could not be written. */
    boolean mark(NodeId suspect);

    /** Takes the announcement back, if it can be done now; it fades by itself. */
    void unmark(NodeId node);

    /** Whether this node is announced, as the service knows it at the time of the call. */
    Mark readMark(NodeId self);

    /** An answer to whether a node is announced as dead. */
    enum Mark {
        NONE,
        MARKED,
        /** The service did not answer. */
        UNKNOWN
    }

    /** Stands for leader from now on, again after each loss, until {@link #resign}. */
    void campaign(Candidate candidate);

    /** Gives the leadership up, so that another node can have it at once, and stands no more. */
    void resign();

    /** Someone who would lead. All calls come from one thread, {@code elected} and {@code lost} in turn. */
    interface Candidate {

        /** Whether it could lead now; one that cannot gives up what it has. */
        boolean mayLead();

        /** It leads while the term is trusted. May block for some seconds; throwing gives the leadership up. */
        void elected(Term term);

        /** It leads no more. May block for a second. */
        void lost();
    }

    /** A time of leading. */
    interface Term {

        /** Whether no other node can have been elected yet. May be asked from any thread; never blocks. */
        boolean isTrusted();
    }

    /** The leader as last seen, for people. */
    Optional<NodeId> leader();

    /**
     * Takes a lock that one holder has at a time, as far as the service knows: alone it is a hint; what it guards must refuse
     * lower fencing numbers.
     *
     * @throws CoordinationException where it could not be had within the wait
     */
    NamedLock lock(String name, Duration wait);

    /** A lock that is held until it is closed, or the service loses it. */
    interface NamedLock extends AutoCloseable {

        /** Greater than that of every earlier holder. */
        long fence();

        /** Whether nobody else can have it yet. */
        boolean isTrusted();

        @Override
        void close();
    }

    /** How long ago the service last answered. */
    Duration silence();

    /** Leaves at once, as far as the service can be reached. */
    @Override
    void close();
}

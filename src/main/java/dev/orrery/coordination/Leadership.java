package dev.orrery.coordination;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.INFO;

import dev.orrery.domain.NodeId;
import dev.orrery.store.NodeRepository;
import java.sql.SQLException;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * This node's leadership: the coordination service elects, and the database gives the elected an epoch, under which alone
 * a leader may write. Two nodes may take themselves for the leader for a moment; the database takes the word of the one
 * with the latest epoch.
 */
public final class Leadership implements Coordination.Candidate {

    private static final System.Logger LOG = System.getLogger(Leadership.class.getName());

    /** Who leads must be able to write: a node whose heartbeat is older than this neither stands nor leads. */
    private static final Duration BEAT_FRESH = Duration.ofSeconds(2);

    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(3);

    /** For the word that it is over, which others can do without. */
    private static final Duration FAREWELL_LIMIT = Duration.ofSeconds(1);

    private final Membership.Connector connector;
    private final Membership membership;
    private final BooleanSupplier mayStand;
    private volatile @Nullable Reign reign;

    private record Reign(long epoch, Coordination.Term term) {}

    /** {@code mayStand}: whether the node is to lead at all, as one that drains is not. */
    public Leadership(Membership.Connector connector, Membership membership, BooleanSupplier mayStand) {
        this.connector = connector;
        this.membership = membership;
        this.mayStand = mayStand;
    }

    /** The epoch under which this node may write as leader now; absent where it does not lead. Never blocks. */
    public OptionalLong epoch() {
        var current = reign;
        return current != null && current.term.isTrusted() ? OptionalLong.of(current.epoch) : OptionalLong.empty();
    }

    @Override
    public boolean mayLead() {
        return mayStand.getAsBoolean() && membership.sinceLastBeat().compareTo(BEAT_FRESH) < 0;
    }

    @Override
    public void elected(Coordination.Term term) {
        NodeId node = membership.node();
        try (var connection = connector.connect(ANSWER_LIMIT)) {
            var epoch = NodeRepository.nextEpoch(connection, node)
                    .orElseThrow(() -> new CoordinationException("a fenced node does not lead"));
            reign = new Reign(epoch, term);
            LOG.log(INFO, "this node leads: node={0} epoch={1}", node, Long.toString(epoch));
        } catch (SQLException e) {
            throw new CoordinationException("no epoch to be had: " + e.getMessage(), e);
        }
    }

    @Override
    public void lost() {
        var ended = reign;
        reign = null;
        if (ended != null) {
            LOG.log(INFO, "this node leads no more: node={0} epoch={1}", membership.node(), Long.toString(ended.epoch));
            tell(ended.epoch);
        }
    }

    /** That nobody leads is to be seen by all, also while no successor can be elected. */
    private void tell(long epoch) {
        try (var connection = connector.connect(FAREWELL_LIMIT)) {
            NodeRepository.endEpoch(connection, membership.node(), epoch);
        } catch (SQLException e) {
            LOG.log(DEBUG, "it could not be written down that this node leads no more", e);
        }
    }
}

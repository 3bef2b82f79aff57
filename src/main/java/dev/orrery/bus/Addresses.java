package dev.orrery.bus;

import dev.orrery.bus.Address.Reach.Everywhere;
import dev.orrery.bus.Address.Reach.OneNode;
import dev.orrery.bus.BusMessage.AskStatus;
import dev.orrery.bus.BusMessage.Assign;
import dev.orrery.bus.BusMessage.Begin;
import dev.orrery.bus.BusMessage.CancelsAsked;
import dev.orrery.bus.BusMessage.Done;
import dev.orrery.bus.BusMessage.Drain;
import dev.orrery.bus.BusMessage.DrainNode;
import dev.orrery.bus.BusMessage.Drained;
import dev.orrery.bus.BusMessage.GiveBack;
import dev.orrery.bus.BusMessage.HandlerCall;
import dev.orrery.bus.BusMessage.HandlerHeard;
import dev.orrery.bus.BusMessage.HandlerReply;
import dev.orrery.bus.BusMessage.HandlerSaid;
import dev.orrery.bus.BusMessage.HandlerStop;
import dev.orrery.bus.BusMessage.HistoryGrew;
import dev.orrery.bus.BusMessage.JobsChanged;
import dev.orrery.bus.BusMessage.MustStop;
import dev.orrery.bus.BusMessage.NodeFenced;
import dev.orrery.bus.BusMessage.RedrivesAsked;
import dev.orrery.bus.BusMessage.ReleaseWork;
import dev.orrery.bus.BusMessage.Released;
import dev.orrery.bus.BusMessage.Report;
import dev.orrery.bus.BusMessage.RetryDue;
import dev.orrery.bus.BusMessage.StopAttempts;
import dev.orrery.bus.BusMessage.TenantsChanged;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.bus.BusMessage.WorkerStatus;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.WorkerId;

/** The whole traffic of the system on one page. */
public final class Addresses {

    // Signals, published to whoever listens, on all nodes but for the last.
    public static final Address<WorkReady, Done> WORK_READY =
            new Address<>("router.work-ready", WorkReady.class, Done.class, new Everywhere());
    public static final Address<RetryDue, Done> RETRY_DUE =
            new Address<>("router.retry-due", RetryDue.class, Done.class, new Everywhere());
    public static final Address<CancelsAsked, Done> CANCELS_ASKED =
            new Address<>("router.cancels-asked", CancelsAsked.class, Done.class, new Everywhere());
    public static final Address<HistoryGrew, Done> HISTORY_GREW =
            new Address<>("history.grew", HistoryGrew.class, Done.class, new Everywhere());
    public static final Address<JobsChanged, Done> JOBS_CHANGED =
            new Address<>("scheduler.jobs-changed", JobsChanged.class, Done.class, new Everywhere());
    public static final Address<TenantsChanged, Done> TENANTS_CHANGED =
            new Address<>("tenants.changed", TenantsChanged.class, Done.class, new Everywhere());
    public static final Address<RedrivesAsked, Done> REDRIVES_ASKED =
            new Address<>("dead-letters.redrives-asked", RedrivesAsked.class, Done.class, new Everywhere());
    public static final Address<HandlerStop, Done> HANDLER_STOP =
            new Address<>("handler-stop", HandlerStop.class, Done.class);

    private static final String HANDLER = "handler.";
    private static final String HANDLER_SAID = "handler-said";

    private Addresses() {}

    /** Where a worker takes claimed attempts. */
    public static Address<Assign, Done> assign(WorkerId worker) {
        return new Address<>("worker." + worker + ".assign", Assign.class, Done.class);
    }

    public static Address<StopAttempts, Done> stop(WorkerId worker) {
        return new Address<>("worker." + worker + ".stop", StopAttempts.class, Done.class);
    }

    public static Address<Drain, Drained> drain(WorkerId worker) {
        return new Address<>("worker." + worker + ".drain", Drain.class, Drained.class);
    }

    public static Address<AskStatus, WorkerStatus> status(WorkerId worker) {
        return new Address<>("worker." + worker + ".status", AskStatus.class, WorkerStatus.class);
    }

    /** Where a node answers itself: that shows that its bus carries messages. */
    public static Address<AskStatus, Done> loopBack(NodeId node) {
        return new Address<>("node." + node + ".loop-back", AskStatus.class, Done.class);
    }

    /** Where a node's router hears that the node was fenced. */
    public static Address<NodeFenced, Done> fenced(NodeId node) {
        return new Address<>("router." + node + ".fenced", NodeFenced.class, Done.class);
    }

    /** Where a node's router hears that others may take what runs on it. */
    public static Address<MustStop, Done> mustStop(NodeId node) {
        return new Address<>("router." + node + ".must-stop", MustStop.class, Done.class);
    }

    /** Where a node's router is asked to drain. */
    public static Address<DrainNode, Done> drainNode(NodeId node) {
        return new Address<>("router." + node + ".drain", DrainNode.class, Done.class);
    }

    /** Where the routers of other nodes ask for work. */
    public static Address<ReleaseWork, Released> release(NodeId node) {
        return new Address<>("router." + node + ".release", ReleaseWork.class, Released.class, new OneNode(node));
    }

    public static Address<GiveBack, Drained> giveBack(WorkerId worker) {
        return new Address<>("worker." + worker + ".give-back", GiveBack.class, Drained.class);
    }

    /** Where a node's router hears what its workers did. */
    public static Address<Report, Done> report(NodeId node) {
        return new Address<>("router." + node + ".report", Report.class, Done.class);
    }

    /** Where a node's router takes a start that is to be known before the attempt begins. */
    public static Address<Begin, Done> begin(NodeId node) {
        return new Address<>("router." + node + ".begin", Begin.class, Done.class);
    }

    /** Where whoever registered a handler of this name takes calls. */
    public static Address<HandlerCall, HandlerReply> handler(String name) {
        return new Address<>(HANDLER + name, HandlerCall.class, HandlerReply.class);
    }

    /** Where this process hears what the handlers say that it called. */
    public static Address<HandlerSaid, HandlerHeard> handlerSaid() {
        return new Address<>(HANDLER_SAID, HandlerSaid.class, HandlerHeard.class);
    }

    /** Where the caller hears what a handler says. */
    public static Address<HandlerSaid, HandlerHeard> handlerSaid(HandlerCall call) {
        return call.caller()
                .map(node -> new Address<>(HANDLER_SAID, HandlerSaid.class, HandlerHeard.class, new OneNode(node)))
                .orElseGet(Addresses::handlerSaid);
    }
}

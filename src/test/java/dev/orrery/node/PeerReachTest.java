package dev.orrery.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.IdSequence;
import dev.orrery.domain.NodeId;
import dev.orrery.store.NodeRepository.AliveNode;
import io.vertx.core.Future;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PeerReachTest {

    private final IdSequence ids = new IdSequence(1);
    private final NodeId self = new NodeId(ids.next(0));
    private final List<AliveNode> alive = new ArrayList<>(List.of(node(self, "self")));
    private final Map<NodeId, ReplyFailure> failing = new HashMap<>();
    private final List<NodeId> asked = new ArrayList<>();
    private final PeerReach reach = new PeerReach(self, () -> alive, this::ask);

    private Future<?> ask(NodeId peer) {
        asked.add(peer);
        var failure = failing.get(peer);
        return failure == null
                ? Future.succeededFuture()
                : Future.failedFuture(new ReplyException(failure, "no answer"));
    }

    @Test
    void aNodeThatLeavesSeveralQuestionsWithoutAnAnswerIsNamedWithTheCureUntilItAnswers() {
        var silent = add("far");
        add("near");
        failing.put(silent, ReplyFailure.TIMEOUT);

        look(PeerReach.MISSED_MOST - 1);
        assertThat(reach.complaint()).isEmpty();

        look(1);
        assertThat(reach.complaint().orElseThrow())
                .contains("far at http://far:8080 (node " + silent + ")", "bus.host", "bus.member-port")
                .doesNotContain("near", "self");

        failing.clear();
        look(1);
        assertThat(reach.complaint()).isEmpty();
    }

    @Test
    void whoRefusesTheQuestionIsReachedAndWhoIsGoneIsNotMissed() {
        failing.put(add("drains"), ReplyFailure.RECIPIENT_FAILURE);
        failing.put(add("dies"), ReplyFailure.NO_HANDLERS);

        look(PeerReach.MISSED_MOST);
        assertThat(reach.complaint().orElseThrow()).contains("dies").doesNotContain("drains");

        alive.removeIf(node -> node.name().equals("dies"));
        assertThat(reach.complaint()).isEmpty();
    }

    @Test
    void aNodeThatWasGoneForAWhileIsGivenItsQuestionsAnew() {
        var comesAndGoes = add("far");
        failing.put(comesAndGoes, ReplyFailure.TIMEOUT);
        look(PeerReach.MISSED_MOST);
        var known = alive.removeLast();
        look(1);
        alive.add(known);

        look(PeerReach.MISSED_MOST - 1);
        assertThat(reach.complaint()).isEmpty();

        look(1);
        assertThat(reach.complaint().orElseThrow()).contains("far");
    }

    @Test
    void ofManyNodesSomeAreAskedAtATimeAndAllInTurn() {
        var all = IntStream.range(0, 50).mapToObj(n -> add("n" + n)).toList();

        look(1);
        assertThat(asked).hasSize(PeerReach.AT_ONCE);
        look(2);
        assertThat(new HashSet<>(asked)).containsExactlyInAnyOrderElementsOf(all);

        all.forEach(node -> failing.put(node, ReplyFailure.TIMEOUT));
        look(9);
        assertThat(reach.complaint().orElseThrow()).contains("and 45 more").hasSizeLessThan(1_000);
    }

    private void look(int times) {
        IntStream.range(0, times).forEach(_ -> reach.look());
    }

    private NodeId add(String name) {
        var id = new NodeId(ids.next(0));
        alive.add(node(id, name));
        return id;
    }

    private static AliveNode node(NodeId id, String name) {
        return new AliveNode(id, name, 1, "etcd", "http://" + name + ":8080", 1, false, 4, 0, 0, 0);
    }
}

package dev.orrery.engine.router;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.DagId;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.dag.TaskAssignment.DagReference;
import dev.orrery.store.WorkRepository.Held;
import dev.orrery.testing.Graphs;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class HeldClaimsTest {

    private static final UUID SOME = UUID.fromString("01890a5d-ac96-7000-8000-000000000000");
    private static final NodeId NODE = new NodeId(SOME);
    private static final WorkerId A = WorkerId.of(NODE, 1);
    private static final WorkerId B = WorkerId.of(NODE, 2);
    private static final WorkerId C = WorkerId.of(NODE, 3);

    private final HeldClaims held = new HeldClaims(List.of(A, B, C), 4);

    @Test
    void ofWorkersThatHaveEquallyLittleToDoTheFirstIsTaken() {
        assertThat(IntStream.rangeClosed(1, 7).mapToObj(this::assign)).containsExactly(A, B, C, A, B, C, A);
    }

    @Test
    void theWorkerThatHasTheLeastToDoIsTaken() {
        IntStream.rangeClosed(1, 6).forEach(this::assign);
        held.finish(claim(2));
        held.finish(claim(5));
        held.finish(claim(3));

        assertThat(IntStream.rangeClosed(7, 10).mapToObj(this::assign)).containsExactly(B, B, C, A);
    }

    @Test
    void aFinishedClaimMakesRoomButStaysHeldUntilItIsForgotten() {
        assign(1);

        held.finish(claim(1));

        assertThat(held.unfinished()).isZero();
        assertThat(held.room()).isEqualTo(12);
        assertThat(held.isUnfinished(claim(1))).isFalse();
        assertThat(held.holds(claim(1))).isTrue();
        assertThat(held.isEmpty()).isFalse();
        held.forget(claim(1));
        assertThat(held.holds(claim(1))).isFalse();
        assertThat(held.isEmpty()).isTrue();
    }

    @Test
    void howeverOftenAClaimEndsItMakesRoomOnce() {
        assign(1);
        assign(2);

        held.finish(claim(1));
        held.finish(claim(1));
        held.forget(claim(1));
        held.forget(claim(1));
        held.finish(claim(1));

        assertThat(held.unfinished()).isEqualTo(1);
        assertThat(held.room()).isEqualTo(11);
    }

    @Test
    void aClaimThatIsForgottenUnfinishedMakesRoom() {
        assign(1);

        held.forget(claim(1));

        assertThat(held.room()).isEqualTo(12);
        assertThat(assign(2)).isEqualTo(A);
    }

    @Test
    void whatBearsAnotherFenceIsNotTheClaim() {
        assign(1);
        var other = new Held(claim(1).id(), 8);

        held.finish(other);
        held.forget(other);

        assertThat(held.holds(other)).isFalse();
        assertThat(held.isUnfinished(other)).isFalse();
        assertThat(held.workerOf(other)).isEmpty();
        assertThat(held.isUnfinished(claim(1))).isTrue();
        assertThat(held.workerOf(claim(1))).contains(A);
    }

    @Test
    void aTaskThatIsClaimedAnewTakesTheRoomOfItsOldClaim() {
        assign(1);

        var worker = held.assign(assignment(1, 8));

        assertThat(worker).isEqualTo(B);
        assertThat(held.unfinished()).isEqualTo(1);
        assertThat(held.given()).containsExactly(new Held(claim(1).id(), 8));
    }

    @Test
    void whatIsExpectedIsHeldThoughNoWorkerHasIt() {
        held.expect(List.of(claim(1), claim(2)));

        assertThat(held.holds(claim(1))).isTrue();
        assertThat(held.workerOf(claim(1))).isEmpty();
        assertThat(held.given()).isEmpty();
        assertThat(held.arriving()).isEqualTo(2);
        assertThat(held.isEmpty()).isFalse();
        held.expectNoMore(List.of(claim(1), claim(2)));
        assertThat(held.holds(claim(1))).isFalse();
        assertThat(held.isEmpty()).isTrue();
    }

    @Test
    void noWorkerGetsMoreThanItHasRoomForWhileThereIsRoomInAll() {
        for (var number = 1; held.room() > 0; number++) {
            assign(number);
        }

        assertThat(List.of(A, B, C))
                .allSatisfy(worker -> assertThat(held.given())
                        .filteredOn(claim -> held.workerOf(claim).orElseThrow().equals(worker))
                        .hasSize(4));
    }

    private WorkerId assign(int number) {
        return held.assign(assignment(number, 7));
    }

    private static Held claim(int number) {
        return new Held(TaskInstanceId.of(new RunId(SOME), number), 7);
    }

    private static TaskAssignment assignment(int number, long fence) {
        return new TaskAssignment(
                claim(number).id(),
                Optional.of(new DagReference(new DagId(SOME), "dag")),
                Tenant.DEFAULT,
                1,
                Graphs.tasks("a").getFirst(),
                1,
                0,
                fence,
                OptionalLong.empty(),
                TraceContext.ofAttempt(claim(number).id(), 1, Optional.empty()),
                OptionalLong.empty(),
                Optional.empty());
    }
}

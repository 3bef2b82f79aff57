package dev.orrery.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class InputRoomTest {

    private final InputRoom room = new InputRoom(100);

    @Test
    void whoFindsNoRoomWaitsUntilThereIs() {
        var first = room.enter(60);
        var second = room.enter(60);
        var third = room.enter(10);

        assertThat(first.succeeded()).isTrue();
        assertThat(second.isComplete()).isFalse();
        // It would fit, but it came later.
        assertThat(third.isComplete()).isFalse();

        first.result().run();

        assertThat(second.succeeded()).isTrue();
        assertThat(third.succeeded()).isTrue();
        assertThat(room.held()).isEqualTo(70);
    }

    @Test
    void whatIsLargerThanTheRoomComesInAlone() {
        var small = room.enter(1);
        var huge = room.enter(1_000);

        assertThat(huge.isComplete()).isFalse();
        small.result().run();
        assertThat(huge.succeeded()).isTrue();

        assertThat(room.enter(1).isComplete()).isFalse();
    }

    @Test
    void goingTwiceFreesOnce() {
        var first = room.enter(50);
        room.enter(50);

        first.result().run();
        first.result().run();

        assertThat(room.held()).isEqualTo(50);
    }

    @Test
    void aLongQueueIsLetInWithoutADeepStack() {
        var door = room.enter(100);
        var queue = IntStream.range(0, 100_000).mapToObj(_ -> room.enter(0)).toList();

        door.result().run();

        assertThat(queue).allMatch(Future::succeeded);
    }
}

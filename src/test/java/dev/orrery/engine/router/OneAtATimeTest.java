package dev.orrery.engine.router;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.api.Test;

class OneAtATimeTest {

    private final Deque<Promise<Void>> asked = new ArrayDeque<>();
    private final OneAtATime question = new OneAtATime(() -> {
        Promise<Void> answer = Promise.promise();
        asked.add(answer);
        return answer.future();
    });

    @Test
    void whatIsAskedMeanwhileIsAskedOnceMoreAndNotAtTheSameTime() {
        question.ask();
        question.ask();
        question.ask();
        assertThat(asked).hasSize(1);

        asked.getFirst().complete();
        assertThat(asked).hasSize(2);

        asked.getLast().complete();
        assertThat(asked).hasSize(2);
    }

    @Test
    void aFailureIsAnAnswerToo() {
        question.ask();
        asked.getFirst().fail("no");

        question.ask();

        assertThat(asked).hasSize(2);
    }

    @Test
    void aQuestionThatThrowsIsNotTheLast() {
        var times = new int[1];
        var throwing = new OneAtATime(() -> {
            if (times[0]++ == 0) {
                throw new IllegalStateException("a bug");
            }
            return Future.succeededFuture();
        });

        throwing.ask();
        throwing.ask();

        assertThat(times[0]).isEqualTo(2);
    }
}

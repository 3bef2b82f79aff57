package dev.orrery.service;

import static dev.orrery.domain.event.DeliveryOutcome.FIRED;
import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.Json;
import dev.orrery.domain.event.NewEvent;
import dev.orrery.service.EventService.PublishedEvent;
import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Events that are published, and the handlers that they fire. */
class EventServiceIT extends EventServiceTestBase {

    @Test
    void anEventFiresEachHandlerOfItsNameOnceAndIsGivenToIt() {
        var first = handler(on("order.paid"));
        var second = handler(on("order.paid"));
        handler(on("order.sent"));

        var published = publish(event("order.paid", 7));

        assertThat(outcomes(published)).containsExactly(FIRED, FIRED);
        assertThat(published.repeated()).isFalse();
        assertThat(published.event().executions()).isEqualTo(2);
        assertThat(published.event().deliveries())
                .extracting(each -> each.handler())
                .containsExactlyInAnyOrder(first, second);
        assertThat(
                        database.value(
                                "SELECT string_agg(DISTINCT e.event_id || ' ' || e.cause || ' ' || r.triggered_by || ' '"
                                        + " || p.params, ',') FROM job_executions e JOIN dag_runs r USING (id) JOIN run_params p ON p.run_id = r.id"))
                .isEqualTo(published.event().id() + " event event {\"n\":7}");
        assertThat(await(events.getEvent(TENANT, published.event().id()))).isEqualTo(published.event());
        assertThat(signals.get()).isEqualTo(1);
    }

    @Test
    void anEventThatNobodyListensToIsKept() {
        var published = publish(event("unheard", 1));

        assertThat(published.event().deliveries()).isEmpty();
        assertThat(await(events.getEvent(TENANT, published.event().id())).payload())
                .contains(new Json("{\"n\":1}"));
        assertThat(runs()).isZero();
    }

    @Test
    void theSameKeyIsTheSameEventWhoeverPublishesItAndHoweverOften() {
        handler(on("paid"));
        var other = service();
        var together = new ArrayList<Future<List<PublishedEvent>>>();
        for (var n = 0; n < 20; n++) {
            together.add((n % 2 == 0 ? events : other)
                    .publish(TENANT, List.of(keyed("paid", "order-1", 1)), Optional.empty()));
        }
        var answers = together.stream().map(each -> await(each).getFirst()).toList();

        assertThat(answers).filteredOn(answer -> !answer.repeated()).hasSize(1);
        assertThat(answers)
                .extracting(PublishedEvent::event)
                .containsOnly(answers.getFirst().event());
        assertThat(runs()).isEqualTo(1);
        assertThat(count("events")).isEqualTo(1);
        assertThatThrownBy(() -> publish(keyed("paid", "order-1", 2)))
                .hasMessageContaining("the key 'order-1' came before with another event 'paid'");
        assertThat(publish(keyed("sent", "order-1", 2)).repeated()).isFalse();
    }

    @Test
    void aBatchIsPublishedAsAWholeOrNotAtAll() {
        handler(on("paid"));
        publish(keyed("paid", "b", 1));

        assertThatThrownBy(() -> await(events.publish(
                        TENANT,
                        List.of(keyed("paid", "a", 1), keyed("paid", "b", 2), event("paid", 3)),
                        Optional.of(key("batch", "hash")))))
                .hasMessageContaining("'b' came before");
        assertThat(count("events")).isEqualTo(1);
        assertThat(count("idempotency_keys")).isZero();

        var batch = List.of(keyed("paid", "a", 1), keyed("paid", "b", 1), event("paid", 3), keyed("paid", "a", 1));
        var answer = await(events.publish(TENANT, batch, Optional.of(key("batch", "hash"))));

        assertThat(answer).extracting(PublishedEvent::repeated).containsExactly(false, true, false, true);
        assertThat(answer.get(3).event().id()).isEqualTo(answer.get(0).event().id());
        assertThat(runs()).isEqualTo(3);
        var again = await(service().publish(TENANT, batch, Optional.of(key("batch", "hash"))));
        assertThat(again)
                .extracting(PublishedEvent::event)
                .isEqualTo(answer.stream().map(PublishedEvent::event).toList());
        assertThat(again).allMatch(PublishedEvent::repeated);
        assertThatThrownBy(() -> await(events.publish(TENANT, batch, Optional.of(key("batch", "other")))))
                .hasMessageContaining("Idempotency-Key");
        assertThat(runs()).isEqualTo(3);
    }

    /** Requests that meet in one transaction: whoever took an event of a refused one for its own is judged anew. */
    @Test
    void aRefusedRequestTakesNoOtherWithIt() {
        handler(on("paid"));
        publish(keyed("paid", "known", 1));
        for (var round = 0; round < 10; round++) {
            var key = "round-" + round;
            var refused = publishing(keyed("paid", key, 1), keyed("paid", "known", 2));
            var first = publishing(keyed("paid", key, 1));
            var second = publishing(keyed("paid", key, 1), event("paid", 5));

            assertThatThrownBy(() -> await(refused)).hasMessageContaining("'known'");
            assertThat(await(first).getFirst().event().id())
                    .isEqualTo(await(second).getFirst().event().id());
        }
        assertThat(runs()).isEqualTo(21);
        assertThat(count("events")).isEqualTo(21);
        assertThat(count("event_deliveries")).isEqualTo(21);
    }

    @Test
    void aThousandEventsAreOneRequest() {
        handler(on("many"));
        handler(on("many"));
        var thousand = IntStream.range(0, 1_000).mapToObj(n -> event("many", n)).toList();

        var published = await(events.publish(TENANT, thousand, Optional.empty()));

        assertThat(published).hasSize(1_000).allMatch(each -> outcomes(each).equals(List.of(FIRED, FIRED)));
        assertThat(runs()).isEqualTo(2_000);
        var ids =
                new HashSet<>(published.stream().map(each -> each.event().id()).toList());
        assertThat(ids).hasSize(1_000);
        var tooMany = new ArrayList<>(thousand);
        tooMany.add(event("many", 1_000));
        assertThatThrownBy(() -> await(events.publish(TENANT, tooMany, Optional.empty())))
                .hasMessageContaining("1 to 1000 events");
    }

    @Test
    void whatARequestCanCauseIsBounded() {
        for (var n = 0; n < 11; n++) {
            handler(on("loud"));
        }
        var thousand = IntStream.range(0, 1_000).mapToObj(n -> event("loud", n)).toList();

        assertThatThrownBy(() -> await(events.publish(TENANT, thousand, Optional.empty())))
                .hasMessageContaining("they would start 11000 executions")
                .hasMessageContaining("publish fewer at once");
        assertThatThrownBy(() -> publish(NewEvent.of(
                        "loud",
                        new Json('"' + "x".repeat(NewEvent.MAX_PAYLOAD_BYTES) + '"'),
                        Optional.empty(),
                        Optional.empty())))
                .hasMessageContaining("at most 262144 bytes");
        assertThat(count("events")).isZero();
    }

    private static RequestKey key(String key, String hash) {
        return new RequestKey("publishEvents", key, hash);
    }
}

package dev.orrery.service;

import static dev.orrery.domain.event.DeliveryOutcome.DEBOUNCED;
import static dev.orrery.domain.event.DeliveryOutcome.FAILED;
import static dev.orrery.domain.event.DeliveryOutcome.FIRED;
import static dev.orrery.domain.event.DeliveryOutcome.THROTTLED;
import static dev.orrery.domain.event.DeliveryOutcome.WAITING;
import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.EventId;
import dev.orrery.domain.event.DeliveryOutcome;
import dev.orrery.domain.event.EventRule;
import dev.orrery.domain.event.EventRule.Debounce;
import dev.orrery.domain.event.EventRule.Throttle;
import dev.orrery.service.EventService.PublishedEvent;
import dev.orrery.store.ScheduledJobRepository;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Events that wait for further ones, that are too many, and that are old. */
class EventTimingIT extends EventServiceTestBase {

    private static final Duration HOUR = Duration.ofHours(1);

    @Test
    void theLastOfSeveralEventsFiresWhenNoMoreComeAndOnlyOnce() {
        handler(debounced("typed", HOUR, Optional.empty()));
        var first = publish(event("typed", 1)).event().id();
        var batch = await(publishing(event("typed", 2), event("typed", 3)));
        assertThat(batch).flatExtracting(EventServiceTestBase::outcomes).containsExactly(DEBOUNCED, WAITING);
        assertThat(await(firing.fire(0))).isBetween(Duration.ofMinutes(59), HOUR);
        assertThat(runs()).isZero();

        makeDue();
        var together = new ArrayList<Future<Duration>>();
        for (var n = 0; n < 4; n++) {
            together.add(new EventFiring(repository, EventServiceTestBase::id, bus).fire(0));
        }
        together.forEach(dev.orrery.testing.Await::await);

        assertThat(runs()).isEqualTo(1);
        assertThat(database.value("SELECT params FROM run_params")).isEqualTo("{\"n\":3}");
        assertThat(outcome(first)).isEqualTo(DEBOUNCED);
        assertThat(outcome(batch.getLast().event().id())).isEqualTo(FIRED);
        assertThat(database.value("SELECT event_id FROM job_executions"))
                .isEqualTo(batch.getLast().event().id().toString());
        assertThat(count("event_pending")).isZero();
    }

    @Test
    void eventsThatKeepComingFireAfterTheLongestWait() {
        handler(debounced("typed", HOUR, Optional.of(HOUR.plusMinutes(30))));
        publish(event("typed", 1));
        database.value("UPDATE event_pending SET first_at = first_at - interval '70 minutes' RETURNING key");

        publish(event("typed", 2));

        assertThat(await(firing.fire(0))).isBetween(Duration.ofMinutes(19), Duration.ofMinutes(20));
    }

    @Test
    void whatWaitsForAPausedHandlerWaitsOnAndGoesWithADeletedOne() {
        var paused = handler(debounced("typed", HOUR, Optional.empty()));
        var event = publish(event("typed", 1)).event().id();
        makeDue();
        await(jobs().pause(TENANT, paused));

        assertThat(await(firing.fire(0))).isGreaterThan(HOUR);
        assertThat(outcome(event)).isEqualTo(WAITING);
        await(jobs().resume(TENANT, paused));
        await(firing.fire(0));
        assertThat(outcome(event)).isEqualTo(FIRED);

        var last = publish(event("typed", 2)).event().id();
        await(events.removeHandler(TENANT, paused));
        makeDue();
        await(firing.fire(0));

        assertThat(runs()).isEqualTo(1);
        assertThat(outcome(last)).isEqualTo(FAILED);
        assertThat(count("event_pending")).isZero();
    }

    @Test
    void aDeletedHandlerGoesInStepsWithAllThatWaitedForIt() {
        var rule = new EventRule(
                "typed",
                Optional.empty(),
                Optional.empty(),
                Optional.of(new Debounce(HOUR, Optional.empty(), Optional.of("event.payload.n"))),
                Optional.empty());
        var id = handler(rule);
        var waiting = await(publishing(event("typed", 1), event("typed", 2), event("typed", 3)));
        await(events.removeHandler(TENANT, id));

        assertThat(await(jobs().purgeHidden(2, 0))).isTrue();
        assertThat(count("event_pending")).isEqualTo(1);
        while (await(jobs().purgeHidden(2, 0))) {
            // in steps
        }

        assertThat(count("jobs")).isZero();
        assertThat(count("event_handlers")).isZero();
        assertThat(waiting.stream().map(each -> outcome(each.event().id()))).containsOnly(FAILED);
    }

    @Test
    void whoNoLongerLeadsFiresNothing() {
        handler(debounced("typed", HOUR, Optional.empty()));
        publish(event("typed", 1));
        makeDue();

        assertThatThrownBy(() -> await(firing.fire(7))).hasMessageContaining("epoch 7 is over");
        assertThatThrownBy(() -> await(repository.purgeOld(Optional.of(HOUR), 10, 7)))
                .hasMessageContaining("epoch 7 is over");

        assertThat(runs()).isZero();
        assertThat(count("event_pending")).isEqualTo(1);
    }

    @Test
    void aHandlerFiresAsOftenAsItMayWhoeverPublishes() {
        handler(throttled("loud", 10, HOUR));
        var other = service();
        var together = new ArrayList<Future<List<PublishedEvent>>>();
        for (var n = 0; n < 10; n++) {
            together.add((n % 2 == 0 ? events : other)
                    .publish(TENANT, List.of(event("loud", n), event("loud", n), event("loud", n)), Optional.empty()));
        }
        var outcomes = together.stream()
                .flatMap(each -> await(each).stream())
                .flatMap(each -> outcomes(each).stream())
                .toList();

        assertThat(outcomes).hasSize(30);
        assertThat(outcomes).filteredOn(FIRED::equals).hasSize(10);
        assertThat(outcomes).filteredOn(THROTTLED::equals).hasSize(20);
        assertThat(runs()).isEqualTo(10);

        database.value("UPDATE event_throttles SET ends_at = now() RETURNING key");
        assertThat(outcomes(publish(event("loud", 1)))).containsExactly(FIRED);
    }

    @Test
    void eachKeyHasALimitOfItsOwn() {
        var throttle = new Throttle(1, HOUR, Optional.of("event.payload.n"));
        handler(new EventRule("loud", Optional.empty(), Optional.empty(), Optional.empty(), Optional.of(throttle)));

        var published = await(publishing(event("loud", 1), event("loud", 2), event("loud", 1)));

        assertThat(published).flatExtracting(EventServiceTestBase::outcomes).containsExactly(FIRED, FIRED, THROTTLED);
    }

    @Test
    void whatWaitedIsCountedWhenItFires() {
        var rule = new EventRule(
                "both",
                Optional.empty(),
                Optional.empty(),
                Optional.of(new Debounce(HOUR, Optional.empty(), Optional.of("event.payload.n"))),
                Optional.of(new Throttle(1, HOUR, Optional.empty())));
        handler(rule);
        var published = await(publishing(event("both", 1), event("both", 2)));
        assertThat(published).flatExtracting(EventServiceTestBase::outcomes).containsExactly(WAITING, WAITING);

        makeDue();
        await(firing.fire(0));

        assertThat(published.stream().map(each -> outcome(each.event().id())))
                .containsExactlyInAnyOrder(FIRED, THROTTLED);
        assertThat(runs()).isEqualTo(1);
    }

    @Test
    void oldEventsAreForgottenWithTheirKeysAndThrottlesThatAreOver() {
        handler(throttled("loud", 1, HOUR));
        var old = publish(keyed("loud", "k", 1)).event().id();
        var young = publish(keyed("loud", "l", 1)).event().id();
        database.value(
                "UPDATE events SET received_at = now() - interval '31 days' WHERE id = '" + old + "' RETURNING id");
        database.value("UPDATE event_throttles SET ends_at = now() - interval '1 s' RETURNING key");

        assertThat(await(repository.purgeOld(Optional.empty(), 10, 0))).isFalse();
        assertThat(count("events")).isEqualTo(2);
        assertThat(count("event_throttles")).isZero();
        assertThat(await(repository.purgeOld(Optional.of(Duration.ofDays(30)), 1, 0)))
                .isTrue();

        assertThatThrownBy(() -> await(events.getEvent(TENANT, old))).hasMessageContaining("there is no event");
        assertThat(outcome(young)).isEqualTo(THROTTLED);
        assertThat(count("event_deliveries")).isEqualTo(1);
        assertThat(runs()).isEqualTo(1);
        assertThat(publish(keyed("loud", "k", 2)).repeated()).isFalse();
    }

    private void makeDue() {
        database.value("UPDATE event_pending SET due_at = now() - interval '1 s' RETURNING key");
    }

    private DeliveryOutcome outcome(EventId id) {
        return await(events.getEvent(TENANT, id)).deliveries().getFirst().outcome();
    }

    private ScheduledJobRepository jobs() {
        return new ScheduledJobRepository(vertx, pools.api());
    }
}

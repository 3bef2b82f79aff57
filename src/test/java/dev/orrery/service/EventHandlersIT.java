package dev.orrery.service;

import static dev.orrery.domain.event.DeliveryOutcome.FAILED;
import static dev.orrery.domain.event.DeliveryOutcome.FILTERED;
import static dev.orrery.domain.event.DeliveryOutcome.FIRED;
import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.JobId;
import dev.orrery.domain.Json;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.event.DeliveryOutcome;
import dev.orrery.domain.event.EventRule;
import dev.orrery.domain.event.NewEvent;
import dev.orrery.store.EventHandlerRepository.StoredHandler;
import dev.orrery.store.ScheduledJobRepository;
import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Handlers that are changed while events are published, and how many there may be. */
class EventHandlersIT extends EventServiceTestBase {

    @Test
    void whoRemembersAHandlerThatWasPausedOrChangedOrDeletedFindsOut() {
        var id = handler(on("paid"));
        var other = service();
        assertThat(publishBy(other)).containsExactly(FIRED);

        await(jobs().pause(TENANT, id));
        assertThat(publishBy(other)).isEmpty();

        await(jobs().resume(TENANT, id));
        assertThat(publishBy(other)).containsExactly(FIRED);

        change(id, with("paid", Optional.of("event.payload.n > 1"), Optional.empty()), true);
        assertThat(publishBy(other)).containsExactly(FILTERED);

        change(id, on("sent"), true);
        assertThat(publishBy(other)).isEmpty();
        assertThat(outcomes(publish(event("sent", 1)))).containsExactly(FIRED);

        handler(on("paid"));
        assertThat(publishBy(other)).containsExactly(FIRED);

        await(events.removeHandler(TENANT, id));
        assertThat(outcomes(publish(event("sent", 1)))).isEmpty();
        assertThat(runs()).isEqualTo(4);
    }

    /** What was told to have changed holds for all that is published after. */
    @Test
    void changesAndEventsThatMeetAreOneBeforeTheOther() {
        var id = handler(with("busy", Optional.empty(), Optional.of("[0, event.payload.n]")));
        var other = service();
        for (var round = 1; round <= 15; round++) {
            var before = new ArrayList<Future<?>>();
            for (var n = 0; n < 4; n++) {
                before.add(other.publish(TENANT, List.of(event("busy", round)), Optional.empty()));
            }
            change(id, with("busy", Optional.empty(), Optional.of("[" + round + ", event.payload.n]")), true);
            await(other.publish(TENANT, List.of(event("busy", -round)), Optional.empty()));
            before.forEach(dev.orrery.testing.Await::await);
        }

        assertThat(runs()).isEqualTo(75);
        assertThat(database.value("SELECT count(*) FROM run_params p"
                        + " WHERE (p.params->>1)::int < 0 AND -(p.params->>1)::int <> (p.params->>0)::int"))
                .isEqualTo("0");
        assertThat(database.value("SELECT count(*) FROM run_params p"
                        + " WHERE (p.params->>1)::int > 0 AND (p.params->>1)::int - (p.params->>0)::int NOT IN (0, 1)"))
                .isEqualTo("0");
    }

    @Test
    void anEventHasAHundredEnabledHandlersAndNoMore() {
        var registering = new ArrayList<Future<StoredHandler>>();
        for (var n = 0; n < 110; n++) {
            registering.add(events.onEvent(TENANT, input(on("popular")), Optional.empty()));
        }
        Future.join(registering)
                .transform(_ -> Future.succeededFuture())
                .toCompletionStage()
                .toCompletableFuture()
                .join();

        assertThat(registering).filteredOn(Future::succeeded).hasSize(EventRule.MAX_HANDLERS);
        assertThat(registering)
                .filteredOn(Future::failed)
                .allSatisfy(each -> assertThat(each.cause()).isInstanceOfSatisfying(OrreryException.class, told -> {
                    assertThat(told.code()).isEqualTo(ErrorCode.CONFLICT);
                    assertThat(told)
                            .hasMessageContaining("the event popular has 100 enabled handlers, more there cannot be");
                }));
        var one = registering.stream()
                .filter(Future::succeeded)
                .findFirst()
                .orElseThrow()
                .result()
                .id();
        await(jobs().pause(TENANT, one));
        handler(on("popular"));
        assertThatThrownBy(() -> await(jobs().resume(TENANT, one))).hasMessageContaining("more there cannot be");
        assertThatThrownBy(() -> change(one, on("popular"), true)).hasMessageContaining("more there cannot be");
        assertThat(outcomes(publish(event("popular", 1)))).hasSize(100).containsOnly(FIRED);
    }

    @Test
    void anEventMayBeForSomeHandlersOnly() {
        var meant = handler(on("paid"));
        handler(on("paid"));
        var event = new NewEvent(
                "paid",
                Json.EMPTY_OBJECT,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(Set.of(meant)));

        assertThat(publish(event).event().deliveries())
                .singleElement()
                .satisfies(delivery -> assertThat(delivery.handler()).isEqualTo(meant));
    }

    @Test
    void whatCannotBeFiredIsToldAtTheEvent() {
        var id = handler(on("paid"));
        database.value("UPDATE dags SET deleted_at = now() WHERE is_internal RETURNING id");

        var published = publish(event("paid", 1));

        assertThat(outcomes(published)).containsExactly(FAILED);
        assertThat(published.event().deliveries().getFirst().error()).contains("the DAG that it fires was deleted");
        assertThat(await(events.getEvent(TENANT, published.event().id()))).isEqualTo(published.event());
        assertThat(count("job_executions")).isZero();
        var again = await(jobs().get(TENANT, id)).orElseThrow();
        assertThat(again.executions()).isZero();
    }

    @Test
    void aDeletedTenantHasNoEventsAndLosesThoseItHad() {
        var tenant = new TenantId(
                Integer.parseInt(database.value("INSERT INTO tenants (name) VALUES ('gone') RETURNING id")));
        await(events.onEvent(tenant, input(on("paid")), Optional.empty()));
        await(events.publish(tenant, List.of(keyed("paid", "k", 1)), Optional.empty()));
        assertThat(publish(keyed("paid", "k", 2)).repeated()).isFalse();

        database.value("SELECT hide_tenant('gone')");

        assertThatThrownBy(() -> await(events.publish(tenant, List.of(event("paid", 1)), Optional.empty())))
                .isInstanceOfSatisfying(
                        OrreryException.class, told -> assertThat(told.code()).isEqualTo(ErrorCode.TENANT_NOT_FOUND));
        database.value("UPDATE dag_runs SET state = 'succeeded', remaining = 0, completed_at = now() RETURNING id");
        while (database.value("SELECT purged FROM purge_hidden_tenants(1000)").equals("t")) {
            // in steps
        }
        assertThat(database.value("SELECT count(*) FROM tenants WHERE name = 'gone'"))
                .isEqualTo("0");
        assertThat(count("events")).isEqualTo(1);
        assertThat(count("event_handlers")).isZero();
        assertThat(count("event_deliveries")).isZero();
    }

    private List<DeliveryOutcome> publishBy(EventService service) {
        return outcomes(await(service.publish(TENANT, List.of(event("paid", 1)), Optional.empty()))
                .getFirst());
    }

    private ScheduledJobRepository jobs() {
        return new ScheduledJobRepository(vertx, pools.api());
    }

    private void change(JobId id, EventRule rule, boolean enabled) {
        await(events.changeHandler(
                TENANT,
                id,
                seen -> new EventHandlerInput(
                        "changed",
                        rule,
                        seen.stored().job().work(),
                        enabled,
                        List.of(),
                        Optional.empty(),
                        Optional.empty())));
    }

    private static EventRule with(String name, Optional<String> filter, Optional<String> mapping) {
        return new EventRule(name, filter, mapping, Optional.empty(), Optional.empty());
    }
}

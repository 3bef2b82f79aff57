package dev.orrery.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.EventId;
import dev.orrery.domain.JobId;
import dev.orrery.domain.Json;
import dev.orrery.domain.event.EventRule;
import dev.orrery.domain.event.NewEvent;
import dev.orrery.domain.job.HandlerType;
import dev.orrery.store.EventHandlerRepository.Enabled;
import dev.orrery.store.EventHandlerRepository.Handlers;
import dev.orrery.store.EventPublication.Wanted;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class EventJudgeTest {

    private static final NewEvent EVENT = NewEvent.of("paid", new Json("[1]"), Optional.empty(), Optional.empty());

    @Test
    void whenTheTimeForExpressionsIsOverThoseWhoHaveNoneStillFire() {
        var judge = new EventJudge(new Handlers(
                "paid",
                "",
                List.of(handler("event.payload[0] == 1", HandlerType.FUNCTION), handler("", HandlerType.FUNCTION))));

        assertThat(wanted(judge, 1_000_000_000_000L)).extracting(Wanted::error).containsOnly(Optional.empty());
        assertThat(wanted(judge, -1))
                .extracting(each -> each.error().isPresent())
                .containsExactly(true, false);
    }

    @Test
    void aDagIsGivenAnObject() {
        var judge = new EventJudge(new Handlers("paid", "", List.of(handler("", HandlerType.WORKFLOW))));

        assertThat(wanted(judge, 0).getFirst().error())
                .hasValueSatisfying(error -> assertThat(error).contains("a DAG is given an object", "payloadMapping"));
    }

    private static List<Wanted> wanted(EventJudge judge, long nanos) {
        return judge.judge(new EventId(new UUID(1, 1)), EVENT, UUID::randomUUID, System.nanoTime() + nanos)
                .wanted();
    }

    private static Enabled handler(String filter, HandlerType type) {
        var rule = new EventRule(
                "paid",
                Optional.of(filter).filter(text -> !text.isEmpty()),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        return new Enabled(new JobId(UUID.randomUUID()), 1, rule, type, 1);
    }
}

package dev.orrery.service;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.task.LogEntry;
import dev.orrery.domain.task.LogLevel;
import dev.orrery.service.LogEntries.Placed;
import dev.orrery.store.LogRepository.StoredChunk;
import dev.orrery.testing.Seeded;
import io.vertx.core.buffer.Buffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class LogEntriesTest {

    private static final RunId RUN = new RunId(new UUID(7, 0));
    private static final Instant STORED = Instant.parse("2026-11-21T18:00:00Z");
    private static final Instant LATER = Instant.parse("2026-11-21T18:00:01Z");
    private static final Instant SAID = Instant.parse("2026-11-21T17:00:00.123Z");
    private static final String ENTRY = "2026-11-21T17:00:00.123Z ";

    @Test
    void plainLinesAreOfTheTimeAtWhichTheirPieceWasStored() {
        var chunks = List.of(chunk(1, 1, 0, STORED, "one\ntw"), chunk(1, 1, 6, LATER, "o\nthree\nunfin"));

        assertThat(entries(LogEntries.of(chunks, LogPlace.START, true)))
                .containsExactly(plain(STORED, "one"), plain(STORED, "two"), plain(LATER, "three"));
    }

    @Test
    void whatTellsItsTimeGoesOnInLinesBehindTabs() {
        var log = "\tno entry before\n" + ENTRY + "ERROR broken\n\tat here {\"n\":1}\n" + ENTRY
                + "INFO fine\nplain\n\tand plain\n";

        assertThat(entries(LogEntries.of(List.of(chunk(1, 1, 0, STORED, log)), LogPlace.START, true)))
                .containsExactly(
                        plain(STORED, "\tno entry before"),
                        new LogEntry(SAID, LogLevel.ERROR, "broken\nat here", Optional.of(new Json("{\"n\":1}"))),
                        new LogEntry(SAID, LogLevel.INFO, "fine"),
                        plain(STORED, "plain"),
                        plain(STORED, "\tand plain"));
    }

    @Test
    void whatMayGoOnIsLeftForTheNextReadingUnlessItIsAllThereIs() {
        var chunks = List.of(chunk(1, 1, 0, STORED, "one\n" + ENTRY + "INFO two\n"));

        assertThat(entries(LogEntries.of(chunks, LogPlace.START, false))).containsExactly(plain(STORED, "one"));
        assertThat(entries(LogEntries.of(chunks, new LogPlace(1, 1, 4), false)))
                .containsExactly(new LogEntry(SAID, LogLevel.INFO, "two"));
    }

    @Test
    void theLogOfAnotherAttemptEndsWhatCameBefore() {
        var chunks = List.of(
                chunk(1, 1, 0, STORED, ENTRY + "INFO one\ncut"),
                chunk(1, 2, 0, LATER, "\ttwo\n"),
                chunk(2, 1, 0, LATER, "three\n"));

        var placed = LogEntries.of(chunks, LogPlace.START, true);

        assertThat(entries(placed))
                .containsExactly(
                        new LogEntry(SAID, LogLevel.INFO, "one"),
                        plain(STORED, "cut"),
                        plain(LATER, "\ttwo"),
                        plain(LATER, "three"));
        assertThat(placed.stream().map(Placed::next))
                .containsExactly(
                        new LogPlace(1, 1, 34), new LogPlace(1, 1, 37), new LogPlace(1, 2, 5), new LogPlace(2, 1, 6));
    }

    @Test
    void readingOnFromAnyPlaceFindsTheRest() {
        Seeded.forAll(random -> {
            var chunks = chunks(random);
            var all = LogEntries.of(chunks, LogPlace.START, true);

            for (var n = 0; n < all.size(); n++) {
                var place = all.get(n).next();
                var rest = chunks.stream()
                        .filter(chunk -> isNotBefore(chunk, place))
                        .toList();

                assertThat(LogEntries.of(rest, place, true)).isEqualTo(all.subList(n + 1, all.size()));
            }
        });
    }

    private static boolean isNotBefore(StoredChunk chunk, LogPlace place) {
        var task = chunk.task().taskNumber();
        return task > place.task()
                || (task == place.task()
                        && (chunk.attempt() > place.attempt()
                                || (chunk.attempt() == place.attempt()
                                        && chunk.offset() + chunk.content().length() > place.offset())));
    }

    private static List<StoredChunk> chunks(RandomGenerator random) {
        var chunks = new ArrayList<StoredChunk>();
        for (var attempt = 1; attempt <= 2; attempt++) {
            var log = new StringBuilder();
            for (var line = random.nextInt(6); line >= 0; line--) {
                log.append(List.of("plain", "\tbehind", ENTRY + "INFO é", "").get(random.nextInt(4)))
                        .append('\n');
            }
            var bytes = log.toString().getBytes(UTF_8);
            for (var at = 0; at < bytes.length; ) {
                var length = Math.min(random.nextInt(1, 30), bytes.length - at);
                chunks.add(new StoredChunk(
                        TaskInstanceId.of(RUN, 1),
                        attempt,
                        at,
                        Buffer.buffer(bytes).slice(at, at + length),
                        STORED));
                at += length;
            }
        }
        return chunks;
    }

    private static StoredChunk chunk(int task, int attempt, long offset, Instant stored, String text) {
        return new StoredChunk(TaskInstanceId.of(RUN, task), attempt, offset, Buffer.buffer(text), stored);
    }

    private static LogEntry plain(Instant at, String message) {
        return new LogEntry(at, LogLevel.INFO, message);
    }

    private static List<LogEntry> entries(List<Placed> placed) {
        return placed.stream().map(Placed::entry).toList();
    }
}

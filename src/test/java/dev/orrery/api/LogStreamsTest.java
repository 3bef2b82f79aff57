package dev.orrery.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.service.LogSlice;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class LogStreamsTest extends ApiTestBase {

    private static final String LOGS = "/api/v1/runs/" + RUN + "/tasks/extract/logs";

    /** The log of one attempt, which grows while it is read. */
    private static final class Growing implements LogReader {

        private Buffer text = Buffer.buffer();
        private int attempt;
        private boolean ended;
        final AtomicInteger reads = new AtomicInteger();

        synchronized void begin(int number) {
            attempt = number;
        }

        synchronized void print(byte... bytes) {
            text.appendBytes(bytes);
        }

        void print(String line) {
            print(line.getBytes(UTF_8));
        }

        synchronized void end() {
            ended = true;
        }

        @Override
        public synchronized Future<LogSlice> read(OptionalInt asked, long offset) {
            reads.incrementAndGet();
            var from = (int) Math.min(offset, text.length());
            var to = Math.min(text.length(), from + PIECE_BYTES);
            var piece = text.getBuffer(from, to).copy();
            return Future.succeededFuture(new LogSlice(attempt, from, piece, ended && to == text.length()));
        }
    }

    private final Growing log = new Growing();

    private ApiClient startReading() {
        operations.put(
                "readTaskLog",
                request -> request.flag("follow")
                        ? LogStreams.follow(
                                request.vertx(), log, request.optionalNumber("attempt"), request.number("offset"))
                        : LogStreams.text(
                                request.vertx(), log, request.optionalNumber("attempt"), request.number("offset")));
        return start();
    }

    @Test
    void theTextThatIsThereIsAnsweredAsItIs() {
        var client = startReading();
        log.begin(2);
        log.print("one\r\ntwo\u0000 \u001b[31mred\n");
        log.print((byte) 0xFF);

        var reply = client.get(LOGS).send();

        assertThat(reply.header("Content-Type")).isEqualTo("text/plain; charset=utf-8");
        assertThat(reply.header("Orrery-Attempt")).isEqualTo("2");
        assertThat(reply.body()).isEqualTo(log.text);
    }

    @Test
    void aLongLogIsReadInPieces() {
        var client = startReading();
        log.begin(1);
        log.print("0123456789abcde\n".repeat(65_536));

        var whole = client.get(LOGS).send();
        var rest = client.get(LOGS + "?offset=1048560").send();

        assertThat(whole.body()).isEqualTo(log.text);
        assertThat(log.reads.get()).isGreaterThan(16);
        assertThat(rest.body().toString()).isEqualTo("0123456789abcde\n");
    }

    @Test
    void whereThereIsNothingYetTheTextIsEmpty() {
        var client = startReading();

        var reply = client.get(LOGS).send();

        assertThat(reply.status()).isEqualTo(200);
        assertThat(reply.header("Orrery-Attempt")).isEqualTo("0");
        assertThat(reply.body().length()).isZero();
    }

    @Test
    void aFollowerIsToldWhatIsPrintedUntilTheAttemptEnds() {
        var client = startReading();
        var check = new ContractCheck(contract);

        var events = client.events(LOGS + "?follow=true");
        events.comment();
        log.begin(1);
        log.print("fetched 1204 rows\n");
        var first = events.next();
        log.print("wrote report.csv\n");
        var second = events.next();
        log.end();
        var end = events.next();

        check.validate("log", "LogEvent", first.json());
        assertThat(first.id()).isEqualTo("18");
        assertThat(first.json().getString("text")).isEqualTo("fetched 1204 rows\n");
        assertThat(second.id()).isEqualTo("35");
        check.validate("end", "LogEndEvent", end.json());
        assertThat(end.name()).isEqualTo("end");
        assertThat(end.json().getInteger("attempt")).isEqualTo(1);
        assertThat(events.next()).isNull();
    }

    @Test
    void aFollowerGoesOnWhereItWas() {
        var client = startReading();
        log.begin(1);
        log.print("fetched 1204 rows\nwrote report.csv\n");
        log.end();

        var events = client.events(LOGS + "?follow=true&offset=18");

        assertThat(events.next().json().getString("text")).isEqualTo("wrote report.csv\n");
    }

    @Test
    void noCharacterIsCutInTwo() {
        var client = startReading();
        var text = "aé漢😀".repeat(30_000);
        var bytes = text.getBytes(UTF_8);
        log.begin(1);
        log.print(bytes);
        log.end();

        var events = client.events(LOGS + "?follow=true").rest();

        var told = events.stream()
                .filter(event -> event.name().equals("log"))
                .map(event -> event.json().getString("text"))
                .collect(Collectors.joining());
        assertThat(told).isEqualTo(text);
        assertThat(events.get(events.size() - 2).id()).isEqualTo(Integer.toString(bytes.length));
    }

    @Test
    void aCharacterThatIsStillBeingPrintedIsWaitedFor() {
        var client = startReading();
        log.begin(1);
        log.print((byte) 'a', (byte) 0xE6, (byte) 0xBC);
        var events = client.events(LOGS + "?follow=true");
        var before = events.next();
        log.print((byte) 0xA2);
        log.end();

        assertThat(before.json().getString("text")).isEqualTo("a");
        assertThat(before.id()).isEqualTo("1");
        assertThat(events.next().json().getString("text")).isEqualTo("漢");
    }

    @Test
    void whatIsNoUtf8IsReplacedAndDelaysNothing() {
        var client = startReading();
        log.begin(1);
        log.print((byte) 0x80, (byte) 0xBF, (byte) 0xFF, (byte) 0xFE, (byte) 'x');
        var events = client.events(LOGS + "?follow=true");
        var first = events.next();
        log.print((byte) 0xF0, (byte) 0x9F);
        log.end();

        assertThat(first.json().getString("text")).isEqualTo("\uFFFD\uFFFD\uFFFD\uFFFDx");
        assertThat(events.next().json().getString("text")).startsWith("\uFFFD");
        assertThat(events.next().name()).isEqualTo("end");
    }

    @Test
    void aTaskThatNeverRanEndsAtOnce() {
        var client = startReading();
        log.end();

        var events = client.events(LOGS + "?follow=true").rest();

        assertThat(events).hasSize(1);
        assertThat(events.getFirst().name()).isEqualTo("end");
        assertThat(events.getFirst().json().getInteger("attempt")).isZero();
    }

    @Test
    void aFollowerWhoGoesIsForgotten() throws InterruptedException {
        var client = startReading();
        log.begin(1);
        log.print("x");
        var events = client.events(LOGS + "?follow=true");
        events.next();

        events.close();

        var last = -1;
        for (var i = 0; i < 20 && last != log.reads.get(); i++) {
            last = log.reads.get();
            Thread.sleep(1_500);
        }
        assertThat(log.reads.get()).isEqualTo(last);
    }

    @Test
    void theOffsetOfAnEventIsThatOfItsEnd() {
        for (var whole : List.of("", "a", "é", "漢", "😀", "a😀")) {
            var bytes = Buffer.buffer(whole);
            assertThat(LogFollow.wholeCharacters(bytes)).as(whole).isEqualTo(bytes.length());
        }
        assertThat(LogFollow.wholeCharacters(cut("é", 1))).isZero();
        assertThat(LogFollow.wholeCharacters(cut("漢", 1))).isZero();
        assertThat(LogFollow.wholeCharacters(cut("漢", 2))).isZero();
        assertThat(LogFollow.wholeCharacters(cut("a😀", 4))).isEqualTo(1);
    }

    private static Buffer cut(String text, int bytes) {
        return Buffer.buffer(text).getBuffer(0, bytes);
    }
}

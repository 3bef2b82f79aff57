package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import dev.orrery.config.HttpConfig;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** One line for each request, which says what was asked and how it went, and holds nothing that could be a secret. */
class RequestLogTest extends ApiTestBase {

    private static final HttpConfig GUARDED = new HttpConfig("127.0.0.1", 0, List.of(), "s3cret-token", List.of(), 100);

    private final Logger logger = (Logger) LoggerFactory.getLogger(RequestLog.class);
    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
            lines.add(event.getLevel() + " " + event.getFormattedMessage());
        }
    };

    @BeforeEach
    void listen() {
        logger.setLevel(Level.DEBUG);
        appender.start();
        logger.addAppender(appender);
    }

    @AfterEach
    void leave() {
        logger.detachAppender(appender);
        logger.setLevel(null);
    }

    @Test
    void aLineSaysWhatWasAskedAndHowItWent() {
        var client = start();

        client.get("/api/v1/dags/" + DAG).send();
        client.post("/api/v1/runs/" + RUN + "/cancel").send();

        until("both are logged", () -> lines.size() == 2);
        assertThat(lines)
                .anySatisfy(line -> assertThat(line)
                        .startsWith("DEBUG event=request operation=getDag method=GET path=/api/v1/dags/" + DAG
                                + " status=200 ")
                        .contains(" remote=127.0.0.1"));
        assertThat(lines)
                .anySatisfy(line -> assertThat(line)
                        .startsWith("INFO event=request operation=cancelRun method=POST path=/api/v1/runs/" + RUN
                                + "/cancel status=202 "));
    }

    @Test
    void theRoutineOfRemoteWorkersIsNoNews() {
        var client = start();
        var worker = "/api/v1/remote-workers/01980f6e-9000-7000-8b2d-5f3100000001";

        client.post(worker + "/heartbeat").header("Orrery-Worker-Token", "t").send();
        client.delete(worker).header("Orrery-Worker-Token", "t").send();

        until("both are logged", () -> lines.size() == 2);
        assertThat(lines)
                .anySatisfy(line -> assertThat(line).startsWith("DEBUG event=request operation=beatRemoteWorker "))
                .anySatisfy(line -> assertThat(line).startsWith("INFO event=request operation=deleteRemoteWorker "));
    }

    @Test
    void whatProgramsDoByTheThousandIsToldOnlyWhereItIsRefused() {
        var client = start();

        client.post("/api/v1/dags/" + DAG + "/runs").json("{}").send();
        client.post("/api/v1/dags/" + DAG + "/runs").json("{\"params\": 7}").send();

        until("both are logged", () -> lines.size() == 2);
        assertThat(lines.getFirst())
                .startsWith("DEBUG event=request operation=triggerRun ")
                .contains(" status=202 ");
        assertThat(lines.getLast())
                .startsWith("INFO event=request operation=triggerRun ")
                .contains(" status=400 ");
    }

    @Test
    void noLineHoldsABodyAHeaderOrAQuery() {
        var client = start(GUARDED);

        for (var token : List.of("s3cret-token", "wrong-s3cret")) {
            client.post("/api/v1/dags?token=s3cret-query")
                    .header("Authorization", "Bearer " + token)
                    .header("Idempotency-Key", "s3cret-key")
                    .json("{\"name\": \"s3cret-name\", \"yaml\": \"s3cret-text\"}")
                    .send();
        }

        until("both are logged", () -> lines.size() == 2);
        assertThat(lines)
                .allSatisfy(
                        line -> assertThat(line).contains(" path=/api/v1/dags ").doesNotContain("s3cret"));
    }
}

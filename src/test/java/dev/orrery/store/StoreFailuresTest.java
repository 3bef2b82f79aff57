package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import io.vertx.core.Future;
import io.vertx.core.VertxException;
import io.vertx.pgclient.PgException;
import io.vertx.sqlclient.ClosedConnectionException;
import java.io.IOException;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class StoreFailuresTest {

    static Stream<Throwable> unavailable() {
        return Stream.of(
                new IOException("connection refused"),
                new TimeoutException(),
                ClosedConnectionException.INSTANCE,
                VertxException.noStackTrace("Pending requests failed to be sent due to connection has been closed."),
                VertxException.noStackTrace("Timeout waiting for connection"),
                Future.failedFuture("Timeout").cause(),
                refused("57P01"),
                refused("53300"),
                refused("40001"));
    }

    @ParameterizedTest
    @MethodSource("unavailable")
    void aDatabaseThatIsAwayTakenOrTooSlowIsToldAsUnavailable(Throwable failure) {
        assertThat(StoreFailures.told(failure)).isInstanceOfSatisfying(OrreryException.class, told -> {
            assertThat(told.code()).isEqualTo(ErrorCode.UNAVAILABLE);
            assertThat(told).hasCause(failure);
        });
        assertThat(StoreFailures.isLasting(failure)).isFalse();
    }

    @Test
    void aDatabaseWithoutRoomOnItsDiskIsToldAsSuch() {
        var failure = refused("53100");

        assertThat(StoreFailures.told(failure)).isInstanceOfSatisfying(OrreryException.class, told -> {
            assertThat(told.code()).isEqualTo(ErrorCode.STORAGE_FULL);
            assertThat(told).hasCause(failure).hasMessageContaining("make room");
        });
        assertThat(StoreFailures.isLasting(failure)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Parameter at position[0] with class = [A] and value = [b] can not be coerced",
                "The number of parameters to execute should be consistent"
            })
    void parametersThatDoNotFitAreAFaultOfOurOwn(String message) {
        var failure = VertxException.noStackTrace(message);

        assertThat(StoreFailures.told(failure)).isSameAs(failure);
    }

    @ParameterizedTest
    @ValueSource(strings = {"21000", "22P02", "23505", "42601", "54000"})
    void whatIsWrongInItselfIsLastingAndStaysWhatItIs(String state) {
        var failure = refused(state);

        assertThat(StoreFailures.isLasting(failure)).isTrue();
        assertThat(StoreFailures.told(failure)).isSameAs(failure);
    }

    @Test
    void onlyAnotherTransactionMakesAConflict() {
        assertThat(Stream.of("40001", "40P01", "55P03").map(StoreFailuresTest::refused))
                .allMatch(StoreFailures::isConflict);
        assertThat(Stream.of("23505", "57P01").map(StoreFailuresTest::refused)).noneMatch(StoreFailures::isConflict);
    }

    private static PgException refused(String sqlState) {
        return new PgException("refused", "ERROR", sqlState, "");
    }
}

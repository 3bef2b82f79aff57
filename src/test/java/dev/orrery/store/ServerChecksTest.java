package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.StartupException;
import dev.orrery.store.ServerChecks.Facts;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ServerChecksTest {

    private static final Facts GOOD = new Facts(150_004, "on", "on", "on", "UTF8", false, false, 97, true);

    @Test
    void aSafeServerIsTaken() {
        assertThat(ServerChecks.problems(GOOD, 97)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"on", "local", "remote_write", "remote_apply"})
    void anyCommitThatReachesTheDiskWillDo(String value) {
        assertThat(ServerChecks.problems(with(f -> commit(f, value)), 10)).isEmpty();
    }

    static Stream<Arguments> oneWrong() {
        return Stream.of(
                Arguments.of(new Facts(140_012, "on", "on", "on", "UTF8", false, false, 97, true), "PostgreSQL 14"),
                Arguments.of(new Facts(150_004, "off", "on", "on", "UTF8", false, false, 97, true), "fsync = on"),
                Arguments.of(with(f -> commit(f, "off")), "synchronous_commit = on"),
                Arguments.of(
                        new Facts(150_004, "on", "on", "off", "UTF8", false, false, 97, true), "full_page_writes = on"),
                Arguments.of(
                        new Facts(150_004, "on", "on", "on", "SQL_ASCII", false, false, 97, true), "ENCODING 'UTF8'"),
                Arguments.of(new Facts(150_004, "on", "on", "on", "UTF8", true, true, 97, true), "name the primary"),
                Arguments.of(
                        new Facts(150_004, "on", "on", "on", "UTF8", false, true, 97, true),
                        "default_transaction_read_only is on"),
                Arguments.of(
                        new Facts(150_004, "on", "on", "on", "UTF8", false, false, 9, true),
                        "may open 9 connections and a node needs 10"),
                Arguments.of(
                        new Facts(150_004, "on", "on", "on", "UTF8", false, false, 97, false),
                        "may not create tables"));
    }

    @ParameterizedTest
    @MethodSource("oneWrong")
    void whatIsUnsafeIsNamedWithItsCure(Facts facts, String expected) {
        var problems = ServerChecks.problems(facts, 10);

        assertThat(problems).singleElement().asString().contains(expected);
    }

    @Test
    void allThatMustChangeIsToldAtOnceInOneLine() {
        var bad = new Facts(180_000, "off", "off", "off", "UTF8", false, false, 97, true);

        assertThatThrownBy(() -> ServerChecks.require(bad, 10, "h:5432/d"))
                .isInstanceOf(StartupException.class)
                .hasMessageStartingWith("the database server at h:5432/d cannot be used: ")
                .hasMessageContainingAll("fsync is off", "synchronous_commit is off", "full_page_writes is off")
                .hasMessageNotContaining("\n");
    }

    private static Facts with(UnaryOperator<Facts> change) {
        return change.apply(GOOD);
    }

    private static Facts commit(Facts f, String value) {
        return new Facts(
                f.version(),
                f.fsync(),
                value,
                f.fullPageWrites(),
                f.encoding(),
                f.inRecovery(),
                f.readOnly(),
                f.connections(),
                f.mayCreate());
    }
}

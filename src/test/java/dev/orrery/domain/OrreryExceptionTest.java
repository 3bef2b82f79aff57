package dev.orrery.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class OrreryExceptionTest {

    @Test
    void onlyAFaultOfOurOwnHasAStackTrace() {
        var cause = new IllegalStateException("the wire broke");

        var outside = new OrreryException(ErrorCode.UNAVAILABLE, "away", cause);
        var own = new OrreryException(ErrorCode.INTERNAL_ERROR, "ours", cause);

        assertThat(outside.getStackTrace()).isEmpty();
        assertThat(outside).hasCause(cause);
        assertThat(own.getStackTrace()).isNotEmpty();
    }
}

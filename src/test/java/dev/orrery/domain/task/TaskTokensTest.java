package dev.orrery.domain.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.task.TaskTokens.Claimed;
import java.util.Arrays;
import java.util.UUID;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TaskTokensTest {

    private static final TaskInstanceId TASK =
            TaskInstanceId.single(UUID.fromString("019b0000-0000-7000-8000-000000000000"), 3);

    private final TaskTokens tokens = new TaskTokens(secret(1));

    @Test
    void aTokenTellsWhatItWasMadeOf() {
        var token = tokens.of(TASK, 77);

        assertThat(tokens.read(token)).contains(new Claimed(TASK, 77));
        assertThat(tokens.of(TASK, 77)).isEqualTo(token);
        assertThat(TaskTokens.isMeant(token)).isTrue();
        assertThat(token).matches(Pattern.compile("orrtask_[A-Za-z0-9_-]{75}"));
    }

    @Test
    void whatIsSignedWithAnotherSecretIsForged() {
        assertThat(new TaskTokens(secret(2)).read(tokens.of(TASK, 77))).isEmpty();
    }

    @Test
    void everyCharacterCounts() {
        var token = tokens.of(TASK, 77);

        // The last one stands for four bits and two that are none.
        for (var at = TaskTokens.PREFIX.length(); at < token.length() - 1; at++) {
            var other = token.charAt(at) == 'A' ? 'B' : 'A';
            var changed = token.substring(0, at) + other + token.substring(at + 1);

            assertThat(tokens.read(changed)).as("changed at " + at).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "orrtask_", "orrtask_AAAA", "orrtask_!", "Orrtask_", "secret", "orrtask_\u00e4"})
    void otherTextsAreNoTokens(String text) {
        assertThat(tokens.read(text)).isEmpty();
    }

    @Test
    void aShortSecretIsRefused() {
        assertThatThrownBy(() -> new TaskTokens(new byte[16]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("32 bytes");
    }

    private static byte[] secret(int content) {
        var secret = new byte[TaskTokens.SECRET_BYTES];
        Arrays.fill(secret, (byte) content);
        return secret;
    }
}

package dev.orrery.domain.task;

import static dev.orrery.domain.Checks.require;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.TaskInstanceId;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;
import java.util.UUID;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Makes and reads the tokens by which running tasks call the API. A token names a task and the fence of the claim under which
 * it runs, signed by HMAC-SHA256; whether that claim is still held it cannot tell. From any thread.
 */
public final class TaskTokens {

    /** How every token begins, so that it can be told from others, and found where it should not be. */
    public static final String PREFIX = "orrtask_";

    /** How many bytes the secret has. */
    public static final int SECRET_BYTES = 32;

    private static final String ALGORITHM = "HmacSHA256";
    private static final byte[] PURPOSE = "orrery task token 1\0".getBytes(US_ASCII);
    private static final int CLAIM_BYTES = 3 * Long.BYTES;
    private static final int BYTES = CLAIM_BYTES + 32;

    private final SecretKeySpec key;

    /** A task under the fence of its claim. */
    public record Claimed(TaskInstanceId task, long fence) {

        public Claimed {
            requireNonNull(task, "task");
        }
    }

    public TaskTokens(byte[] secret) {
        require(secret.length == SECRET_BYTES, "a secret has 32 bytes, this one has " + secret.length);
        this.key = new SecretKeySpec(secret, ALGORITHM);
    }

    /** The token of an attempt; always the same one. */
    public String of(TaskInstanceId task, long fence) {
        var token = ByteBuffer.allocate(BYTES)
                .putLong(task.value().getMostSignificantBits())
                .putLong(task.value().getLeastSignificantBits())
                .putLong(fence);
        token.put(signature(Arrays.copyOf(token.array(), CLAIM_BYTES)));
        return PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(token.array());
    }

    /** Whether a text is meant to be a token of a task, whoever made it. */
    public static boolean isMeant(String text) {
        return text.startsWith(PREFIX);
    }

    /** What a token says; nothing where it was not signed with this secret. Takes the same time wherever it is wrong. */
    public Optional<Claimed> read(String token) {
        if (!isMeant(token)) {
            return Optional.empty();
        }
        byte[] bytes;
        try {
            bytes = Base64.getUrlDecoder().decode(token.substring(PREFIX.length()));
        } catch (IllegalArgumentException notBase64) {
            return Optional.empty();
        }
        if (bytes.length != BYTES) {
            return Optional.empty();
        }
        var signature = Arrays.copyOfRange(bytes, CLAIM_BYTES, BYTES);
        if (!MessageDigest.isEqual(signature(Arrays.copyOf(bytes, CLAIM_BYTES)), signature)) {
            return Optional.empty();
        }
        var claim = ByteBuffer.wrap(bytes);
        var task = new TaskInstanceId(new UUID(claim.getLong(), claim.getLong()));
        return Optional.of(new Claimed(task, claim.getLong()));
    }

    private byte[] signature(byte[] claim) {
        try {
            var mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            mac.update(PURPOSE);
            return mac.doFinal(claim);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has " + ALGORITHM, e);
        }
    }
}

package dev.orrery.domain.webhook;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.domain.WireNamed;
import java.io.ByteArrayOutputStream;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * How a request is signed, by HMAC-SHA256. Names of headers are in small letters here.
 *
 * <p>{@code STANDARD} is that of standardwebhooks.com: {@code webhook-signature} has {@code v1,} and the Base64 of the HMAC
 * over {@code webhook-id}, {@code webhook-timestamp} and the body, joined by dots; several stand beside each other. {@code
 * GITHUB}: {@code x-hub-signature-256} has {@code sha256=} and the HMAC of the body in hex. {@code PLAIN}: a header of one's
 * own choice has the HMAC of the body in hex, perhaps after {@code sha256=}.
 */
public enum WebhookScheme implements WireNamed {
    STANDARD,
    GITHUB,
    PLAIN;

    public static final String GITHUB_HEADER = "x-hub-signature-256";

    private static final String STANDARD_HEADER = "webhook-signature";
    private static final String STANDARD_ID = "webhook-id";
    private static final String STANDARD_TIME = "webhook-timestamp";
    private static final String GITHUB_ID = "x-github-delivery";
    private static final String VERSION = "v1,";
    private static final String HEX_PREFIX = "sha256=";
    private static final int SIGNATURES_MAX = 10;
    private static final String ALGORITHM = "HmacSHA256";

    /** The scheme with this wire name; throws IllegalArgumentException where there is none. */
    public static WebhookScheme ofWireName(String name) {
        return WireNamed.of(WebhookScheme.class, name);
    }

    /**
     * The headers of a request of ours, by {@link #STANDARD}: its id, its time, and where there is a secret the signature.
     *
     * @param id the same when it is sent again
     */
    public static Map<String, String> signed(String id, Instant at, byte[] body, Optional<Secret> secret) {
        var headers = new TreeMap<>(Map.of(STANDARD_ID, id, STANDARD_TIME, Long.toString(at.getEpochSecond())));
        secret.ifPresent(known -> headers.put(
                STANDARD_HEADER,
                VERSION + Base64.getEncoder().encodeToString(hmac(known, STANDARD.content(headers, body)))));
        return headers;
    }

    /** Whether one of the secrets signed this. Takes the same time wherever a signature is wrong. */
    boolean isSigned(String header, Map<String, String> headers, byte[] body, List<Secret> secrets) {
        var content = content(headers, body);
        var signatures = signatures(headers.getOrDefault(header, ""));
        var isSigned = false;
        for (var secret : secrets) {
            var expected = hmac(secret, content);
            for (var signature : signatures) {
                isSigned |= MessageDigest.isEqual(expected, signature);
            }
        }
        return isSigned;
    }

    /** The header that the signature stands in. */
    String header(Optional<String> chosen) {
        return switch (this) {
            case STANDARD -> STANDARD_HEADER;
            case GITHUB -> GITHUB_HEADER;
            case PLAIN -> chosen.orElse(GITHUB_HEADER);
        };
    }

    /** What the sender calls this delivery, the same when it is sent again. */
    Optional<String> delivery(Map<String, String> headers) {
        return switch (this) {
            case STANDARD -> Optional.ofNullable(headers.get(STANDARD_ID));
            case GITHUB -> Optional.ofNullable(headers.get(GITHUB_ID));
            case PLAIN -> Optional.empty();
        };
    }

    /** Whether a delivery has to have a name and a time. */
    boolean needsDelivery() {
        return this != PLAIN;
    }

    boolean needsTime() {
        return this == STANDARD;
    }

    /** When it was signed. */
    Optional<Instant> time(Map<String, String> headers) {
        try {
            return this == STANDARD
                    ? Optional.ofNullable(headers.get(STANDARD_TIME))
                            .map(text -> Instant.ofEpochSecond(Long.parseLong(text)))
                    : Optional.empty();
        } catch (NumberFormatException | DateTimeException notATime) {
            return Optional.empty();
        }
    }

    private byte[] content(Map<String, String> headers, byte[] body) {
        if (this != STANDARD) {
            return body;
        }
        var content = new ByteArrayOutputStream(body.length + 100);
        for (var header : List.of(STANDARD_ID, STANDARD_TIME)) {
            content.writeBytes(headers.getOrDefault(header, "").getBytes(UTF_8));
            content.write('.');
        }
        content.writeBytes(body);
        return content.toByteArray();
    }

    private List<byte[]> signatures(String header) {
        var texts = this == STANDARD
                ? Arrays.stream(header.split(" ")).filter(each -> each.startsWith(VERSION))
                : Stream.of(header);
        return texts.limit(SIGNATURES_MAX).map(this::decoded).toList();
    }

    /** No bytes where it is no signature at all. */
    private byte[] decoded(String text) {
        try {
            return switch (this) {
                case STANDARD -> Base64.getDecoder().decode(text.substring(VERSION.length()));
                case GITHUB -> text.startsWith(HEX_PREFIX) ? hex(text.substring(HEX_PREFIX.length())) : new byte[0];
                case PLAIN -> hex(text.startsWith(HEX_PREFIX) ? text.substring(HEX_PREFIX.length()) : text);
            };
        } catch (IllegalArgumentException notEncoded) {
            return new byte[0];
        }
    }

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text);
    }

    private static byte[] hmac(Secret secret, byte[] content) {
        try {
            var mac = Mac.getInstance(ALGORITHM);
            mac.init(new SecretKeySpec(secret.bytes(), ALGORITHM));
            return mac.doFinal(content);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has " + ALGORITHM, e);
        }
    }
}

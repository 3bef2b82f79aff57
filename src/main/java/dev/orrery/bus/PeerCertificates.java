package dev.orrery.bus;

import dev.orrery.config.BusConfig;
import dev.orrery.domain.StartupException;
import io.vertx.core.Vertx;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.PemTrustOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.stream.Stream;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509KeyManager;
import javax.net.ssl.X509TrustManager;

/**
 * The certificates of the bus between nodes, tried out at start: with files that do not fit each other a node would start, and
 * would neither hear nor be heard.
 */
final class PeerCertificates {

    private static final String CA_FILE = "bus.ca-file";
    private static final String CERT_FILE = "bus.cert-file";
    private static final String KEY_FILE = "bus.key-file";
    private static final List<String> KEY_TYPES = List.of("EC", "RSA", "EdDSA");

    private PeerCertificates() {}

    static PemKeyCertOptions own(BusConfig config) {
        return new PemKeyCertOptions().addCertPath(config.certFile()).addKeyPath(config.keyFile());
    }

    static PemTrustOptions authority(BusConfig config) {
        return new PemTrustOptions().addCertPath(config.caFile());
    }

    /** @throws StartupException which names the setting, the file and what is wrong with it */
    static void require(BusConfig config) {
        requireReadable(CA_FILE, config.caFile());
        requireReadable(CERT_FILE, config.certFile());
        requireReadable(KEY_FILE, config.keyFile());
        // Read as they will be: by the library that uses them.
        var vertx = Vertx.vertx();
        try {
            requireFit(trusted(vertx, config), own(vertx, config), config);
        } finally {
            vertx.close();
        }
    }

    private static void requireReadable(String setting, String file) {
        if (!Files.isReadable(Path.of(file))) {
            throw new StartupException(setting + " cannot be read: " + file);
        }
    }

    private static X509TrustManager trusted(Vertx vertx, BusConfig config) {
        try {
            return only(
                    X509TrustManager.class,
                    Stream.<TrustManager>of(
                            authority(config).getTrustManagerFactory(vertx).getTrustManagers()));
        } catch (Exception e) {
            throw new StartupException(
                    CA_FILE + " " + config.caFile() + " cannot be used (" + reason(e)
                            + "): it holds certificates in the PEM form",
                    e);
        }
    }

    private static X509KeyManager own(Vertx vertx, BusConfig config) {
        try {
            return only(
                    X509KeyManager.class,
                    Stream.of(own(config).getKeyManagerFactory(vertx).getKeyManagers()));
        } catch (Exception e) {
            throw new StartupException(
                    CERT_FILE + " " + config.certFile() + " or " + KEY_FILE + " " + config.keyFile()
                            + " cannot be used (" + reason(e)
                            + "): both are in the PEM form, the key is PKCS#8 without a password",
                    e);
        }
    }

    private static <T> T only(Class<T> type, Stream<?> managers) {
        return managers.filter(type::isInstance).map(type::cast).findFirst().orElseThrow();
    }

    private static void requireFit(X509TrustManager trusted, X509KeyManager own, BusConfig config) {
        var alias = KEY_TYPES.stream()
                .map(type -> own.getServerAliases(type, null))
                .filter(aliases -> aliases != null && aliases.length > 0)
                .map(aliases -> aliases[0])
                .findFirst()
                .orElseThrow(() -> new StartupException(
                        KEY_FILE + " " + config.keyFile() + " is of a kind that is not used: give one of EC or RSA"));
        var chain = own.getCertificateChain(alias);
        requirePair(own.getPrivateKey(alias), chain[0].getPublicKey(), config);
        requireTrust(trusted, chain, config);
    }

    private static void requirePair(PrivateKey privateKey, PublicKey publicKey, BusConfig config) {
        var sample = new byte[] {1, 2, 3};
        try {
            var signing = Signature.getInstance(
                    switch (publicKey.getAlgorithm()) {
                        case "RSA" -> "SHA256withRSA";
                        case "EC" -> "SHA256withECDSA";
                        default -> publicKey.getAlgorithm();
                    });
            signing.initSign(privateKey);
            signing.update(sample);
            var signature = signing.sign();
            signing.initVerify(publicKey);
            signing.update(sample);
            if (signing.verify(signature)) {
                return;
            }
        } catch (GeneralSecurityException _) {
            // Keys of two kinds are no pair either.
        }
        throw new StartupException(KEY_FILE + " " + config.keyFile() + " is not the key of the certificate in "
                + CERT_FILE + " " + config.certFile());
    }

    private static void requireTrust(X509TrustManager trusted, X509Certificate[] chain, BusConfig config) {
        try {
            trusted.checkServerTrusted(chain, "UNKNOWN");
            trusted.checkClientTrusted(chain, "UNKNOWN");
        } catch (CertificateException e) {
            throw new StartupException(
                    "other nodes would not accept the certificate in " + CERT_FILE + " " + config.certFile() + " ("
                            + reason(e) + "): it must be signed by an authority in " + CA_FILE + " " + config.caFile()
                            + ", be valid now, and serve both servers and clients",
                    e);
        }
    }

    private static String reason(Throwable failure) {
        var cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return String.valueOf(cause.getMessage()).lines().findFirst().orElse("");
    }
}

package dev.orrery.coordination;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.orrery.config.EtcdConfig;
import dev.orrery.coordination.Coordination.Mark;
import dev.orrery.coordination.CoordinationContract.Standing;
import dev.orrery.domain.StartupException;
import dev.orrery.testing.Certificates;
import dev.orrery.testing.Etcd;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An etcd that speaks TLS or asks for accounts, and every way in which that does not fit is told in one line with its cure. */
class EtcdSecurityIT {

    private static final Duration LIMIT = Duration.ofSeconds(1);
    private static final Duration START_LIMIT = Duration.ofSeconds(4);
    private static final String PLACE = "start it, or correct etcd.endpoints";
    private static final String FILES =
            "correct etcd.ca-file, etcd.cert-file and etcd.key-file, or the certificates of etcd";

    @TempDir
    private Path folder;

    private static EtcdConfig plain(String url) {
        return new EtcdConfig(List.of(url), "/orrery", "", "", LIMIT, START_LIMIT, "", "", "");
    }

    private static EtcdConfig trusting(String url, Path authority) {
        return new EtcdConfig(List.of(url), "/orrery", "", "", LIMIT, START_LIMIT, authority.toString(), "", "");
    }

    private static EtcdConfig presenting(String url, Path authority, Certificates.Pair own) {
        return new EtcdConfig(
                List.of(url),
                "/orrery",
                "",
                "",
                LIMIT,
                START_LIMIT,
                authority.toString(),
                own.certificate().toString(),
                own.key().toString());
    }

    private static EtcdConfig account(Etcd etcd, String prefix, String user, String password) {
        return new EtcdConfig(etcd.endpoints(), prefix, user, password, LIMIT, START_LIMIT, "", "", "");
    }

    private static void assertWorks(EtcdConfig config) {
        try (var coordination = EtcdCoordination.connect(config)) {
            coordination.requireDatabase(new UUID(1, 2));
            coordination.join(CoordinationContract.member("one"));
            var standing = new Standing();
            coordination.campaign(standing);
            until("it leads", standing::leads);
        }
    }

    /** The whole refusal, in time: what may be starting is given some seconds. */
    private static void assertRefused(EtcdConfig config, String... parts) {
        var began = System.nanoTime();

        assertThatThrownBy(() -> EtcdCoordination.connect(config).requireDatabase(new UUID(1, 2)))
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll(parts)
                .message()
                .doesNotContain("\n");

        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(LIMIT.multipliedBy(8));
    }

    @Test
    void tlsWorksWithTheRightAuthorityAndAllElseIsToldApart() {
        var ours = new Certificates(folder, "ours");
        var foreign = new Certificates(folder, "foreign");
        try (var etcd = Etcd.startEncrypted(ours.sign("server", "IP:127.0.0.1"), null)) {
            var url = etcd.member(1).url();

            assertWorks(trusting(url, ours.authority()));

            assertRefused(
                    trusting(url, foreign.authority()),
                    "no etcd answers (" + url + ": no authority in etcd.ca-file has signed its certificate)",
                    FILES);
            assertRefused(
                    plain(url.replace("https:", "http:")),
                    "it closes the connection, as one does that speaks TLS only",
                    PLACE);
        }
    }

    @Test
    void aCertificateForAnotherHostIsRefused() {
        var ours = new Certificates(folder, "ours");
        try (var etcd = Etcd.startEncrypted(ours.sign("server", "DNS:etcd.example.org"), null)) {
            assertRefused(
                    trusting(etcd.member(1).url(), ours.authority()), "its certificate is for another name", FILES);
        }
    }

    @Test
    void anEtcdThatAsksForCertificatesTakesOneOfItsAuthorityOnly() {
        var ours = new Certificates(folder, "ours");
        var foreign = new Certificates(folder, "foreign");
        try (var etcd = Etcd.startEncrypted(ours.sign("server", "IP:127.0.0.1"), ours.authority())) {
            var url = etcd.member(1).url();

            assertWorks(presenting(url, ours.authority(), ours.sign("node", "DNS:node")));

            assertRefused(trusting(url, ours.authority()), "etcd.cert-file");
            assertRefused(presenting(url, ours.authority(), foreign.sign("node", "DNS:node")), "etcd.cert-file");
        }
    }

    @Test
    void tlsToAnEtcdWithoutItIsRefused() {
        var ours = new Certificates(folder, "ours");
        try (var etcd = Etcd.start(1)) {
            assertRefused(
                    trusting(etcd.member(1).url().replace("http:", "https:"), ours.authority()),
                    "it closes the connection, as one does that speaks no TLS",
                    PLACE);
        }
    }

    @Test
    void filesThatAreNoCertificatesAreNamed() {
        var ours = new Certificates(folder, "ours");
        var node = ours.sign("node", "DNS:node");

        assertRefused(
                trusting("https://127.0.0.1:1", folder.resolve("missing.pem")),
                "etcd.ca-file cannot be read: " + folder.resolve("missing.pem"));
        assertRefused(
                trusting("https://127.0.0.1:1", node.key()),
                "the certificates for etcd cannot be used",
                "etcd.ca-file, etcd.cert-file and etcd.key-file name PEM files");
    }

    @Test
    void whatIsNoEtcdIsNotTakenForOne() throws IOException {
        var web = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        web.start();
        try (var silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            assertRefused(
                    plain("http://127.0.0.1:" + web.getAddress().getPort()),
                    "this is no etcd",
                    "correct etcd.endpoints");
            assertRefused(plain("http://127.0.0.1:" + silent.getLocalPort()), "no answer within", PLACE);
            assertRefused(plain("http://nowhere.invalid:2379"), "its name is not known", "correct etcd.endpoints");
        } finally {
            web.stop(0);
        }
    }

    @Test
    void anAccountIsLetInWithItsPasswordAndOnlyToItsKeys() {
        try (var etcd = Etcd.start(1)) {
            assertRefused(
                    account(etcd, "/orrery", "orrery", "secret"),
                    "refuses (authentication is not enabled)",
                    "leave etcd.user and etcd.password empty");

            etcd.requireLogin("orrery", "secret", "/orrery/");

            assertWorks(account(etcd, "/orrery", "orrery", "secret"));
            assertRefused(
                    account(etcd, "/orrery", "orrery", "wrong"),
                    "etcd at " + etcd.member(1).url() + " refuses (authentication failed",
                    "correct the account 'orrery', set by etcd.user and etcd.password");
            assertRefused(account(etcd, "/orrery", "nobody", "secret"), "correct the account 'nobody'");
            assertRefused(plain(etcd.member(1).url()), "it asks for an account, set etcd.user and etcd.password");
            assertRefused(
                    account(etcd, "/other", "orrery", "secret"),
                    "refuses (permission denied)",
                    "grant the account 'orrery' reading and writing of all keys that begin with /other/");
        }
    }

    @Test
    void aLoginThatEtcdHasForgottenIsMadeAgainAndNobodyNotices() {
        try (var etcd = Etcd.start(1)) {
            etcd.requireLogin("orrery", "secret", "/orrery/");
            try (var one = EtcdCoordination.connect(account(etcd, "/orrery", "orrery", "secret"))) {
                var self = CoordinationContract.member("one");
                one.join(self);
                var standing = new Standing();
                one.campaign(standing);
                until("it leads", standing::leads);

                // Tokens are in the server's memory, and go when a password is set, be it the same.
                etcd.changePassword("orrery", "secret");
                assertThat(one.readMark(self.node())).isEqualTo(Mark.NONE);
                etcd.changePassword("orrery", "secret");
                assertThat(one.mark(self.node())).isTrue();
                assertThat(standing.losses()).isZero();

                etcd.kill();
                etcd.startAgain();
                until("it answers", () -> one.readMark(self.node()) == Mark.MARKED);
                until("it leads", standing::leads);
                until("it is a member", () -> one.members().equals(List.of(self)));
            }
        }
    }

    @Test
    void aLoginThatHasExpiredIsMadeAgain() {
        try (var etcd = Etcd.start(1, List.of("--auth-token-ttl=1"))) {
            etcd.requireLogin("orrery", "secret", "/orrery/");
            try (var one = new EtcdClient(account(etcd, "/orrery", "orrery", "secret"))) {
                var lease = one.grant(Duration.ofMinutes(1));
                var asked = System.nanoTime();
                until(
                        "its token is over",
                        () -> System.nanoTime() - asked > Duration.ofSeconds(3).toNanos());

                one.put("key", "value", lease);

                assertThat(one.list("key")).hasSize(1);
                assertThat(one.renew(lease)).isTrue();
            }
        }
    }

    @Test
    void aPasswordThatIsChangedAndChangedBackIsSurvived() {
        try (var etcd = Etcd.start(1)) {
            etcd.requireLogin("orrery", "secret", "/orrery/");
            try (var one = EtcdCoordination.connect(account(etcd, "/orrery", "orrery", "secret"))) {
                var self = CoordinationContract.member("one");
                one.join(self);

                etcd.changePassword("orrery", "other");
                until("it is refused", () -> one.readMark(self.node()) == Mark.UNKNOWN);
                etcd.changePassword("orrery", "secret");

                until("it is let in", () -> one.readMark(self.node()) == Mark.NONE);
                until("it is a member", () -> one.members().equals(List.of(self)));
            }
        }
    }
}

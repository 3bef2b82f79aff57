package dev.orrery.domain.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Seeded;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CallRulesTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0.0.0.0",
                "0.1.2.3",
                "10.0.0.1",
                "10.255.255.255",
                "100.64.0.1",
                "100.127.255.255",
                "127.0.0.1",
                "127.255.0.3",
                "169.254.0.1",
                "169.254.169.254",
                "172.16.0.1",
                "172.31.255.255",
                "192.0.0.8",
                "192.168.1.1",
                "198.18.0.1",
                "224.0.0.1",
                "239.255.255.255",
                "240.0.0.1",
                "255.255.255.255",
                "::",
                "::1",
                "::ffff:10.0.0.1",
                "::10.0.0.1",
                "::ffff:0:127.0.0.1",
                "64:ff9b::7f00:1",
                "64:ff9b:1::1.1.1.1",
                "2002:a00:1::1",
                "2002:a9fe:a9fe::",
                "2001:0:7f00:1::",
                "2001:0:101:101::5601:fffe",
                "fc00::1",
                "fdff::1",
                "fd00:ec2::254",
                "fe80::1",
                "febf::1",
                "fec0::1",
                "ff02::1",
                "2606:4700::5efe:192.168.1.1",
                "2606:4700::200:5efe:10.0.0.1",
                "168.63.129.16"
            })
    void whatIsNotOfThePublicInternetIsDenied(String address) {
        assertThat(CallRules.DEFAULT.objection("example.org", ip(address), 80)).isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1.1.1.1",
                "9.255.255.255",
                "11.0.0.0",
                "100.63.255.255",
                "100.128.0.0",
                "128.0.0.1",
                "172.15.255.255",
                "172.32.0.0",
                "192.167.255.255",
                "223.255.255.255",
                "2606:4700::1111",
                "64:ff9b::101:101",
                "2002:101:101::1",
                "2001:0:101:101::fefe:fefe",
                "::ffff:1.1.1.1"
            })
    void whatIsOfThePublicInternetIsAllowed(String address) {
        assertThat(CallRules.DEFAULT.objection("example.org", ip(address), 443)).isEmpty();
    }

    @Test
    void theObjectionNamesTheSettingAndTheEntryThatOpensTheWay() {
        assertThat(CallRules.DEFAULT.objection("billing.internal", ip("10.1.2.3"), 8443))
                .hasValueSatisfying(why -> assertThat(why)
                        .startsWith("is private;")
                        .contains("'billing.internal:8443'")
                        .contains("tasks.http-allow"));
        assertThat(CallRules.DEFAULT.objection("fd00::1", ip("fd00::1"), 80))
                .hasValueSatisfying(why -> assertThat(why).contains("'[fd00::1]:80'"));
    }

    @Test
    void whatIsAllowedIsAllowedAtItsPortOnly() {
        var rules = rules(List.of("10.1.0.0/16", "127.0.0.1:8080", "[fd00::1]:80", "Billing.internal:8443", "*.svc"));

        assertThat(rules.objection("x", ip("10.1.255.1"), 1)).isEmpty();
        assertThat(rules.objection("x", ip("10.2.0.0"), 1)).isPresent();
        assertThat(rules.objection("x", ip("127.0.0.1"), 8080)).isEmpty();
        assertThat(rules.objection("x", ip("127.0.0.1"), 8081)).isPresent();
        assertThat(rules.objection("x", ip("fd00::1"), 80)).isEmpty();
        assertThat(rules.objection("BILLING.internal.", ip("192.168.0.1"), 8443))
                .isEmpty();
        assertThat(rules.objection("billing.internal", ip("192.168.0.1"), 80)).isPresent();
        assertThat(rules.objection("a.b.svc", ip("192.168.0.1"), 80)).isEmpty();
        assertThat(rules.objection("svc", ip("192.168.0.1"), 80)).isPresent();
        assertThat(rules.objection("asvc", ip("192.168.0.1"), 80)).isPresent();
    }

    @Test
    void whatIsDeniedStaysDeniedWhateverIsAllowed() {
        var rules = new CallRules(parsed(List.of("0.0.0.0/0", "::/0")), parsed(List.of("10.9.0.0/16", "bad.example")));

        assertThat(rules.objection("x", ip("10.8.0.1"), 80)).isEmpty();
        assertThat(rules.objection("x", ip("10.9.0.1"), 80)).hasValue("is denied by tasks.http-deny");
        assertThat(rules.objection("x", ip("2002:a09:1::"), 80)).hasValue("is denied by tasks.http-deny");
        assertThat(rules.objection("bad.example", ip("1.1.1.1"), 80)).isPresent();
    }

    @Test
    void credentialsOfTheMachineNeedAnEntryOfTheirOwn() {
        var metadata = ip("169.254.169.254");

        assertThat(rules(List.of("0.0.0.0/0", "169.254.0.0/16", "cloud")).objection("cloud", metadata, 80))
                .isPresent();
        assertThat(rules(List.of("169.254.169.254")).objection("cloud", metadata, 80))
                .isEmpty();
        assertThat(rules(List.of("::/0", "64:ff9b::a9fe:a9fe")).objection("x", ip("64:ff9b::a9fe:a9fe"), 80))
                .as("what it stands for is asked about as well")
                .isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "10.0.0.0/33",
                "fd00::/129",
                "10.0.0",
                "010.0.0.1",
                "2130706433",
                "0x7f.1",
                "127.1:80",
                "host:0",
                "host:65536",
                "host:http",
                "a b",
                "http://host",
                "*",
                "*.10",
                "a.*.b",
                "[fd00::1",
                "fd00::1]:80",
                "-/8"
            })
    void whatIsNoDestinationIsRefused(String text) {
        assertThat(Destination.parse(text)).as(text).isEmpty();
    }

    @Test
    void aRangeHoldsExactlyTheAddressesThatBeginLikeIt() {
        Seeded.forAll(random -> {
            var bytes = new byte[random.nextBoolean() ? 4 : 16];
            random.nextBytes(bytes);
            var prefix = random.nextInt(bytes.length * 8 + 1);
            var bit = random.nextInt(bytes.length * 8);
            var other = bytes.clone();
            other[bit / 8] ^= (byte) (0x80 >> (bit % 8));
            var range = IpRange.parse(address(bytes).getHostAddress() + "/" + prefix)
                    .orElseThrow();

            assertThat(range.contains(address(bytes))).isTrue();
            assertThat(range.contains(address(other)))
                    .as("bit " + bit + " of " + range)
                    .isEqualTo(bit >= prefix);
        });
    }

    private static CallRules rules(List<String> allow) {
        return new CallRules(parsed(allow), List.of());
    }

    private static List<Destination> parsed(List<String> texts) {
        return texts.stream().map(Destination::parse).flatMap(Optional::stream).toList();
    }

    private static InetAddress ip(String text) {
        return InetAddress.ofLiteral(text);
    }

    private static InetAddress address(byte[] bytes) {
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }
}

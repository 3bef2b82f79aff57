package dev.orrery.bus;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.StartupException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PrivateAddressTest {

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1", "10.1.2.3", "172.16.0.9", "192.168.7.7", "169.254.1.1", "fd12::1"})
    void loopbackAndPrivateNetworksAreGood(String host) {
        assertThatCode(() -> PrivateAddress.require(host)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.0.0.0", "::", "8.8.8.8", "172.32.0.1", "2001:db8::1"})
    void whereStrangersComeIsRefused(String host) {
        assertThatThrownBy(() -> PrivateAddress.require(host))
                .isInstanceOf(StartupException.class)
                .hasMessageStartingWith("bus.host '" + host + "' is ")
                .hasMessageContaining("name an address of loopback or of a private network");
    }
}

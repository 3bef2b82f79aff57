package dev.orrery.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonComplaintTest {

    @ParameterizedTest
    @CsvSource(delimiter = '#', textBlock = """
            Document nesting depth (101) exceeds the maximum allowed (100, from `Limits.depth()`) # Document nesting depth (101) exceeds the maximum allowed (100)
            Unexpected end-of-input: expected close marker for Object (start marker at [Source: REDACTED]) # Unexpected end-of-input: expected close marker
            Non-standard token 'NaN': enable `JsonReadFeature.NAN` to allow # Non-standard token 'NaN'
            Unexpected character ('/' (code 47)): maybe a (non-standard) comment? (not recognized) # Unexpected character ('/' (code 47))
            Duplicate field 'name' # Duplicate field 'name'
            """)
    void theParsersOwnNamesAreLeftOut(String message, String told) {
        assertThat(JsonComplaint.of(message)).isEqualTo(told);
    }

    @Test
    void onlyTheFirstLineIsTold() {
        assertThat(JsonComplaint.of("wrong\n at [Source: x]")).isEqualTo("wrong");
        assertThat(JsonComplaint.of("")).isEqualTo("it is not well-formed");
    }
}

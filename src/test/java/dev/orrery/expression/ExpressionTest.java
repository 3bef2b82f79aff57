package dev.orrery.expression;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.domain.Problem;
import dev.orrery.expression.Expression.Reading;
import dev.orrery.expression.Expression.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExpressionTest {

    private static final UUID ID = UUID.fromString("01997a50-0000-7000-8000-000000000000");

    private static final Json PAYLOAD = new Json("""
            {"order": {"id": 7, "total": 19.5, "currency": "EUR", "items": [{"sku": "a", "n": 2}, {"sku": "b", "n": 1}]},
             "paid": true, "note": null, "tags": ["new", "gift"],
             "huge": 123456789012345678901234567890, "unsigned": 18446744073709551615, "least": -9223372036854775808,
             "beyond": 1e400, "third": 0.1, "in": 1}""");

    private static final Facts FACTS = Facts.ofEvent(
            "order.paid", Optional.of("k-1"), Optional.empty(), ID, Instant.parse("2026-03-01T10:15:30.123Z"), PAYLOAD);

    @ParameterizedTest
    @CsvSource(delimiter = '§', quoteCharacter = '`', textBlock = """
            event.name == 'order.paid'                                              § true
            event.payload.order.total > 10 && event.payload.paid                    § true
            event.payload.order.id > 6.5                                            § true
            event.payload.order.items.exists(item, item.sku == 'b' && item.n > 1)   § false
            has(event.source) || has(event.payload.absent)                          § false
            event.payload.?absent.orValue('none') == 'none'                         § true
            event.payload.note == null                                              § true
            event.name.matches('^order[.](paid|sent)$')                             § true
            'gift' in event.payload.tags                                            § true
            event.receivedAt > timestamp('2026-01-01T00:00:00Z')                    § true
            event.receivedAt.getHours('Europe/Berlin') == 11                        § true
            event.payload['in'] == 1                                                § true
            event.payload.unsigned > 5                                              § true
            event.payload.paid                                                      § true
            """)
    void aFilterTellsWhetherAnEventIsMeant(String text, boolean meant) {
        assertThat(compiled(Expression.filter(text, "filter")).evaluate(FACTS)).isEqualTo(new Result.Value<>(meant));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '§', quoteCharacter = '`', textBlock = """
            event.payload.order.items[0]                                     § {"sku":"a","n":2}
            {'id': event.payload.order.id, 'who': event.key + '!'}           § {"id":7,"who":"k-1!"}
            event.payload.order.items.map(item, item.n * 2)                  § [4,2]
            event.payload.huge                                               § 123456789012345678901234567890
            [event.payload.unsigned, event.payload.least]                    § [18446744073709551615,-9223372036854775808]
            event.payload.beyond                                             § 1E+400
            [event.payload.third, 2.0, 0.1 + 0.2]                            § [0.1,2.0,0.30000000000000004]
            [event.payload.note, null, true]                                 § [null,null,true]
            event.receivedAt                                                 § "2026-03-01T10:15:30.123Z"
            [duration('90m'), duration('1500ms'), duration('-2s')]           § ["5400s","1.5s","-2s"]
            b'abc'                                                           § "YWJj"
            {1: 'a', true: 'b', 2u: 'c'}                                     § {"1":"a","true":"b","2":"c"}
            {}                                                               § {}
            []                                                               § []
            'say "hi"\\n'                                                    § "say \\"hi\\"\\n"
            event.payload.tags.join('+') + event.name.replace('.', '/')      § "new+giftorder/paid"
            event.name.split('.')                                            § ["order","paid"]
            """)
    void aMappingMakesJson(String text, String json) {
        assertThat(compiled(Expression.mapping(text, "payload")).evaluate(FACTS))
                .isEqualTo(new Result.Value<>(new Json(json)));
    }

    @Test
    void aWholePayloadComesOutAsItWentIn() {
        var whole = new Json("{\"a\":[1,2.5,\"ü\\u0001\",{\"b\":null}],\"c\":-9007199254740993,\"d\":{}}");
        var facts = Facts.ofEvent("n", Optional.empty(), Optional.empty(), ID, Instant.EPOCH, whole);

        var result = compiled(Expression.mapping("event.payload", "payload")).evaluate(facts);

        assertThat(result).isEqualTo(new Result.Value<>(whole));
    }

    @Test
    void theEventItselfIsAValueToo() {
        var result = compiled(Expression.mapping("event", "payload")).evaluate(FACTS);

        assertThat(result)
                .isInstanceOfSatisfying(
                        Result.Value.class,
                        value -> assertThat(value.value().toString())
                                .contains("\"name\":\"order.paid\"", "\"key\":\"k-1\"", "\"id\":\"" + ID + "\"")
                                .doesNotContain("source"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '§', textBlock = """
            event.payload.order.currency § EUR
            event.payload.order.id       § 7
            event.payload.paid           § true
            event.name + '/' + event.key § order.paid/k-1
            """)
    void aKeyIsAText(String text, String key) {
        assertThat(compiled(Expression.key(text, "key")).evaluate(FACTS)).isEqualTo(new Result.Value<>(key));
    }

    @Test
    void aRequestIsSeenByItsHeadersAndBody() {
        var facts =
                Facts.ofRequest("github", Map.of("X-GitHub-Event", "push"), new Json("{\"ref\":\"refs/heads/main\"}"));

        var result = compiled(Expression.ofRequest(
                        "request.webhook + '.' + request.headers['x-github-event'] + '.' + request.body.ref", "event"))
                .evaluate(facts);

        assertThat(result).isEqualTo(new Result.Value<>("github.push.refs/heads/main"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '§', quoteCharacter = '`', nullValues = "-", textBlock = """
            evnt.name == 'x'              § 1  § there is no 'evnt'                         § did you mean 'event'?
            event.nmae == 'x'             § 6  § 'event' has no field 'nmae'                § did you mean 'name'?
            payload.total > 3             § 1  § there is no 'payload'                      § write event.payload
            event.name + 1 == 'x'         § 12 § '+' does not take (string, int)            § convert with string(x), int(x) or double(x)
            event.name.matchs('a')        § 18 § there is no 'matchs'                       § did you mean 'matches'?
            event.name == 'x' &&          § 21 § it ends too early                          § is a bracket or a value missing?
            event.name = 'x'              § 12 § '= ' cannot be read                        § texts stand in quotes, and end on the line they begin on
            event.payload.in == 1         § 15 § '.in' cannot be read                       § a field whose name is a word of the language is written in brackets: ['in']
            1 ++ 2 == 3                   § 4  § '+' is not expected here                   § -
            [[1]].join() == ''            § 11 § 'join' does not take (list(list(int)))     § convert with string(x), int(x) or double(x)
            event.name                    § 1  § it must give true or false, and gives string § compare it with something, such as event.payload.status == 'paid'
            'a'.matches('(')              § 13 § -                                          § -
            matches(event.name, 'a{2000}') § 21 § the pattern is too large: it has, with its repetitions, over 1000 parts § -
            timestamp('soon') > event.receivedAt § 11 § -                                   § -
            """)
    void whatIsWrongIsToldWithItsPlaceAndItsCure(String text, int column, String message, String help) {
        var problem = refused(Expression.filter(text, "filter"));

        assertThat(problem.code()).isEqualTo("BAD_EXPRESSION");
        assertThat(problem.path()).isEqualTo("filter");
        assertThat(problem.line()).isEqualTo(1);
        assertThat(problem.column()).as(problem.message()).isEqualTo(column);
        if (message != null) {
            assertThat(problem.message()).isEqualTo(message);
            assertThat(problem.help()).isEqualTo(Optional.ofNullable(help));
        }
    }

    @Test
    void theLineIsToldToo() {
        assertThat(refused(Expression.filter("event.name == 'x'\n  && evnt.name == 'y'", "filter")))
                .satisfies(problem -> assertThat(problem.line()).isEqualTo(2))
                .satisfies(problem -> assertThat(problem.column()).isEqualTo(6));
    }

    @Test
    void blankAndEndlessTextsAreRefused() {
        assertThat(refused(Expression.filter(" \n", "filter")).code()).isEqualTo("BLANK_TEXT");
        assertThat(refused(Expression.filter("true ||".repeat(1000) + "true", "filter"))
                        .code())
                .isEqualTo("OUT_OF_RANGE");
    }

    @ParameterizedTest
    @ValueSource(strings = {"[1, 2]", "{'a': 1}", "3.5", "null", "b'a'", "event.receivedAt"})
    void aKeyThatIsNoTextIsRefused(String text) {
        assertThat(refused(Expression.key(text, "key")).message()).startsWith("it must give a text, and gives ");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '§', quoteCharacter = '`', textBlock = """
            event.payload.absent == 1      § there is no 'absent'; ask with has(…) first, or take .?absent.orValue(…) (line 1, column 14)
            event.payload.order > 1        § '>' does not take values of these types; convert with string(x), int(x) or double(x) (line 1, column 21)
            event.payload.huge > 1         § '>' does not take values of these types; convert with string(x), int(x) or double(x) (line 1, column 20)
            1 / (event.payload.order.id - 7) == 1 § / by zero (line 1, column 3)
            event.payload.order.total      § it gave a number, and must give true or false
            event.payload.tags             § it gave a list, and must give true or false
            """)
    void anEvaluationThatFailsIsAValueWithAReason(String text, String reason) {
        assertThat(compiled(Expression.filter(text, "filter")).evaluate(FACTS)).isEqualTo(new Result.Failed<>(reason));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '§', quoteCharacter = '`', textBlock = """
            0.0 / 0.0                     § it gave NaN, which JSON does not know
            '\\u0000'                     § it gave a text that cannot be stored: with NUL, or half of a surrogate pair
            {1: 'a', '1': 'b'}            § it gave an object with two keys that are the same as texts
            optional.of(3)                § it gave an optional value (end it with orValue(…))
            dyn(type(3))                  § it gave a type
            dyn([1, [2]]).join() § join() takes a list of texts, and was given a number; map it first: list.map(x, string(x)).join(',') (line 1, column 19)
            """)
    void whatJsonDoesNotKnowIsToldFromWhatItDoes(String text, String reason) {
        switch (Expression.mapping(text, "payload")) {
            case Reading.Compiled(var mapping) ->
                assertThat(mapping.evaluate(FACTS)).isEqualTo(new Result.Failed<>(reason));
            case Reading.Refused(var problems) -> assertThat(problems).isEmpty();
        }
    }

    @Test
    void keysHaveALimitAndAreNotEmpty() {
        assertThat(compiled(Expression.key("event.payload.tags.map(t, '')[0]", "key"))
                        .evaluate(FACTS))
                .isEqualTo(new Result.Failed<>("it gave an empty text"));
        assertThat(compiled(Expression.key("'" + "k".repeat(256) + "'", "key")).evaluate(FACTS))
                .isEqualTo(new Result.Failed<>("it gave a text of 256 characters; at most 255 are taken"));
    }

    @Test
    void whatTheGuideShowsIsUnderstood() throws IOException {
        var guide = Files.readString(Path.of("src/site/markdown/events.md"));
        var shown = Pattern.compile("```cel\n(.*?)```", Pattern.DOTALL).matcher(guide);

        assertThat(shown.find()).isTrue();
        assertThat(shown.group(1).lines())
                .hasSizeGreaterThan(5)
                .allSatisfy(
                        line -> assertThat(Expression.mapping(line, "payload")).isInstanceOf(Reading.Compiled.class));
    }

    static <T> Expression<T> compiled(Reading<T> reading) {
        return switch (reading) {
            case Reading.Compiled(var expression) -> expression;
            case Reading.Refused(var problems) -> throw new AssertionError(problems.toString());
        };
    }

    private static <T> Problem refused(Reading<T> reading) {
        return switch (reading) {
            case Reading.Compiled(var expression) -> throw new AssertionError("compiled: " + expression.text());
            case Reading.Refused(var problems) -> problems.getFirst();
        };
    }
}

import dev.orrery.handler.Call;
import dev.orrery.handler.HandlerVerticle;
import dev.orrery.handler.NoRetryException;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.util.Map;

/** Two handlers: one that answers at once, and one that computes for a while on a thread of its own. */
public final class PrimeCounter extends HandlerVerticle {

    public PrimeCounter() {
        register("greet", call -> Future.succeededFuture("hello " + call.inputObject().getString("name", "world")));
        registerBlocking("count-primes", PrimeCounter::count);
    }

    private static Map<String, Integer> count(Call call) throws InterruptedException {
        int below = call.inputObject().getInteger("below", 100_000);
        if (below < 0) {
            throw new NoRetryException("'below' must not be negative, was " + below);
        }
        call.log(Call.Level.INFO, "counting", new JsonObject().put("below", below));
        int primes = 0;
        for (int number = 2; number < below; number++) {
            if (number % 1_000 == 0) {
                call.progress((int) (100L * number / below));
                if (call.isStopped()) {
                    throw new InterruptedException("stopped at " + number);
                }
            }
            if (isPrime(number)) {
                primes++;
            }
        }
        call.progress(100);
        return Map.of("primes", primes);
    }

    private static boolean isPrime(int number) {
        for (int factor = 2; factor <= number / factor; factor++) {
            if (number % factor == 0) {
                return false;
            }
        }
        return true;
    }
}

package dev.orrery.coordination;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.config.EtcdConfig;
import dev.orrery.coordination.EtcdFailure.Kind;
import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.KeyValue;
import io.etcd.jetcd.op.Cmp;
import io.etcd.jetcd.op.CmpTarget;
import io.etcd.jetcd.op.Op;
import io.etcd.jetcd.options.DeleteOption;
import io.etcd.jetcd.options.GetOption;
import io.etcd.jetcd.options.PutOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/**
 * The little of etcd that coordination needs, with texts for keys and values. Every call blocks, for the time limit at
 * most, and then fails with a {@link CoordinationException}, whatever the library below would wait for. Keys are below the
 * cluster's prefix. What is asked twice, because the first answer was lost, does no harm: at worst a lease is left to end.
 */
final class EtcdClient implements AutoCloseable {

    /** A renewal that is not answered soon is worth more when it is sent again: its lease lasts a few seconds. */
    private static final Duration RENEWAL_LIMIT = Duration.ofSeconds(1);

    private final EtcdConfig config;
    private final EtcdMembers members;

    /** A key with its value; {@code created} is the revision at which the key came to be. */
    record Entry(String key, String value, long created, long lease) {}

    EtcdClient(EtcdConfig config) {
        QuietLibraries.please();
        this.config = config;
        this.members = new EtcdMembers(config);
    }

    /** The id of the etcd cluster. */
    String clusterId() {
        return Long.toUnsignedString(
                call(etcd -> etcd.getKVClient().get(key("place"))).getHeader().getClusterId());
    }

    Optional<Entry> get(String key) {
        return call(etcd -> etcd.getKVClient().get(key(key))).getKvs().stream()
                .map(this::entry)
                .findFirst();
    }

    /** All keys that begin so, in their order. */
    List<Entry> list(String beginning) {
        var options = GetOption.builder().isPrefix(true).build();
        return call(etcd -> etcd.getKVClient().get(key(beginning), options)).getKvs().stream()
                .map(this::entry)
                .toList();
    }

    void put(String key, String value, long lease) {
        var options = PutOption.builder().withLeaseId(lease).build();
        call(etcd -> etcd.getKVClient().put(key(key), bytes(value), options));
    }

    /** Makes a key if there is none; answers what it holds then, by whomever it was made. */
    Entry create(String key, String value, long lease) {
        var place = key(key);
        var options = PutOption.builder().withLeaseId(lease).build();
        var answer = call(etcd -> etcd.getKVClient()
                .txn()
                .If(new Cmp(place, Cmp.Op.EQUAL, CmpTarget.createRevision(0)))
                .Then(Op.put(place, bytes(value), options), Op.get(place, GetOption.DEFAULT))
                .Else(Op.get(place, GetOption.DEFAULT))
                .commit());
        return entry(answer.getGetResponses().getFirst().getKvs().getFirst());
    }

    void delete(String key) {
        call(etcd -> etcd.getKVClient().delete(key(key)));
    }

    /** Deletes a key unless another one has taken its place. */
    void delete(Entry entry) {
        var place = key(entry.key());
        call(etcd -> etcd.getKVClient()
                .txn()
                .If(new Cmp(place, Cmp.Op.EQUAL, CmpTarget.createRevision(entry.created())))
                .Then(Op.delete(place, DeleteOption.DEFAULT))
                .commit());
    }

    /** A new lease; keys under it go with it. */
    long grant(Duration timeToLive) {
        return call(etcd -> etcd.getLeaseClient().grant(timeToLive.toSeconds())).getID();
    }

    /** Renews a lease; false where it is gone. */
    boolean renew(long lease) {
        var limit = members.limit();
        try {
            var answer = members.ask(
                    etcd -> etcd.getLeaseClient().keepAliveOnce(lease),
                    limit.compareTo(RENEWAL_LIMIT) < 0 ? limit : RENEWAL_LIMIT);
            return answer.getTTL() > 0;
        } catch (EtcdFailure e) {
            if (e.kind() == Kind.NOT_FOUND) {
                return false;
            }
            throw failed(e);
        }
    }

    void revoke(long lease) {
        call(etcd -> etcd.getLeaseClient().revoke(lease));
    }

    Duration silence() {
        return members.silence();
    }

    /** From now on an etcd that does not answer is not waited for: the node stops. */
    void hurry() {
        members.hurry();
    }

    private <T> T call(Function<Client, CompletableFuture<T>> question) {
        try {
            return members.ask(question, members.limit());
        } catch (EtcdFailure e) {
            throw failed(e);
        }
    }

    private CoordinationException failed(EtcdFailure failure) {
        return new CoordinationException(
                failure.isAnswer()
                        ? "etcd refuses: " + failure.reason()
                        : "no etcd answers (" + members.complaints() + ")",
                failure);
    }

    private ByteSequence key(String key) {
        return bytes(config.prefix() + "/" + key);
    }

    private static ByteSequence bytes(String text) {
        return ByteSequence.from(text, UTF_8);
    }

    private Entry entry(KeyValue row) {
        return new Entry(
                row.getKey().toString(UTF_8).substring(config.prefix().length() + 1),
                row.getValue().toString(UTF_8),
                row.getCreateRevision(),
                row.getLease());
    }

    @Override
    public void close() {
        members.close();
    }
}

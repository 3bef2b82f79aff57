package dev.orrery.bus;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.eventbus.MessageCodec;

/** Hands a message over inside the process, as it is. */
final class HandOver<T extends BusMessage> implements MessageCodec<T, T> {

    private final Class<T> type;

    HandOver(Class<T> type) {
        this.type = type;
    }

    @Override
    public void encodeToWire(Buffer buffer, T message) {
        throw new IllegalStateException(type.getSimpleName() + " does not leave its process");
    }

    @Override
    public T decodeFromWire(int position, Buffer buffer) {
        throw new IllegalStateException(type.getSimpleName() + " does not leave its process");
    }

    @Override
    public T transform(T message) {
        return message;
    }

    @Override
    public String name() {
        return "orrery." + type.getSimpleName();
    }

    @Override
    public byte systemCodecID() {
        return -1;
    }
}

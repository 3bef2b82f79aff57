package dev.orrery.api;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.util.ReferenceCountUtil;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.impl.HttpServerConnection;

/**
 * Closes a connection that sends request after request and takes no answers. What was sent ahead is read and kept before its
 * turn comes, a thousand requests for each 64 KiB: a few such connections would fill the heap and keep the event loops from
 * everything else.
 */
final class PipelineLimit extends ChannelInboundHandlerAdapter {

    /** More than any client sends ahead that means well. */
    static final int MAX = 100;

    private final HttpConnection connection;
    private int unanswered;
    private boolean closed;

    private PipelineLimit(HttpConnection connection) {
        this.connection = connection;
    }

    /** Called before anything is read. */
    static PipelineLimit guard(HttpConnection connection) {
        var context = ((HttpServerConnection) connection).channelHandlerContext();
        var limit = new PipelineLimit(connection);
        context.pipeline().addBefore(context.name(), "pipeline limit", limit);
        return limit;
    }

    /** One of the requests was answered. */
    void answered() {
        unanswered--;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpRequest) {
            unanswered++;
        }
        if (unanswered > MAX && !closed) {
            closed = true;
            connection.close();
        }
        if (closed) {
            ReferenceCountUtil.release(message);
        } else {
            context.fireChannelRead(message);
        }
    }
}

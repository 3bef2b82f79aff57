package dev.orrery.api;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.impl.HttpServerConnection;

/**
 * Closes a connection that sends request after request and takes no answers. What was sent ahead is read and kept before its
 * turn comes, a thousand requests for each 64 KiB, and answers that nobody takes are kept too: a few such connections would
 * fill the heap and keep the event loops from everything else. An answer counts until it has left the node.
 */
final class PipelineLimit extends ChannelDuplexHandler {

    /** More than any client sends ahead that means well. */
    static final int MAX = 100;

    private int unanswered;
    private boolean closed;

    /** Called before anything is read. */
    static void guard(HttpConnection connection) {
        var context = ((HttpServerConnection) connection).channelHandlerContext();
        context.pipeline().addBefore(context.name(), "pipeline limit", new PipelineLimit());
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpRequest) {
            unanswered++;
        }
        if (unanswered > MAX && !closed) {
            closed = true;
            context.close();
        }
        if (closed) {
            ReferenceCountUtil.release(message);
        } else {
            context.fireChannelRead(message);
        }
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        if (message instanceof LastHttpContent && !isInterim(message)) {
            context.write(message, promise.unvoid().addListener(_ -> unanswered--));
        } else {
            context.write(message, promise);
        }
    }

    /** Such as 100 Continue, which is no answer yet. */
    private static boolean isInterim(Object message) {
        return message instanceof HttpResponse response
                && response.status().codeClass() == HttpStatusClass.INFORMATIONAL;
    }
}

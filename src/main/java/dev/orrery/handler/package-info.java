/**
 * Handlers of your own: the only package of Orrery that is made for programs outside of it, and that stays compatible.
 *
 * <p>A class that extends {@link dev.orrery.handler.HandlerVerticle} registers handlers by name:
 *
 * <pre>{@code
 * public final class Greeter extends HandlerVerticle {
 *     public Greeter() {
 *         register("greet", call -> Future.succeededFuture("hello " + call.inputObject().getString("name")));
 *     }
 * }
 * }</pre>
 *
 * <p>Its jar names it in {@code META-INF/services/dev.orrery.handler.HandlerVerticle} and lies in the folder that a node
 * is started with: {@code orrery node --handlers FOLDER}. A task then calls it from any node of the cluster:
 * {@code {id: hello, type: handler, handler: greet, input: {name: Ada}}}. What it replies is the task's output.
 *
 * <p>A jar sees {@code java.*}, Vert.x ({@code io.vertx.core}) and this package as the node has them, and otherwise its
 * own classes first. Handlers run in a Vert.x of their own, apart from that of the node. Like every task, a handler may be
 * called again after a crash: it is written so that repeating it does no harm.
 */
@NullMarked
package dev.orrery.handler;

import org.jspecify.annotations.NullMarked;

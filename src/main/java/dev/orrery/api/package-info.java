/**
 * The REST API, made from the contract {@code openapi.yaml}: its paths become routes, its parameters and schemas the checks of
 * every request, its operations the names of the methods that answer. A contract without its method, or a method that the contract
 * does not know, stops the start.
 *
 * <p>The way of a request: {@link dev.orrery.api.ApiVerticle} listens and closes what dawdles; {@link dev.orrery.api.Gate} turns away
 * strange hosts, strangers and what is too much; {@link dev.orrery.api.BodyReader} takes the body in, within its limit;
 * {@link dev.orrery.api.RequestCheck} holds it against the contract; one of the classes {@code …Operations} asks a service;
 * {@link dev.orrery.api.Answer} goes back. Whatever fails on the way is told by {@link dev.orrery.api.Failures} as an {@code ApiError}.
 */
@NullMarked
package dev.orrery.api;

import org.jspecify.annotations.NullMarked;

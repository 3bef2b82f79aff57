/**
 * Small programs of users over what came in, written in CEL: filters and mappings of events, keys, names for webhooks.
 *
 * <p>A text is compiled and type-checked once, where it is registered ({@link dev.orrery.expression.Expression}), and
 * evaluated over {@link dev.orrery.expression.Facts} as often as one likes, from any thread. It sees only these facts: no
 * clock, no network, no state. It is a stranger's text over a stranger's data, so everything about it is bounded:
 *
 * <ul>
 *   <li>the text's length and nesting, and the size of a pattern; patterns are matched in linear time;
 *   <li>the steps of one evaluation, the rounds of its loops, the size of each value it makes, and the time it takes
 *       ({@code Meter});
 *   <li>the size of what it answers.
 * </ul>
 *
 * <p>The first use loads the compiler, which takes about half a second, and compiling takes milliseconds: neither belongs
 * on an event loop. An evaluation takes microseconds as a rule, and at most a second where someone tries to make it dear.
 */
@NullMarked
package dev.orrery.expression;

import org.jspecify.annotations.NullMarked;

/**
 * Which addresses tasks may call. {@link dev.orrery.domain.net.CallRules} decides about one address at a time, and always
 * about the very one that is connected to: a name can mean another address a moment later.
 */
@NullMarked
package dev.orrery.domain.net;

import org.jspecify.annotations.NullMarked;

/** Measures a real node from outside, and the bare database beside it in the same run. Nothing is asserted. */
@NullMarked
package dev.orrery.bench;

import org.jspecify.annotations.NullMarked;

/** Pure values and rules: no I/O, no clock, no randomness of their own. Time and random numbers are arguments. */
@NullMarked
package dev.orrery.domain;

import org.jspecify.annotations.NullMarked;

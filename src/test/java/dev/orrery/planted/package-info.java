/**
 * A small program laid out like ours that breaks each rule of the architecture once, so that the rules can be seen to
 * turn red. Every class is named by what it should not do.
 */
package dev.orrery.planted;

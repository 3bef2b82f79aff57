/** The composition root: builds everything, deploys it in order, and drains it in reverse. */
@NullMarked
package dev.orrery.node;

import org.jspecify.annotations.NullMarked;

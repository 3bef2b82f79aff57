/** What a node can be told: one validated record for each section. */
@NullMarked
package dev.orrery.config;

import org.jspecify.annotations.NullMarked;

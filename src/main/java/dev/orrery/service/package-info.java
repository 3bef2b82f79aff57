/**
 * The use cases: each command is one store transaction, then a signal. Whoever calls gets values, or a failed Future with
 * an {@link dev.orrery.domain.OrreryException}.
 */
@NullMarked
package dev.orrery.service;

import org.jspecify.annotations.NullMarked;

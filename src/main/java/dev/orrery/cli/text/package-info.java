/** How the program speaks to people: terminals, colours, tables, times and bars. Knows nothing of DAGs or servers. */
@NullMarked
package dev.orrery.cli.text;

import org.jspecify.annotations.NullMarked;

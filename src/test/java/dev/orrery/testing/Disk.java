package dev.orrery.testing;

import java.nio.file.Path;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

/** Folders that lie where the system has them, and not in {@link Memory}: sandboxes have a {@code /dev} of their own. */
public final class Disk implements TempDirFactory {

    @Override
    public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext context) throws Exception {
        return Standard.INSTANCE.createTempDirectory(element, context);
    }
}

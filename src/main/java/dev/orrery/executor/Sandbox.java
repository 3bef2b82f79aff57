package dev.orrery.executor;

import dev.orrery.config.IsolationConfig;
import dev.orrery.config.IsolationConfig.Network;
import dev.orrery.domain.StartupException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What bubblewrap shows to a task: the system's programs, its own folders, and what it is meant to read. All else is not there:
 * an allow-list, since nobody can list what must not be seen.
 */
final class Sandbox {

    private static final List<String> PROGRAMS =
            List.of("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store");

    /** Of /etc what programs need to know of the system, and no more: services keep their secrets there. */
    private static final List<String> OF_ETC = Stream.of(
                    "alternatives",
                    "ca-certificates",
                    "group",
                    "host.conf",
                    "hosts",
                    "ld.so.cache",
                    "ld.so.conf",
                    "ld.so.conf.d",
                    "localtime",
                    "mime.types",
                    "nsswitch.conf",
                    "os-release",
                    "passwd",
                    "pki/tls/certs",
                    "protocols",
                    "resolv.conf",
                    "services",
                    "ssl/certs",
                    "ssl/openssl.cnf",
                    "timezone")
            .map(name -> "/etc/" + name)
            .toList();

    private final List<String> prefix;
    private final List<Path> visible;

    private Sandbox(List<String> prefix, List<Path> visible) {
        this.prefix = List.copyOf(prefix);
        this.visible = List.copyOf(visible);
    }

    /**
     * @param become the command that takes another account; empty where the node's own is kept
     */
    static Sandbox of(IsolationConfig config, TaskFolders folders, Isolation isolation, List<String> become)
            throws IOException {
        var bwrap = Isolation.tool("bwrap")
                .orElseThrow(() -> Confinement.refused(
                        config, "bwrap is missing: install bubblewrap (apt-get install bubblewrap)"));
        var shown = new ArrayList<Path>();
        for (var folder : Stream.concat(
                        folders.tasks().stream(), config.folders().stream().map(Path::of))
                .toList()) {
            shown.add(checked(config, folder, folders));
        }
        var prefix = new ArrayList<>(Isolation.FIRST_TO_GO);
        prefix.addAll(isolation.session());
        prefix.addAll(become);
        // After the change of the account, which would clear it.
        prefix.addAll(Isolation.tool("setpriv", "--pdeathsig", "KILL", "--no-new-privs", "--")
                .orElse(List.of()));
        prefix.addAll(bwrap);
        prefix.addAll(List.of("--unshare-all", "--die-with-parent", "--as-pid-1", "--cap-drop", "ALL"));
        if (config.network() == Network.HOST) {
            prefix.add("--share-net");
        }
        for (var program : PROGRAMS) {
            show(Path.of(program), prefix);
        }
        OF_ETC.forEach(file -> prefix.addAll(List.of("--ro-bind-try", file, file)));
        prefix.addAll(List.of("--proc", "/proc", "--dev", "/dev"));
        return new Sandbox(prefix, shown);
    }

    /** The whole command; throws {@link CannotStart} where the task would not see what it names. */
    List<String> wrap(Launch launch, List<String> command, AttemptFolder folder) {
        var own = Stream.concat(Stream.of(folder.path()), launch.runFolder().stream())
                .toList();
        launch.needed().forEach(path -> refuseHidden(path, own));
        var whole = new ArrayList<>(prefix);
        whole.addAll(List.of("--bind", folder.temporary().toString(), "/tmp", "--symlink", "/tmp", "/var/tmp"));
        whole.addAll(List.of("--bind", folder.sharedMemory().toString(), "/dev/shm", "--remount-ro", "/dev"));
        visible.forEach(path -> whole.addAll(List.of("--ro-bind", path.toString(), path.toString())));
        own.forEach(path -> whole.addAll(List.of("--bind", path.toString(), path.toString())));
        whole.addAll(
                List.of("--remount-ro", "/", "--chdir", launch.workingFolder().toString(), "--"));
        whole.addAll(Isolation.first(folder.stop()));
        whole.addAll(command);
        return whole;
    }

    private void refuseHidden(Path path, List<Path> own) {
        var seen = Stream.of(visible.stream(), own.stream(), PROGRAMS.stream().map(Path::of))
                .flatMap(each -> each);
        if (seen.noneMatch(path::startsWith)) {
            throw new CannotStart(
                    path + " is hidden from tasks by tasks.isolation 2: put it below tasks.directory, or add"
                            + " its folder to tasks.folders");
        }
    }

    /** A folder of programs, or the link that stands in its place. */
    private static void show(Path program, List<String> into) throws IOException {
        if (Files.isSymbolicLink(program)) {
            into.addAll(List.of("--symlink", Files.readSymbolicLink(program).toString(), program.toString()));
        } else if (Files.isDirectory(program)) {
            into.addAll(List.of("--ro-bind", program.toString(), program.toString()));
        }
    }

    private static Path checked(IsolationConfig config, Path folder, TaskFolders folders) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw Confinement.refused(
                    config, "there is no folder " + folder + ", which tasks.directory or tasks.folders names");
        }
        var data = folders.data().toRealPath();
        if (data.startsWith(folder.toRealPath()) || folder.toRealPath().startsWith(data)) {
            throw new StartupException("tasks would see the node's data folder " + folders.data() + " by " + folder
                    + ": name another in tasks.directory or tasks.folders, or another node.data-dir");
        }
        return folder;
    }
}

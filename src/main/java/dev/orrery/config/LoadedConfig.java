package dev.orrery.config;

import java.util.Map;

/**
 * A configuration, and who said what of it.
 *
 * @param origins by key, where its value was set; what is not in here has its default
 */
public record LoadedConfig(OrreryConfig config, Map<String, String> origins) {

    static final String DEFAULT = "default";

    public LoadedConfig {
        origins = Map.copyOf(origins);
    }

    /** All settings, in the order of the file; what is secret is masked. */
    public ConfigReport report() {
        return new ConfigReport(Settings.ALL.stream()
                .map(setting -> new ConfigReport.Row(
                        setting.key(), setting.shownIn(config), origins.getOrDefault(setting.key(), DEFAULT)))
                .toList());
    }
}

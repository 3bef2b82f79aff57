package dev.orrery.telemetry;

import dev.orrery.domain.TraceContext;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.sdk.common.InstrumentationScopeInfo;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.data.EventData;
import io.opentelemetry.sdk.trace.data.LinkData;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.data.StatusData;
import java.util.List;
import java.util.Map;

/** A span as OpenTelemetry's exporter takes it. */
record OtlpSpan(Span span, Resource resource) implements SpanData {

    private static final InstrumentationScopeInfo SCOPE = InstrumentationScopeInfo.create("dev.orrery");

    @Override
    public String getName() {
        return span.name();
    }

    @Override
    public SpanKind getKind() {
        return switch (span.kind()) {
            case INTERNAL -> SpanKind.INTERNAL;
            case SERVER -> SpanKind.SERVER;
            case PRODUCER -> SpanKind.PRODUCER;
            case CONSUMER -> SpanKind.CONSUMER;
        };
    }

    @Override
    public SpanContext getSpanContext() {
        return context(span.place());
    }

    @Override
    public SpanContext getParentSpanContext() {
        return span.parent() == 0
                ? SpanContext.getInvalid()
                : context(span.place().at(span.parent()));
    }

    private static SpanContext context(TraceContext place) {
        return SpanContext.create(
                place.traceIdText(),
                place.spanIdText(),
                place.isSampled() ? TraceFlags.getSampled() : TraceFlags.getDefault(),
                TraceState.getDefault());
    }

    @Override
    public StatusData getStatus() {
        return span.error()
                .map(error -> StatusData.create(StatusCode.ERROR, error))
                .orElseGet(StatusData::unset);
    }

    @Override
    public long getStartEpochNanos() {
        return span.startNanos();
    }

    @Override
    public long getEndEpochNanos() {
        return span.endNanos();
    }

    @Override
    public Attributes getAttributes() {
        return attributes(span.attributes());
    }

    static Attributes attributes(Map<String, Object> values) {
        var attributes = Attributes.builder();
        values.forEach((name, value) -> {
            switch (value) {
                case Long number -> attributes.put(AttributeKey.longKey(name), number);
                case Boolean flag -> attributes.put(AttributeKey.booleanKey(name), flag);
                default -> attributes.put(AttributeKey.stringKey(name), value.toString());
            }
        });
        return attributes.build();
    }

    @Override
    public List<EventData> getEvents() {
        return List.of();
    }

    @Override
    public List<LinkData> getLinks() {
        return span.links().stream().map(link -> LinkData.create(context(link))).toList();
    }

    @Override
    public boolean hasEnded() {
        return true;
    }

    @Override
    public int getTotalRecordedEvents() {
        return 0;
    }

    @Override
    public int getTotalRecordedLinks() {
        return span.links().size();
    }

    @Override
    public int getTotalAttributeCount() {
        return span.attributes().size();
    }

    @Override
    @Deprecated
    @SuppressWarnings("deprecation") // the interface asks for it
    public io.opentelemetry.sdk.common.InstrumentationLibraryInfo getInstrumentationLibraryInfo() {
        return io.opentelemetry.sdk.common.InstrumentationLibraryInfo.create(SCOPE.getName(), null);
    }

    @Override
    public InstrumentationScopeInfo getInstrumentationScopeInfo() {
        return SCOPE;
    }

    @Override
    public Resource getResource() {
        return resource;
    }
}

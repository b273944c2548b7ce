package service

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/azure-tenant-grapher/atg/internal/buildinfo"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// tracing exports traces, where the configuration asks for it.
type tracing struct {
	sdk    *sdktrace.TracerProvider // nil is off
	logger *slog.Logger
}

func newTracing(ctx context.Context, c Traces, logger *slog.Logger) (*tracing, error) {
	if c.Endpoint == "" {
		return &tracing{logger: logger}, nil
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		logger.WarnContext(ctx, "traces are not exported", "endpoint", c.Endpoint, "error", err)
	}))
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(tracesURL(c.Endpoint)))
	if err != nil {
		return nil, fault.New(fault.ConfigInvalid, "traces cannot be exported there", fault.Because(err), fault.On(c.Endpoint), fault.From(fault.OriginService))
	}
	return &tracing{logger: logger, sdk: sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "atg-server"), attribute.String("service.version", buildinfo.Version()))))}, nil
}

// tracesURL is where a collector takes traces: at the path that OTLP gives them, unless its address has one.
func tracesURL(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil || strings.Trim(u.Path, "/") != "" {
		return endpoint
	}
	return u.JoinPath("v1", "traces").String()
}

// provider is nil if traces are off.
func (t *tracing) provider() trace.TracerProvider {
	if t.sdk == nil {
		return nil
	}
	return t.sdk
}

func (t *tracing) tracer() trace.Tracer {
	if t.sdk == nil {
		return noop.NewTracerProvider().Tracer("atg")
	}
	return t.sdk.Tracer("github.com/azure-tenant-grapher/atg/service/worker")
}

// stop exports what is left.
func (t *tracing) stop(ctx context.Context) {
	if t.sdk == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := t.sdk.Shutdown(ctx); err != nil {
		t.logger.WarnContext(ctx, "some traces were not exported", "error", err)
	}
}

package httpapi

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const tracerName = "github.com/azure-tenant-grapher/atg/service/httpapi"

var w3c propagation.TraceContext

// trace takes up the trace that the caller is in and, if there is a tracer, begins a span of it.
func (a *API) trace(ctx context.Context, rt route, r *http.Request) (context.Context, trace.Span) {
	if r.Header.Get("Traceparent") != "" {
		ctx = w3c.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	if a.o.Tracing == nil {
		return ctx, nil
	}
	return a.o.Tracing.Tracer(tracerName).Start(ctx, r.Method+" "+rt.path, trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", r.Method), attribute.String("http.route", rt.path)))
}

func endSpan(c *call) {
	span := c.span
	if span == nil {
		return
	}
	span.SetAttributes(attribute.Int("http.response.status_code", c.status), attribute.String("atg.request_id", c.id))
	if c.grant.Key != "" {
		span.SetAttributes(attribute.String("atg.key_id", c.grant.Key))
	}
	if c.job != "" {
		span.SetAttributes(attribute.String("atg.job_id", c.job))
	}
	if c.status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, string(fault.CodeOf(c.err)))
	}
	span.End()
}

// traceparent is the W3C header of the trace that a call is in; empty if it is in none.
func traceparent(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ""
	}
	header := propagation.MapCarrier{}
	w3c.Inject(ctx, header)
	return header.Get("traceparent")
}

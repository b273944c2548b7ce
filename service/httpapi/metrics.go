package httpapi

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// metrics are what /metrics shows of the API.
type metrics struct {
	requests     *prometheus.CounterVec
	duration     *prometheus.HistogramVec
	underway     prometheus.Gauge
	received     prometheus.Counter
	sent         prometheus.Counter
	watchers     prometheus.Gauge
	dropped      prometheus.Counter
	throttled    prometheus.Counter
	refused      *prometheus.CounterVec
	unauthorized prometheus.Counter
	closed       *prometheus.CounterVec
	registry     *prometheus.Registry
}

func newMetrics(o Options, gates *gates) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "atg_http_requests_total", Help: "Requests answered, by method, path template and status.",
		}, []string{"method", "route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "atg_http_request_duration_seconds", Help: "How long requests took, but for long polls, cancellations and WebSockets, which wait.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60},
		}, []string{"method", "route"}),
		underway:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "atg_http_requests_in_flight", Help: "Requests being answered, WebSockets included."}),
		received:  prometheus.NewCounter(prometheus.CounterOpts{Name: "atg_http_received_bytes_total", Help: "Bytes of request bodies."}),
		sent:      prometheus.NewCounter(prometheus.CounterOpts{Name: "atg_http_sent_bytes_total", Help: "Bytes of response bodies, without WebSockets."}),
		watchers:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "atg_watchers", Help: "Open WebSockets."}),
		dropped:   prometheus.NewCounter(prometheus.CounterOpts{Name: "atg_watchers_dropped_total", Help: "WebSockets ended because their callers were too slow to read."}),
		throttled: prometheus.NewCounter(prometheus.CounterOpts{Name: "atg_throttled_total", Help: "Requests refused because of a limit."}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "atg_refused_total", Help: "Requests, and jobs of batches, refused for a time because of load, by what ran out.",
		}, []string{"reason"}),
		closed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "atg_connections_closed_total", Help: "Connections closed because there were too many: idle ones for new ones, and new ones that were refused.",
		}, []string{"which"}),
		registry:     o.Metrics,
		unauthorized: prometheus.NewCounter(prometheus.CounterOpts{Name: "atg_unauthorized_total", Help: "Requests without a good key."}),
	}
	o.Metrics.MustRegister(m.requests, m.duration, m.underway, m.received, m.sent, m.watchers, m.dropped, m.throttled, m.refused, m.unauthorized, m.closed, gateMetrics{gates})
	if o.JobCounts != nil || o.QueueDepth != nil {
		o.Metrics.MustRegister(jobMetrics{o.JobCounts, o.QueueDepth})
	}
	return m
}

// countConnections shows how many connections there are.
func (m *metrics) countConnections(l *connections) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "atg_connections", Help: "Open connections."}, func() float64 { return float64(l.count()) }))
}

// count counts a call that has ended.
func (m *metrics) count(rt route, c *call, took time.Duration) {
	m.underway.Dec()
	method := c.method
	if rt.method == "" {
		method = "any" // a caller may invent as many as it likes
	}
	m.requests.WithLabelValues(method, rt.path, strconv.Itoa(c.status)).Inc()
	if !c.waits {
		m.duration.WithLabelValues(method, rt.path).Observe(took.Seconds())
	}
	m.received.Add(float64(c.received))
	m.sent.Add(float64(c.sent))
}

// jobMetrics asks for the state of the jobs when metrics are read.
type jobMetrics struct {
	counts func() map[backend.JobStatus]int64
	depth  func() (int64, error)
}

var (
	jobsDesc  = prometheus.NewDesc("atg_jobs", "Jobs that are kept, by state.", []string{"status"}, nil)
	depthDesc = prometheus.NewDesc("atg_queue_depth", "Jobs that wait for a worker.", nil, nil)
)

func (j jobMetrics) Describe(descs chan<- *prometheus.Desc) {
	descs <- jobsDesc
	descs <- depthDesc
}

func (j jobMetrics) Collect(found chan<- prometheus.Metric) {
	if j.counts != nil {
		for status, n := range j.counts() {
			found <- prometheus.MustNewConstMetric(jobsDesc, prometheus.GaugeValue, float64(n), string(status))
		}
	}
	if j.depth == nil {
		return
	}
	if n, err := j.depth(); err == nil {
		found <- prometheus.MustNewConstMetric(depthDesc, prometheus.GaugeValue, float64(n))
	}
}

// gateMetrics asks for the load of the gates when metrics are read.
type gateMetrics struct{ gates *gates }

var (
	servedDesc  = prometheus.NewDesc("atg_admission_served", "Requests that have a place, by class.", []string{"class"}, nil)
	waitingDesc = prometheus.NewDesc("atg_admission_waiting", "Requests that wait for a place, by class.", []string{"class"}, nil)
	placesDesc  = prometheus.NewDesc("atg_admission_places", "Places, by class; 0 is no limit.", []string{"class"}, nil)
)

func (g gateMetrics) Describe(descs chan<- *prometheus.Desc) {
	descs <- servedDesc
	descs <- waitingDesc
	descs <- placesDesc
}

func (g gateMetrics) Collect(found chan<- prometheus.Metric) {
	for _, one := range g.gates.all() {
		served, waiting := one.load()
		found <- prometheus.MustNewConstMetric(servedDesc, prometheus.GaugeValue, float64(served), one.name)
		found <- prometheus.MustNewConstMetric(waitingDesc, prometheus.GaugeValue, float64(waiting), one.name)
		found <- prometheus.MustNewConstMetric(placesDesc, prometheus.GaugeValue, float64(one.places), one.name)
	}
}

// quiet is how long nothing more is logged of a reason for refusals.
const quiet = 10 * time.Second

// refusals logs that requests are refused, and how many, but not each.
type refusals struct {
	mu       sync.Mutex
	byReason map[string]*refusing
}

type refusing struct {
	logged time.Time
	since  int // refused since then
}

func (f *refusals) note(ctx context.Context, log *slog.Logger, reason, why string) {
	f.mu.Lock()
	if f.byReason == nil {
		f.byReason = map[string]*refusing{}
	}
	one := f.byReason[reason]
	if one == nil {
		one = &refusing{}
		f.byReason[reason] = one
	}
	one.since++
	count, now := one.since, time.Now()
	due := now.Sub(one.logged) >= quiet
	if due {
		one.logged, one.since = now, 0
	}
	f.mu.Unlock()
	if due {
		log.WarnContext(ctx, "requests are refused", "reason", reason, "requests", count, "latest", why)
	}
}

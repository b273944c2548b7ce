package httpapi

import (
	"strconv"
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
	throttled    prometheus.Counter
	unauthorized prometheus.Counter
}

func newMetrics(o Options) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "atg_http_requests_total", Help: "Requests answered, by method, path template and status.",
		}, []string{"method", "route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "atg_http_request_duration_seconds", Help: "How long requests took, but for long polls, cancellations and WebSockets, which wait.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60},
		}, []string{"method", "route"}),
		underway:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "atg_http_requests_in_flight", Help: "Requests being answered, WebSockets included."}),
		received:     prometheus.NewCounter(prometheus.CounterOpts{Name: "atg_http_received_bytes_total", Help: "Bytes of request bodies."}),
		sent:         prometheus.NewCounter(prometheus.CounterOpts{Name: "atg_http_sent_bytes_total", Help: "Bytes of response bodies, without WebSockets."}),
		watchers:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "atg_watchers", Help: "Open WebSockets."}),
		throttled:    prometheus.NewCounter(prometheus.CounterOpts{Name: "atg_throttled_total", Help: "Requests refused because of a limit."}),
		unauthorized: prometheus.NewCounter(prometheus.CounterOpts{Name: "atg_unauthorized_total", Help: "Requests without a good key."}),
	}
	o.Metrics.MustRegister(m.requests, m.duration, m.underway, m.received, m.sent, m.watchers, m.throttled, m.unauthorized)
	if o.JobCounts != nil || o.QueueDepth != nil {
		o.Metrics.MustRegister(jobMetrics{o.JobCounts, o.QueueDepth})
	}
	return m
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

package serve

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRecordsAreInTheFormatOfHclog(t *testing.T) {
	var out bytes.Buffer
	record := slog.NewRecord(time.Date(2001, 2, 3, 4, 5, 6, 7000, time.UTC), slog.LevelWarn, "careful", 0)
	record.AddAttrs(slog.Int("n", 1), slog.Group("g", "level", "inner"))
	if err := newHandler(&out, "info").Handle(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	want := `{"@timestamp":"2001-02-03T04:05:06.000007Z","@level":"warn","@message":"careful","n":1,"g":{"level":"inner"}}` + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTheHandlerKeepsTheRulesOfSlog(t *testing.T) {
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return newHandler(&out, "info")
	}, func(t *testing.T) map[string]any {
		var record map[string]any
		if err := json.Unmarshal(out.Bytes(), &record); err != nil {
			t.Fatal(err)
		}
		for ours, theirs := range map[string]string{"@timestamp": slog.TimeKey, "@level": slog.LevelKey, "@message": slog.MessageKey} {
			if v, ok := record[ours]; ok {
				record[theirs] = v
			}
		}
		return record
	})
}

func TestTheHostChoosesTheLevel(t *testing.T) {
	for name, least := range map[string]slog.Level{
		"trace": -8, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError, "": slog.LevelInfo, "loud": slog.LevelInfo,
	} {
		h := newHandler(&bytes.Buffer{}, name)
		if !h.Enabled(t.Context(), least) || h.Enabled(t.Context(), least-1) {
			t.Errorf("%q does not begin at %s", name, least)
		}
	}
}

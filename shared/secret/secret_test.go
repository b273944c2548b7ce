package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/secret"
)

func TestNothingButRevealGivesItAway(t *testing.T) {
	const value = "hunter2-hunter2"
	holder := struct{ Key secret.String }{secret.New(value)}

	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "key", holder.Key, "holder", holder)
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	printed := map[string]string{"slog": logged.String(), "json": string(encoded)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		printed[verb] = fmt.Sprintf(verb, holder.Key) + fmt.Sprintf(verb, holder) + fmt.Sprintf(verb, &holder)
	}
	hidden := struct{ key secret.String }{secret.New(value)}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if text := fmt.Sprintf(verb, hidden); strings.Contains(text, value) {
			t.Errorf("%s of an unexported field shows the secret: %s", verb, text)
		}
	}
	hexed := fmt.Sprintf("%x", value)
	for how, text := range printed {
		if strings.Contains(text, value) || strings.Contains(strings.ToLower(text), hexed) {
			t.Errorf("%s shows the secret: %s", how, text)
		}
		if !strings.Contains(text, secret.Redacted) {
			t.Errorf("%s does not say that something is hidden: %s", how, text)
		}
	}
	if holder.Key.Reveal() != value {
		t.Error("Reveal lost the value")
	}
}

func TestZero(t *testing.T) {
	var none secret.String
	if !none.IsZero() || none.String() != "" || fmt.Sprint(none) != "" {
		t.Error("no secret must look like nothing")
	}
}

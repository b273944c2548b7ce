package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/coder/websocket"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// ask calls the API. An answer that is no success is a refusal.
func (r *rig) ask(ctx context.Context, url, method, path string, body, into any, headers ...string) (int, error) {
	status, content, err := r.get(ctx, url, method, path, body, headers...)
	if err != nil {
		return status, err
	}
	if into != nil {
		err = json.Unmarshal(content, into)
	}
	return status, err
}

func (r *rig) get(ctx context.Context, url, method, path string, body any, headers ...string) (int, []byte, error) {
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		content = bytes.NewReader(b)
	}
	request, err := http.NewRequestWithContext(ctx, method, url+path, content)
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+r.Key)
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := r.Client().Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		return answer.StatusCode, nil, err
	}
	if answer.StatusCode/100 == 2 {
		return answer.StatusCode, got, nil
	}
	no := refusal{status: answer.StatusCode}
	if err := json.Unmarshal(got, &no.problem); err != nil || no.problem.Code == "" || no.problem.Title == "" {
		return answer.StatusCode, nil, fmt.Errorf("%s %s is refused without a clear word: %d %q", method, path, answer.StatusCode, got)
	}
	return answer.StatusCode, nil, no
}

// events are those of a job from its beginning, as a watcher at a node sees them.
func (r *rig) events(ctx context.Context, url, id string, after uint64) (all []backend.Event, err error) {
	conn, _, err := websocket.Dial(ctx, "wss"+strings.TrimPrefix(url, "https")+api.Fill(api.PathEvents, id)+fmt.Sprintf("?after=%d", after), &websocket.DialOptions{ //nolint:bodyclose // there is none
		HTTPClient: r.Client(), HTTPHeader: http.Header{"Authorization": {"Bearer " + r.Key}},
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(8 << 20)
	for {
		_, b, err := conn.Read(ctx)
		if websocket.CloseStatus(err) == websocket.StatusNormalClosure {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		var e backend.Event
		if err := json.Unmarshal(b, &e); err != nil {
			return all, err
		}
		all = append(all, e)
	}
}

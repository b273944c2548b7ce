package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// client trusts the simulator.
func (s *simulator) client() (*http.Client, error) {
	config, err := trusting(s.ca)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config}}, nil
}

// token signs in as the simulator's own client.
func (s *simulator) token(ctx context.Context, client *http.Client) (string, error) {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {s.values["AZURE_CLIENT_ID"]}, "client_secret": {s.values["AZURE_CLIENT_SECRET"]},
		"scope": {s.values["ATG_AZURE_RESOURCE_MANAGER_ENDPOINT"] + "/.default"},
	}
	address := strings.TrimSuffix(s.values["AZURE_AUTHORITY_HOST"], "/") + "/" + s.values["AZURE_TENANT_ID"] + "/oauth2/v2.0/token"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	var token struct {
		AccessToken string `json:"access_token"`
		Description string `json:"error_description"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&token); err != nil {
		return "", err
	}
	if token.AccessToken == "" {
		return "", errors.New("no token: " + token.Description)
	}
	return token.AccessToken, nil
}

func (s *simulator) post(ctx context.Context, client *http.Client, address, token string, body any) (*http.Response, error) {
	content, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	return client.Do(request)
}

// readPage reads the members of a page's object and skips its rows.
func readPage(r io.Reader) (p page, err error) {
	decoder := jsontext.NewDecoder(r)
	if _, err := decoder.ReadToken(); err != nil {
		return p, err
	}
	for decoder.PeekKind() == '"' {
		name, err := decoder.ReadToken()
		if err != nil {
			return p, err
		}
		key := name.String()
		if key != "count" && key != "$skipToken" {
			from := decoder.InputOffset()
			if err := decoder.SkipValue(); err != nil {
				return p, err
			}
			if key == "data" {
				p.Bytes = decoder.InputOffset() - from
			}
			continue
		}
		value, err := decoder.ReadValue()
		if err != nil {
			return p, err
		}
		switch key {
		case "count":
			err = json.Unmarshal(value, &p.Count)
		case "$skipToken":
			err = json.Unmarshal(value, &p.SkipToken)
		}
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

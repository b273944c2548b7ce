package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// peopleResources is how many resources there are beside the identities, which is next to nothing.
const peopleResources = 100

// identities scans all identities of a synthetic tenant, most of whose users are in one group, without limits. The reference is the
// rate of a bare client that reads the list of users from that simulator and drops it.
func (b bench) identities(ctx context.Context) ([]figure, error) {
	var rates, bare []float64
	var small, large peak
	for _, users := range []int{b.scale / 10, b.scale, b.scale, b.scale} {
		seen, rate, reference, err := b.people(ctx, users)
		if err != nil {
			return nil, err
		}
		if users < b.scale {
			small = seen
			continue
		}
		large = peak{host: max(large.host, seen.host), backend: max(large.backend, seen.backend)}
		rates, bare = append(rates, rate), append(bare, reference)
	}
	return []figure{
		{Name: "identities_rate", Value: round(median(rates)), Unit: "identities/s", Reference: round(median(bare)),
			Note: fmt.Sprintf("a scan with --identities all of %d users, all of them members of one group, medians of 3, whole scans; the reference only reads the list of users and drops it", b.scale)},
		{Name: "identities_rss_growth", Value: round(large.sum() / small.sum()), Unit: "ratio", Goal: "<= 1.3", Reference: 1,
			Note: fmt.Sprintf("peak memory of host and backend in these over that at %d users: %.0f MiB over %.0f MiB", b.scale/10, large.sum(), small.sum())},
	}, nil
}

// people scans a tenant with so many users: what memory that took, and how many identities a second, beside those of a bare client.
func (b bench) people(ctx context.Context, users int) (seen peak, rate, bare float64, err error) {
	b, done, err := b.apart()
	if err != nil {
		return seen, 0, 0, err
	}
	defer done()
	many := strconv.Itoa(users)
	sim, err := b.startSimulator(ctx, "--synthetic", strconv.Itoa(peopleResources), "--users", many, "--members", many, "--quota", "0", "--no-arm-limits", "--no-msgraph-limits")
	if err != nil {
		return seen, 0, 0, err
	}
	defer sim.stop()
	seen, result, err := b.peakOf(ctx, sim, "--depth", "resources", "--identities", "all")
	if err != nil {
		return seen, 0, 0, err
	}
	if result.listed("users") != int64(users) || result.listed("memberships") < int64(users) {
		return seen, 0, 0, fmt.Errorf("the scan found %d users and %d memberships of %d", result.listed("users"), result.listed("memberships"), users)
	}
	bare, err = sim.bareUsers(ctx)
	return seen, float64(result.Identities) / result.Seconds, bare, err
}

// bareUsers is how many users a second a client reads that drops them.
func (s *simulator) bareUsers(ctx context.Context) (rate float64, err error) {
	client, err := s.client()
	if err != nil {
		return 0, err
	}
	defer client.CloseIdleConnections()
	token, err := s.token(ctx, client)
	if err != nil {
		return 0, err
	}
	began, users := time.Now(), 0
	for next := s.values["ATG_AZURE_GRAPH_ENDPOINT"] + "/v1.0/users?$top=999&$select=id,displayName,userPrincipalName,mail,accountEnabled,userType"; next != ""; {
		var n int
		if n, next, err = s.users(ctx, client, token, next); err != nil {
			return 0, err
		}
		users += n
	}
	return float64(users) / time.Since(began).Seconds(), nil
}

// users reads a page of users: how many it has, and where the next one is.
func (s *simulator) users(ctx context.Context, client *http.Client, token, address string) (n int, next string, err error) {
	asked, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", err
	}
	asked.Header.Set("Authorization", "Bearer "+token)
	answer, err := client.Do(asked)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		content, _ := io.ReadAll(io.LimitReader(answer.Body, 4096))
		return 0, "", fmt.Errorf("%s: %s", answer.Status, content)
	}
	decoder := jsontext.NewDecoder(answer.Body)
	if _, err := decoder.ReadToken(); err != nil {
		return 0, "", err
	}
	for decoder.PeekKind() == '"' {
		name, err := decoder.ReadToken()
		if err != nil {
			return 0, "", err
		}
		switch name.String() {
		case "@odata.nextLink":
			link, err := decoder.ReadToken()
			if err != nil {
				return 0, "", err
			}
			next = link.String()
		case "value":
			if n, err = skipElements(decoder); err != nil {
				return 0, "", err
			}
		default:
			if err := decoder.SkipValue(); err != nil {
				return 0, "", err
			}
		}
	}
	return n, next, nil
}

// skipElements counts the elements of an array.
func skipElements(decoder *jsontext.Decoder) (n int, err error) {
	if _, err := decoder.ReadToken(); err != nil {
		return 0, err
	}
	for decoder.PeekKind() != ']' {
		if err := decoder.SkipValue(); err != nil {
			return n, err
		}
		n++
	}
	_, err = decoder.ReadToken()
	return n, err
}

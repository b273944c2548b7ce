package azuresim

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// serveControl answers the endpoints under /_sim/, which are the simulator's own:
//
//	POST   /_sim/faults          a Faults document comes into force
//	DELETE /_sim/faults          all faults and gates end; what has changed stays changed
//	GET    /_sim/changes         {"added","deleted"}: the ids that changes have added and deleted
//	GET    /_sim/settings        the Settings in force
//	PUT    /_sim/settings        the members of Settings that it has come into force
//	GET    /_sim/requests        what has been received
//	DELETE /_sim/requests        forget it
//	POST   /_sim/gates           {"method","path","body"} closes a gate, answers {"id"}
//	GET    /_sim/gates/{id}      answers {"arrived"}, with ?requests=N when so many have come
//	DELETE /_sim/gates/{id}      opens it
//	POST   /_sim/devices/{code}  approves a device code
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/_sim/")
	switch noun, rest, _ := strings.Cut(path, "/"); noun {
	case "faults":
		s.controlFaults(w, r)
	case "changes":
		writeJSON(w, http.StatusOK, s.Changed())
	case "settings":
		s.controlSettings(w, r)
	case "requests":
		s.controlRequests(w, r)
	case "gates":
		s.controlGates(w, r, rest)
	case "devices":
		if !s.ApproveDevice(rest) {
			http.NotFound(w, r)
		}
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) controlFaults(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodDelete {
		s.ClearFaults()
		return
	}
	var faults Faults
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&faults)
	if err == nil {
		_, err = s.Inject(faults)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func (s *Server) controlSettings(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut {
		settings := s.Settings()
		decoder := json.NewDecoder(r.Body)
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&settings)
		if err == nil {
			err = s.SetSettings(settings)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	writeJSON(w, http.StatusOK, s.Settings())
}

func (s *Server) controlRequests(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodDelete {
		s.ResetRequests()
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"total": s.TotalRequests(), "requests": s.Requests()})
}

func (s *Server) controlGates(w http.ResponseWriter, r *http.Request, id string) {
	if id == "" {
		var form struct{ Method, Path, Body string }
		err := json.NewDecoder(r.Body).Decode(&form)
		var gate *Gate
		if err == nil {
			gate, err = s.Hold(form.Method, form.Path, form.Body)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{"id": s.gates.add(gate)})
		return
	}
	gate, ok := s.gates.get(id)
	switch {
	case !ok:
		http.NotFound(w, r)
	case r.Method == http.MethodDelete:
		gate.Release()
	default:
		if n, err := strconv.Atoi(r.URL.Query().Get("requests")); err == nil {
			if err := gate.Wait(r.Context(), n); err != nil {
				http.Error(w, err.Error(), http.StatusRequestTimeout)
				return
			}
		}
		writeJSON(w, http.StatusOK, map[string]any{"arrived": gate.Arrived()})
	}
}
